"""A key figure as a card: what it is, the figure, and what belongs beside it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout

from convnext_studio.gui.widgets.frame import Frame
from convnext_studio.gui.widgets.label import PlainLabel


class FigureTile(Frame):
    """Three lines that never move."""

    def __init__(self) -> None:
        super().__init__("card")
        self._said = ("", "", "")
        self.label = PlainLabel("", "small", "text2", elide=Qt.TextElideMode.ElideRight)
        self.figure = PlainLabel("–", "title", elide=Qt.TextElideMode.ElideRight)
        self.second = PlainLabel("", "small", "text2", elide=Qt.TextElideMode.ElideRight)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 9, 12, 9)
        column.setSpacing(2)
        for label in (self.label, self.figure, self.second):
            column.addWidget(label)

    def show_figure(self, label: str, figure: str, second: str = "") -> None:
        """Say it."""
        if (label, figure, second) == self._said:
            return
        self._said = label, figure, second
        self.label.setText(label)
        self.figure.setText(figure)
        self.second.setText(second)
        self.setAccessibleName(f"{label}: {figure} {second}".strip())
