"""The Jobs that run, as the status bar shows them: name, how far, words, Stop."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from convnext_studio.gui.jobs import JobHandle


class JobEntry(QObject):
    """One running Job. `progress` is called by whoever follows it; it ends with its handle."""

    changed = Signal()

    def __init__(self, title: str, icon: str, stop: Callable[[], None], parent: QObject) -> None:
        super().__init__(parent)
        self.title = title
        self.icon = icon
        self.done = 0
        self.total = 0
        self.words = ""
        self.is_stopping = False
        self._stop = stop

    def progress(self, done: int, total: int, words: str = "") -> None:
        """So much is done of `total` (0 = not known); `words` are shown after the line."""
        if (done, total, words) != (self.done, self.total, self.words):
            self.done, self.total, self.words = done, total, words
            self.changed.emit()

    def stop(self) -> None:
        """Ask the Job to stop; the entry says so at once."""
        if not self.is_stopping:
            self.is_stopping = True
            self.changed.emit()
            self._stop()


class JobList(QObject):
    """The running Jobs, the oldest first; `changed` is emitted when one comes or goes."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._entries: list[JobEntry] = []

    @property
    def entries(self) -> tuple[JobEntry, ...]:
        """The running Jobs."""
        return tuple(self._entries)

    def add(self, title: str, handle: JobHandle, icon: str = "clock") -> JobEntry:
        """Show the Job of `handle` until it is closed. Call it in the turn that submitted it."""
        entry = self.open(title, handle.cancel, icon)
        handle.closed.connect(_Closer(self, entry).close)
        return entry

    def open(self, title: str, stop: Callable[[], None], icon: str = "clock") -> JobEntry:
        """Show something that several Jobs carry one after another; end it with `close`."""
        entry = JobEntry(title, icon, stop, self)
        self._entries.append(entry)
        self.changed.emit()
        return entry

    def close(self, entry: JobEntry) -> None:
        """The Job of `entry` has ended. Asking twice is harmless."""
        if entry in self._entries:
            self._entries.remove(entry)
            self.changed.emit()
            entry.deleteLater()


class _Closer(QObject):
    """Closes one entry; a child of the entry, so that it ends with it."""

    def __init__(self, jobs: JobList, entry: JobEntry) -> None:
        super().__init__(entry)
        self._jobs = jobs
        self._entry = entry

    def close(self) -> None:
        """Close the entry."""
        self._jobs.close(self._entry)
