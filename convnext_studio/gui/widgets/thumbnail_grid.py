"""A grid of thumbnails over any model that offers Tiles; the geometry is arithmetic, so 50,000 rows cost nothing."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QFontMetricsF,
    QHideEvent,
    QKeyEvent,
    QPainter,
    QPainterPath,
    QPen,
    QPixmap,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QFrame, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

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

    def __init__(self, theme: Theme, pictures: Pictures, parent: QListView) -> None:
        super().__init__(parent)
        self._theme = theme
        self._pictures = pictures
        self._view = parent

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:  # noqa: ARG002
        """The whole cell of the grid."""
        return self._view.gridSize()

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
        painter.setClipRect(words)
        painter.drawText(words, flags, reason)
        painter.setClipping(False)

    def _paint_words(self, painter: QPainter, area: QRectF, tile: Tile, reason: str) -> None:
        first = QRectF(area.left(), area.top(), area.width(), 16)
        if tile.state == "done":
            score = percent(tile.probability)
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


class ThumbnailGrid(QListView):
    """`in_sight_changed` says which rows are seen, first and last, after scrolling has settled a moment."""

    in_sight_changed = Signal(int, int)
    stepped = Signal(int)

    def __init__(self, theme: Theme, pictures: Pictures, name: str) -> None:
        super().__init__()
        self._side = 112
        self._columns = 1
        self.setItemDelegate(TileDelegate(theme, pictures, self))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAccessibleName(name)
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(True)
        self.setUniformItemSizes(True)  # without it Qt asks every row: a second at 100,000
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setLayoutMode(QListView.LayoutMode.SinglePass)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setSelectionMode(QListView.SelectionMode.ExtendedSelection)
        self.setSelectionBehavior(QListView.SelectionBehavior.SelectRows)
        self.setDragDropMode(QListView.DragDropMode.DragOnly)
        self.setMouseTracking(True)
        self.setViewportMargins(7, 0, 0, 0)
        self._settling = QTimer(self, interval=SETTLE_MS, singleShot=True)
        self._settling.timeout.connect(self._tell_in_sight)
        self.verticalScrollBar().valueChanged.connect(self._on_moved)
        theme.changed.connect(self.viewport().update)

    def set_side(self, side: int) -> None:
        """How wide the pictures are to be, about."""
        self._side = side
        self._arrange()

    @property
    def picture_side(self) -> int:
        """How wide they are, in logical pixels."""
        return self.gridSize().width() - _GAP - 2 * _INSET - 1

    def resizeEvent(self, event: QResizeEvent) -> None:
        """As many columns as fit; they share the width."""
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

    def _arrange(self) -> None:
        width = max(1, self.viewport().width() - 1)
        self._columns = max(1, round(width / (self._side + _GAP)))
        cell = width // self._columns
        picture = cell - _GAP - 2 * _INSET - 1
        self.setGridSize(QSize(cell, picture * 3 // 4 + _LINES + 2 * _INSET + _GAP))
        self.verticalScrollBar().setSingleStep(self.gridSize().height() // 3)
        self._on_moved()

    def rows_in_sight(self) -> range:
        """The rows that are at least partly seen."""
        height = max(1, self.gridSize().height())
        top = self.verticalOffset()
        first = top // height * self._columns
        last = ((top + self.viewport().height()) // height + 1) * self._columns
        model = self.model()
        return range(first, min(last, model.rowCount() if model is not None else 0))

    def sizeHint(self) -> QSize:
        """As wide as three columns."""
        return QSize(340, 400)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """A, D, Space and Backspace step on as on the canvas; the rest is the list's own."""
        step = {Qt.Key.Key_A: -1, Qt.Key.Key_Backspace: -1, Qt.Key.Key_D: 1, Qt.Key.Key_Space: 1}.get(
            Qt.Key(event.key())
        )
        if step is not None and event.modifiers() == Qt.KeyboardModifier.NoModifier:
            self.stepped.emit(step)
            return
        super().keyPressEvent(event)

    def doItemsLayout(self) -> None:
        """Rows came or went: what is in sight may be others."""
        super().doItemsLayout()
        self._on_moved()

    def _on_moved(self) -> None:
        if self.isVisible() and not self._settling.isActive():
            self._settling.start()

    def _tell_in_sight(self) -> None:
        rows = self.rows_in_sight()
        self.in_sight_changed.emit(rows.start, rows.stop)
