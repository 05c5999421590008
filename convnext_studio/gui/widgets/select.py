"""A choice among more than three: a field that opens a list."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QComboBox, QStyle, QStyleOptionComboBox

from convnext_studio.gui.theme.fonts import font

_AIR = 4  # that the style leaves beside the words


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

    def initStyleOption(self, option: QStyleOptionComboBox) -> None:
        """What is chosen ends in dots where it has no room, and is not cut in the middle of a letter."""
        super().initStyleOption(option)
        style, part = self.style(), QStyle.SubControl.SC_ComboBoxEditField
        room = style.subControlRect(QStyle.ComplexControl.CC_ComboBox, option, part, self).width()
        if self.fontMetrics().horizontalAdvance(self.currentText()) > room:
            words = self.fontMetrics().elidedText(self.currentText(), Qt.TextElideMode.ElideRight, room - _AIR)
            option.currentText = words

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Let the page scroll when the pointer only passes."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()
