"""What to know of a data set before training, a row each, and what can be done about it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from convnext_studio.core.data.dataset import DataWarning
from convnext_studio.gui.language import spoken
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.warning_row import WarningRow


class WarningRows(QWidget):
    """`show_pressed` asks for images; `repair_pressed` for other values of the Recipe, by its fields."""

    show_pressed = Signal(tuple)
    repair_pressed = Signal(dict)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.rows: list[WarningRow] = []
        self._theme = theme
        self._told: tuple[DataWarning, ...] = ()
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(8)
        self.hide()

    def tell(self, warnings: Sequence[DataWarning]) -> None:
        """Show these and no others."""
        if tuple(warnings) == self._told:
            return
        self._told = tuple(warnings)
        for row in self.rows:
            self._layout.removeWidget(row)
            row.deleteLater()
        self.rows = [self._row(warning) for warning in warnings]
        for row in self.rows:
            self._layout.addWidget(row)
        self.setVisible(bool(self.rows))

    def _row(self, warning: DataWarning) -> WarningRow:
        names = {("on_leak", "move"): self.tr("Move them to training")}
        repair = ", ".join(names[pair] for pair in warning.repair if pair in names)
        row = WarningRow(
            self._theme, spoken(warning.message), spoken(warning.hint), has_images=bool(warning.images), repair=repair
        )
        row.show_pressed.connect(partial(self.show_pressed.emit, warning.images))
        row.repair_pressed.connect(partial(self.repair_pressed.emit, dict(warning.repair)))
        return row
