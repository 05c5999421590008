"""The log as the window shows it: the last records of all threads, as text."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt, Signal

MOST = 5000


@dataclass(frozen=True)
class LogEntry:
    """One record: its level as a number, when (seconds since 1970), where from, and the text."""

    level: int
    time: float
    origin: str
    text: str


class LogStore(QObject):
    """Keeps the last records; `added` is emitted on the GUI thread."""

    added = Signal(object)  # LogEntry
    _arrived = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.entries: deque[LogEntry] = deque(maxlen=MOST)
        self.handler: logging.Handler = _Handler(self)
        self._arrived.connect(self._on_arrived, Qt.ConnectionType.QueuedConnection)

    def take(self, entry: LogEntry) -> None:
        """Take a record; may be called from any thread."""
        self._arrived.emit(entry)

    def _on_arrived(self, entry: LogEntry) -> None:
        self.entries.append(entry)
        self.added.emit(entry)


class _Handler(logging.Handler):
    def __init__(self, store: LogStore) -> None:
        super().__init__(logging.INFO)
        self._store = store

    def emit(self, record: logging.LogRecord) -> None:
        """Hand the record to the window as text."""
        text = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            text = f"{text}\n{logging.Formatter().formatException(record.exc_info)}"
        self._store.take(LogEntry(record.levelno, record.created, record.name, text))
