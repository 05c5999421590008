"""The threads that prepare Images: in the order they were asked for, one Image at a time, patient only so far.

Threads, not processes: decoding and resampling let go of Python's lock, nothing has to be copied between processes,
and a start costs nothing.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convnext_studio.core.context import JobContext
from convnext_studio.core.errors import DataError, ImageError

_PATIENCE_S = 0.05  # how long to wait for news before looking for a stop
_MOST_STUCK = 8  # decoders that hang: more of them mean that the drive does not answer
_GOODBYE_S = 0.6  # what threads get to finish what they are doing


@dataclass(frozen=True, slots=True)
class Wanted:
    """An Image for one place of one epoch; epoch -1 wants it unaltered."""

    number: int
    epoch: int
    place: int


@dataclass
class Portion:
    """A batch in the making: what is wanted, where it goes, how many are missing and what failed."""

    wanted: list[Wanted]
    room: Tensor
    missing: int
    failed: dict[int, str] = field(default_factory=dict)


@dataclass
class _Hand:
    """What one thread is doing, for whoever watches it: `waited_s` is how long that Image has been waited for."""

    portion: Portion | None = None
    place: int = 0
    waited_s: float = 0.0
    is_given_up: bool = False


class Crew:
    """`count` threads that fill portions; an Image that takes longer than `limit_s` is given up."""

    def __init__(self, prepare: Callable[[Wanted, NDArray[np.uint8]], None], count: int, limit_s: float) -> None:
        self._prepare = prepare
        self._count = count
        self._limit_s = limit_s
        self._work: deque[tuple[Portion, int]] = deque()
        self._changed = threading.Condition()
        self._is_ending = False
        self._error: BaseException | None = None
        self._hands: list[tuple[threading.Thread, _Hand]] = []

    def order(self, wanted: list[Wanted], room: Tensor) -> Portion:
        """Have `wanted` prepared into `room`; returns at once."""
        if self._is_ending:
            raise RuntimeError("these Batches are closed")
        portion = Portion(wanted, room, len(wanted))
        with self._changed:
            self._work.extend((portion, place) for place in range(len(wanted)))
            self._changed.notify_all()
        if not self._hands:
            self._start(self._count)
        return portion

    def wait_for(self, portion: Portion, ctx: JobContext) -> None:
        """Return when nothing is missing. Raises `Cancelled`, and what went wrong in a thread."""
        ctx.check()
        with self._changed:
            looked_at = time.monotonic()
            while portion.missing:
                self._changed.wait(_PATIENCE_S)
                ctx.check()
                if self._error is not None:
                    raise self._error
                # Time in which this process was halted as a whole is nobody's fault.
                passed_s = min(time.monotonic() - looked_at, 4 * _PATIENCE_S)
                looked_at = time.monotonic()
                self._give_up_the_stuck(passed_s)

    def drop(self, portions: Sequence[Portion]) -> None:
        """Forget what was asked for and not begun."""
        dropped = {id(portion) for portion in portions}
        with self._changed:
            self._work = deque(work for work in self._work if id(work[0]) not in dropped)

    def end(self) -> None:
        """Let the threads finish what they are doing."""
        with self._changed:
            self._is_ending = True
            self._work.clear()
            self._changed.notify_all()
        give_up_at = time.monotonic() + _GOODBYE_S
        for thread, hand in self._hands:
            if not hand.is_given_up:
                thread.join(max(0.0, give_up_at - time.monotonic()))
        self._hands = []

    def _start(self, count: int) -> None:
        """Start threads, each of which uses one core: torch would give every one of them all cores."""
        before = torch.get_num_threads()
        ready: queue.SimpleQueue[None] = queue.SimpleQueue()
        for _ in range(count):
            hand = _Hand()
            # Daemons: one that sits in a decoder for ever must not keep the program from ending.
            thread = threading.Thread(target=self._run, args=(hand, ready), name="batches", daemon=True)
            self._hands.append((thread, hand))
            thread.start()
        for _ in range(count):
            ready.get()
        torch.set_num_threads(before)  # threads that start later take the last number set

    def _give_up_the_stuck(self, passed_s: float) -> None:
        """Fail what a thread has been waited for too long, and put another thread in its place."""
        for _, hand in self._hands:
            if hand.portion is None or hand.is_given_up:
                continue
            hand.waited_s += passed_s
            if hand.waited_s <= self._limit_s:
                continue
            hand.is_given_up = True
            self._finish(hand.portion, hand.place, f"It took longer than {self._limit_s:g} seconds to decode.")
            if sum(other.is_given_up for _, other in self._hands) > _MOST_STUCK:
                raise DataError(
                    "The Images cannot be read: one after the other takes too long.",
                    "Is the drive or the network folder that holds them still there?",
                )
            self._start(1)
            return

    def _finish(self, portion: Portion, place: int, failure: str) -> None:
        if failure:
            portion.failed[place] = failure
        portion.missing -= 1
        self._changed.notify_all()

    # --- in the threads

    def _run(self, hand: _Hand, ready: queue.SimpleQueue[None]) -> None:
        torch.set_num_threads(1)
        torch.get_num_threads()  # a thread takes the number set last when it asks for the first time: it must be now
        ready.put(None)
        try:
            while self._take(hand):
                portion = hand.portion
                assert portion is not None
                failure = self._fill(portion, hand.place)
                with self._changed:
                    if hand.is_given_up:
                        return
                    hand.portion = None
                    self._finish(portion, hand.place, failure)
        except BaseException as error:  # raised again in the caller's thread: this one has nobody else to tell
            with self._changed:
                self._error = error
                self._changed.notify_all()

    def _take(self, hand: _Hand) -> bool:
        with self._changed:
            while not self._work and not self._is_ending:
                self._changed.wait()
            if self._is_ending:
                return False
            hand.portion, hand.place = self._work.popleft()
            hand.waited_s = 0.0
            return True

    def _fill(self, portion: Portion, place: int) -> str:
        """Prepare one Image; returns why it failed, "" if it did not."""
        wanted = portion.wanted[place]
        try:
            self._prepare(wanted, portion.room[place].numpy())
        except ImageError as error:
            return error.message
        return ""
