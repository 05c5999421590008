"""A card that opens: a head with an arrow, and what is under it, made when it is first opened."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.buttons import Button
from convnext_studio.gui.widgets.frame import Frame
from convnext_studio.gui.widgets.label import PlainLabel


class Fold(Frame):
    """`make` makes the inner widget."""

    def __init__(self, theme: Theme, title: str, sentence: str, make: Callable[[], QWidget]) -> None:
        super().__init__("card")
        self._make = make
        self.inner: QWidget | None = None
        self.head = Button(theme, title, "right", "row")
        self.head.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.head.clicked.connect(self.toggle)
        self.sentence = PlainLabel(sentence, "small", "text2", wrap=True)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(8, 6, 16, 10)
        self._column.setSpacing(4)
        self._column.addWidget(self.head)
        self.sentence.setContentsMargins(32, 0, 0, 0)
        self._column.addWidget(self.sentence)

    @property
    def is_open(self) -> bool:
        """Whether what is under the head is seen."""
        return self.inner is not None and not self.inner.isHidden()

    def toggle(self) -> None:
        """Open, or close again."""
        will_open = not self.is_open
        if self.inner is None:
            self.inner = self._make()
            self.inner.setContentsMargins(8, 4, 0, 6)
            self._column.addWidget(self.inner)
        self.inner.setVisible(will_open)
        self.head.set_icon("down" if will_open else "right")
