"""The loss over the learning rate, small: a falling line, the place to be marked with a line and its number."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from convnext_studio.gui.theme.fonts import font
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.numbers import scientific

_HEIGHT, _FOOT, _PAD = 104, 18, 6
_SPARE = 0.08  # of the height, above the line and below


class RateCurve(QWidget):
    """Painted; the rate runs in powers of ten."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._points: tuple[tuple[float, float], ...] = ()
        self._mark = 0.0
        self.setFixedHeight(_HEIGHT)
        self.setMinimumWidth(180)
        self.setMaximumWidth(560)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Loss over the learning rate"))
        theme.changed.connect(self.update)

    def show_curve(self, rates: Sequence[float], losses: Sequence[float], mark: float) -> None:
        """Show the curve, and the rate to take."""
        pairs = zip(rates, losses, strict=True)
        self._points = tuple((math.log10(rate), loss) for rate, loss in pairs if rate > 0 and math.isfinite(loss))
        self._mark = mark
        self.setAccessibleDescription(self.tr("The rate to take is {0}.").format(scientific(mark)))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """Decades, line, mark."""
        if len(self._points) < 2:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(font("cap"))
        area = QRectF(_PAD, _PAD, self.width() - 2 * _PAD, self.height() - _FOOT - _PAD)
        low, high = self._points[0][0], max(self._points[-1][0], self._points[0][0] + 1e-6)

        def across(exponent: float) -> float:
            return area.left() + area.width() * (exponent - low) / (high - low)

        for decade in range(math.ceil(low - 1e-9), math.floor(high + 1e-9) + 1):
            x = across(decade)
            painter.setPen(QPen(self._theme.color("grid"), 1))
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
            painter.setPen(self._theme.color("text3"))
            words = scientific(10.0**decade)
            wide = painter.fontMetrics().horizontalAdvance(words)
            left = min(max(0.0, x - wide / 2), self.width() - wide)
            painter.drawText(QPointF(left, self.height() - 4), words)
        self._paint_line(painter, area, [across(exponent) for exponent, _loss in self._points])
        if self._mark > 0 and low <= math.log10(self._mark) <= high:
            painter.setPen(QPen(self._theme.color("s2"), 1.5, Qt.PenStyle.DashLine))
            x = across(math.log10(self._mark))
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))

    def _paint_line(self, painter: QPainter, area: QRectF, across: Sequence[float]) -> None:
        losses = [loss for _rate, loss in self._points]
        least, most = min(losses), max(losses)
        span = (most - least) or 1.0

        def down(loss: float) -> float:
            share = _SPARE + (1 - 2 * _SPARE) * (most - loss) / span
            return area.top() + area.height() * share

        painter.setPen(QPen(self._theme.color("s1"), 2))
        places = [QPointF(x, down(loss)) for x, loss in zip(across, losses, strict=True)]
        painter.drawPolyline(QPolygonF(places))
