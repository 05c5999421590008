"""One thing to know before training: a sign, what, what to do, and a way to the images it is about."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout

from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.buttons import Button
from convnext_studio.gui.widgets.frame import Frame
from convnext_studio.gui.widgets.label import IconLabel, PlainLabel


class WarningRow(Frame):
    """`show_pressed` asks for the images."""

    show_pressed = Signal()

    def __init__(self, theme: Theme, message: str, hint: str, *, has_images: bool) -> None:
        super().__init__("again")
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(PlainLabel(message, "strong", wrap=True))
        if hint:
            words.addWidget(PlainLabel(hint, "small", "text2", wrap=True))
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 8, 12, 8)
        row.setSpacing(8)
        row.addWidget(IconLabel(theme, "warn", "again"), 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)
        if has_images:
            show = Button(theme, self.tr("Show these images"), is_small=True)
            show.clicked.connect(self.show_pressed)
            words.addSpacing(4)
            words.addWidget(show, 0, Qt.AlignmentFlag.AlignLeft)
