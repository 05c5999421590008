"""A step of the tour: a small card beside the control it speaks of, and a ring round that control."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.buttons import Button, IconButton
from convnext_studio.gui.widgets.frame import Frame
from convnext_studio.gui.widgets.label import PlainLabel

_WIDTH, _GAP, _EDGE, _OUTSIDE, _RAIL = 320, 14, 12, 5, 80


class TourCard(Frame):
    """A child of its window; the window is used as ever meanwhile. `next_pressed`, `back_pressed`, `left` (Esc too)."""

    next_pressed = Signal()
    back_pressed = Signal()
    left = Signal()

    def __init__(self, theme: Theme, window: QWidget) -> None:
        super().__init__("popover", parent=window)
        self._window = window
        self._target: QWidget | None = None
        self._ring = _Ring(theme, window)
        self.count = PlainLabel("", "small", "text2")
        self.title = PlainLabel("", "title", wrap=True)
        self.sentence = PlainLabel("", "body", "text2", wrap=True)
        self.close_button = IconButton(theme, "x", self.tr("Leave the tour"))
        self.back = Button(theme, self.tr("Back"), kind="ghost")
        self.next = Button(theme, self.tr("Next"), kind="primary")
        head = QHBoxLayout()
        head.addWidget(self.count, 1)
        head.addWidget(self.close_button)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addStretch(1)
        for button in (self.back, self.next):
            foot.addWidget(button)
        column = self._column = QVBoxLayout(self)
        column.setContentsMargins(16, 10, 16, 14)
        column.setSpacing(6)
        column.addLayout(head)
        column.addWidget(self.title)
        column.addWidget(self.sentence)
        column.addSpacing(6)
        column.addLayout(foot)
        self.setFixedWidth(_WIDTH)
        self.next.clicked.connect(self.next_pressed)
        self.back.clicked.connect(self.back_pressed)
        self.close_button.clicked.connect(self.left)
        window.installEventFilter(self)
        self.hide()

    def show_step(self, number: int, total: int, title: str, sentence: str) -> None:
        """Say what this step is about."""
        self.count.setText(self.tr("Step {0} of {1}").format(number, total))
        self.title.setText(title)
        self.sentence.setText(sentence)
        self.back.setVisible(number > 1)
        self.next.set_text(self.tr("Next") if number < total else self.tr("Done"))
        self.setAccessibleName(f"{self.count.text()}: {title}")
        self.setAccessibleDescription(sentence)
        self.show()
        self._place()

    def point_at(self, target: QWidget | None) -> None:
        """Stand beside `target`, and follow it; without one, in the lower corner."""
        if target is not self._target:
            if self._target is not None:
                self._target.removeEventFilter(self)
                self._target.destroyed.disconnect(self._on_target_gone)
            self._target = target
            if target is not None:
                target.installEventFilter(self)
                target.destroyed.connect(self._on_target_gone)
        self._place()

    def leave(self) -> None:
        """Close; nothing else changes."""
        self.point_at(None)
        self.hide()
        self._ring.hide()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the control and the window."""
        kinds = (QEvent.Type.Move, QEvent.Type.Resize, QEvent.Type.Show, QEvent.Type.Hide)
        if event.type() in kinds and watched in (self._window, self._target) and self.isVisible():
            self._place()
        return False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc leaves."""
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def _on_target_gone(self) -> None:
        self._target = None

    def _place(self) -> None:
        """Below the control, above, right or left: wherever there is room; right of the rail."""
        self.resize(_WIDTH, max(self._column.heightForWidth(_WIDTH), self.sizeHint().height()))
        room = self._window.rect().adjusted(_EDGE, _EDGE, -_EDGE, -_EDGE)
        target = self._target
        if target is None or not target.isVisible():
            self._ring.hide()
            self.move(room.right() - self.width(), room.bottom() - self.height() - 40)
        else:
            spot = QRect(target.mapTo(self._window, QPoint(0, 0)), target.size()).intersected(room)
            self._ring.show_round(spot)
            self.move(self._beside(spot, room))
        self.raise_()

    def _beside(self, spot: QRect, room: QRect) -> QPoint:
        middle = spot.center().y() - self.height() // 2
        across = spot.center().x() - self.width() // 2
        beside = (QPoint(spot.right() + _GAP, middle), QPoint(spot.left() - _GAP - self.width(), middle))
        under = (QPoint(across, spot.bottom() + _GAP), QPoint(across, spot.top() - _GAP - self.height()))
        corners = (*beside, *under) if spot.right() < _RAIL else (*under, *beside)
        for corner in corners:
            inside = QPoint(
                max(room.left(), min(corner.x(), room.right() - self.width())),
                max(room.top(), min(corner.y(), room.bottom() - self.height())),
            )
            if not QRect(inside, self.size()).intersects(spot):
                return inside
        return QPoint(room.right() - self.width(), room.bottom() - self.height())


class _Ring(QWidget):
    """Drawn over the window; the mouse goes through."""

    def __init__(self, theme: Theme, window: QWidget) -> None:
        super().__init__(window)
        self._theme = theme
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        theme.changed.connect(self.update)
        self.hide()

    def show_round(self, spot: QRect) -> None:
        """Lie round a part of the window."""
        self.setGeometry(spot.adjusted(-_OUTSIDE, -_OUTSIDE, _OUTSIDE, _OUTSIDE).intersected(self.window().rect()))
        self.show()
        self.raise_()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """A line, nothing within."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._theme.color("accent"), 2, Qt.PenStyle.DashLine))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 8, 8)
