"""One window per user: a second start hands its paths to the first and ends.

A lock file decides who is the first; the paths travel as one line of JSON over a local socket that only the user may
open. What comes in is treated as untrusted text of bounded size.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import stat
import tempfile
import time
from pathlib import Path
from typing import Any

import platformdirs
from PySide6.QtCore import QLockFile, QObject, QTimer, Signal, Slot
from PySide6.QtNetwork import QLocalServer, QLocalSocket

log = logging.getLogger(__name__)

NAME = "convnext-studio"
VERSION = 1
MOST_BYTES = 8 << 20  # more than a command line can hold
LONGEST_SOCKET_PATH = 100  # the system's limit is 104 to 108 bytes
ANSWER_MS = 3000  # what the first window gets to answer, and a visitor to speak
TAKEN = b"taken\n"


class SingleInstance(QObject):
    """The first window's door, or the way to it.

    Call `hand_over` once at the start: True means that another window has taken the paths (and this program should
    end), False that this one should open them. Then `received` tells what later starts were given; an empty list only
    asks for the window to come to the front.
    """

    received = Signal(object)  # list[str]: absolute paths; Signal(list) would send each through a QVariant

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.setMaxPendingConnections(8)
        self._server.newConnection.connect(self._on_connection)
        self._lock: QLockFile | None = None

    def hand_over(self, paths: list[str]) -> bool:
        """Give `paths` to the window that is open already; if there is none, become it."""
        folder = _private_folder()
        if folder is None:
            return False  # nowhere to meet: every start opens a window of its own
        address = _address(folder)
        lock = QLockFile(str(folder / f"{NAME}.lock"))
        lock.setStaleLockTime(0)  # it is stale when its process is gone, never by age
        if lock.tryLock(0):
            self._lock = lock
            QLocalServer.removeServer(address)  # left by a window that crashed: the lock says that none is open
            if not self._server.listen(address):
                log.info("Other starts cannot reach this window: %s", self._server.errorString())
            return False
        return _send(address, [str(Path(path).absolute()) for path in paths])

    def close(self) -> None:
        """Let another window be the first."""
        self._server.close()
        for visitor in self._server.findChildren(QLocalSocket):
            visitor.abort()
        if self._lock is not None:
            self._lock.unlock()
            self._lock = None

    @Slot()
    def _on_connection(self) -> None:
        while (visitor := self._server.nextPendingConnection()) is not None:
            _Visit(visitor).said.connect(self.received)


class _Visit(QObject):
    """One start that talks to us; it ends with its socket."""

    said = Signal(object)

    def __init__(self, visitor: QLocalSocket) -> None:
        super().__init__(visitor)
        self._visitor = visitor
        self._data = bytearray()
        visitor.readyRead.connect(self._on_ready)
        visitor.disconnected.connect(visitor.deleteLater)
        self._limit = QTimer(self, singleShot=True, interval=ANSWER_MS)
        self._limit.timeout.connect(self._on_silence)
        self._limit.start()
        self._on_ready()

    @Slot()
    def _on_ready(self) -> None:
        self._data += self._visitor.readAll().data()
        if len(self._data) > MOST_BYTES:
            self._visitor.abort()
        elif self._data.endswith(b"\n"):
            paths = _paths_in(bytes(self._data))
            if paths is not None:
                self._visitor.write(TAKEN)
                self._visitor.flush()  # now: whoever hears the paths may keep us busy
                self.said.emit(paths)
            self._visitor.disconnectFromServer()

    @Slot()
    def _on_silence(self) -> None:
        self._visitor.abort()


def _paths_in(data: bytes) -> list[str] | None:
    """Return the paths of a message; None if it is not one of ours."""
    try:
        message: Any = json.loads(data.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(message, dict) or message.get("version") != VERSION:
        return None
    paths = message.get("paths")
    if not isinstance(paths, list) or not all(isinstance(p, str) and "\0" not in p for p in paths):
        return None
    return paths


def _send(address: str, paths: list[str]) -> bool:
    """Send the paths; False if nobody took them in time."""
    message = {"version": VERSION, "paths": paths}
    data = json.dumps(message, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"
    if len(data) > MOST_BYTES:
        return False
    socket = QLocalSocket()
    end = time.monotonic() + ANSWER_MS / 1000
    while time.monotonic() < end:  # the first window may hold the lock but not listen yet
        socket.connectToServer(address)
        if socket.waitForConnected(200):
            break
        time.sleep(0.02)
    socket.write(data)
    while bytes(socket.peek(len(TAKEN)).data()) != TAKEN:
        if time.monotonic() > end or not socket.waitForReadyRead(ANSWER_MS):
            return False
    return True


def _address(folder: Path) -> str:
    """The socket's path; on Windows the name of a pipe, which must differ from user to user."""
    if os.name == "nt":
        return f"{NAME}-{hashlib.sha256(str(folder).encode()).hexdigest()[:16]}"
    return str(folder / f"{NAME}.socket")


def _private_folder() -> Path | None:
    """The first usable folder that only the user can enter, and whose name leaves room for a socket's."""
    user = os.getuid() if hasattr(os, "getuid") else 0
    places = [
        os.environ.get("XDG_RUNTIME_DIR", ""),
        platformdirs.user_cache_dir(NAME, appauthor=False),
        str(Path(tempfile.gettempdir()) / f"{NAME}-{user}"),
    ]
    for place in filter(os.path.isabs, places):
        folder = Path(place)
        if os.name != "nt" and len(os.fsencode(_address(folder))) > LONGEST_SOCKET_PATH:
            continue
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            owner = folder.stat()
        except OSError:
            continue
        is_private = owner.st_uid == user and not owner.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        if (os.name == "nt" or is_private) and os.access(folder, os.W_OK):
            return folder
    return None
