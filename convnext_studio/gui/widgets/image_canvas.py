"""An Image to look at closely: zoom at the pointer, drag, fit, one to one, read a pixel. It knows no Library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QCursor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QSizePolicy, QWidget

from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.box_drawing import BoxDrawing
from convnext_studio.gui.widgets.heat_layer import HeatLayer
from convnext_studio.gui.widgets.painted_words import draw_words
from convnext_studio.gui.widgets.pyramid import Pyramid

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LARGEST_ZOOM = 64.0
NEAREST_FROM = 4.0  # from 400 % on each pixel is a square of its own
STEP = 1.25
MARGIN = 24  # logical pixels round a fitted Image
KEPT_IN_SIGHT = 40  # device pixels of the Image that no drag can push out
_TICK, _TICK_AWAY = 16.0, 6.0
_GRAB = 12  # logical pixels from the divider that still take hold of it
_SWIPES = {Qt.Key.Key_Comma: -0.02, Qt.Key.Key_Period: 0.02}
_STEPS = {
    Qt.Key.Key_Left: -1,
    Qt.Key.Key_A: -1,
    Qt.Key.Key_Backspace: -1,
    Qt.Key.Key_Right: 1,
    Qt.Key.Key_D: 1,
    Qt.Key.Key_Space: 1,
}
_JUMPS = {
    Qt.Key.Key_Home: "first",
    Qt.Key.Key_End: "last",
    Qt.Key.Key_PageUp: "page up",
    Qt.Key.Key_PageDown: "page down",
}


class ImageCanvas(QWidget):
    """`zoom` is device pixels per Image pixel: at 1.0 each pixel of the Image is one of the screen, at any scale."""

    zoom_changed = Signal(float)
    view_changed = Signal()  # zoom or place
    swiped = Signal(float)  # where the divider is now, 0..1
    pointed = Signal(object)  # (x, y, (red, green, blue)) or None
    stepped = Signal(int)
    jumped = Signal(str)

    def __init__(self, theme: Theme, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._pyramid: Pyramid | None = None
        self._size = (0, 0)  # the Image's own pixels
        self._scale = 1.0  # shown pixels per Image pixel
        self._origin = QPointF()  # of the Image, in device pixels of this widget
        self._words = ("", "")
        self._icon = ""
        self._region: QRectF | None = None
        self._dragged_from: QPoint | None = None
        self._is_swiping = False
        self.heat = HeatLayer()
        self.box = BoxDrawing(self)
        self.divider: float | None = None  # share of the width left of which the plain Image is seen
        self.zoom = 1.0
        self.is_fitted = True
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(120, 120)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(name)
        theme.changed.connect(self.update)

    # --- what is shown

    def set_picture(self, pixels: NDArray[np.uint8], width: int, height: int, *, keeps_view: bool = False) -> None:
        """Show uint8 RGB `pixels` of an Image of width x height; the view starts whole unless it is to be kept."""
        is_same_size = self._size == (width, height)
        self._drop()
        self._pyramid = Pyramid(pixels, self)
        self._pyramid.grown.connect(self.update)
        self._size = (width, height)
        self._scale = pixels.shape[1] / width
        if not keeps_view or self.is_fitted or not is_same_size:
            self.fit()
        if not is_same_size:
            self.box.set_on(self.box.is_on)  # a box of another Image means nothing here
        if self.underMouse():
            self._point_at(QPointF(self.mapFromGlobal(QCursor.pos())))
        else:
            self.pointed.emit(None)
        self.update()

    def set_words(self, title: str, sentence: str, icon: str = "") -> None:
        """Show words in place of an Image."""
        self._drop()
        self._words, self._icon = (title, sentence), icon
        self._size = (0, 0)
        self.pointed.emit(None)
        self.update()

    def set_region(self, region: tuple[float, float, float, float] | None) -> None:
        """Mark a part of the Image by ticks at its corners: left, top, right, bottom in Image pixels."""
        if region is None:
            self._region = None
        else:
            left, top, right, bottom = region
            self._region = QRectF(left, top, right - left, bottom - top)
        self.update()

    def set_divider(self, share: float | None) -> None:
        """Show the Heatmap only right of a divider that can be dragged, or everywhere."""
        self.divider = share if share is None else min(max(share, 0.0), 1.0)
        if self.divider is not None:
            self.swiped.emit(self.divider)
        self.update()

    @property
    def image_size(self) -> tuple[int, int]:
        """Width and height of the Image in its own pixels; 0, 0 where there is none."""
        return self._size

    @property
    def has_picture(self) -> bool:
        """True if there is an Image to look at."""
        return self._pyramid is not None

    def _drop(self) -> None:
        if self._pyramid is not None:
            self._pyramid.stop()
            self._pyramid.deleteLater()
        self._pyramid = None
        self._region = None
        self.heat.set_heatmap(None, 0, 0)

    # --- the view

    @property
    def _device(self) -> QPointF:
        ratio = self.devicePixelRatioF()
        return QPointF(self.width() * ratio, self.height() * ratio)

    @property
    def fit_zoom(self) -> float:
        """The zoom at which the whole Image is in sight."""
        if not self.has_picture:
            return 1.0
        space = self._device - QPointF(2 * MARGIN, 2 * MARGIN) * self.devicePixelRatioF()
        fitting = min(max(space.x(), 16) / self._size[0], max(space.y(), 16) / self._size[1])
        return min(fitting, LARGEST_ZOOM)

    def fit(self) -> None:
        """Show the whole Image."""
        self._zoom_to(self.fit_zoom, self._device / 2)
        self.is_fitted = True
        image = QPointF(*self._size) * self.zoom
        self._origin = (self._device - image) / 2
        self._show_view()

    def show_pixels(self) -> None:
        """One Image pixel for one of the screen."""
        self.zoom_to(1.0)

    def zoom_to(self, zoom: float, at: QPointF | None = None) -> None:
        """Zoom so that the point of the Image under `at` (logical) stays there."""
        if self.has_picture:
            point = self._device / 2 if at is None else at * self.devicePixelRatioF()
            self._zoom_to(zoom, point)
            if at is None:
                self._hold()
            self._show_view()

    def zoom_by(self, steps: float, at: QPointF | None = None) -> None:
        """So many steps closer, or away."""
        self.zoom_to(self.zoom * STEP**steps, at)

    def toggle_fit(self, at: QPointF | None = None) -> None:
        """Between the whole Image and one to one."""
        if self.is_fitted:
            self.zoom_to(1.0, at)
        else:
            self.fit()

    def pan(self, by: QPointF) -> None:
        """Move the Image by logical pixels; a part of it stays in sight."""
        if self.has_picture:
            self.is_fitted = False
            self._origin += by * self.devicePixelRatioF()
            self._hold()
            self._show_view()

    def follow(self, other: ImageCanvas) -> None:
        """Show the same part of the same Image as `other`."""
        if self.has_picture and other.has_picture and self._size == other._size:
            middle = other.image_point(QPointF(other.width(), other.height()) / 2)
            is_zoomed, self.zoom, self.is_fitted = other.zoom != self.zoom, other.zoom, other.is_fitted
            self._origin = self._device / 2 - middle * self.zoom
            self.update()
            if is_zoomed:
                self.zoom_changed.emit(self.zoom)

    def go_along(self, other: ImageCanvas) -> None:
        """Show the same part of this Image as `other` of its own, which may be of another size."""
        if not (self.has_picture and other.has_picture):
            return
        if other.is_fitted:
            self.fit()
            return
        middle = other.image_point(QPointF(other.width(), other.height()) / 2)
        across, down = (self._size[0] / other._size[0], self._size[1] / other._size[1])
        self.is_fitted = False
        zoom = other.zoom if self._size == other._size else other.zoom * self.fit_zoom / other.fit_zoom
        self._zoom_to(zoom, self._device / 2)
        self._origin = self._device / 2 - QPointF(middle.x() * across, middle.y() * down) * self.zoom
        self._hold()
        self._show_view()

    def image_point(self, at: QPointF) -> QPointF:
        """The point of the Image under a logical point of this widget."""
        return (at * self.devicePixelRatioF() - self._origin) / self.zoom

    def widget_point(self, of: QPointF) -> QPointF:
        """Where a point of the Image is in this widget (logical)."""
        return (of * self.zoom + self._origin) / self.devicePixelRatioF()

    def _show_view(self) -> None:
        self.update()
        self.view_changed.emit()

    def _zoom_to(self, zoom: float, point: QPointF) -> None:
        smallest = min(self.fit_zoom, 1.0) / 4
        wanted = min(max(zoom, smallest), LARGEST_ZOOM)
        self._origin = point - (point - self._origin) * (wanted / self.zoom)
        if wanted == 1.0:  # whole device pixels, or one to one would be blurred
            self._origin = QPointF(round(self._origin.x()), round(self._origin.y()))
        self.is_fitted = False
        if wanted != self.zoom:
            self.zoom = wanted
            self.zoom_changed.emit(wanted)

    def _hold(self) -> None:
        x, y = (
            min(max(origin, kept - extent), space - kept)
            for origin, extent, space in (
                (self._origin.x(), self._size[0] * self.zoom, self._device.x()),
                (self._origin.y(), self._size[1] * self.zoom, self._device.y()),
            )
            for kept in (min(KEPT_IN_SIGHT, extent, space),)
        )
        self._origin = QPointF(x, y)

    # --- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """The ground, the Image, and the ticks."""
        painter = QPainter(self)
        painter.fillRect(event.rect(), self._theme.color("canvas"))
        if self._pyramid is None:
            draw_words(painter, self._theme, QRectF(self.rect()), self._words, self._icon)
            return
        ratio = self.devicePixelRatioF()
        extent = QPointF(*self._size) * self.zoom / ratio
        target = QRectF(self._origin / ratio, self._origin / ratio + extent)
        self._pyramid.paint(
            painter, target, QRectF(event.rect()), self.zoom / self._scale, is_smooth=self.zoom < NEAREST_FROM
        )
        plain = 0.0 if self.divider is None else self.divider * self.width()
        heated = QRectF(plain, 0, self.width() - plain, self.height()) & target & QRectF(event.rect())
        self.heat.paint(painter, target.topLeft(), self.zoom / ratio, heated)
        if self._region is not None:
            self._paint_ticks(painter)
        self.box.paint(painter, self._theme)
        if self.divider is not None:
            self._paint_divider(painter, round(plain))

    def _paint_divider(self, painter: QPainter, x: int) -> None:
        painter.fillRect(x - 2, 0, 4, self.height(), self._theme.color("canvas"))
        painter.fillRect(x - 1, 0, 2, self.height(), self._theme.color("text"))
        knob = QRectF(x - 12, self.height() / 2 - 12, 24, 24)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._theme.color("canvas"), 2))
        painter.setBrush(self._theme.color("text"))
        painter.drawEllipse(knob)
        painter.setPen(QPen(self._theme.color("canvas"), 2))
        for side in (-1, 1):
            tip = knob.center() + QPointF(side * 7, 0)
            painter.drawPolyline([tip + QPointF(-side * 4, -4), tip, tip + QPointF(-side * 4, 4)])

    def _paint_ticks(self, painter: QPainter) -> None:
        assert self._region is not None
        ratio = self.devicePixelRatioF()
        top_left = (self._region.topLeft() * self.zoom + self._origin) / ratio
        bottom_right = (self._region.bottomRight() * self.zoom + self._origin) / ratio
        box = QRectF(top_left, bottom_right).adjusted(-_TICK_AWAY, -_TICK_AWAY, _TICK_AWAY, _TICK_AWAY)
        ticks = [
            [corner + QPointF(dx * _TICK, 0), corner, corner + QPointF(0, dy * _TICK)]
            for corner, dx, dy in (
                (box.topLeft(), 1, 1),
                (box.topRight(), -1, 1),
                (box.bottomLeft(), 1, -1),
                (box.bottomRight(), -1, -1),
            )
        ]
        for color, width in ((self._theme.color("canvas"), 4.0), (self._theme.color("text"), 1.5)):
            painter.setPen(QPen(color, width))
            for tick in ticks:
                painter.drawPolyline(tick)

    # --- what the user does

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom at the pointer."""
        if self.has_picture and event.angleDelta().y():
            self.zoom_by(event.angleDelta().y() / 120, event.position())
            self._point_at(event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to drag the Image."""
        is_left = event.button() == Qt.MouseButton.LeftButton
        if is_left and self._is_on_divider(event.position()):
            self._is_swiping = True
        elif is_left and self.has_picture and self.box.is_on:
            self.box.begin(self.image_point(event.position()))
        elif event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton) and self.has_picture:
            self._dragged_from = event.position().toPoint()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag, or say what is under the pointer."""
        at = event.position().toPoint()
        if self._is_swiping:
            self.set_divider(event.position().x() / self.width())
            return
        if self.box.is_drawing:
            self.box.draw_to(self.image_point(event.position()))
        elif self._dragged_from is None:
            self._show_cursor(event.position())
        if self._dragged_from is not None:
            is_far = (at - self._dragged_from).manhattanLength() >= QApplication.startDragDistance()
            if is_far or not self.is_fitted:
                self.pan(QPointF(at - self._dragged_from))
                self._dragged_from = at
        self._point_at(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """The drag is over."""
        self._dragged_from = None
        self._is_swiping = False
        self.box.end()
        self._show_cursor(event.position())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Between whole and one to one."""
        if event.button() == Qt.MouseButton.LeftButton and not self.box.is_on:
            self.toggle_fit(event.position())

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is under the pointer."""
        super().leaveEvent(event)
        self.pointed.emit(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Next and previous; with Ctrl the arrow keys move the Image."""
        key = Qt.Key(event.key())
        plain = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier == Qt.KeyboardModifier.NoModifier
        if self.box.is_on and self.box.take_key(event):
            return
        if plain and key in _SWIPES and self.divider is not None:
            self.set_divider(self.divider + _SWIPES[key])
        elif plain and key in _STEPS:
            self.stepped.emit(_STEPS[key])
        elif plain and key in _JUMPS:
            self.jumped.emit(_JUMPS[key])
        elif event.modifiers() & Qt.KeyboardModifier.ControlModifier and key in _ARROWS:
            self.pan(_ARROWS[key] * 64)
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A fitted Image stays fitted, any other keeps its middle."""
        if not self.has_picture:
            return
        if self.is_fitted:
            self.fit()
            return
        change = event.size() - event.oldSize()
        self._origin += QPointF(change.width(), change.height()) * self.devicePixelRatioF() / 2
        self._hold()
        self._show_view()

    def _is_on_divider(self, at: QPointF) -> bool:
        return self.divider is not None and abs(at.x() - self.divider * self.width()) <= _GRAB

    def _show_cursor(self, at: QPointF) -> None:
        if self._is_on_divider(at):
            self.setCursor(Qt.CursorShape.SplitHCursor)
        elif self.box.is_on:
            self.setCursor(Qt.CursorShape.CrossCursor)
        else:
            self.unsetCursor()

    def _point_at(self, at: QPointF) -> None:
        if self._pyramid is None:
            return
        point = self.image_point(at)
        x, y = int(point.x() // 1), int(point.y() // 1)
        if not (0 <= x < self._size[0] and 0 <= y < self._size[1]):
            self.pointed.emit(None)
            return
        column = min(int(x * self._scale), self._pyramid.width - 1)
        row = min(int(y * self._scale), self._pyramid.height - 1)
        self.pointed.emit((x, y, self._pyramid.color_at(column, row)))


_ARROWS = {
    Qt.Key.Key_Left: QPointF(1, 0),
    Qt.Key.Key_Right: QPointF(-1, 0),
    Qt.Key.Key_Up: QPointF(0, 1),
    Qt.Key.Key_Down: QPointF(0, -1),
}
