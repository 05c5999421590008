"""One ring for all controls: shown round whatever got the focus by the keyboard, never by the mouse."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QRectF, Qt
from PySide6.QtGui import QFocusEvent, QMoveEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractItemView, QApplication, QWidget
from shiboken6 import isValid

from convnext_studio.gui.theme.theme import Theme

_OUTSIDE, _RADIUS, _WIDTH = 3, 8, 2
_BY_KEYBOARD = (
    Qt.FocusReason.TabFocusReason,
    Qt.FocusReason.BacktabFocusReason,
    Qt.FocusReason.ShortcutFocusReason,
)


class FocusRing(QWidget):
    """An overlay of its window. Item views and canvases that draw their own current item get no ring."""

    def __init__(self, theme: Theme, window: QWidget) -> None:
        super().__init__(window)
        self._theme = theme
        self._target: QWidget | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        theme.changed.connect(self.update)
        QApplication.instance().installEventFilter(self)  # type: ignore[union-attr]
        self.hide()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the focus and whatever has it."""
        # Every event of the program comes by here, and to ask its type is dear in Python: its class is not.
        if isinstance(event, QFocusEvent) and event.gotFocus() and isinstance(watched, QWidget):
            self._on_focus_in(watched, event.reason())
        elif self._target is None:
            return False
        elif watched is self._target:
            kind = event.type()
            if kind in (QEvent.Type.Move, QEvent.Type.Resize):
                self._place()
            elif kind in (QEvent.Type.FocusOut, QEvent.Type.Hide, QEvent.Type.MouseButtonPress):
                self._leave()
        elif isinstance(event, QMoveEvent) and isinstance(watched, QWidget):
            if not isValid(self._target):
                self._leave()
            elif watched.isAncestorOf(self._target):  # a page that scrolls, a card that moves on
                self._place()
        return False

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """Draw the ring."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._theme.color("focus"), _WIDTH))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), _RADIUS, _RADIUS)

    def _on_focus_in(self, widget: QWidget, reason: Qt.FocusReason) -> None:
        if widget.window() is not self.window() or widget.isWindow() or isinstance(widget, QAbstractItemView):
            self._leave()
        elif reason in _BY_KEYBOARD:
            self._target = widget
            self._place()
            self.show()
            self.raise_()
        elif reason not in (Qt.FocusReason.ActiveWindowFocusReason, Qt.FocusReason.PopupFocusReason):
            self._leave()

    def _place(self) -> None:
        if self._target is not None:
            corner = self._target.mapTo(self.window(), QPoint(0, 0))
            ring = QRect(corner, self._target.size()).adjusted(-_OUTSIDE, -_OUTSIDE, _OUTSIDE, _OUTSIDE)
            self.setGeometry(ring.intersected(self.window().rect()))

    def _leave(self) -> None:
        self._target = None
        self.hide()
