"""Imports what the plots need while nobody waits for it: at the first Run it would hold the window for half a second.

What Qt brings itself is made on this thread, some of it a turn; the rest, plain Python, by one thread that hands the
window its turns in between. PySide makes a class of Qt when it is first named, with Python code in the middle: were
that done by the thread, a window that paints meanwhile would meet half a class, and the process would die of it.
"""

from __future__ import annotations

import importlib
import sys
import threading
from types import ModuleType

from PySide6.QtCore import QObject, QTimer

_OF_QT = ("QtCore", "QtGui", "QtWidgets", "QtSvg", "QtTest", "QtOpenGL", "QtOpenGLWidgets")
_PAUSE_MS = 50
_CLASSES = 30  # made in one turn
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
            self._make_classes(importlib.import_module(f"PySide6.{self._left[0]}"))
        elif self._thread is None:
            sys.modules.setdefault("cuda", None)  # type: ignore[arg-type] # pyqtgraph would load CUDA's; no plot needs it
            self._switch_s = sys.getswitchinterval()
            sys.setswitchinterval(_TURN_S)
            self._thread = threading.Thread(target=importlib.import_module, args=("pyqtgraph",), name="preload")
            self._thread.start()
        elif not self._thread.is_alive():
            self._timer.stop()
            self._on_done()

    def _make_classes(self, module: ModuleType) -> None:
        unmade = sorted(set(dir(module)) - set(vars(module)))
        for name in unmade[:_CLASSES]:
            getattr(module, name)
        if len(unmade) <= _CLASSES:
            del self._left[0]

    def _on_done(self) -> None:
        sys.setswitchinterval(self._switch_s)
        self._thread = None
        if sys.modules.get("cuda", self) is None:
            del sys.modules["cuda"]
