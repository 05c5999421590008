"""The crew: threads that carry Images from file to answer, a few at a time.

There is no line from decoders to a network. Each thread decodes its next few Images and has the network answer them at
once, so every core always has something to do, nobody waits for anybody, and the slower half needs no tuning.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from convnext_studio.core.context import Cancelled, JobContext
from convnext_studio.core.values import Prediction

PATIENCE_S = 0.05  # how long to wait for news before looking for a stop
GOODBYE_S = 0.6  # what threads get to finish what they are doing once a stop was asked for


@dataclass(frozen=True, slots=True)
class Decoded:
    """An Image ready for the network: its number, uint8 RGB (h, w, 3), what was odd, and the time it took."""

    number: int
    pixels: NDArray[np.uint8]
    note: str
    seconds: float


class Steps(Protocol):
    """What the crew does with Images; called from several threads at once."""

    def decode(self, number: int) -> Decoded | Prediction:
        """Decode one Image, or say in a Prediction why it cannot be."""
        ...

    def answer(self, decoded: list[Decoded]) -> list[Prediction]:
        """Predict some Images."""
        ...

    def give_up(self, number: int) -> Prediction:
        """Say that one Image took too long to decode."""
        ...

    def most_at_once(self) -> int:
        """How many Images `answer` takes just now."""
        ...


@dataclass
class _Hand:
    """What one thread is doing, for whoever watches it."""

    numbers: list[int] = field(default_factory=list)  # Images taken and not yet answered
    decoding: int | None = None
    waited_s: float = 0.0  # for what it decodes
    is_given_up: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


class Crew:
    """Answers `count` Images, numbered from 0, each exactly once and in no fixed order.

    A decode that lasts longer than `limit_s` is given up: its thread is left to itself and another takes its place.
    """

    def __init__(self, count: int, steps: Steps, *, workers: int, limit_s: float) -> None:
        self._count = count
        self._steps = steps
        self._workers = max(1, min(workers, count))
        self._limit_s = limit_s
        self._next = 0
        self._returned: deque[int] = deque()
        self._taking = threading.Lock()
        self._stop = threading.Event()
        self._news: queue.SimpleQueue[list[Prediction] | BaseException] = queue.SimpleQueue()
        self._hands: list[tuple[threading.Thread, _Hand]] = []
        self._looked_at = time.monotonic()

    def answers(self, ctx: JobContext) -> Iterator[list[Prediction]]:
        """Yield Predictions as they come. Raises `Cancelled`, and whatever a thread raised."""
        missing = self._count
        try:
            for _ in range(self._workers if missing else 0):
                self._start()
            while missing:
                ctx.check()
                predictions = self._wait()
                missing -= len(predictions)
                if predictions:
                    yield predictions
        except Cancelled:
            yield from self._last_words()
            raise
        finally:
            self._end()

    def _start(self) -> None:
        hand = _Hand()
        # Daemons: one that sits in a decoder for ever must not keep the program from ending.
        thread = threading.Thread(target=self._work, args=(hand,), name="crew", daemon=True)
        self._hands.append((thread, hand))
        thread.start()

    def _wait(self) -> list[Prediction]:
        """Return what came next; empty if nothing did for a moment."""
        self._give_up_the_stuck()
        try:
            news = self._news.get(timeout=PATIENCE_S)
        except queue.Empty:
            return []
        if isinstance(news, BaseException):
            raise news
        return news

    def _last_words(self) -> Iterator[list[Prediction]]:
        """What was already answered when the stop came."""
        self._end()
        while not self._news.empty():
            news = self._news.get()
            if not isinstance(news, BaseException):
                yield news

    def _end(self) -> None:
        """Tell the threads to stop and wait for them, but not for one that does not come back."""
        if self._stop.is_set():
            return
        self._stop.set()
        give_up_at = time.monotonic() + GOODBYE_S
        for thread, hand in self._hands:
            if not hand.is_given_up:
                thread.join(max(0.0, give_up_at - time.monotonic()))

    def _give_up_the_stuck(self) -> None:
        now = time.monotonic()
        passed_s = min(now - self._looked_at, 4 * PATIENCE_S)  # while all of us was halted, nobody was slow
        self._looked_at = now
        for _, hand in self._hands:
            with hand.lock:
                number = hand.decoding
                if hand.is_given_up or number is None:
                    continue
                hand.waited_s += passed_s
                if hand.waited_s <= self._limit_s:
                    continue
                hand.is_given_up = True
            with self._taking:
                self._returned.extend(other for other in hand.numbers if other != number)
            self._news.put([self._steps.give_up(number)])
            self._start()
            return

    # --- in the threads

    def _work(self, hand: _Hand) -> None:
        try:
            size = 1  # the first answers come at once
            while numbers := self._take(size):
                hand.numbers = numbers
                decoded, predictions = self._decode(numbers, hand)
                if hand.is_given_up or self._stop.is_set():
                    return
                if decoded:
                    predictions += self._steps.answer(decoded)
                self._news.put(predictions)
                size *= 2
        except BaseException as error:  # raised again by the Job: a thread has nobody else to tell
            self._news.put(error)

    def _take(self, size: int) -> list[int]:
        """Take the next Images, fewer towards the end, so that all threads end together."""
        with self._taking:
            if self._stop.is_set():
                return []
            left = self._count - self._next + len(self._returned)
            wanted = min(size, self._steps.most_at_once(), -(-left // self._workers))
            numbers = [self._returned.popleft() for _ in range(min(wanted, len(self._returned)))]
            fresh = min(wanted - len(numbers), self._count - self._next)
            numbers += range(self._next, self._next + fresh)
            self._next += fresh
            return numbers

    def _decode(self, numbers: list[int], hand: _Hand) -> tuple[list[Decoded], list[Prediction]]:
        decoded: list[Decoded] = []
        predictions: list[Prediction] = []
        for number in numbers:
            if self._stop.is_set():
                break
            with hand.lock:
                hand.decoding, hand.waited_s = number, 0.0
            found = self._steps.decode(number)
            with hand.lock:
                hand.decoding = None
                if hand.is_given_up:
                    break
            if isinstance(found, Prediction):
                predictions.append(found)
            else:
                decoded.append(found)
        return decoded, predictions
