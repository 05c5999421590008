"""A table model whose rows are sorted by a column, and the words of its head."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Generic, TypeVar

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from convnext_studio.gui.theme.fonts import font
from convnext_studio.gui.widgets.cells import CELL_ROLE, Cell
from convnext_studio.gui.widgets.label import plain_tip

AnyIndex = QModelIndex | QPersistentModelIndex
Row = TypeVar("Row")
Column = TypeVar("Column", bound=IntEnum)


class SortedTable(QAbstractTableModel, Generic[Row, Column]):
    """Holds `rows`; who derives from it says what they are, in what order they stand, and what is in a cell.

    `numbers` are columns at the right, `best_first` those whose largest value comes first.
    """

    columns: type[Column]
    numbers: frozenset[Column]
    best_first: frozenset[Column]

    def __init__(self, by: Column, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: tuple[Row, ...] = ()
        self._order: tuple[Column, bool] = (by, True)

    # --- what each table says

    def refill(self) -> None:
        """Take the rows anew."""
        raise NotImplementedError

    def _key(self, row: Row, column: Column) -> float | str | None:
        """What is sorted by; None stands last."""
        raise NotImplementedError

    def _cell(self, row: Row, column: Column) -> Cell:
        raise NotImplementedError

    def _tip(self, row: Row, column: Column) -> Iterable[str]:
        """Lines of a cell's tool tip."""
        raise NotImplementedError

    def _titles(self) -> Mapping[Column, str]:
        raise NotImplementedError

    def _tips(self) -> Mapping[Column, str]:
        raise NotImplementedError

    # --- order

    def sort_by(self, column: int) -> None:
        """The best, the newest or the first of the alphabet on top; pressed again, the other way round."""
        before, is_down = self._order
        by = self.columns(column)
        self._order = (by, not is_down if before == by else by in self.best_first)
        self.refill()
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(self.columns) - 1)

    def _sorted(self, rows: Iterable[Row]) -> tuple[Row, ...]:
        column, is_down = self._order
        pairs = [(self._key(row, column), row) for row in rows]
        known = sorted(((key, row) for key, row in pairs if key is not None), key=lambda pair: pair[0], reverse=is_down)
        return (*(row for _key, row in known), *(row for key, row in pairs if key is None))

    # --- the face of a table model

    def row_at(self, index: AnyIndex) -> Row | None:
        """What is shown there."""
        return self.rows[index.row()] if index.isValid() and index.row() < len(self.rows) else None

    def rowCount(self, parent: AnyIndex | None = None) -> int:
        """One each."""
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def columnCount(self, parent: AnyIndex | None = None) -> int:
        """The columns."""
        return 0 if parent is not None and parent.isValid() else len(self.columns)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Names of the columns; a header's font is set here since a style sheet leaves no other way."""
        if orientation is not Qt.Orientation.Horizontal:
            return None
        column = self.columns(section)
        if role == Qt.ItemDataRole.DisplayRole:
            arrow = "" if self._order[0] != column else " ↓" if self._order[1] else " ↑"
            return self._titles()[column] + arrow
        if role == Qt.ItemDataRole.FontRole:
            return font("cap")
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if column in self.numbers else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tips().get(column)
        return None

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Cells for the delegate, plain text for a screen reader and for tests."""
        row = self.row_at(index)
        if row is None:
            return None
        column = self.columns(index.column())
        cell = self._cell(row, column)
        if role == CELL_ROLE:
            return cell
        if role == Qt.ItemDataRole.DisplayRole:
            return cell.text
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return ", ".join(part for part in (cell.text, cell.badge, cell.second) if part)
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip("\n".join(filter(None, self._tip(row, column))))
        return None
