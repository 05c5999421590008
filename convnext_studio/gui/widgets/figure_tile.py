"""Key figures as cards: what each is, the figure, and what belongs beside it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QWidget

from convnext_studio.gui.widgets.frame import Frame
from convnext_studio.gui.widgets.label import PlainLabel

_A_ROW = 1_060  # pixels for all tiles in a row, and room for what is said in them


class FigureTile(Frame):
    """Three lines that never move."""

    def __init__(self) -> None:
        super().__init__("card")
        self._said = ("", "", "")
        self.label = PlainLabel("", "small", "text2", elide=Qt.TextElideMode.ElideRight)
        self.figure = PlainLabel("–", "title", elide=Qt.TextElideMode.ElideRight)
        self.second = PlainLabel("", "small", "text2", elide=Qt.TextElideMode.ElideRight)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(12, 9, 12, 9)
        self._grid.setSpacing(2)
        self.set_flat(is_flat=False)

    def set_flat(self, *, is_flat: bool) -> None:
        """Put the words beside the figure instead of over and under it."""
        places = ((0, 1, 1, 1), (0, 0, 2, 1), (1, 1, 1, 1)) if is_flat else ((0, 0), (1, 0), (2, 0))
        for label, place in zip((self.label, self.figure, self.second), places, strict=True):
            self._grid.addWidget(label, *place)
        for column, share in enumerate((2, 3) if is_flat else (1, 0)):
            self._grid.setColumnStretch(column, share)

    def show_figure(self, label: str, figure: str, second: str = "") -> None:
        """Say it."""
        if (label, figure, second) == self._said:
            return
        self._said = label, figure, second
        self.label.setText(label)
        self.figure.setText(figure)
        self.second.setText(second)
        self.setAccessibleName(f"{label}: {figure} {second}".strip())


class FigureTiles(QWidget):
    """Several in a row where there is room, else flat ones, two beside each other."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.tiles = tuple(FigureTile() for _ in range(count))
        self._columns = 0
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(12)
        self._arrange(count)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """As many columns as there is room for."""
        super().resizeEvent(event)
        self._arrange(len(self.tiles) if self.width() >= _A_ROW else 2)

    def _arrange(self, columns: int) -> None:
        if columns == self._columns:
            return
        self._columns = columns
        for number, tile in enumerate(self.tiles):
            self._grid.addWidget(tile, number // columns, number % columns)
            tile.set_flat(is_flat=columns < len(self.tiles))
