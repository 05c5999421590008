"""Two or three choices that change the view of the same data."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QFrame, QHBoxLayout, QSizePolicy

from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.buttons import Button


class Segmented(QFrame):
    """Exactly one choice holds; arrow keys move it. `index_changed` is emitted once a change."""

    index_changed = Signal(int)

    def __init__(self, theme: Theme, choices: Sequence[str], icons: Sequence[str] = (), index: int = 0) -> None:
        super().__init__()
        self.setProperty("segmented", True)
        self.setFixedHeight(30)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._group = QButtonGroup(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(1, 1, 1, 1)
        row.setSpacing(0)
        for number, text in enumerate(choices):
            button = Button(theme, text, icons[number] if icons else None, "segment")
            button.setCheckable(True)
            self._group.addButton(button, number)
            row.addWidget(button)
        self._group.button(index).setChecked(True)
        self._group.idToggled.connect(self._on_toggled)

    def index(self) -> int:
        """The choice that holds."""
        return self._group.checkedId()

    def set_index(self, index: int) -> None:
        """Choose."""
        self._group.button(index).setChecked(True)

    def button(self, index: int) -> Button:
        """One of the choices."""
        found = self._group.button(index)
        assert isinstance(found, Button)
        return found

    def _on_toggled(self, index: int, is_on: bool) -> None:
        if is_on:
            self.index_changed.emit(index)
