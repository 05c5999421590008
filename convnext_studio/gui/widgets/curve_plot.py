"""Curves over epochs: what was measured as thin lines, smoothed ones before them, the best epoch, what is to come.

This module imports pyqtgraph, which takes half a second: import it late.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from convnext_studio.gui.theme.fonts import font
from convnext_studio.gui.theme.theme import Theme

_NAME_ROOM = 112  # pixels: the axis at the left, and the name at the end of a line
MOST_POINTS = 1_500  # more than a plot is wide: what stands behind each other is drawn once


@dataclass(frozen=True)
class Curve:
    """A series over epochs. `role` is a colour; points are joined by dashes with dots where `is_dotted`."""

    name: str
    role: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    raw_x: NDArray[np.float64] | None = None
    raw_y: NDArray[np.float64] | None = None
    is_dotted: bool = False


@dataclass(frozen=True)
class Marks:
    """The best epoch (-1: none yet; 0: the head alone), its value, where the curve is now, and where it will end."""

    best: int = -1
    best_value: float = 0.0
    now: float = 0.0
    end: float = 1.0
    best_words: str = ""
    future_words: str = ""


class CurvePlot(QWidget):
    """Names at the lines' ends are plain text. `is_share` is for values between 0 and 1."""

    def __init__(self, theme: Theme, name: str, *, is_share: bool = False) -> None:
        super().__init__()
        self._theme = theme
        self._is_share = is_share
        self._curves: tuple[Curve, ...] = ()
        self._marks = Marks()
        self.setAccessibleName(name)
        self.setMinimumHeight(140)
        self._plot = pg.PlotWidget(background=theme.color("panel"))
        self._plot.setMenuEnabled(False)
        menu = self._plot.getPlotItem().ctrlMenu
        menu.setParent(self, menu.windowFlags())  # made for nobody, it would stay when the plot has gone
        self._plot.hideButtons()
        self._plot.setMouseEnabled(x=False, y=False)
        self._plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._plot.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._plot)
        self._future = pg.LinearRegionItem(movable=False, pen=pg.mkPen(None))
        self._best = pg.InfiniteLine(angle=90)
        self._star = pg.ScatterPlotItem(symbol="star", size=14, pen=pg.mkPen(None))
        self._best_words = pg.TextItem(anchor=(1, 0))
        self._future_words = pg.TextItem(anchor=(1, 0))
        for item in (self._future, self._best):
            self._plot.addItem(item, ignoreBounds=True)
        for item in (self._star, self._best_words, self._future_words):
            item.setZValue(20)
            self._plot.addItem(item, ignoreBounds=True)
        self._items: list[tuple[pg.PlotDataItem, pg.PlotDataItem, pg.TextItem]] = []
        theme.changed.connect(self._dress)
        self._dress()

    def show_curves(self, curves: Sequence[Curve], marks: Marks) -> None:
        """Draw these in place of those before."""
        is_alike = [one.name for one in curves] == [one.name for one in self._curves]
        self._curves, self._marks = tuple(curves), marks
        if not is_alike:
            self._make_items()
        for curve, (raw, smooth, _label) in zip(self._curves, self._items, strict=True):
            raw.setData(*_thinned(curve.raw_x, curve.raw_y))
            smooth.setData(*_thinned(curve.x, curve.y))
        self._place_marks()
        self._say()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Names at the lines' ends keep their distance in pixels."""
        super().resizeEvent(event)
        self._place_marks()

    @property
    def shown(self) -> tuple[Curve, ...]:
        """What is drawn now."""
        return self._curves

    # --- how it looks

    def _make_items(self) -> None:
        for items in self._items:
            for item in items:
                self._plot.removeItem(item)
        self._items = []
        for curve in self._curves:
            raw, smooth, label = pg.PlotDataItem(), pg.PlotDataItem(), pg.TextItem(anchor=(0, 0.5))
            label.setPlainText(curve.name)
            label.setZValue(30)
            for item in (raw, smooth, label):
                self._plot.addItem(item, ignoreBounds=True)
            self._items.append((raw, smooth, label))
        self._dress()

    def _dress(self) -> None:
        """Pens and brushes keep the colour of their making: make them anew."""
        theme = self._theme
        self._plot.setBackground(theme.color("panel"))
        for side in ("left", "bottom"):
            axis = self._plot.getAxis(side)
            axis.setPen(pg.mkPen(theme.color("grid")))
            axis.setTextPen(pg.mkPen(theme.color("text3")))
            axis.setStyle(tickLength=0, tickFont=font("cap"), hideOverlappingLabels=False)
        self._plot.getAxis("left").setWidth(44)
        self._plot.showGrid(y=True, alpha=0.25)
        future = theme.color("hover")
        future.setAlphaF(0.35)
        self._future.setBrush(pg.mkBrush(future))
        self._best.setPen(pg.mkPen(theme.color("text2"), style=Qt.PenStyle.DotLine))
        self._star.setBrush(pg.mkBrush(theme.color("text")))
        for item, role, name in ((self._best_words, "text2", "capb"), (self._future_words, "text3", "cap")):
            item.setColor(theme.color(role))
            item.setFont(font(name))
        for curve, (raw, smooth, label) in zip(self._curves, self._items, strict=True):
            colour = theme.color(curve.role)
            faint = theme.color(curve.role)
            faint.setAlphaF(0.5)
            raw.setPen(pg.mkPen(faint, width=1))
            style = Qt.PenStyle.DashLine if curve.is_dotted else Qt.PenStyle.SolidLine
            smooth.setPen(pg.mkPen(colour, width=2, style=style))
            smooth.setSymbol("o" if curve.is_dotted else None)
            smooth.setSymbolSize(5)
            smooth.setSymbolBrush(pg.mkBrush(colour))
            smooth.setSymbolPen(pg.mkPen(None))
            label.setColor(colour)
            label.setFont(font("capb"))

    def _place_marks(self) -> None:
        marks = self._marks
        low, high = self._range()
        end = max(marks.end, marks.now, 1.0)
        room = _NAME_ROOM / max(2 * _NAME_ROOM, self.width()) if marks.now > 0.8 * end else 0.06
        self._plot.setXRange(-0.02 * end, end / (1 - room), padding=0)
        self._plot.setYRange(low, high, padding=0)
        self._future.setRegion((min(marks.now, end), end))
        self._future.setVisible(marks.now < end and bool(marks.future_words))
        has_best = marks.best >= 0
        for item in (self._best, self._star, self._best_words):
            item.setVisible(has_best)
        if has_best:
            self._best.setPos(marks.best)
            self._star.setData([marks.best], [marks.best_value])
            self._best_words.setPlainText(marks.best_words)
            is_left = marks.best < 0.3 * end
            self._best_words.setAnchor((0 if is_left else 1, 1 if self._is_share else 0))
            self._best_words.setPos(marks.best, low if self._is_share else high)
        self._future_words.setVisible(marks.now < 0.8 * end and bool(marks.future_words))
        self._future_words.setPlainText(marks.future_words)
        self._future_words.setAnchor((1, 1 if self._is_share else 0))
        self._future_words.setPos(end, low if self._is_share else high)
        self._place_labels(low, high)

    def _place_labels(self, low: float, high: float) -> None:
        """At the end of each line, and not over each other."""
        ends = [(float(curve.y[-1]), n) for n, curve in enumerate(self._curves) if len(curve.y)]
        apart = (high - low) * 16 / max(60, self.height() - 30)
        at = low - apart * 0.5
        for value, number in sorted(ends):
            at = max(value, at + apart)
            curve, label = self._curves[number], self._items[number][2]
            label.setPos(float(curve.x[-1]), at)
        for number, curve in enumerate(self._curves):
            self._items[number][2].setVisible(len(curve.y) > 0)

    def _range(self) -> tuple[float, float]:
        drawn = [part for curve in self._curves for part in (curve.y, curve.raw_y) if part is not None]
        known = [part for part in (part[np.isfinite(part)] for part in drawn) if len(part)]
        if not known:
            return 0.0, 1.0
        low, high = min(float(part.min()) for part in known), max(float(part.max()) for part in known)
        if self._is_share:
            return max(0.0, low - 0.08), 1.02
        return min(0.0, low), high * 1.08 if high > 0 else 1.0

    def _say(self) -> None:
        last = [f"{curve.name} {curve.y[-1]:.3g}" for curve in self._curves if len(curve.y)]
        self.setAccessibleDescription(", ".join(last))


