"""Good against cheap: a point with its interval for each Model, and a line through those that no other beats in both.

Drawn here, so that no plot library is read.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from convnext_studio.gui.theme.fonts import font
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets import numbers

_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 24, 12, 40
_DOT = 5.0
_LABEL_HEIGHT = 15.0


@dataclass(frozen=True)
class Point:
    """`x` is above 0 and stands on a logarithmic axis; `y` and its interval are shares."""

    name: str
    x: float
    y: float
    interval: tuple[float, float]
    is_front: bool = False


class ParetoPlot(QWidget):
    """Names are plain text. The axis' words and the figures of `x` are the caller's."""

    def __init__(self, theme: Theme, name: str) -> None:
        super().__init__()
        self._theme = theme
        self.points: tuple[Point, ...] = ()
        self._words = ("", "")
        self._ticks: Sequence[tuple[float, str]] = ()
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme.changed.connect(self.update)

    def show_points(self, points: Sequence[Point], words: tuple[str, str], ticks: Sequence[tuple[float, str]]) -> None:
        """Draw these; `words` name the axes, `ticks` are places on the horizontal one and what stands there."""
        self.points, self._words, self._ticks = tuple(points), words, ticks
        said = [f"{one.name}: {numbers.percent(one.y)}" for one in self.points if one.is_front]
        self.setAccessibleDescription(", ".join(said))
        self.update()

    def sizeHint(self) -> QSize:
        """As large as a card."""
        return QSize(420, 260)

    def minimumSizeHint(self) -> QSize:
        """Room for the axes and a few points."""
        return QSize(260, 190)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """Grid, front, intervals, points, names; nothing while there are no points."""
        if not self.points:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect()).adjusted(_LEFT, _TOP, -_RIGHT, -_BOTTOM)
        painter.setFont(font("cap"))
        self._paint_grid(painter, area)
        places = [(one, self._place(one.x, one.y, area)) for one in self.points]
        line = sorted((at.x(), at.y()) for one, at in places if one.is_front)
        painter.setPen(QPen(self._theme.color("accent"), 1.5, Qt.PenStyle.DotLine))
        painter.drawPolyline([QPointF(*at) for at in line])
        for one, at in places:
            self._paint_point(painter, one, at, area)
        self._paint_names(painter, places, area)

    def _paint_grid(self, painter: QPainter, area: QRectF) -> None:
        theme = self._theme
        for value in self._shares():
            y = self._place(1.0, value, area).y()
            painter.setPen(QPen(theme.color("grid"), 1))
            painter.drawLine(QLineF(area.left(), y, area.right(), y))
            painter.setPen(theme.color("text3"))
            room = QRectF(0, y - 9, _LEFT - 8, 18)
            painter.drawText(
                room, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, numbers.percent(value, 0)
            )
        for value, words in self._ticks:
            x = self._place(value, 0.5, area).x()
            if area.left() - 1 <= x <= area.right() + 1:
                room = QRectF(x - 40, area.bottom() + 4, 80, 16)
                painter.drawText(room, Qt.AlignmentFlag.AlignCenter, words)
        painter.setPen(theme.color("text2"))
        below = QRectF(area.left(), area.bottom() + 20, area.width(), 18)
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, self._words[0])

    def _paint_point(self, painter: QPainter, one: Point, at: QPointF, area: QRectF) -> None:
        color = self._theme.color("accent" if one.is_front else "text3")
        low, high = (self._place(one.x, value, area).y() for value in one.interval)
        painter.setPen(QPen(color, 1.2))
        painter.drawLine(QLineF(at.x(), low, at.x(), high))
        for y in (low, high):
            painter.drawLine(QLineF(at.x() - 4, y, at.x() + 4, y))
        painter.setBrush(color if one.is_front else self._theme.color("panel"))
        painter.setPen(QPen(color, 1.6))
        painter.drawEllipse(at, _DOT, _DOT)

    def _paint_names(self, painter: QPainter, places: Sequence[tuple[Point, QPointF]], area: QRectF) -> None:
        """Beside each point, on the side with more room; not over each other, nor over the line of the front."""
        taken: list[QRectF] = []
        front = sorted((at.x(), at.y()) for one, at in places if one.is_front)
        is_falling = bool(front) and front[0][1] < front[-1][1]  # more of what the axis counts is better
        for one, at in sorted(places, key=lambda pair: pair[1].y()):
            painter.setFont(font("capb" if one.is_front else "cap"))
            painter.setPen(self._theme.color("text" if one.is_front else "text2"))
            width = painter.fontMetrics().horizontalAdvance(one.name) + 4.0
            is_left = at.x() + _DOT + 6 + width > area.right() + _RIGHT
            x = at.x() - _DOT - 6 - width if is_left else at.x() + _DOT + 6
            y = at.y() if is_left is is_falling else at.y() - _LABEL_HEIGHT
            rect = QRectF(max(area.left(), x), y, width, _LABEL_HEIGHT)
            while any(rect.intersects(other) for other in taken) and rect.bottom() < area.bottom():
                rect.translate(0, 4)
            taken.append(rect)
            painter.drawText(rect, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, one.name)

    def _place(self, x: float, y: float, area: QRectF) -> QPointF:
        left, right = self._span()
        low, high = self._range()
        across = (math.log(x) - left) / (right - left)
        return QPointF(area.left() + across * area.width(), area.bottom() - (y - low) / (high - low) * area.height())

    def _span(self) -> tuple[float, float]:
        logs = [math.log(one.x) for one in self.points] or [0.0]
        air = max(0.35, 0.12 * (max(logs) - min(logs)))
        return min(logs) - air, max(logs) + air

    def _range(self) -> tuple[float, float]:
        low = min((one.interval[0] for one in self.points), default=0.0)
        step = self._step()
        return max(0.0, math.floor((low - 0.01) / step) * step), 1.0 + 0.02

    def _step(self) -> float:
        low = min((one.interval[0] for one in self.points), default=0.0)
        return next(step for step in (0.02, 0.05, 0.1, 0.2, 0.25) if (1.0 - low) / step <= 5.5)

    def _shares(self) -> list[float]:
        step, (low, _high) = self._step(), self._range()
        return [low + number * step for number in range(round((1.0 - low) / step) + 1)]
