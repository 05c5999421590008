"""Table cells that say something by shape, word and colour: two lines, an icon, a chip, a badge, a small button."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from convnext_studio.gui.theme.fonts import font
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.chip import Tone, draw_chip
from convnext_studio.gui.widgets.lit_rows import TableOfRows

CELL_ROLE = Qt.ItemDataRole.UserRole + 40

_INSET = 11  # the header's text stands 11 px in, see the look's traps
_ICON = 16
_CHIP_HEIGHT = 22
_CHIP_PADDING = 34  # insets and icon

AnyIndex = QModelIndex | QPersistentModelIndex


def chip_room(width: int) -> int:
    """What a column of that width has for the words of a chip, which may reach into the gap to the next one."""
    return width - 2 * _INSET + 6 - _CHIP_PADDING


@dataclass(frozen=True)
class Cell:
    """What one cell shows. `tone` makes the words a chip; `is_button` draws them as a small button."""

    text: str = ""
    second: str = ""
    icon: str = ""
    icon_role: str = "text2"
    text_role: str = "text"
    tone: Tone | None = None
    badge: str = ""
    is_strong: bool = False
    is_right: bool = False
    is_button: bool = False
    is_heading: bool = False
    share: float | None = None  # 0..1: a progress line under the words


class CellDelegate(QStyledItemDelegate):
    """Paints `Cell`s found under `CELL_ROLE`; knows nothing of what they mean."""

    def __init__(self, theme: Theme, view: TableOfRows) -> None:
        super().__init__(view)
        self._theme = theme
        self._view = view

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        """Rows are 48 high for two lines, 34 for one; the view's header sections use the same figures."""
        cell = index.data(CELL_ROLE)
        return QSize(option.rect.width(), 48 if isinstance(cell, Cell) and cell.second else 34)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        """Ground, hairline, then the cell's content."""
        cell = index.data(CELL_ROLE)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_ground(painter, option, cell, is_lit=index.row() == self._view.lit_row)
        if isinstance(cell, Cell):
            inner = option.rect.adjusted(_INSET, 0, -_INSET, 0)
            if cell.is_heading:
                self._paint_heading(painter, option.rect, cell)
            elif cell.tone:
                middle = inner.top() + 16 if cell.second else inner.center().y() + 0.5
                at = QPointF(inner.left(), middle - _CHIP_HEIGHT / 2)
                room = chip_room(option.rect.width())
                shown = QFontMetricsF(font("capb")).elidedText(cell.text, Qt.TextElideMode.ElideRight, room)
                draw_chip(painter, self._theme, at, shown, icon=cell.icon, tone=cell.tone)
                below = QRectF(inner.left(), inner.top() + 28, inner.width(), 15)
                self._paint_second(painter, below, cell.second, Qt.AlignmentFlag.AlignLeft)
            elif cell.is_button:
                self._paint_button(painter, option, inner, cell)
            else:
                self._paint_words(painter, inner, cell)
        painter.restore()

    def _paint_ground(self, painter: QPainter, option: QStyleOptionViewItem, cell: object, *, is_lit: bool) -> None:
        rect = option.rect
        if isinstance(cell, Cell) and cell.is_heading:
            painter.fillRect(rect, self._theme.color("window"))
        elif option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, self._theme.color("soft"))
        elif is_lit:
            painter.fillRect(rect, self._theme.color("hover"))
        painter.fillRect(QRect(rect.left(), rect.bottom(), rect.width(), 1), self._theme.color("line"))

    def _paint_heading(self, painter: QPainter, rect: QRect, cell: Cell) -> None:
        painter.setFont(font("capb"))
        painter.setPen(self._theme.color("text2"))
        painter.drawText(rect.adjusted(_INSET, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, cell.text)

    def _paint_words(self, painter: QPainter, inner: QRect, cell: Cell) -> None:
        face = font("strong" if cell.is_strong else "small")
        metrics = QFontMetricsF(face)
        left = inner.left()
        if cell.icon:
            self._paint_icon(painter, QPoint(left, inner.center().y() - _ICON // 2 + 1), cell)
            left += _ICON + 6
        badge_width = QFontMetricsF(font("capb")).horizontalAdvance(cell.badge) + 24 if cell.badge else 0.0
        first = QRectF(left, inner.top(), inner.right() + 1 - left, inner.height())
        if cell.second:
            first = QRectF(left, inner.top() + 6, first.width(), 20)
        shown = metrics.elidedText(cell.text, Qt.TextElideMode.ElideMiddle, first.width() - badge_width)
        painter.setFont(face)
        painter.setPen(self._theme.color(cell.text_role))
        side = Qt.AlignmentFlag.AlignRight if cell.is_right else Qt.AlignmentFlag.AlignLeft
        painter.drawText(first, side | Qt.AlignmentFlag.AlignVCenter, shown)
        if cell.badge:
            at = QPointF(left + metrics.horizontalAdvance(shown) + 8, first.center().y() - _CHIP_HEIGHT / 2)
            draw_chip(painter, self._theme, at, cell.badge, tone="accent")
        if cell.second:
            self._paint_second(painter, QRectF(left, inner.top() + 25, first.width(), 17), cell.second, side)
        if cell.share is not None:
            self._paint_share(painter, first, cell.share)

    def _paint_second(self, painter: QPainter, rect: QRectF, text: str, side: Qt.AlignmentFlag) -> None:
        face = font("cap")
        painter.setFont(face)
        painter.setPen(self._theme.color("text3"))
        shown = QFontMetricsF(face).elidedText(text, Qt.TextElideMode.ElideRight, rect.width())
        painter.drawText(rect, side | Qt.AlignmentFlag.AlignVCenter, shown)

    def _paint_share(self, painter: QPainter, rect: QRectF, share: float) -> None:
        groove = QRectF(rect.left(), rect.center().y() + 11, rect.width(), 3)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color("press"))
        painter.drawRoundedRect(groove, 1.5, 1.5)
        groove.setWidth(groove.width() * min(max(share, 0.0), 1.0))
        painter.setBrush(self._theme.color("accent"))
        painter.drawRoundedRect(groove, 1.5, 1.5)

    def _paint_button(self, painter: QPainter, option: QStyleOptionViewItem, inner: QRect, cell: Cell) -> None:
        face = font("capb")
        width = QFontMetricsF(face).horizontalAdvance(cell.text) + 16
        rect = QRectF(inner.right() + 1 - width, inner.center().y() - 11.5, width, 24)
        is_hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
        painter.setPen(QPen(self._theme.color("line2"), 1))
        painter.setBrush(self._theme.color("hover" if is_hovered else "raised"))
        painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        painter.setFont(face)
        painter.setPen(self._theme.color("text"))
        painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, cell.text)

    def _paint_icon(self, painter: QPainter, at: QPoint, cell: Cell) -> None:
        dpr = painter.device().devicePixelRatioF()
        painter.drawPixmap(at, self._theme.pixmap(cell.icon, cell.icon_role, _ICON, dpr))
