"""The frame of a dialog: a title, what it holds in a scroll area, and a row of buttons."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QDialog, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.buttons import Button
from convnext_studio.gui.widgets.focus_ring import FocusRing
from convnext_studio.gui.widgets.frame import Hairline
from convnext_studio.gui.widgets.label import PlainLabel
from convnext_studio.gui.widgets.tab_order import TabAsLaidOut


class Dialog(TabAsLaidOut, QDialog):
    """Put what it holds into `body`, further buttons into `buttons`. Esc and Close end it."""

    def __init__(self, theme: Theme, title: str, parent: QWidget | None = None, *, scrolls: bool = True) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.resize(QSize(640, 560).boundedTo(self.screen().availableSize() * 0.9))
        holder = QWidget()
        self.body = QVBoxLayout(holder)
        self.body.setContentsMargins(24, 8, 24, 16)
        self.body.setSpacing(8)
        self.buttons = QHBoxLayout()
        self.buttons.setContentsMargins(24, 12, 24, 12)
        self.buttons.setSpacing(8)
        self.buttons.addStretch(1)
        self.close_button = Button(theme, self.tr("Close"))
        self.close_button.clicked.connect(self.accept)
        self.buttons.addWidget(self.close_button)
        head = QHBoxLayout()
        head.setContentsMargins(24, 16, 24, 8)
        head.addWidget(PlainLabel(title, "display"))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        if scrolls:
            area = QScrollArea()
            area.setAccessibleName(title)
            area.setWidgetResizable(True)
            area.setWidget(holder)
            column.addWidget(area, 1)
        else:
            column.addWidget(holder, 1)
        column.addWidget(Hairline())
        column.addLayout(self.buttons)
        FocusRing(theme, self)
