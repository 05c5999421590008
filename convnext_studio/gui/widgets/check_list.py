"""What is ready and what is not: an icon, a title, a sentence, points with a tick each, and buttons under them."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.buttons import Button
from convnext_studio.gui.widgets.frame import Frame
from convnext_studio.gui.widgets.label import IconLabel, PlainLabel

_CENTRE = Qt.AlignmentFlag.AlignHCenter
_WIDTH = 480
Point = tuple[bool, str, str]  # whether it is done, a title, a sentence


class CheckList(QWidget):
    """Stands in the middle of a page."""

    def __init__(self, theme: Theme, icon: str) -> None:
        super().__init__()
        self._theme = theme
        self.title = PlainLabel("", "display")
        self.sentence = PlainLabel("", "body", "text2")
        self.card = Frame("card")
        self.card.setFixedWidth(_WIDTH)
        self._points = QVBoxLayout(self.card)
        self._points.setContentsMargins(22, 18, 22, 18)
        self._points.setSpacing(14)
        self._rows: list[tuple[IconLabel, PlainLabel, PlainLabel]] = []
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(8)
        self._buttons.addStretch(1)
        self._buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(6)
        column.addStretch(2)
        column.addWidget(IconLabel(theme, icon, "text3", 40), 0, _CENTRE)
        column.addSpacing(8)
        column.addWidget(self.title, 0, _CENTRE)
        column.addWidget(self.sentence, 0, _CENTRE)
        column.addSpacing(12)
        middle = QHBoxLayout()  # a card aligned by itself would not be asked how high its sentences are
        middle.addStretch(1)
        middle.addWidget(self.card)
        middle.addStretch(1)
        column.addLayout(middle)
        column.addSpacing(12)
        column.addLayout(self._buttons)
        column.addStretch(3)

    def add_button(self, button: Button) -> None:
        """Put a button under the points, right of those before."""
        self._buttons.insertWidget(self._buttons.count() - 1, button)

    def show_words(self, title: str, sentence: str) -> None:
        """Say what this is about."""
        self.title.setText(title)
        self.sentence.setText(sentence)

    def show_points(self, points: tuple[Point, ...]) -> None:
        """Show the points; their number does not change."""
        while len(self._rows) < len(points):
            self._add_row()
        for (icon, title, sentence), (is_done, name, said) in zip(self._rows, points, strict=True):
            icon.set_icon("ok" if is_done else "none", "ok" if is_done else "accent")
            title.setText(name)
            sentence.setText(said)

    def _add_row(self) -> None:
        icon = IconLabel(self._theme, "none", "accent", 18)
        title = PlainLabel("", "strong", elide=Qt.TextElideMode.ElideMiddle)
        sentence = PlainLabel("", "small", "text2", wrap=True)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(title)
        words.addWidget(sentence)
        row = QHBoxLayout()
        row.setSpacing(12)
        row.addWidget(icon)
        row.addLayout(words, 1)
        self._points.addLayout(row)
        self._rows.append((icon, title, sentence))
