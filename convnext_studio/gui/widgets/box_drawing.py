"""A box that the user draws on an Image, by mouse or by arrow keys."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPen

from convnext_studio.core.explanations import Region
from convnext_studio.gui.theme.theme import Theme

_STEP = 0.02  # of the Image's longer side, for each press of a key
_MOVES = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}


class Surface(Protocol):
    """Whoever shows the Image."""

    @property
    def image_size(self) -> tuple[int, int]: ...
    def widget_point(self, of: QPointF) -> QPointF: ...
    def update(self) -> None: ...


class BoxDrawing(QObject):
    """`box` is in Image pixels; `changed` follows each change. Arrow keys move it, with Shift they size it."""

    changed = Signal()

    def __init__(self, surface: Surface) -> None:
        super().__init__()
        self.is_on = False
        self.is_drawing = False
        self.box: Region | None = None
        self._surface = surface
        self._from = QPointF()

    def set_on(self, is_on: bool) -> None:
        """Let a box be drawn, beginning with one in the middle; or take it away."""
        self.is_on, self.is_drawing = is_on, False
        self._set(self._middle() if is_on else None)

    def begin(self, at: QPointF) -> None:
        """A corner."""
        self._from = at
        self.is_drawing = True

    def draw_to(self, at: QPointF) -> None:
        """The corner across."""
        across = QRectF(self._from, at).normalized()
        self._set((across.left(), across.top(), across.right(), across.bottom()))

    def end(self) -> None:
        """As it is now."""
        self.is_drawing = False

    def take_key(self, event: QKeyEvent) -> bool:
        """Move or size the box; False if the key means something else."""
        move = _MOVES.get(Qt.Key(event.key()))
        modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        is_sized = modifiers == Qt.KeyboardModifier.ShiftModifier
        if move is None or self.box is None or not (is_sized or modifiers == Qt.KeyboardModifier.NoModifier):
            return False
        step = _STEP * max(self._surface.image_size)
        dx, dy = (step * part for part in move)
        left, top, right, bottom = self.box
        if is_sized:
            self._set((left, top, max(right + dx, left + 1), max(bottom + dy, top + 1)))
        else:
            width, height = self._surface.image_size
            dx = min(max(dx, -left), width - right)
            dy = min(max(dy, -top), height - bottom)
            self._set((left + dx, top + dy, right + dx, bottom + dy))
        return True

    def paint(self, painter: QPainter, theme: Theme) -> None:
        """A dashed frame that is seen on any ground."""
        if self.box is None:
            return
        left, top, right, bottom = self.box
        corners = (self._surface.widget_point(QPointF(*corner)) for corner in ((left, top), (right, bottom)))
        frame = QRectF(*corners)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme.color("canvas"), 3))
        painter.drawRect(frame)
        painter.setPen(QPen(theme.color("accent"), 1.5, Qt.PenStyle.DashLine))
        painter.drawRect(frame)

    def _middle(self) -> Region:
        width, height = self._surface.image_size
        return (width / 4, height / 4, width * 3 / 4, height * 3 / 4)

    def _set(self, box: Region | None) -> None:
        if box is not None:
            width, height = self._surface.image_size
            xs = sorted(min(max(x, 0.0), float(width)) for x in (box[0], box[2]))
            ys = sorted(min(max(y, 0.0), float(height)) for y in (box[1], box[3]))
            box = (xs[0], ys[0], xs[1], ys[1])
        self.box = box
        self._surface.update()
        self.changed.emit()
