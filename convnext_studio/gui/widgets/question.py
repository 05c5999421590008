"""A question that has to be answered first: a title, a sentence, and a button for each answer."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QVBoxLayout, QWidget

from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.buttons import Button, Kind
from convnext_studio.gui.widgets.focus_ring import FocusRing
from convnext_studio.gui.widgets.label import PlainLabel
from convnext_studio.gui.widgets.tab_order import TabAsLaidOut

Answer = tuple[str, str, Kind]  # key, words, kind of button


class Question(TabAsLaidOut, QDialog):
    """`answered` hands over the key of the button that was pressed; Esc answers nothing."""

    answered = Signal(str)

    def __init__(
        self, theme: Theme, title: str, sentence: str, answers: Sequence[Answer], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setMinimumWidth(460)
        self.buttons: dict[str, Button] = {}
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addStretch(1)
        for key, words, kind in answers:
            button = self.buttons[key] = Button(theme, words, kind=kind)
            button.clicked.connect(lambda _on=False, key=key: self._answer(key))
            row.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 16)
        column.setSpacing(10)
        column.addWidget(PlainLabel(title, "title", wrap=True))
        column.addWidget(PlainLabel(sentence, "body", "text2", wrap=True))
        column.addSpacing(8)
        column.addLayout(row)
        FocusRing(theme, self)
        next(iter(self.buttons.values())).setFocus()

    def _answer(self, key: str) -> None:
        self.close()
        self.answered.emit(key)
