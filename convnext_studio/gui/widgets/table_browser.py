"""A search field, chips and selects over a `CellTable`: type, arrows, Enter."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field

from PySide6.QtCore import QAbstractTableModel, QEvent, QModelIndex, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QApplication, QBoxLayout, QHBoxLayout, QVBoxLayout, QWidget

from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.cell_table import CellTable
from convnext_studio.gui.widgets.chip import FilterChip
from convnext_studio.gui.widgets.frame import Hairline
from convnext_studio.gui.widgets.label import PlainLabel
from convnext_studio.gui.widgets.search_field import SearchField
from convnext_studio.gui.widgets.select import Select

_MOVES = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


@dataclass(frozen=True)
class Choice:
    """A select: `key` names it in `wanted`, `name` is for a screen reader, the first option asks for nothing."""

    key: str
    name: str
    options: Sequence[tuple[str, object]]


@dataclass(frozen=True)
class BrowserWords:
    """What stands on a browser. `chips` are key, text, tool tip."""

    name: str
    placeholder: str
    chips: Sequence[tuple[str, str, str]] = ()
    choices: Sequence[Choice] = field(default=())


class TableBrowser(QWidget):
    """Emits `wanted_changed` with the search text, chips and selects by key; keys typed in the field move the rows."""

    wanted_changed = Signal(object)  # dict[str, object]
    chosen = Signal(QModelIndex)
    taken = Signal(QModelIndex)  # Enter or a double click
    head_pressed = Signal(int)

    def __init__(
        self, theme: Theme, table: QAbstractTableModel, words: BrowserWords, widths: Mapping[int, int]
    ) -> None:
        super().__init__()
        self.search = SearchField(theme, words.placeholder)
        self.table = CellTable(theme, table, words.name, widths)
        self.count = PlainLabel("", "small", "text2")
        self.chips = {key: self._chip(theme, text, tip) for key, text, tip in words.chips}
        self.selects = {choice.key: self._select(choice) for choice in words.choices}
        self._line = Hairline(is_vertical=True, length=20)
        self._lay_out()
        self.search.textChanged.connect(self._on_wanted)
        self.search.installEventFilter(self)
        self.table.chosen.connect(self.chosen)
        self.table.activated_row.connect(self.taken)
        self.table.horizontalHeader().sectionClicked.connect(self.head_pressed)

    def wanted(self) -> dict[str, object]:
        """What is asked for now."""
        wanted: dict[str, object] = {"text": self.search.text()}
        wanted |= {key: chip.isChecked() for key, chip in self.chips.items()}
        wanted |= {key: select.currentData() for key, select in self.selects.items()}
        return wanted

    def show_columns(self, shown: Container[int]) -> None:
        """Show these columns and hide the others."""
        for column in range(self.table.horizontalHeader().count()):
            self.table.setColumnHidden(column, column not in shown)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrows and Enter typed in the search field belong to the rows."""
        if watched is self.search and event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if event.key() in _MOVES:
                QApplication.sendEvent(self.table, event)
                return True
            if event.key() in _ENTER:
                if self.table.currentIndex().isValid():
                    self.taken.emit(self.table.currentIndex())
                return True
        return False

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where chips would be cut, the selects have a line of their own."""
        super().resizeEvent(event)
        widgets = (*self.chips.values(), *self.selects.values(), self.count)
        needed = sum(widget.sizeHint().width() + 8 for widget in widgets) + 48
        is_narrow = self.width() < needed
        self._line.setVisible(not is_narrow and bool(self.chips))
        across, down = QBoxLayout.Direction.LeftToRight, QBoxLayout.Direction.TopToBottom
        self._tools.setDirection(down if is_narrow else across)

    def _chip(self, theme: Theme, text: str, tip: str) -> FilterChip:
        chip = FilterChip(theme, text)
        chip.setToolTip(tip)
        chip.toggled.connect(self._on_wanted)
        return chip

    def _select(self, choice: Choice) -> Select:
        select = Select(choice.name)
        for text, value in choice.options:
            select.addItem(text, value)
        select.currentIndexChanged.connect(self._on_wanted)
        return select

    def _lay_out(self) -> None:
        tools = self._tools = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        tools.setContentsMargins(16, 0, 16, 0)
        tools.setSpacing(8)
        chips, selects = QHBoxLayout(), QHBoxLayout()
        for row in (chips, selects):
            row.setSpacing(8)
        for chip in self.chips.values():
            chips.addWidget(chip)
        chips.addWidget(self._line)
        chips.addStretch(0)
        for select in self.selects.values():
            selects.addWidget(select)
        selects.addStretch(1)
        selects.addWidget(self.count)
        tools.addLayout(chips)
        tools.addLayout(selects, 1)
        field_row = QHBoxLayout()
        field_row.setContentsMargins(16, 0, 16, 0)
        field_row.addWidget(self.search)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(field_row)
        column.addLayout(tools)
        column.addWidget(Hairline())
        body = QHBoxLayout()
        body.setContentsMargins(8, 0, 8, 0)
        body.addWidget(self.table)
        column.addLayout(body, 1)

    def _on_wanted(self) -> None:
        self.wanted_changed.emit(self.wanted())
