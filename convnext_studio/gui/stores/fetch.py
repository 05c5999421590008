"""One download of weights: how far it is, how it ended, and how to go on with it."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QObject, Signal

from convnext_studio.core.events import DownloadProgressed, EngineStopped, Failed, WeightsOnDisk
from convnext_studio.core.requests import DownloadWeights
from convnext_studio.gui.jobs import JobHandle, LaneLike
from convnext_studio.gui.language import spoken

DownloadState = Literal["waiting", "running", "stopped", "failed", "arrived"]

_SETTLED_S = 1.0  # a rate over less is a guess


@dataclass(frozen=True)
class Download:
    """How far a download is. `message` and `hint` say why it failed."""

    name: str
    state: DownloadState = "waiting"
    done_bytes: int = 0
    total_bytes: int = 0
    bytes_per_s: float = 0.0
    message: str = ""
    hint: str = ""
    details: str = ""

    @property
    def is_active(self) -> bool:
        """True while bytes come in or are about to."""
        return self.state in {"waiting", "running"}

    @property
    def seconds_left(self) -> float | None:
        """Time that is left at the present rate, None while that is not known."""
        if not self.bytes_per_s or not self.total_bytes:
            return None
        return (self.total_bytes - self.done_bytes) / self.bytes_per_s


class Fetch(QObject):
    """Submits the download of one catalogue name and follows it; `start` again goes on where it ended."""

    changed = Signal(str)  # the name
    arrived = Signal(str, object)  # the name, WeightsOnDisk

    def __init__(self, name: str, lane: LaneLike, parent: QObject) -> None:
        super().__init__(parent)
        self.state = Download(name)
        self.handle: JobHandle | None = None
        self._lane = lane
        self._began: tuple[float, int] | None = None  # when, and with how many bytes on disk

    def start(self) -> JobHandle:
        """Begin, or go on."""
        self._began = None
        handle = self._lane.submit(DownloadWeights(self.state.name))
        handle.events.connect(self._on_events)
        handle.succeeded.connect(self._on_succeeded)
        handle.failed.connect(self._on_failed)
        handle.cancelled.connect(self._on_cancelled)
        self.handle = handle
        self._become(state="waiting", bytes_per_s=0.0, message="", hint="", details="")
        return handle

    def stop(self) -> None:
        """Stop; what has come stays on disk."""
        if self.handle is not None:
            self.handle.cancel()

    def _become(self, **changes: object) -> None:
        self.state = dataclasses.replace(self.state, **changes)  # type: ignore[arg-type]
        self.changed.emit(self.state.name)

    def _on_events(self, events: list[object]) -> None:
        last = next((event for event in reversed(events) if isinstance(event, DownloadProgressed)), None)
        if last is None:
            return
        now = time.monotonic()
        began_at, first_bytes = self._began = self._began or (now, last.done_bytes)
        rate = (last.done_bytes - first_bytes) / (now - began_at) if now - began_at >= _SETTLED_S else 0.0
        self._become(state="running", done_bytes=last.done_bytes, total_bytes=last.total_bytes, bytes_per_s=rate)

    def _on_succeeded(self, found: WeightsOnDisk) -> None:
        self._become(state="arrived")
        self.arrived.emit(self.state.name, found)

    def _on_failed(self, end: Failed | EngineStopped) -> None:
        if isinstance(end, Failed) and not end.is_bug:
            self._become(state="failed", message=spoken(end.message), hint=spoken(end.hint), details=end.details)
            return
        details = (end.details or end.message) if isinstance(end, Failed) else end.message
        self._become(state="failed", message=self.tr("The download ended unexpectedly."), details=details)

    def _on_cancelled(self) -> None:
        self._become(state="stopped")
