"""What a Job may do with the outside world: report, and notice that it should stop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field


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
