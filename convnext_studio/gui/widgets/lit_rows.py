"""Rows that are chosen whole light up whole: Qt marks the one cell under the mouse."""

from __future__ import annotations

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QTableView


class TableOfRows(QTableView):
    """`lit_row` is the row under the mouse, -1 where there is none; its delegate paints it."""

    def __init__(self) -> None:
        super().__init__()
        self.lit_row = -1
        self.setMouseTracking(True)
        self.entered.connect(lambda index: self._light(index.row()))
        self.viewportEntered.connect(lambda: self._light(-1))

    def leaveEvent(self, event: QEvent) -> None:
        """No row is under the mouse."""
        self._light(-1)
        super().leaveEvent(event)

    def _light(self, row: int) -> None:
        if row != self.lit_row:
            self.lit_row = row
            self.viewport().update()
