"""Frees Python's reference cycles on the GUI thread alone, a little at a time.

Left to itself Python does it in whatever thread happens to allocate: in a Lane's thread it would delete a widget that
is part of a cycle, and that crashes.
"""

from __future__ import annotations

import gc
import time

from PySide6.QtCore import QObject, QTimer, Slot

TURN_MS = 250
YOUNG = 2_000  # objects since the last look
MIDDLE = 10  # looks at the young ones
OLD_AFTER_S = 30.0


class Litter(QObject):
    """Takes over from Python's own collector until `stop`."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        gc.disable()
        gc.freeze()  # the modules that are imported by now stay: no need to look at them every time
        self._looked_at = time.monotonic()
        self._timer = QTimer(self, interval=TURN_MS)
        self._timer.timeout.connect(self._on_turn)
        self._timer.start()

    def stop(self) -> None:
        """Give the work back to Python."""
        self._timer.stop()
        gc.unfreeze()
        gc.enable()

    @Slot()
    def _on_turn(self) -> None:
        young, middle, _ = gc.get_count()
        if time.monotonic() - self._looked_at > OLD_AFTER_S:
            gc.collect()
            self._looked_at = time.monotonic()
        elif middle > MIDDLE:
            gc.collect(1)
        elif young > YOUNG:
            gc.collect(0)
