"""Imports what the plots need while nobody waits for it: at the first Run it would hold the window for half a second.

What Qt brings itself is imported on this thread, a module a turn; the rest, plain Python, by one thread that hands the
window its turns in between.
"""

from __future__ import annotations

import importlib
import sys
import threading

from PySide6.QtCore import QObject, QTimer

_OF_QT = ("PySide6.QtSvg", "PySide6.QtTest", "PySide6.QtOpenGL", "PySide6.QtOpenGLWidgets")
_PAUSE_MS = 100
_TURN_S = 0.001  # how long the thread may keep the window from its turn


class Preload(QObject):
    """`start` once the window rests; `stop` before the program ends."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._left = list(_OF_QT)
        self._thread: threading.Thread | None = None
        self._timer = QTimer(self, interval=_PAUSE_MS)
        self._timer.timeout.connect(self._on_turn)

    def start(self) -> None:
        """Begin, unless it is there already."""
        if "pyqtgraph" not in sys.modules:
            self._timer.start()

    def stop(self) -> None:
        """Wait for what was begun, a second at most."""
        self._timer.stop()
        if self._thread is not None:
            self._thread.join()
            self._on_done()

    def _on_turn(self) -> None:
        if self._left:
            importlib.import_module(self._left.pop(0))
        elif self._thread is None:
            sys.modules.setdefault("cuda", None)  # type: ignore[arg-type] # pyqtgraph would load CUDA's; no plot needs it
            self._switch_s = sys.getswitchinterval()
            sys.setswitchinterval(_TURN_S)
            self._thread = threading.Thread(target=importlib.import_module, args=("pyqtgraph",), name="preload")
            self._thread.start()
        elif not self._thread.is_alive():
            self._timer.stop()
            self._on_done()

    def _on_done(self) -> None:
        sys.setswitchinterval(self._switch_s)
        self._thread = None
        if sys.modules.get("cuda", self) is None:
            del sys.modules["cuda"]
