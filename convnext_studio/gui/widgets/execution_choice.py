"""One way to run a Model: a choice with a tick, what was measured of it, and a button to measure it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.buttons import Button
from convnext_studio.gui.widgets.label import PlainLabel


class ExecutionChoice(QWidget):
    """`taken` follows a press on the choice, `measure_pressed` one on its small button."""

    taken = Signal()
    measure_pressed = Signal()

    def __init__(self, theme: Theme, words: str, measure: str) -> None:
        super().__init__()
        self._words = words
        self._measure_word = measure
        self.button = Button(theme, words, "none", "row")
        self.button.setCheckable(True)
        self.button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.speed = PlainLabel("", "small", "text2")
        self.measure = Button(theme, measure, is_small=True)
        self.measure.setAccessibleName(f"{measure}: {words}")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 8, 0)
        row.setSpacing(8)
        row.addWidget(self.button, 1)
        row.addWidget(self.speed)
        row.addWidget(self.measure)
        self.button.toggled.connect(self._on_toggled)
        self.button.clicked.connect(self.taken)
        self.measure.clicked.connect(self.measure_pressed)

    def show_speed(self, words: str, *, can_measure: bool) -> None:
        """Show a measured speed, or the button to measure it."""
        self.speed.setText(words)
        self.measure.setVisible(can_measure and not words)
        self._name_measure(self._measure_word)

    def show_measuring(self, stop: str) -> None:
        """The measurement runs; the button stops it."""
        self.speed.setText("")
        self.measure.setVisible(True)
        self._name_measure(stop)

    def _name_measure(self, word: str) -> None:
        self.measure.set_text(word)
        self.measure.setAccessibleName(f"{word}: {self._words}")

    def _on_toggled(self, is_on: bool) -> None:
        self.button.set_icon("ok" if is_on else "none")
