"""Curves over epochs, steps or time: what was measured thin behind what is smoothed; best epoch, phases, the future.

This module imports pyqtgraph, which takes half a second: see `gui/preload.py`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QLocale, QPointF, Qt, QTimer, Signal
from PySide6.QtGui import QFocusEvent, QFontMetrics, QKeyEvent, QMouseEvent, QPaintEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QGraphicsItem, QGraphicsRectItem, QSizePolicy, QVBoxLayout, QWidget

from convnext_studio.gui.theme.fonts import font
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.curve import Curve, Marks, Scale, value_at
from convnext_studio.gui.widgets.drawn_curve import Drawn, halfway, kind_of, set_visible
from convnext_studio.gui.widgets.numbers import figure
from convnext_studio.gui.widgets.plot_view import PlotView

_NAME_ROOM = 112  # pixels: the axis at the left, and the name at the end of a line
_DRAG = 6  # pixels that a pressed pointer moves before it zooms
_CLOSER = 0.8  # what a notch of the wheel, or a key, leaves of what is seen
_LEAST_SHARE = 1e-4  # of the axis, that can be zoomed to
_WORDS_GROUND = 0.7  # how much of a line that runs behind words they hide
_CACHED = QGraphicsItem.CacheMode.DeviceCoordinateCache
_FIRST_PHASES = 0.02  # phases that begin closer together than this share of the axis are not told apart


class _Axis(pg.AxisItem):  # type: ignore[misc]
    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        point = QLocale().decimalPoint()
        return [text.replace(".", point) for text in super().tickStrings(values, scale, spacing)]


class _Canvas(pg.PlotWidget):  # type: ignore[misc]
    painted = Signal()

    def paintEvent(self, event: QPaintEvent) -> None:
        self.painted.emit()
        super().paintEvent(event)


class CurvePlot(QWidget):
    """Names at the lines' ends are plain text. Drag to zoom, double-click for all; arrow keys move the cursor.

    `shown` are the curves handed over, hidden ones too.
    """

    def __init__(self, theme: Theme, name: str, view: PlotView, scale: Scale) -> None:
        super().__init__()
        self._theme = theme
        self._view = view
        self._scale = scale
        self._curves: tuple[Curve, ...] = ()
        self._drawn: list[Drawn] = []
        self._marks = Marks()
        self._drawn_in: object = None  # how the plots were seen when this one was told what to draw
        self._ranges = (0.0, 1.0, 0.0, 1.0)  # of both axes, as they were set
        self._told: object = None  # what was marked, and in which place
        self._pressed_at: float | None = None
        self._is_stale = False
        self._is_counted = True
        self._later = QTimer(self, singleShot=True, interval=view.delay_ms())
        self._later.timeout.connect(self._draw)
        self.setAccessibleName(name)
        self.setMinimumHeight(140)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._make_plot()
        theme.changed.connect(self._dress)
        self._view.window_changed.connect(self._draw)
        self._view.cursor_changed.connect(self._place_cursor)
        self._dress()

    def show_curves(self, curves: Sequence[Curve], marks: Marks) -> None:
        """Draw these in place of those before; those that nobody wants to see are only kept."""
        view = (self.is_log, frozenset(self._view.hidden), self._view.window)
        is_alike = [kind_of(one) for one in curves] == [kind_of(one) for one in self._curves]
        if is_alike:  # what is not new stays: to paint it again would cost a training its share
            pairs = zip(curves, self._curves, strict=True)
            curves = tuple(other if one.is_like(other) else one for one, other in pairs)
            are_old = all(one is other for one, other in zip(curves, self._curves, strict=True))
            if are_old and (marks, view) == (self._marks, self._drawn_in):
                return
        self._curves, self._marks, self._drawn_in = tuple(curves), marks, view
        if not is_alike:
            self._make_items()
        self._later.start()
        self._say()

    @property
    def shown(self) -> tuple[Curve, ...]:
        """What is drawn now."""
        return self._curves

    @property
    def is_log(self) -> bool:
        """Whether values are shown logarithmically."""
        return self._view.is_log and self._scale.can_be_log

    def values_at(self, place: float | None) -> list[float | None]:
        """Each curve's value at a place of the axis, its last one where no place is given; None where it has none."""
        return [value_at(curve, place) for curve in self._curves]

    @contextmanager
    def as_drawn(self) -> Iterator[None]:
        """Within, what came last is drawn, and nothing as a picture made for the screen: it has words and lines."""
        self._later.stop()
        self._draw_now()
        axes = [self._plot.getAxis(side) for side in ("left", "bottom")]
        for axis in axes:
            axis.setCacheMode(QGraphicsItem.CacheMode.NoCache)
        yield
        for axis in axes:
            axis.setCacheMode(_CACHED)

    # --- how it is built

    def _make_plot(self) -> None:
        self._plot = _Canvas(
            background=self._theme.color("panel"),
            enableMenu=False,
            axisItems={side: _Axis(side) for side in ("left", "bottom")},
        )
        self._plot.painted.connect(self._on_painted)
        menu = self._plot.getPlotItem().ctrlMenu
        menu.setParent(self, menu.windowFlags())  # made for nobody, it would stay when the plot has gone
        self._plot.hideButtons()
        self._plot.setMouseEnabled(x=False, y=False)
        self._plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._plot.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        self._plot.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setMouseTracking(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(2, 2, 2, 2)
        column.addWidget(self._plot)
        self._future, self._zooming = QGraphicsRectItem(), QGraphicsRectItem()
        self._best = pg.InfiniteLine(angle=90)
        self._cursor = pg.InfiniteLine(angle=90)
        self._star = pg.ScatterPlotItem(symbol="star", size=14, pen=pg.mkPen(None))
        self._best_words = pg.TextItem(anchor=(1, 0))
        self._future_words = pg.TextItem(anchor=(1, 0))
        self._phases: list[tuple[pg.InfiniteLine, pg.TextItem]] = []
        for item in (self._future, self._zooming, self._best, self._cursor):
            self._plot.addItem(item, ignoreBounds=True)
        for item in (self._star, self._best_words, self._future_words):
            item.setZValue(20)
            self._plot.addItem(item, ignoreBounds=True)
        self._zooming.hide()
        self._cursor.hide()

    def _make_items(self) -> None:
        for drawn in self._drawn:
            for item in drawn.all:
                self._plot.removeItem(item)
        self._drawn = [Drawn.of(curve) for curve in self._curves]
        for curve, drawn in zip(self._curves, self._drawn, strict=True):
            drawn.label.setPlainText(curve.name)
            drawn.label.setZValue(30)
            drawn.raw.setZValue(-1)  # behind every smoothed line
            for item in drawn.all:
                self._plot.addItem(item, ignoreBounds=True)
            self._dress_curve(curve, drawn)

    def _dress(self) -> None:
        """Pens and brushes keep the colour of their making: make them anew."""
        theme = self._theme
        self._plot.setBackground(theme.color("panel"))
        for side in ("left", "bottom"):
            axis = self._plot.getAxis(side)
            axis.setCacheMode(_CACHED)  # its words cost more than the lines, and stay the same from step to step
            axis.setPen(pg.mkPen(theme.color("grid")))
            axis.setTextPen(pg.mkPen(theme.color("text3")))
            axis.setStyle(tickLength=0, tickFont=font("cap"), hideOverlappingLabels=False)
            axis.enableAutoSIPrefix(False)
        self._plot.getAxis("left").setWidth(48)
        self._plot.getAxis("bottom").setHeight(QFontMetrics(font("cap")).height() + 6)  # without figures too
        self._plot.showGrid(y=True, alpha=0.25)
        for region, role, share in ((self._future, "hover", 0.35), (self._zooming, "accent", 0.2)):
            colour = theme.color(role)
            colour.setAlphaF(share)
            region.setBrush(pg.mkBrush(colour))
            region.setPen(pg.mkPen(None))
        self._best.setPen(pg.mkPen(theme.color("text2"), style=Qt.PenStyle.DotLine))
        self._cursor.setPen(pg.mkPen(theme.color("accent")))
        self._star.setBrush(pg.mkBrush(theme.color("text")))
        for item, role, name in ((self._best_words, "text2", "capb"), (self._future_words, "text3", "cap")):
            item.setColor(theme.color(role))
            item.setFont(font(name))
        ground = theme.color("panel")
        ground.setAlphaF(_WORDS_GROUND)
        self._best_words.fill = pg.mkBrush(ground)
        for phase in self._phases:
            self._dress_phase(*phase)
        for curve, drawn in zip(self._curves, self._drawn, strict=True):
            self._dress_curve(curve, drawn)

    def _dress_phase(self, line: pg.InfiniteLine, words: pg.TextItem) -> None:
        line.setPen(pg.mkPen(self._theme.color("grid")))
        words.setColor(self._theme.color("text3"))
        words.setFont(font("cap"))

    def _dress_curve(self, curve: Curve, drawn: Drawn) -> None:
        colour = self._theme.color(curve.role)
        drawn.raw.setPen(pg.mkPen(halfway(colour, self._theme.color("panel")), width=1))
        style = Qt.PenStyle.DashLine if curve.is_dotted else Qt.PenStyle.SolidLine
        drawn.smooth.setPen(pg.mkPen(colour, width=1 if curve.run else 2, style=style))
        if drawn.dots is not None:
            drawn.dots.setBrush(pg.mkBrush(colour))
            drawn.dots.setPen(pg.mkPen(None))
        drawn.label.setColor(colour)
        drawn.label.setFont(font("capb"))

    # --- drawing

    def _draw(self) -> None:
        """Draw it now if it can be seen, else when it is."""
        self._is_stale = self.visibleRegion().isEmpty()
        if not self._is_stale:
            self._draw_now()

    def _draw_now(self) -> None:
        if self._plot.getAxis("left").logMode != self.is_log:
            self._plot.setLogMode(x=False, y=self.is_log)
        window = self._window()
        for curve, drawn in zip(self._curves, self._drawn, strict=True):
            is_shown = curve.title not in self._view.hidden
            for item in drawn.all:
                set_visible(item, is_shown)
            if is_shown:
                drawn.set_to(curve, window, is_log=self.is_log)
        self._count_on_axes(any(len(curve.x) for curve in self._curves))
        self._place_marks()
        self._place_cursor()

    def _count_on_axes(self, has_any: bool) -> None:
        """Of nothing there is nothing to count. What stays is not set again: an axis would be painted anew."""
        if has_any != self._is_counted:
            self._is_counted = has_any
            for side in ("left", "bottom"):
                self._plot.getAxis(side).setTicks(None if has_any else [])

    def _on_painted(self) -> None:
        """What came while it was not seen is drawn in the next turn."""
        if self._is_stale:
            QTimer.singleShot(0, self, self._draw)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Names at the lines' ends keep their distance in pixels."""
        super().resizeEvent(event)
        if not self._is_stale and not self._later.isActive():
            self._place_marks()

    def _seen(self) -> list[tuple[Curve, Drawn]]:
        pairs = zip(self._curves, self._drawn, strict=True)
        return [(curve, drawn) for curve, drawn in pairs if curve.title not in self._view.hidden]

    def _whole(self) -> tuple[float, float]:
        """All of the axis, with room for the names at the lines' ends."""
        marks = self._marks
        end = max(marks.end, marks.now, 1e-9)
        room = _NAME_ROOM / max(2 * _NAME_ROOM, self.width()) if marks.now > 0.8 * end else 0.06
        return -0.02 * end, end / (1 - room)

    def _window(self) -> tuple[float, float]:
        return self._view.window or self._whole()

    def _place_marks(self) -> None:
        """What stays is not set again: whatever is set is measured and painted anew."""
        marks, window = self._marks, self._window()
        low, high = self._range()
        end = max(marks.end, marks.now, 1e-9)
        if (*window, low, high) != self._ranges:
            self._ranges = (*window, low, high)
            self._plot.setXRange(*window, padding=0)
            self._plot.setYRange(low, high, padding=0)
        self._spread(self._future, min(marks.now, end), end)
        self._future.setVisible(marks.now < end and bool(marks.future_words))
        is_told = marks.now < 0.8 * end and bool(marks.future_words) and self._view.window is None
        set_visible(self._future_words, is_told)
        told = (replace(marks, now=0.0), end, self._ranges, self.is_log)
        if told != self._told:
            self._told = told
            self._place_words(low if self._scale.is_share else high, anchor=1 if self._scale.is_share else 0)
        self._place_labels(low, high)

    def _spread(self, region: QGraphicsRectItem, first: float, last: float) -> None:
        """Over the whole height."""
        low, high = self._ranges[2:]
        region.setRect(first, low, last - first, high - low)

    def _place_words(self, height: float, *, anchor: float) -> None:
        """The best epoch, what is to come, and the phases."""
        marks, window = self._marks, self._window()
        has_best = marks.best >= 0 and math.isfinite(self._shown_value(marks.best_value))
        for item in (self._best, self._star, self._best_words):
            set_visible(item, has_best)
        if has_best:
            value, (low, high) = self._shown_value(marks.best_value), self._ranges[2:]
            is_high = value > (low + high) / 2  # then its words lie low: not on its line, nor on the name at its end
            self._best.setPos(marks.best)
            self._star.setData([marks.best], [value])
            self._best_words.setPlainText(marks.best_words)
            is_left = marks.best < window[0] + 0.3 * (window[1] - window[0])
            self._best_words.setAnchor((0 if is_left else 1, 1 if is_high else 0))
            self._best_words.setPos(marks.best, low if is_high else high)
        self._future_words.setPlainText(marks.future_words)
        self._future_words.setAnchor((1, anchor))
        self._future_words.setPos(max(marks.end, marks.now, 1e-9), height)
        self._place_phases(height, anchor=anchor)

    def _place_phases(self, height: float, *, anchor: float) -> None:
        """A line where a phase begins, and its name where there is room for it: not beside the best epoch's."""
        end = max(self._marks.end, self._marks.now, 1e-9)
        begun = [(at, name) for at, name in self._marks.phases if at > _FIRST_PHASES * end]
        while len(self._phases) < len(begun):
            line, words = pg.InfiniteLine(angle=90), pg.TextItem(anchor=(0, 0))
            for item in (line, words):
                self._plot.addItem(item, ignoreBounds=True)
            self._phases.append((line, words))
            self._dress_phase(line, words)
        for number, (line, words) in enumerate(self._phases):
            is_there = number < len(begun)
            set_visible(line, is_there)
            is_free = is_there and abs(begun[number][0] - self._marks.best) > 0.2 * end
            set_visible(words, is_free and begun[number][0] < 0.85 * end)  # the lines' names stand at the end
            if is_there:
                line.setPos(begun[number][0])
                words.setPlainText(begun[number][1])
                words.setAnchor((0, anchor))
                words.setPos(begun[number][0], height)

    def _place_labels(self, low: float, high: float) -> None:
        """At the end of each line of the Run that is shown, and not over each other."""
        seen = self._seen()
        apart = (high - low) * 16 / max(60, self.height() - 30)
        ends = []
        for number, (curve, drawn) in enumerate(seen):
            value = self._shown_value(float(curve.y[-1])) if len(curve.y) else math.nan
            has_room = not curve.run and self._view.window is None and math.isfinite(value)
            set_visible(drawn.label, has_room)
            if has_room:
                ends.append((min(value, high - 0.6 * apart), number))
        at = low - apart * 0.5
        for value, number in sorted(ends):
            at = max(value, at + apart)
            curve, drawn = seen[number]
            drawn.label.setPos(float(curve.x[-1]), at)

    def _range(self) -> tuple[float, float]:
        """From the lowest to the highest value that is seen, as they are drawn."""
        parts = [part for _curve, drawn in self._seen() for part in drawn.values]
        values = np.concatenate(parts) if parts else np.zeros(0)
        values = values[np.isfinite(values)]
        if not len(values):
            return (0.0, 1.0)
        low, high = float(values.min()), float(values.max())
        if self.is_log:
            air = max(0.05, 0.06 * (high - low))
            return low - air, high + air
        if self._scale.is_share:
            return (-0.05 if self._scale.is_whole else max(0.0, low - 0.08)), 1.06
        if self._view.window is None:
            low = min(0.0, low)  # so that a curve that falls does not move the axis, which would be painted anew
            return low, high + (0.08 * (high - low) or 1.0)
        air = 0.08 * (high - low) or 0.08 * abs(high) or 1.0
        return low - air, high + air

    def _shown_value(self, value: float) -> float:
        if not self.is_log:
            return value
        return math.log10(value) if value > 0 else math.nan

    def _say(self) -> None:
        last = [f"{curve.title} {figure(float(curve.y[-1]))}" for curve in self._curves if len(curve.y)]
        self.setAccessibleDescription(", ".join(last))

    # --- cursor and zoom

    def _place_cursor(self) -> None:
        place = self._view.cursor
        set_visible(self._cursor, place is not None)
        if place is not None:
            self._cursor.setPos(place)

    def _place_of(self, at: QPointF) -> float:
        box = self._plot.getViewBox()
        inner = self._plot.mapToScene(self._plot.mapFrom(self, at.toPoint()))
        return float(box.mapSceneToView(inner).x())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to mark what to zoom to."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed_at = self._place_of(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the cursor, or mark what to zoom to."""
        place = self._place_of(event.position())
        low, high = self._window()
        self._view.point(place if low <= place <= high else None)
        if self._pressed_at is not None:
            self._spread(self._zooming, *sorted((self._pressed_at, place)))
            self._zooming.setVisible(self._is_dragged(place))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Zoom to what was marked."""
        pressed, self._pressed_at = self._pressed_at, None
        self._zooming.hide()
        place = self._place_of(event.position())
        if pressed is not None and self._is_dragged(place, pressed):
            self._zoom(min(pressed, place), max(pressed, place))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: ARG002
        """Show all of it."""
        self._pressed_at = None
        self._view.zoom(None)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """With Ctrl, zoom; else the page scrolls."""
        if not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            event.ignore()
            return
        self._zoom_by(_CLOSER if event.angleDelta().y() > 0 else 1 / _CLOSER, self._place_of(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        """Nobody points here any more."""
        super().leaveEvent(event)
        self._view.point(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows move the cursor, plus and minus zoom, 0 shows all, Esc takes the cursor away."""
        key = Qt.Key(event.key())
        low, high = self._window()
        if key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            now = self._view.cursor if self._view.cursor is not None else self._marks.now
            step = (high - low) / (20 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 100)
            place = now + (step if key == Qt.Key.Key_Right else -step)
            most = max(self._marks.end, self._marks.now)
            self._view.point(min(max(place, low, 0.0), high, most))
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus):
            middle = self._view.cursor if self._view.cursor is not None else (low + high) / 2
            self._zoom_by(1 / _CLOSER if key == Qt.Key.Key_Minus else _CLOSER, middle)
        elif key in (Qt.Key.Key_0, Qt.Key.Key_Home):
            self._view.zoom(None)
        elif key == Qt.Key.Key_Escape and self._view.cursor is not None:
            self._view.point(None)
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """The cursor was the keyboard's."""
        super().focusOutEvent(event)
        self._view.point(None)

    def _is_dragged(self, place: float, pressed: float | None = None) -> bool:
        begin = self._pressed_at if pressed is None else pressed
        low, high = self._window()
        return begin is not None and abs(place - begin) > _DRAG * (high - low) / max(1, self.width())

    def _zoom_by(self, factor: float, place: float) -> None:
        low, high = self._window()
        self._zoom(place - (place - low) * factor, place + (high - place) * factor)

    def _zoom(self, low: float, high: float) -> None:
        whole_low, whole_high = self._whole()
        low, high = max(low, whole_low), min(high, whole_high)
        if high - low >= whole_high - whole_low:
            self._view.zoom(None)
        elif high - low > _LEAST_SHARE * (whole_high - whole_low):
            self._view.zoom((low, high))
