"""A choice among more than three: a field that opens a list."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QComboBox

from convnext_studio.gui.theme.fonts import font


class Select(QComboBox):
    """A combo box in the kit's size. The wheel changes it only while it has the focus, not in passing."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setFont(font("small"))
        self.view().setFont(font("small"))
        self.view().setAccessibleName(name)
        self.setFixedHeight(30)
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Let the page scroll when the pointer only passes."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()
