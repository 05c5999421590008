"""What a Job may do with the outside world: report, and notice that it should stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")

_LOOK_S = 0.1
_PATIENCE_S = 60.0  # with work that was left behind: it may hang


class Cancelled(Exception):
    """Raised by `JobContext.check` once someone asked the Job to stop."""


def _ignore(event: object) -> None:
    """Drop the event."""


@dataclass(frozen=True)
class JobContext:
    """Handed to every Job; `emit` may be called from any thread the Job starts."""

    emit: Callable[[object], None] = _ignore
    cancel: threading.Event = field(default_factory=threading.Event)

    def check(self) -> None:
        """Raise `Cancelled` if a stop was requested. Call it once per unit of work."""
        if self.cancel.is_set():
            raise Cancelled


_left_behind: list[threading.Thread] = []


def aside(work: Callable[[], T], check: Callable[[], None]) -> T:
    """Do in a thread of its own what cannot look for a stop itself, and call `check` meanwhile.

    What `check` raises is raised at once; the work then comes to its end alone, and nobody hears of it. But the next
    one begins only then (or after a while): two large Models that are made ready at once would take the memory of both.
    """
    give_up_at = time.monotonic() + _PATIENCE_S
    for other in tuple(_left_behind):
        while other.is_alive() and time.monotonic() < give_up_at:
            check()
            other.join(_LOOK_S)
    _left_behind[:] = [other for other in _left_behind if other.is_alive()]
    done: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            done.append(work())
        except BaseException as error:  # raised again below, in the thread that asked
            errors.append(error)

    worker = threading.Thread(target=run, name="aside", daemon=True)
    worker.start()
    try:
        while worker.is_alive():
            check()
            worker.join(_LOOK_S)
    except BaseException:
        _left_behind.append(worker)
        raise
    if errors:
        raise errors[0]
    return done[0]