def smoothed(values: NDArray[np.float64], weight: float) -> NDArray[np.float64]:
    """An exponential average that does not lean towards its beginning; `weight` is that of the past, 0..1.

    The bias correction is that of Adam (Kingma and Ba, 2015), applied to the curve.
    """
    result = np.empty_like(values)
    held = norm = 0.0
    for number, value in enumerate(values.tolist()):
        if np.isfinite(value):
            held, norm = weight * held + (1 - weight) * value, weight * norm + (1 - weight)
        result[number] = held / norm if norm else value
    return result


def _thinned(
    x: NDArray[np.float64] | None, y: NDArray[np.float64] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """At most `MOST_POINTS`: of each stretch the lowest and the highest value, so that no peak is lost."""
    if x is None or y is None:
        return np.zeros(0), np.zeros(0)
    if len(x) <= MOST_POINTS:
        return x, y
    stretch = -(-len(x) // (MOST_POINTS // 2))
    whole = len(x) // stretch * stretch
    parts = y[:whole].reshape(-1, stretch)
    first = np.arange(0, whole, stretch)
    picked = np.sort(np.concatenate([first + parts.argmin(axis=1), first + parts.argmax(axis=1)]))
    picked = np.concatenate([picked, np.arange(whole, len(x))])
    return x[picked], y[picked]
