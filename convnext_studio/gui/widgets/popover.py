"""A panel under its button: no dimming, Esc and a click outside close it, the focus goes back where it came from.

Tab stays inside: what lies behind is covered, and Esc leads out."""

from __future__ import annotations

from PySide6.QtCore import QEasingCurve, QEvent, QObject, QPoint, QPropertyAnimation, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget
from shiboken6 import isValid

from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.frame import Frame
from convnext_studio.gui.widgets.tab_order import TabAsLaidOut

_GAP, _EDGE = 8, 12
_BLUR, _DOWN = 24, 8  # of the shadow


class Popover(TabAsLaidOut, Frame):
    """A child of its window, so that it moves with it. Put what it holds into `body`; `closed` follows a close."""

    closed = Signal()

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__("popover", parent=parent.window())
        self._theme = theme
        self._frame = parent.window()
        self._anchor: QWidget | None = None
        self._came_from: QWidget | None = None
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(16, 16, 16, 16)
        self.body.setSpacing(8)
        self._rise = QPropertyAnimation(self, b"pos", self)
        self._rise.setEasingCurve(QEasingCurve.Type.OutCubic)
        self._shadow = _Shadow(theme, self)
        self.hide()

    def open_under(self, anchor: QWidget, first: QWidget | None = None) -> None:
        """Open 8 px under `anchor`, inside the window, and put the focus on `first`."""
        self._anchor = anchor
        corner = anchor.mapTo(self._frame, QPoint(0, anchor.height() + _GAP))
        self._open(corner, first)

    def open_centred(self, top: int, first: QWidget | None = None) -> None:
        """Open in the middle of the window, `top` pixels down, and put the focus on `first`."""
        self.adjustSize()
        self._open(QPoint((self._frame.width() - self.width()) // 2, top), first)

    def close_popover(self) -> None:
        """Close, and give the focus back."""
        if not self.isVisible():
            return
        QApplication.instance().removeEventFilter(self)  # type: ignore[union-attr]
        self._rise.stop()
        focused = QApplication.focusWidget()
        had_focus = focused is None or self._holds(focused)
        self.hide()
        if had_focus and self._came_from is not None and isValid(self._came_from):  # else it was made anew meanwhile
            self._came_from.setFocus(Qt.FocusReason.PopupFocusReason)
        self._came_from = None
        self.closed.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Close on a press outside, and on Esc that nobody inside wanted."""
        if event.type() == QEvent.Type.MouseButtonPress:
            if isinstance(watched, QWidget) and watched.window() is self._frame and not self._holds(watched):
                self.close_popover()
                return watched is self._anchor  # else the click that follows would open it again
        elif event.type() == QEvent.Type.Resize and watched is self._frame:
            self._keep_inside()
        return False

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A press on the ground ends here; handed on, the window would take it for one outside."""
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc closes."""
        if event.key() == Qt.Key.Key_Escape:
            self.close_popover()
        else:
            super().keyPressEvent(event)

    def _open(self, corner: QPoint, first: QWidget | None) -> None:
        self._came_from = QApplication.focusWidget()
        self.adjustSize()
        self.move(corner)
        self._keep_inside()
        self.show()
        self.raise_()
        QApplication.instance().installEventFilter(self)  # type: ignore[union-attr]
        (first or self).setFocus(Qt.FocusReason.PopupFocusReason)
        duration = self._theme.duration(120)
        if duration:
            self._rise.setDuration(duration)
            self._rise.setStartValue(self.pos() + QPoint(0, 4))
            self._rise.setEndValue(self.pos())
            self._rise.start()

    def _keep_inside(self) -> None:
        room = self._frame.rect().adjusted(_EDGE, _EDGE, -_EDGE, -_EDGE)
        self.resize(min(self.width(), room.width()), min(self.height(), room.height()))
        left = max(room.left(), min(self.x(), room.right() - self.width() + 1))
        top = max(room.top(), min(self.y(), room.bottom() - self.height() + 1))
        self.move(left, top)

    def _holds(self, widget: QWidget) -> bool:
        return widget is self or self.isAncestorOf(widget)


class _Shadow(QWidget):
    """Lies behind a popover and follows it. A QGraphicsEffect would blur all of it anew at every repaint."""

    def __init__(self, theme: Theme, popover: Popover) -> None:
        super().__init__(popover.parentWidget())
        self._theme = theme
        self._popover = popover
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        popover.installEventFilter(self)
        popover.destroyed.connect(self.deleteLater)
        theme.changed.connect(self.update)
        self.hide()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: ARG002
        """Be where the popover is."""
        kind = event.type()
        if kind in (QEvent.Type.Move, QEvent.Type.Resize, QEvent.Type.Show):
            self.setGeometry(self._popover.geometry().adjusted(-_BLUR, _DOWN - _BLUR, _BLUR, _DOWN + _BLUR))
            self.setVisible(kind == QEvent.Type.Show or self._popover.isVisible())
            self.stackUnder(self._popover)
        elif kind == QEvent.Type.Hide:
            self.hide()
        return False

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """Ever smaller round rectangles, each a breath of shade."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        shade = self._theme.color("shadow")
        shade.setAlphaF(0.045 if self._theme.is_dark else 0.016)
        painter.setBrush(shade)
        for inset in range(0, _BLUR, 2):
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(inset, inset, -inset, -inset), _BLUR, _BLUR)
