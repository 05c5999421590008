"""Beside the learning rate: a button that finds one, how far it is, the curve, and a button that takes what it says."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from convnext_studio.core.events import RateFound
from convnext_studio.gui.language import spoken
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.buttons import Button
from convnext_studio.gui.widgets.label import PlainLabel, plain_tip
from convnext_studio.gui.widgets.numbers import count, scientific
from convnext_studio.gui.widgets.progress_line import ProgressLine
from convnext_studio.gui.widgets.rate_curve import RateCurve


class RateBox(QWidget):
    """`look_pressed`, `stop_pressed`, and `use_pressed` with the rate."""

    look_pressed = Signal()
    stop_pressed = Signal()
    use_pressed = Signal(float)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._suggestion = 0.0
        self.look = Button(theme, self.tr("Find a rate…"), "search", is_small=True)
        self.look.setToolTip(
            plain_tip(
                self.tr("Take a few steps at rising rates on a copy of the network and see where the loss falls.")
            )
        )
        self.stop = Button(theme, self.tr("Stop"), "stop", is_small=True)
        self.stop.setAccessibleName(self.tr("Stop looking for a rate"))
        self.progress = ProgressLine(120)
        self.words = PlainLabel("", "small", "text2", wrap=True)
        self.curve = RateCurve(theme)
        self.use = Button(theme, "", "check", is_small=True)
        tools = QHBoxLayout()
        tools.setSpacing(8)
        for widget in (self.look, self.stop, self.progress):
            tools.addWidget(widget)
        tools.addWidget(self.words, 1)
        tools.addWidget(self.use)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(tools)
        column.addWidget(self.curve)
        self.look.clicked.connect(self.look_pressed)
        self.stop.clicked.connect(self.stop_pressed)
        self.use.clicked.connect(self._on_use)

    def show_state(self, *, is_searching: bool, can_start: bool, done: int, total: int) -> None:
        """Show what can be pressed, and how far a search is."""
        self.look.setVisible(not is_searching)
        self.look.setEnabled(can_start)
        for widget in (self.stop, self.progress):
            widget.setVisible(is_searching)
        if is_searching:
            self.progress.set_progress(done, total)
            self.words.setText(self.tr("step {0} of {1}").format(count(done), count(total)))

    def show_found(self, found: RateFound | None, failure: str, rate: float) -> None:
        """Show what was found, or why nothing was; `rate` is the one held now."""
        self.curve.setVisible(found is not None and len(found.rates) > 1)
        self.use.setVisible(found is not None and found.suggestion != rate)
        self.words.setText(failure)
        if found is not None:
            self._suggestion = found.suggestion
            self.curve.show_curve(found.rates, found.losses, found.suggestion)
            self.use.set_text(self.tr("Use {0}").format(scientific(found.suggestion)))
            self.words.setText(spoken(found.reason))

    def _on_use(self) -> None:
        self.use_pressed.emit(self._suggestion)
