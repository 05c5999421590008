"""Looks for Images in files and folders, whatever becomes of the Engine meanwhile."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from convnext_studio.core.events import EngineStopped, Failed
from convnext_studio.core.requests import FindImages
from convnext_studio.gui.jobs import JobHandle, LaneLike

TRIES = 3  # Engines that may end under it: it opens no Image, so it is hardly the cause


class Search(QObject):
    """Begins anew where an Engine ended: then `events` tell some Images twice. `closed` comes last."""

    events = Signal(object)
    succeeded = Signal(object)
    failed = Signal(object)  # Failed | EngineStopped
    closed = Signal()

    def __init__(self, lane: LaneLike, request: FindImages, parent: QObject) -> None:
        super().__init__(parent)
        self._lane = lane
        self._request = request
        self._tries = TRIES
        self._handle = self._begun()

    @property
    def is_closed(self) -> bool:
        """True if nothing more will come."""
        return self._handle.is_closed

    def cancel(self) -> None:
        """Look no further."""
        self._handle.cancel()

    def drop(self) -> None:
        """Look no further, and tell nothing more."""
        self.blockSignals(True)
        self.cancel()

    def _begun(self) -> JobHandle:
        self._tries -= 1
        handle = self._lane.submit(self._request)
        handle.events.connect(self.events)
        handle.succeeded.connect(self.succeeded)
        handle.failed.connect(self._on_failed)
        handle.closed.connect(self._on_closed)
        return handle

    def _on_failed(self, end: Failed | EngineStopped) -> None:
        if isinstance(end, EngineStopped) and self._tries:
            self._handle = self._begun()
        else:
            self.failed.emit(end)

    def _on_closed(self) -> None:
        if self.is_closed:  # or it is the one before, that failed
            self.closed.emit()
            self.deleteLater()
