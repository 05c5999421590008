"""Nothing is lost in silence: exceptions nobody caught, Qt's warnings and crashes reach the log, and the user."""

from __future__ import annotations

import contextlib
import faulthandler
import io
import logging
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QMessageLogContext, QObject, QSocketNotifier, Qt, QtMsgType, Signal, qInstallMessageHandler

from convnext_studio.gui.messages import Messages

log = logging.getLogger(__name__)
qt_log = logging.getLogger("qt")

_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.DEBUG,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}
_LOG_BYTES = 1 << 20


class Hooks(QObject):
    """Installed for as long as the window lives; `remove` puts everything back."""

    _caught = Signal(str)

    def __init__(self, messages: Messages) -> None:
        super().__init__()
        self._messages = messages
        self._before = (sys.excepthook, threading.excepthook)
        self._caught.connect(self._show, Qt.ConnectionType.QueuedConnection)  # the hook may run in any thread
        sys.excepthook = self._on_exception
        threading.excepthook = self._on_thread_exception
        qInstallMessageHandler(_on_qt_message)

    def remove(self) -> None:
        """Put everything back."""
        sys.excepthook, threading.excepthook = self._before
        qInstallMessageHandler(None)

    def _on_exception(self, kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
        text = "".join(traceback.format_exception(kind, error, where))
        log.error("Nobody caught this:\n%s", text)
        self._caught.emit(text)

    def _on_thread_exception(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            self._on_exception(args.exc_type, args.exc_value, args.exc_traceback)

    def _show(self, details: str) -> None:
        self._messages.unexpected("", details)


def _on_qt_message(kind: QtMsgType, context: QMessageLogContext, text: str) -> None:  # noqa: ARG001
    qt_log.log(_LEVELS.get(kind, logging.WARNING), "%s", text)


class EndSignals(QObject):
    """SIGINT and SIGTERM call `end` on the GUI thread, at once: Qt alone would not let Python see them."""

    def __init__(self, end: Callable[[], object]) -> None:
        super().__init__()
        self._end = end
        self._ours, self._theirs = socket.socketpair()
        self._theirs.setblocking(False)
        self._notifier = QSocketNotifier(self._ours.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._on_signal)
        self._old_fd = signal.set_wakeup_fd(self._theirs.fileno(), warn_on_full_buffer=False)
        wanted = [signal.SIGINT, signal.SIGTERM]
        self._before = {number: signal.signal(number, _leave_it_to_the_notifier) for number in wanted}

    def remove(self) -> None:
        """Put everything back."""
        self._notifier.setEnabled(False)
        signal.set_wakeup_fd(self._old_fd)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._ours.close()
        self._theirs.close()

    def _on_signal(self) -> None:
        self._ours.recv(64)
        self._end()


def _leave_it_to_the_notifier(_number: int, _frame: object) -> None:
    """Python must have a handler, or the signal ends the process."""


class _PrivateLog(RotatingFileHandler):
    """Its files, the ones begun later too, are their owner's alone: names of images stand in them."""

    def _open(self) -> io.TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return os.fdopen(descriptor, "a", encoding=self.encoding, errors=self.errors)


def keep_log(path: Path) -> logging.Handler | None:
    """Write the log to a file that only its owner may read; None where that cannot be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handler = _PrivateLog(path, maxBytes=_LOG_BYTES, backupCount=1, encoding="utf-8", errors="replace")
    except OSError as error:
        log.info("The log is not kept: %s", error)
        return None
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    handler.setLevel(logging.INFO)
    with contextlib.suppress(OSError):
        path.chmod(0o600)
    return handler


class CrashFile:
    """Where the interpreter writes if it dies; `left_behind` is what it wrote the last time, stacks of code only."""

    def __init__(self, path: Path) -> None:
        self.left_behind = ""
        self._file: io.TextIOWrapper | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if path.exists():
                self.left_behind = path.read_text("utf-8", "replace").strip()
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            self._file = os.fdopen(descriptor, "w", encoding="utf-8")
            faulthandler.enable(self._file)
        except OSError as error:
            log.info("A crash would leave no file: %s", error)

    def close(self) -> None:
        """The program ends as it should."""
        if self._file is not None:
            faulthandler.disable()
            self._file.close()
            self._file = None
