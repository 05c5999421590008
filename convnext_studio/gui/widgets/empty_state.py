"""What stands where nothing is yet: a title, one sentence, one button."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.buttons import Button
from convnext_studio.gui.widgets.label import PlainLabel


class EmptyState(QWidget):
    """Says what to do next; `pressed` is emitted by its button."""

    pressed = Signal()

    def __init__(self, theme: Theme, title: str, sentence: str, button_text: str = "") -> None:
        super().__init__()
        self._title = PlainLabel(title, "section", wrap=True)
        self._sentence = PlainLabel(sentence, "small", "text2", wrap=True)
        self._button = Button(theme, button_text)
        self._button.setVisible(bool(button_text))
        self._button.clicked.connect(self.pressed)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 24)
        column.setSpacing(4)
        column.addStretch(1)
        for label in (self._title, self._sentence):
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
            column.addWidget(label)
        column.addSpacing(8)
        column.addWidget(self._button, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(1)

    def set_words(self, title: str, sentence: str, button_text: str = "") -> None:
        """Say something else."""
        self._title.setText(title)
        self._sentence.setText(sentence)
        self._button.set_text(button_text)
        self._button.setVisible(bool(button_text))
