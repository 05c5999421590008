"""What Panels and Stores see of a Job: its handle, and the face of a Lane.

What a Job says waits in its ticket's outbox until the GUI thread drains it, in one batch, so the window does bounded
work however fast a Job reports, and every signal of a `JobHandle` is emitted on the GUI thread.
"""

from __future__ import annotations

import itertools
import logging
import math
import pickle
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Protocol

from PySide6.QtCore import QObject, QTimer, Signal

from convnext_studio.core import jobs
from convnext_studio.core.context import JobContext
from convnext_studio.core.events import End, Failed, Stopped, Succeeded

log = logging.getLogger(__name__)

LANES = (
    "scan",
    "thumbnails",
    "interactive",
    "batch",
    "files",
    "downloads",
    "places",
    "data",
    "train",
    "follow",
    "explain",
    "explain all",
    "network",
    "evaluate",
    "measure",
)
MOST_IN_A_DRAIN = 500  # Events handed over in one turn of the event loop; the others wait for the next

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Ticket:
    """What crosses into the Lane's thread: plain Python, no QObject."""

    request: object
    deadline_s: float = math.inf
    number: int = field(default_factory=lambda: next(_numbers))
    outbox: SimpleQueue[object] = field(default_factory=SimpleQueue)
    _claim: threading.Lock = field(default_factory=threading.Lock)

    def claim(self) -> bool:
        """True for the first who asks: the Lane to start it, or `cancel` so that it never starts."""
        return self._claim.acquire(blocking=False)


class JobHandle(QObject):
    """The window's view of one Job: `events`*, then one of three ends, then `closed`.

    Connect to it in the turn of the event loop that submitted it: once closed it is deleted. After `cancel` the end is
    always `cancelled`, even if a result was already on its way, and no further `events` come. `cancel` and
    `is_closed` may be used at any time, even after that.
    """

    events = Signal(object)  # list of Events; Signal(list) would copy it through a QVariantList
    succeeded = Signal(object)
    failed = Signal(object)  # Failed | EngineStopped
    cancelled = Signal()
    closed = Signal()
    never_began = Signal()  # for its Lane: it was cancelled in time, and its end waits to be handed over

    def __init__(self, ticket: Ticket, replaces: str | None, stop: Callable[[int], None], parent: QObject) -> None:
        super().__init__(parent)
        self.replaces = replaces
        self.is_cancelled = False
        self.is_replaced = False  # cancelled because a newer Job took its place
        self.is_closed = False
        self._ticket = ticket
        self._stop = stop

    @property
    def request(self) -> object:
        """What was asked for; a late reply is told from the one wanted now by this."""
        return self._ticket.request

    @property
    def number(self) -> int:
        """The ticket's number; it only grows."""
        return self._ticket.number

    def cancel(self) -> None:
        """Ask the Job to stop; `cancelled` follows when it has. Nothing happens if it has ended."""
        if self.is_cancelled or self.is_closed:
            return
        self.is_cancelled = True
        if self._ticket.claim():
            self._ticket.outbox.put(Stopped())
            self.never_began.emit()
        else:
            self._stop(self._ticket.number)

    @property
    def has_more(self) -> bool:
        """Whether something waits to be handed over."""
        return not self._ticket.outbox.empty()

    def drain(self) -> bool:
        """Hand over what came in since the last call; True once the Job ended."""
        batch: list[object] = []
        with suppress(Empty):
            while len(batch) < MOST_IN_A_DRAIN and not (batch and isinstance(batch[-1], End)):
                batch.append(self._ticket.outbox.get_nowait())
        end = batch.pop() if batch and isinstance(batch[-1], End) else None
        if batch and not self.is_cancelled:
            self.events.emit(batch)
        if end is None:
            return False
        self.is_closed = True
        self._emit(end)
        self.closed.emit()
        return True

    def _emit(self, end: object) -> None:
        if isinstance(end, Failed) and end.is_bug:  # the others are the user's to mend: not for the log
            log.error("%s failed: %s", type(self.request).__name__, end.details or end.message)
        match end:
            case _ if self.is_cancelled:
                self.cancelled.emit()
            case Succeeded(result):
                self.succeeded.emit(result)
            case Stopped():
                self.cancelled.emit()
            case failure:
                self.failed.emit(failure)


class LaneLike(Protocol):
    """The face that Panels and Stores see.

    Jobs run one after the other. `replaces` cancels unfinished Jobs submitted under the same word. `deadline_s` is the
    longest time a Job may say nothing; then its Engine is ended, and the Job fails with `EngineStopped`.
    """

    @property
    def under_way(self) -> tuple[JobHandle, ...]: ...  # Jobs that have not ended, the oldest first

    def submit(self, request: object, *, replaces: str | None = None, deadline_s: float = math.inf) -> JobHandle: ...


def _pickled(item: object) -> object:
    """Send `item` through a pickle, as if it crossed to another process."""
    return pickle.loads(pickle.dumps(item))  # noqa: S301 - our own bytes, made on this line


def _nothing_to_stop(_number: int) -> None:
    """A Job that ran inline has ended before anyone can stop it."""


class InlineLane(QObject):
    """The face of a Lane without thread or process; what a Job says arrives in the next turn of the event loop.

    `served_by` names functions that serve some kinds of Request in place of the product's own. `requests` lists all
    that was submitted. `hold` keeps the replies back until `release`.
    """

    def __init__(self, served_by: Mapping[type, jobs.Job] | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.served_by = dict(served_by or {})
        self.requests: list[object] = []
        self.is_held = False
        self._open: list[JobHandle] = []
        self._timer = QTimer(self, singleShot=True, interval=0)
        self._timer.timeout.connect(self._drain)

    @property
    def under_way(self) -> tuple[JobHandle, ...]:
        """Jobs whose replies are kept back, or come in the next turn."""
        return tuple(self._open)

    def submit(self, request: object, *, replaces: str | None = None, deadline_s: float = math.inf) -> JobHandle:
        """Run the Job now, through a pickle as the Engine would."""
        for handle in self._open:
            if replaces is not None and handle.replaces == replaces:
                handle.is_replaced = True
                handle.cancel()
        self.requests.append(request)
        ticket = Ticket(request, deadline_s)
        ticket.claim()
        handle = JobHandle(ticket, replaces, _nothing_to_stop, self)
        self._open.append(handle)
        ctx = JobContext(lambda event: ticket.outbox.put(_pickled(event)))
        end = jobs.run_to_end(_pickled(request), ctx, self.served_by.get(type(request)))
        ticket.outbox.put(_pickled(end))
        if not self.is_held:
            self._timer.start()
        return handle

    def hold(self) -> None:
        """Keep the replies back, as a busy Engine would."""
        self.is_held = True
        self._timer.stop()

    def release(self) -> None:
        """Let the replies come."""
        self.is_held = False
        self._timer.start()

    def _drain(self) -> None:
        for handle in list(self._open):
            if handle.drain():
                self._open.remove(handle)
                handle.deleteLater()
        if self._open and not self.is_held:
            self._timer.start()
