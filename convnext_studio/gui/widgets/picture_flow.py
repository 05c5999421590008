"""Small pictures side by side, in as many rows as the width asks for, each with up to two lines under it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from convnext_studio.gui.theme.fonts import font
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.label import plain_tip

_GAP, _LINE, _ICON = 8, 15, 24


@dataclass(frozen=True)
class Picture:
    """A pixmap (None while it is not there), words for under it and for the tool tip, an icon where there is none."""

    pixmap: QPixmap | None
    title: str = ""
    second: str = ""
    tip: str = ""
    icon: str = ""


class PictureFlow(QWidget):
    """`pressed` hands over which picture was pressed, by mouse or with Enter."""

    pressed = Signal(int)

    def __init__(self, theme: Theme, name: str, side: int = 96, *, lines: int = 0) -> None:
        super().__init__()
        self._theme = theme
        self._side = side
        self._lines = lines
        self._pictures: tuple[Picture, ...] = ()
        self._current = 0
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        if lines:
            self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        theme.changed.connect(self.update)

    def show_pictures(self, pictures: Sequence[Picture]) -> None:
        """Show these in place of those before."""
        self._pictures = tuple(pictures)
        self._current = min(self._current, max(0, len(pictures) - 1))
        self.setAccessibleDescription("; ".join(one.tip or one.title for one in self._pictures if one.title))
        self.updateGeometry()
        self.update()

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """What is shown."""
        return self._pictures

    def hasHeightForWidth(self) -> bool:
        """Narrower is higher."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Rows as needed."""
        columns = self._columns(width)
        return max(1, -(-len(self._pictures) // columns)) * self._row_height() - _GAP

    def sizeHint(self) -> QSize:
        """All in one row."""
        return QSize(3 * (self._side + _GAP), self.heightForWidth(max(self.width(), self._side)))

    def minimumSizeHint(self) -> QSize:
        """One picture."""
        return QSize(self._side, self._row_height() - _GAP)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """Pictures, words, and a ring round the one the keyboard is on."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        for number, picture in enumerate(self._pictures):
            self._paint(painter, self._place(number), picture)
            if self.hasFocus() and number == self._current:
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(self._theme.color("focus"), 2))
                painter.drawRoundedRect(self._place(number).adjusted(1, 1, -1, -1), 4, 4)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Press the picture under the pointer."""
        number = self._at(event.position().x(), event.position().y())
        if number >= 0 and self._lines:
            self.pressed.emit(number)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows move, Enter presses."""
        moves = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        if event.key() in moves and self._pictures:
            self._current = (self._current + moves[Qt.Key(event.key())]) % len(self._pictures)
            self.update()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self._pictures:
            self.pressed.emit(self._current)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """All that is known where the pointer rests."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            number = self._at(event.pos().x(), event.pos().y())
            if number >= 0 and self._pictures[number].tip:
                QToolTip.showText(event.globalPos(), plain_tip(self._pictures[number].tip), self)
            return True
        return super().event(event)

    def _paint(self, painter: QPainter, place: QRectF, picture: Picture) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color("hover"))
        painter.drawRoundedRect(place, 4, 4)
        if picture.pixmap is not None and not picture.pixmap.isNull():
            size = picture.pixmap.size().scaled(place.size().toSize(), Qt.AspectRatioMode.KeepAspectRatio)
            inner = QRectF(0, 0, size.width(), size.height())
            inner.moveCenter(place.center())
            corner = QPainterPath()
            corner.addRoundedRect(inner, 4, 4)
            painter.setClipPath(corner)
            painter.drawPixmap(inner, picture.pixmap, QRectF(picture.pixmap.rect()))
            painter.setClipping(False)
        elif picture.icon:
            dpr = painter.device().devicePixelRatioF()
            role = "again" if picture.icon == "warn" else "text3"
            at = place.center() - QPointF(_ICON / 2, _ICON / 2)
            painter.drawPixmap(at, self._theme.pixmap(picture.icon, role, _ICON, dpr))
        for line, (text, role) in enumerate(((picture.title, "text"), (picture.second, "text2"))[: self._lines]):
            painter.setFont(font("capb" if line == 0 else "cap"))
            painter.setPen(self._theme.color(role))
            shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, self._side)
            room = QRectF(place.left(), place.bottom() + 3 + line * _LINE, place.width(), _LINE)
            painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter), shown)

    def _row_height(self) -> int:
        return self._side + _GAP + (self._lines * _LINE + 4 if self._lines else 0)

    def _columns(self, width: int) -> int:
        return max(1, (width + _GAP) // (self._side + _GAP))

    def _place(self, number: int) -> QRectF:
        row, column = divmod(number, self._columns(self.width()))
        return QRectF(column * (self._side + _GAP), row * self._row_height(), self._side, self._side)

    def _at(self, x: float, y: float) -> int:
        return next((n for n in range(len(self._pictures)) if self._place(n).contains(x, y)), -1)
