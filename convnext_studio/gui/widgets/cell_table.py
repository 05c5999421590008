"""A table of `Cell`s: rows are chosen whole, headings stand between them, and nothing is laid out for each row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from PySide6.QtCore import QAbstractTableModel, QModelIndex, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView

from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.cells import CellDelegate
from convnext_studio.gui.widgets.lit_rows import TableOfRows

ROW_HEIGHT, HEADING_HEIGHT, HEAD_HEIGHT = 48, 28, 34


class CellTable(TableOfRows):
    """Shows one table model. `chosen` follows the selected row, `activated_row` a double click or Enter."""

    chosen = Signal(QModelIndex)
    activated_row = Signal(QModelIndex)

    def __init__(self, theme: Theme, table: QAbstractTableModel, name: str, widths: Mapping[int, int]) -> None:
        super().__init__()
        self._headings: tuple[int, ...] = ()
        self.setAccessibleName(name)
        self.setModel(table)
        self.setItemDelegate(CellDelegate(theme, self))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        self._set_columns(widths)
        self.selectionModel().currentRowChanged.connect(self._on_current_changed)
        self.doubleClicked.connect(self.activated_row)
        theme.changed.connect(self.viewport().update)

    def _set_columns(self, widths: Mapping[int, int]) -> None:
        header = self.horizontalHeader()
        header.setFixedHeight(HEAD_HEIGHT)
        header.setHighlightSections(False)
        header.setSectionsClickable(True)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        for column, width in widths.items():
            self.setColumnWidth(column, width)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)

    def mark_headings(self, lines: Iterable[int]) -> None:
        """Make these lines as low as a heading; call it whenever the model was reset."""
        for line in self._headings:  # a header keeps the heights of lines over a reset
            self.setRowHeight(line, ROW_HEIGHT)
        self._headings = tuple(lines)
        for line in self._headings:
            self.setRowHeight(line, HEADING_HEIGHT)

    def choose(self, index: QModelIndex) -> None:
        """Select a row and bring it into view."""
        if index.isValid():
            self.setCurrentIndex(index)
            self.scrollTo(index)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter takes the current row; everything else is as in any table."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.activated_row.emit(self.currentIndex())
            return
        super().keyPressEvent(event)

    def _on_current_changed(self, current: QModelIndex, _before: QModelIndex) -> None:
        self.chosen.emit(current)
