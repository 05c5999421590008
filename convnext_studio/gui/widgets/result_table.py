"""A table of rows of one line: hairlines, numbers at the right, errors with their triangle."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import QFrame, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QTableView, QWidget

from convnext_studio.gui.theme.fonts import font
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.lit_rows import TableOfRows
from convnext_studio.gui.widgets.tile import TILE_ROLE, Tile

ROW_HEIGHT = 34
_INSET = 11

AnyIndex = QModelIndex | QPersistentModelIndex


class RowDelegate(QStyledItemDelegate):
    """Draws one cell; the model's text is plain text."""

    def __init__(self, theme: Theme, view: TableOfRows) -> None:
        super().__init__(view)
        self._theme = theme
        self._view = view

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        """Ground, hairline, words."""
        painter.save()
        rect = option.rect
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, self._theme.color("soft"))
        elif index.row() == self._view.lit_row:
            painter.fillRect(rect, self._theme.color("hover"))
        painter.setPen(QPen(self._theme.color("line"), 1))
        painter.drawLine(rect.bottomLeft(), rect.bottomRight())
        inner = QRectF(rect).adjusted(_INSET, 0, -_INSET, 0)
        tile = index.data(TILE_ROLE)
        if index.column() == 0 and isinstance(tile, Tile) and tile.state == "error":
            dpr = painter.device().devicePixelRatioF()
            at = QPointF(inner.left(), inner.center().y() - 8)
            painter.drawPixmap(at, self._theme.pixmap("warn", "again", 16, dpr))
            inner.setLeft(inner.left() + 20)
        align = index.data(Qt.ItemDataRole.TextAlignmentRole)
        flags = align if align is not None else Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        elide = Qt.TextElideMode.ElideMiddle if index.column() == 0 else Qt.TextElideMode.ElideRight
        painter.setFont(font("small"))
        painter.setPen(self._theme.color("text" if index.column() < 3 else "text2"))
        shown = painter.fontMetrics().elidedText(str(index.data() or ""), elide, int(inner.width()))
        painter.drawText(inner, int(flags) | int(Qt.TextFlag.TextSingleLine), shown)
        painter.restore()


class ResultTable(TableOfRows):
    """Rows of a fixed height, whole rows selected; a click on a head asks for that order."""

    order_wanted = Signal(int)
    stepped = Signal(int)

    def __init__(self, theme: Theme, name: str) -> None:
        super().__init__()
        self.setItemDelegate(RowDelegate(theme, self))
        self.setAccessibleName(name)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setShowGrid(False)
        self.setCornerWidget(QWidget())  # else the style draws one between the scroll bars
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QTableView.SelectionMode.ExtendedSelection)
        self.setDragDropMode(QTableView.DragDropMode.DragOnly)
        self.setVerticalScrollMode(QTableView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QTableView.ScrollMode.ScrollPerPixel)
        rows = self.verticalHeader()
        rows.setVisible(False)
        rows.setMinimumSectionSize(ROW_HEIGHT)
        rows.setDefaultSectionSize(ROW_HEIGHT)
        rows.setSectionResizeMode(rows.ResizeMode.Fixed)
        head = self.horizontalHeader()
        head.setSectionsClickable(True)
        head.setSortIndicatorShown(True)
        head.setHighlightSections(False)
        head.setStretchLastSection(True)
        head.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        head.sectionClicked.connect(self.order_wanted)
        theme.changed.connect(self.viewport().update)

    def show_order(self, column: int, *, is_descending: bool) -> None:
        """Point out the column that decides the order."""
        order = Qt.SortOrder.DescendingOrder if is_descending else Qt.SortOrder.AscendingOrder
        self.horizontalHeader().setSortIndicator(column, order)

    def sizeHint(self) -> QSize:
        """As wide as the grid."""
        return QSize(340, 400)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left, Right, A, D, Space and Backspace step on as on the canvas; Home and End go to the ends."""
        key = Qt.Key(event.key())
        if event.modifiers() == Qt.KeyboardModifier.NoModifier:
            if key in _STEPS:
                self.stepped.emit(_STEPS[key])
                return
            if key in (Qt.Key.Key_Home, Qt.Key.Key_End) and self.model() is not None:
                row = 0 if key == Qt.Key.Key_Home else self.model().rowCount() - 1
                self.setCurrentIndex(self.model().index(row, 0))
                return
        super().keyPressEvent(event)


_STEPS = {
    Qt.Key.Key_Left: -1,
    Qt.Key.Key_A: -1,
    Qt.Key.Key_Backspace: -1,
    Qt.Key.Key_Right: 1,
    Qt.Key.Key_D: 1,
    Qt.Key.Key_Space: 1,
}
