"""One way among several to get something: an icon, a title, a sentence, a button, and room for more under it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout

from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.buttons import Button
from convnext_studio.gui.widgets.frame import Frame
from convnext_studio.gui.widgets.label import IconLabel, PlainLabel


class Way(Frame):
    """A card; `pressed` is emitted by its button. Put more into `body`."""

    pressed = Signal()

    def __init__(self, theme: Theme, icon: str, title: str, button: str, *, is_primary: bool = False) -> None:
        super().__init__("inset")
        self.sentence = PlainLabel("", "small", "text2", wrap=True)
        self.button = Button(theme, button, kind="primary" if is_primary else "secondary")
        self.button.clicked.connect(self.pressed)
        self.body = QVBoxLayout()
        self.body.setSpacing(4)
        self.body.addWidget(PlainLabel(title, "section"))
        self.body.addWidget(self.sentence)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 10, 12, 10)
        row.setSpacing(12)
        row.addWidget(IconLabel(theme, icon), 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(self.body, 1)
        row.addWidget(self.button, 0, Qt.AlignmentFlag.AlignVCenter)

    def say(self, sentence: str, *, is_error: bool = False) -> None:
        """Change the sentence; an error is told by its colour as well as by its words."""
        self.sentence.setText(sentence)
        self.sentence.set_color("ng" if is_error else "text2")

    def set_button(self, text: str, *, is_primary: bool = True) -> None:
        """Change what the button says."""
        self.button.set_text(text)
        self.button.set_kind("primary" if is_primary else "secondary")
