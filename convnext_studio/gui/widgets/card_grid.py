"""Cards with a head, two beside each other where there is room."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from convnext_studio.gui.widgets.frame import Frame
from convnext_studio.gui.widgets.label import PlainLabel

_TWO = 600  # pixels for two cards in a row


class CardGrid(QWidget):
    """One or two columns, as wide as each other."""

    def __init__(self, cards: Sequence[QWidget] = ()) -> None:
        super().__init__()
        self._cards = list(cards)
        self._columns = 0
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(12)
        self._arrange(2)

    def add(self, card: QWidget) -> None:
        """One more, behind the others."""
        number = len(self._cards)
        self._cards.append(card)
        self._grid.addWidget(card, number // self._columns, number % self._columns)
        card.show()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """As many columns as there is room for."""
        super().resizeEvent(event)
        self._arrange(2 if self.width() >= _TWO else 1)

    def _arrange(self, columns: int) -> None:
        if columns == self._columns:
            return
        self._columns = columns
        for number, card in enumerate(self._cards):
            self._grid.addWidget(card, number // columns, number % columns)
        self._grid.setColumnStretch(0, 1)
        self._grid.setColumnStretch(1, 1 if columns == 2 else 0)


def card(title: str, second: PlainLabel, content: QWidget, tool: QWidget | None = None) -> Frame:
    """A head with a title, a sentence and perhaps a tool, and what is under it."""
    made = Frame("card")
    head = QHBoxLayout()
    head.setSpacing(8)
    head.addWidget(PlainLabel(title, "section"))
    head.addWidget(second, 1)
    if tool is not None:
        head.addWidget(tool)
    column = QVBoxLayout(made)
    column.setContentsMargins(12, 8, 12, 12)
    column.setSpacing(8)
    column.addLayout(head)
    column.addWidget(content, 1)
    made.setMinimumHeight(220)
    return made
