"""One thing to know before training: a sign, what, what to do, and a way to the images it is about."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout

from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.buttons import Button
from convnext_studio.gui.widgets.frame import Frame
from convnext_studio.gui.widgets.label import IconLabel, PlainLabel


class WarningRow(Frame):
    """`show_pressed` asks for the images, `repair_pressed` for what `repair` says, if anything."""

    show_pressed = Signal()
    repair_pressed = Signal()

    def __init__(self, theme: Theme, message: str, hint: str, *, has_images: bool, repair: str = "") -> None:
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
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        if has_images:
            show = Button(theme, self.tr("Show these images"), is_small=True)
            show.clicked.connect(self.show_pressed)
            buttons.addWidget(show)
        if repair:
            mend = Button(theme, repair, is_small=True)
            mend.setToolTip(self.tr("Split anew with this change; it is a setting of the training."))
            mend.clicked.connect(self.repair_pressed)
            buttons.addWidget(mend)
        if buttons.count():
            buttons.addStretch(1)
            words.addSpacing(4)
            words.addLayout(buttons)
