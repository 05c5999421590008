"""The list of Runs: a sign for the state, the name, its one figure, a line of words, and how far it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPointF,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from convnext_studio.gui.theme.fonts import font
from convnext_studio.gui.theme.theme import Theme

AnyIndex = QModelIndex | QPersistentModelIndex
_ROLE = int(Qt.ItemDataRole.UserRole) + 1
_HEIGHT, _GAP = 54, 4


@dataclass(frozen=True)
class RunRow:
    """A Run as the list draws it; `total` 0 shows no line of progress."""

    key: str
    name: str
    second: str
    figure: str
    icon: str
    role: str
    done: int = 0
    total: int = 0


class RunList(QListView):
    """`chosen` hands over the key of the Run that was chosen by mouse or keyboard."""

    chosen = Signal(str)

    def __init__(self, theme: Theme, name: str) -> None:
        super().__init__()
        self._rows = _Rows(self)
        self.setModel(self._rows)
        self.setItemDelegate(_RunDelegate(theme, self))
        self.setAccessibleName(name)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)
        self.setUniformItemSizes(True)
        self.selectionModel().currentChanged.connect(self._on_current)
        theme.changed.connect(self.viewport().update)

    def show_rows(self, rows: Sequence[RunRow], key: str) -> None:
        """Show these, with the one of `key` chosen; nothing is emitted by this."""
        self._rows.take(tuple(rows))
        number = next((n for n, row in enumerate(rows) if row.key == key), -1)
        self.selectionModel().blockSignals(True)
        self.setCurrentIndex(self._rows.index(number) if number >= 0 else QModelIndex())
        self.selectionModel().blockSignals(False)
        self.viewport().update()

    def rows(self) -> tuple[RunRow, ...]:
        """What is shown."""
        return self._rows.rows

    def _on_current(self, index: QModelIndex) -> None:
        if index.isValid():
            self.chosen.emit(self._rows.rows[index.row()].key)


class _Rows(QAbstractListModel):
    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.rows: tuple[RunRow, ...] = ()

    def take(self, rows: tuple[RunRow, ...]) -> None:
        """Rows of the same Runs change where they stand; others make all anew."""
        if [row.key for row in rows] != [row.key for row in self.rows]:
            self.beginResetModel()
            self.rows = rows
            self.endResetModel()
        elif rows != self.rows:
            self.rows = rows
            self.dataChanged.emit(self.index(0), self.index(len(rows) - 1))

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        """How many."""
        return 0 if parent.isValid() else len(self.rows)

    def data(self, index: AnyIndex, role: int = int(Qt.ItemDataRole.DisplayRole)) -> object:
        """The row itself, or its words for a screen reader."""
        row = self.rows[index.row()]
        if role == _ROLE:
            return row
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return f"{row.name}, {row.second}, {row.figure}"
        return None


class _RunDelegate(QStyledItemDelegate):
    def __init__(self, theme: Theme, parent: QObject) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:  # noqa: ARG002
        """All alike."""
        return QSize(160, _HEIGHT + _GAP)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        """Ground, sign, words, line."""
        row = index.data(_ROLE)
        if not isinstance(row, RunRow):
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = QRectF(option.rect).adjusted(8, 0, -8, -_GAP)
        self._paint_ground(painter, rect, option.state)
        dpr = painter.device().devicePixelRatioF()
        painter.drawPixmap(QPointF(rect.left() + 12, rect.top() + 11), self._theme.pixmap(row.icon, row.role, 16, dpr))
        self._paint_words(painter, rect, row)
        if row.total > 0:
            line = QRectF(rect.left() + 36, rect.bottom() - 7, rect.width() - 48, 3)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.color("press"))
            painter.drawRoundedRect(line, 1.5, 1.5)
            painter.setBrush(self._theme.color("accent"))
            line.setWidth(line.width() * min(1.0, row.done / row.total))
            painter.drawRoundedRect(line, 1.5, 1.5)
        painter.restore()

    def _paint_ground(self, painter: QPainter, rect: QRectF, state: QStyle.StateFlag) -> None:
        is_on = bool(state & QStyle.StateFlag.State_Selected)
        painter.setPen(Qt.PenStyle.NoPen)
        if is_on or state & QStyle.StateFlag.State_MouseOver:
            painter.setBrush(self._theme.color("soft" if is_on else "hover"))
            painter.drawRoundedRect(rect, 6, 6)
        if is_on:
            painter.setBrush(self._theme.color("accent"))
            painter.drawRoundedRect(QRectF(rect.left(), rect.top() + 12, 3, rect.height() - 24), 1.5, 1.5)
        if state & QStyle.StateFlag.State_HasFocus and state & QStyle.StateFlag.State_KeyboardFocusChange:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self._theme.color("focus"), 2))
            painter.drawRoundedRect(rect.adjusted(1, 1, -1, -1), 6, 6)

    def _paint_words(self, painter: QPainter, rect: QRectF, row: RunRow) -> None:
        middle = int(Qt.AlignmentFlag.AlignVCenter)
        painter.setFont(font("strong"))
        taken = painter.fontMetrics().horizontalAdvance(row.figure)
        room = QRectF(rect.left() + 36, rect.top() + 8, rect.width() - 36 - taken - 20, 18)
        painter.setPen(self._theme.color("text"))
        name = painter.fontMetrics().elidedText(row.name, Qt.TextElideMode.ElideMiddle, int(room.width()))
        painter.drawText(room, middle, name)
        figure = QRectF(rect.right() - taken - 12, rect.top() + 8, taken, 18)
        painter.drawText(figure, middle | int(Qt.AlignmentFlag.AlignRight), row.figure)
        painter.setFont(font("small"))
        painter.setPen(self._theme.color("text2"))
        below = QRectF(room.left(), rect.top() + 27, rect.width() - 48, 16)
        words = painter.fontMetrics().elidedText(row.second, Qt.TextElideMode.ElideRight, int(below.width()))
        painter.drawText(below, middle, words)
