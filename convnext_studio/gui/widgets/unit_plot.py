"""A plot of shares over shares: ROC, precision over recall, reliability. Drawn here, so that no plot library is read.

The vertical axis may begin above 0 where all points lie high; the caller says so in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QLineF, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QHelpEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from convnext_studio.gui.theme.fonts import font
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.label import plain_tip
from convnext_studio.gui.widgets.numbers import decimal

_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 12, 26, 36
_KEY_WIDTH, _KEY_ROW, _KEY_LINE = 132.0, 17.0, 14.0  # the legend, at the right of the plot
_APART = 1.5  # pixels: points closer than that are drawn once
_NEAR = 24.0  # pixels from the pointer to a point that it means
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Line:
    """A named curve in the colour `role`; `weights` (0..1) make its points dots of that size."""

    name: str
    role: str
    points: Points
    weights: Sequence[float] = ()


class UnitPlot(QWidget):
    """Both axes end at 1. `is_even` draws the diagonal: a guess, or a Model that is as sure as it is right."""

    def __init__(self, theme: Theme, name: str) -> None:
        super().__init__()
        self._theme = theme
        self._lines: tuple[Line, ...] = ()
        self._low = 0.0
        self._is_even = False
        self._axes = ("", "")
        self._polygons: dict[str, QPolygonF] = {}  # by role, for the size they were made for
        self._made_for = QRectF()
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme.changed.connect(self.update)

    def show_lines(
        self, lines: Sequence[Line], axes: tuple[str, str], *, low: float = 0.0, is_even: bool = False
    ) -> None:
        """Draw these; `axes` name the horizontal and the vertical one, `low` is where the vertical one begins."""
        self._lines, self._axes, self._low, self._is_even = tuple(lines), axes, low, is_even
        self._polygons.clear()
        self.setAccessibleDescription(", ".join(line.name for line in lines))
        self.update()

    @property
    def shown(self) -> tuple[Line, ...]:
        """What is drawn."""
        return self._lines

    def sizeHint(self) -> QSize:
        """Wide enough for five numbers."""
        return QSize(300, 240)

    def minimumSizeHint(self) -> QSize:
        """As small as can be read."""
        return QSize(200, 180)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """Grid, diagonal, curves."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_grid(painter)
        if self._is_even:
            painter.setPen(QPen(self._theme.color("text3"), 1, Qt.PenStyle.DashLine))
            painter.drawLine(QLineF(self._at(self._low, self._low), self._at(1, 1)))
        painter.setClipRect(self._area().adjusted(-10, -10, 10, 10))
        for line in self._lines:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self._theme.color(line.role), 2))
            painter.drawPolyline(self._polygon(line))
            painter.setBrush(self._theme.color(line.role))
            painter.setPen(QPen(self._theme.color("panel"), 1))
            for (x, y), weight in zip(line.points, line.weights, strict=False):
                radius = 3.0 + 5.0 * weight**0.5
                painter.drawEllipse(self._at(x, y), radius, radius)
        painter.setClipping(False)
        self._paint_legend(painter)
        painter.end()

    def event(self, event: QEvent) -> bool:
        """The point that the pointer rests on, in numbers."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), plain_tip(self.words_at(QPointF(event.pos()))), self)
            return True
        return super().event(event)

    def words_at(self, place: QPointF) -> str:
        """The nearest point in words, "" if none is near."""
        best, words = _NEAR, ""
        for line in self._lines:
            for x, y in line.points:
                away = QLineF(place, self._at(x, y)).length()
                if away < best:
                    best = away
                    figures = f"{self._axes[0]} {decimal(x, 3)}, {self._axes[1]} {decimal(y, 3)}"
                    words = f"{line.name}: {figures}" if line.name else figures
        return words

    def _polygon(self, line: Line) -> QPolygonF:
        """A curve of a thousand points takes a millisecond to place: it is kept until the size is another."""
        area = self._area()
        if area != self._made_for:
            self._polygons.clear()
            self._made_for = area
        if line.role not in self._polygons:
            left, width, bottom = area.left(), area.width(), area.bottom()
            rise = area.height() / (1.0 - self._low)
            placed = [(left + x * width, bottom - (y - self._low) * rise) for x, y in line.points]
            drawn = placed[:1]
            for point in placed[1:]:
                if abs(point[0] - drawn[-1][0]) + abs(point[1] - drawn[-1][1]) >= _APART:
                    drawn.append(point)
            self._polygons[line.role] = QPolygonF([QPointF(*point) for point in (*drawn, *placed[-1:])])
        return self._polygons[line.role]

    def _paint_grid(self, painter: QPainter) -> None:
        area = self._area()
        painter.setFont(font("cap"))
        step = (1.0 - self._low) / 4
        right = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        for number in range(5):
            across, up = number / 4, self._low + number * step
            at = self._at(across, up)
            painter.setPen(QPen(self._theme.color("grid"), 1))
            painter.drawLine(QLineF(area.left(), at.y(), area.right(), at.y()))
            painter.setPen(self._theme.color("text3"))
            painter.drawText(QRectF(0, at.y() - 8, _LEFT - 6, 16), right, decimal(up, 2))
            spot = QRectF(at.x() - 20, area.bottom() + 3, 40, 16)
            painter.drawText(spot, int(Qt.AlignmentFlag.AlignCenter), decimal(across, 2))
        painter.drawText(QRectF(area.left(), 2, area.width(), 16), int(Qt.AlignmentFlag.AlignLeft), self._axes[1])
        below = QRectF(area.left(), area.bottom() + 18, area.width(), 16)
        painter.drawText(below, int(Qt.AlignmentFlag.AlignCenter), self._axes[0])

    def _paint_legend(self, painter: QPainter) -> None:
        left = self._area().right() + _RIGHT
        painter.setFont(font("cap"))
        for number, line in enumerate(self._named):
            y = self._area().top() + 8 + number * _KEY_ROW
            painter.setPen(QPen(self._theme.color(line.role), 3))
            painter.drawLine(QLineF(left, y, left + _KEY_LINE, y))
            painter.setPen(self._theme.color("text2"))
            room = _KEY_WIDTH - _KEY_LINE - 6
            shown = painter.fontMetrics().elidedText(line.name, Qt.TextElideMode.ElideMiddle, int(room))
            spot = QRectF(left + _KEY_LINE + 6, y - 8, room, 16)
            painter.drawText(spot, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), shown)

    @property
    def _named(self) -> list[Line]:
        return [line for line in self._lines if line.name]

    def _area(self) -> QRectF:
        key = _KEY_WIDTH if self._named else 0.0
        return QRectF(self.rect()).adjusted(_LEFT, _TOP, -_RIGHT - key, -_BOTTOM)

    def _at(self, x: float, y: float) -> QPointF:
        area = self._area()
        up = (y - self._low) / (1.0 - self._low)
        return QPointF(area.left() + x * area.width(), area.bottom() - up * area.height())
