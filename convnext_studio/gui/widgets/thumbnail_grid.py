"""A grid of thumbnails over any model that offers Tiles.

The geometry is arithmetic, so 50,000 rows cost nothing: QListView asks the model for each row at every change, a third
of a second when the model is written in Python.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from PySide6.QtCore import (
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QRectF,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import (
    QCursor,
    QFontMetricsF,
    QHideEvent,
    QKeyEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPixmap,
    QRegion,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QAbstractItemView, QFrame, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from convnext_studio.core.values import ImageRef
from convnext_studio.gui.theme.fonts import font
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.numbers import percent
from convnext_studio.gui.widgets.tile import TILE_ROLE, Tile

_INSET = 5  # tile edge to picture
_LINES = 38  # two lines of words under the picture
_GAP = 4
SETTLE_MS = 30

AnyIndex = QModelIndex | QPersistentModelIndex


class Pictures(Protocol):
    """Where the thumbnails come from."""

    def pixmap(self, image: ImageRef) -> QPixmap | None: ...

    def error(self, image: ImageRef) -> str: ...


class TileDelegate(QStyledItemDelegate):
    """Draws a Tile: the picture, then class and probability, then the name."""

    def __init__(self, theme: Theme, pictures: Pictures, parent: QAbstractItemView) -> None:
        super().__init__(parent)
        self._theme = theme
        self._pictures = pictures

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        """Ground, picture, words."""
        tile = index.data(TILE_ROLE)
        if not isinstance(tile, Tile):
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        rect = QRectF(option.rect).adjusted(1, 1, -_GAP, -_GAP)
        self._paint_ground(painter, rect, option.state)
        picture = QRectF(rect.adjusted(_INSET, _INSET, -_INSET, -_INSET - _LINES))
        reason = tile.reason or self._pictures.error(tile.image)
        self._paint_picture(painter, picture, tile, reason)
        self._paint_words(
            painter, QRectF(picture.left(), picture.bottom() + 4, picture.width(), _LINES - 4), tile, reason
        )
        painter.restore()

    def _paint_ground(self, painter: QPainter, rect: QRectF, state: QStyle.StateFlag) -> None:
        is_selected = bool(state & QStyle.StateFlag.State_Selected)
        is_current = bool(state & QStyle.StateFlag.State_HasFocus)
        if is_selected or state & QStyle.StateFlag.State_MouseOver:
            painter.setBrush(self._theme.color("soft" if is_selected else "hover"))
            painter.setPen(QPen(self._theme.color("accent"), 2) if is_selected else Qt.PenStyle.NoPen)
            painter.drawRoundedRect(rect, 6, 6)
        if is_current and not is_selected:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self._theme.color("focus"), 2))
            painter.drawRoundedRect(rect, 6, 6)

    def _paint_picture(self, painter: QPainter, area: QRectF, tile: Tile, reason: str) -> None:
        pixmap = self._pictures.pixmap(tile.image)
        if pixmap is None:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.color("hover"))
            painter.drawRoundedRect(area, 4, 4)
            if reason:
                self._paint_reason(painter, area, reason)
            return
        size = pixmap.size().scaled(area.size().toSize(), Qt.AspectRatioMode.KeepAspectRatio)
        place = QRectF(0, 0, size.width(), size.height())
        place.moveCenter(area.center())
        clip = QPainterPath()
        clip.addRoundedRect(place, 3, 3)
        painter.setClipPath(clip)
        painter.drawPixmap(place, pixmap, QRectF(pixmap.rect()))
        painter.setClipping(False)

    def _paint_reason(self, painter: QPainter, area: QRectF, reason: str) -> None:
        dpr = painter.device().devicePixelRatioF()
        inner = area.adjusted(6, 6, -6, -6)
        at = inner.topLeft()
        painter.drawPixmap(at, self._theme.pixmap("warn", "again", 16, dpr))
        painter.setFont(font("cap"))
        painter.setPen(self._theme.color("text2"))
        flags = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap)
        words = inner.adjusted(0, 20, 0, 0)
        line = QFontMetricsF(font("cap")).lineSpacing()
        words.setHeight(line * max(1, int(words.height() // line)))  # whole lines only
        shown = reason
        while painter.boundingRect(words, flags, shown).height() > words.height() and " " in shown:
            shown = shown.rsplit(" ", 1)[0].rstrip(".,:;") + "…"
        painter.setClipRect(words)
        painter.drawText(words, flags, shown)
        painter.setClipping(False)

    def _paint_words(self, painter: QPainter, area: QRectF, tile: Tile, reason: str) -> None:
        first = QRectF(area.left(), area.top(), area.width(), 16)
        if tile.state in ("done", "labelled"):
            score = percent(tile.probability) if tile.state == "done" else tile.note
            self._write(painter, first, score, "cap", "text", is_right=True)
            taken = QFontMetricsF(font("cap")).horizontalAdvance(score) + 6
            self._write(painter, first.adjusted(0, 0, -taken, 0), tile.class_name, "capb", "text")
        elif reason:
            self._write(painter, first, self.tr("Not readable"), "capb", "again")
        else:
            self._write(painter, first, self.tr("Not classified"), "cap", "text3")
        second = first.translated(0, 16)
        self._write(painter, second, tile.name, "cap", "text2", elide=Qt.TextElideMode.ElideMiddle)

    def _write(
        self,
        painter: QPainter,
        area: QRectF,
        text: str,
        role: str,
        color: str,
        *,
        is_right: bool = False,
        elide: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
    ) -> None:
        painter.setFont(font(role))
        painter.setPen(self._theme.color(color))
        side = Qt.AlignmentFlag.AlignRight if is_right else Qt.AlignmentFlag.AlignLeft
        shown = QFontMetricsF(font(role)).elidedText(text, elide, area.width())
        painter.drawText(area, int(side | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine), shown)


class ThumbnailGrid(QAbstractItemView):
    """`in_sight_changed` says which rows are seen, the first and one past the last, once scrolling has settled."""

    in_sight_changed = Signal(int, int)
    stepped = Signal(int)

    def __init__(self, theme: Theme, pictures: Pictures, name: str) -> None:
        super().__init__()
        self._side = 112
        self._columns = 1
        self._cell = QSize(120, 120)
        self.setItemDelegate(TileDelegate(theme, pictures, self))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAccessibleName(name)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self.setMouseTracking(True)
        self.setViewportMargins(7, 0, 0, 0)
        self._settling = QTimer(self, interval=SETTLE_MS, singleShot=True)
        self._settling.timeout.connect(self._tell_in_sight)
        theme.changed.connect(self.viewport().update)

    # --- geometry

    def set_side(self, side: int) -> None:
        """How wide the pictures are to be, about."""
        self._side = side
        self._arrange()

    def rows_in_sight(self) -> range:
        """The rows that are at least partly seen."""
        return self._rows_between(0, self.viewport().height())

    def sizeHint(self) -> QSize:
        """As wide as three columns."""
        return QSize(340, 400)

    def visualRect(self, index: AnyIndex) -> QRect:
        """The cell of a row, in the viewport."""
        if not index.isValid():
            return QRect()
        line, column = divmod(index.row(), self._columns)
        corner = QPoint(column * self._cell.width(), line * self._cell.height() - self.verticalOffset())
        return QRect(corner, self._cell)

    def indexAt(self, point: QPoint) -> QModelIndex:
        """The row under a point of the viewport."""
        column = point.x() // self._cell.width()
        row = (point.y() + self.verticalOffset()) // self._cell.height() * self._columns + column
        is_inside = 0 <= column < self._columns and 0 <= row < self._count()
        return self.model().index(row, 0) if is_inside else QModelIndex()

    def scrollTo(
        self, index: AnyIndex, hint: QAbstractItemView.ScrollHint = QAbstractItemView.ScrollHint.EnsureVisible
    ) -> None:
        """Move as little as is needed."""
        rect, bar = self.visualRect(index), self.verticalScrollBar()
        if hint == QAbstractItemView.ScrollHint.PositionAtCenter:
            bar.setValue(bar.value() + rect.center().y() - self.viewport().height() // 2)
        elif rect.top() < 0:
            bar.setValue(bar.value() + rect.top())
        elif rect.bottom() > self.viewport().height():
            bar.setValue(bar.value() + rect.bottom() - self.viewport().height())

    def horizontalOffset(self) -> int:
        """There is none."""
        return 0

    def verticalOffset(self) -> int:
        """How far it is scrolled."""
        return self.verticalScrollBar().value()

    def isIndexHidden(self, index: AnyIndex) -> bool:  # noqa: ARG002
        """Never."""
        return False

    def moveCursor(
        self,
        action: QAbstractItemView.CursorAction,
        modifiers: Qt.KeyboardModifier,  # noqa: ARG002
    ) -> QModelIndex:
        """Where a key leads."""
        count = self._count()
        if not count:
            return QModelIndex()
        page = max(1, self.viewport().height() // self._cell.height()) * self._columns
        actions = QAbstractItemView.CursorAction
        row = self.currentIndex().row()
        if action == actions.MoveHome or row < 0:
            wanted = 0
        elif action == actions.MoveEnd:
            wanted = count - 1
        else:
            steps = {
                actions.MoveLeft: -1,
                actions.MovePrevious: -1,
                actions.MoveRight: 1,
                actions.MoveNext: 1,
                actions.MoveUp: -self._columns,
                actions.MoveDown: self._columns,
                actions.MovePageUp: -page,
                actions.MovePageDown: page,
            }
            wanted = min(max(0, row + steps[action]), count - 1)
        return self.model().index(wanted, 0)

    def setSelection(self, rect: QRect, command: QItemSelectionModel.SelectionFlag) -> None:
        """Select the rows that a rubber band or a click touches; with Shift, all between its two ends."""
        first, last = self.indexAt(rect.topLeft()), self.indexAt(rect.bottomRight())
        if not (first.isValid() and last.isValid()):
            self.selectionModel().select(QItemSelection(), command)
            return
        low, high = sorted((first.row(), last.row()))
        selection = QItemSelection(self.model().index(low, 0), self.model().index(high, 0))
        self.selectionModel().select(selection, command)

    def visualRegionForSelection(self, selection: QItemSelection) -> QRegion:
        """The cells in sight that are selected."""
        region = QRegion()
        seen = self.rows_in_sight()
        for part in (selection.at(number) for number in range(selection.size())):
            for row in range(max(part.top(), seen.start), min(part.bottom() + 1, seen.stop)):
                region += self.visualRect(self.model().index(row, 0))
        return region

    def updateGeometries(self) -> None:
        """Rows came or went, or the size changed."""
        lines = -(-self._count() // self._columns)
        bar = self.verticalScrollBar()
        bar.setPageStep(self.viewport().height())
        bar.setSingleStep(self._cell.height() // 3)
        bar.setRange(0, max(0, lines * self._cell.height() - self.viewport().height()))
        super().updateGeometries()
        self._on_moved()

    def _count(self) -> int:
        return self.model().rowCount() if self.model() is not None else 0

    def _rows_between(self, top: int, bottom: int) -> range:
        first = (self.verticalOffset() + max(0, top)) // self._cell.height() * self._columns
        last = ((self.verticalOffset() + max(0, bottom - 1)) // self._cell.height() + 1) * self._columns
        return range(min(first, self._count()), min(last, self._count()))

    def _arrange(self) -> None:
        width = max(1, self.viewport().width() - 1)
        self._columns = max(1, round(width / (self._side + _GAP)))
        cell = max(40, width // self._columns)
        picture = cell - _GAP - 2 * _INSET - 1
        self._cell = QSize(cell, picture * 3 // 4 + _LINES + 2 * _INSET + _GAP)
        self.updateGeometries()
        self.viewport().update()

    # --- events

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the tiles in sight."""
        painter = QPainter(self.viewport())
        option = QStyleOptionViewItem()
        self.initViewItemOption(option)
        state = option.state & ~(QStyle.StateFlag.State_HasFocus | QStyle.StateFlag.State_MouseOver)
        hovered = self.indexAt(self.viewport().mapFromGlobal(QCursor.pos())) if self.underMouse() else QModelIndex()
        current, selection, delegate = self.currentIndex(), self.selectionModel(), self.itemDelegate()
        for row in self._rows_between(event.rect().top(), event.rect().bottom() + 1):
            index = self.model().index(row, 0)
            option.rect = self.visualRect(index)
            option.state = state
            if selection.isSelected(index):
                option.state |= QStyle.StateFlag.State_Selected
            if row == hovered.row():
                option.state |= QStyle.StateFlag.State_MouseOver
            if row == current.row() and self.hasFocus():
                option.state |= QStyle.StateFlag.State_HasFocus
            delegate.paint(painter, option, index)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """As many columns as fit; they share the width. The current row stays in sight."""
        super().resizeEvent(event)
        self._arrange()

    def showEvent(self, event: QShowEvent) -> None:
        """What is in sight is wanted now."""
        super().showEvent(event)
        self._on_moved()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nothing is in sight."""
        super().hideEvent(event)
        self._settling.stop()

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """Move what is drawn already."""
        self.viewport().scroll(dx, dy)
        self._on_moved()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """A, D, Space and Backspace step on as on the canvas; the rest is the list's own."""
        step = {Qt.Key.Key_A: -1, Qt.Key.Key_Backspace: -1, Qt.Key.Key_D: 1, Qt.Key.Key_Space: 1}.get(
            Qt.Key(event.key())
        )
        if step is not None and event.modifiers() == Qt.KeyboardModifier.NoModifier:
            self.stepped.emit(step)
            return
        super().keyPressEvent(event)

    def dataChanged(self, first: AnyIndex, last: AnyIndex, roles: Sequence[int] = ()) -> None:  # noqa: ARG002
        """Draw again if any of these rows is in sight; Qt would ask for the place of each cell."""
        seen = self.rows_in_sight()
        if first.row() < seen.stop and last.row() >= seen.start:
            self.viewport().update()

    def rowsInserted(self, parent: AnyIndex, start: int, end: int) -> None:
        """More rows, perhaps in sight."""
        super().rowsInserted(parent, start, end)
        self.updateGeometries()
        self.viewport().update()

    def reset(self) -> None:
        """Other rows."""
        super().reset()
        self.updateGeometries()
        self.viewport().update()

    def show_anew(self) -> None:
        """The order changed."""
        self.viewport().update()
        self._on_moved()

    def _on_moved(self) -> None:
        if self.isVisible() and not self._settling.isActive():
            self._settling.start()

    def _tell_in_sight(self) -> None:
        rows = self.rows_in_sight()
        self.in_sight_changed.emit(rows.start, rows.stop)
