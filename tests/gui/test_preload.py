"""What plots need is imported beside the window, and no class of Qt is made outside the GUI thread."""

from __future__ import annotations

import os
import subprocess
import sys

PROGRAM = """
import sys, threading
from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import QCoreApplication, QTimer
from convnext_studio.gui import preload

def unmade():
    modules = (sys.modules[f"PySide6.{name}"] for name in preload._OF_QT)
    return {f"{module.__name__}.{name}" for module in modules for name in set(dir(module)) - set(vars(module))}

class Noting(threading.Thread):
    def start(self):
        print("not made yet:", *sorted(unmade()))
        super().start()

preload.threading.Thread = Noting
app = QCoreApplication([])
preloading = preload.Preload()
preloading.start()
watch = QTimer(interval=10)
watch.timeout.connect(lambda: None if preloading._timer.isActive() else app.quit())
watch.start()
app.exec()
preloading.stop()
print("imported:", "pyqtgraph" in sys.modules, "cuda" in sys.modules)
"""


def test_the_thread_that_imports_finds_every_class_of_qt_made() -> None:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-c", PROGRAM]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.splitlines()
    assert said == ["not made yet:", "imported: True False"]
