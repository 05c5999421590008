"""Dropping one thing onto a page: what it would be taken for is said over the page while it is still in the air."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QMimeData, QObject, QRectF, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QVBoxLayout, QWidget

from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.label import IconLabel, PlainLabel

_CENTRE = Qt.AlignmentFlag.AlignHCenter


class DropCover(QWidget):
    """Covers its parent while it is shown: an icon, a title and lines below it; the mouse goes through."""

    def __init__(self, theme: Theme, icon: str, lines: tuple[str, ...], parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.title = PlainLabel("", "display")
        self.lines = tuple(PlainLabel(line, "body", "text2") for line in lines)
        column = QVBoxLayout(self)
        column.setSpacing(8)
        column.addStretch(1)
        column.addWidget(IconLabel(theme, icon, "accent", 48), 0, _CENTRE)
        column.addSpacing(8)
        for label in (self.title, *self.lines):
            column.addWidget(label, 0, _CENTRE)
        column.addStretch(1)
        self.hide()

    def cover(self) -> None:
        """Lie over all of the parent."""
        parent = self.parentWidget()
        assert parent is not None
        self.setGeometry(parent.rect())
        self.show()
        self.raise_()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """A dashed frame on a plain ground."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), self._theme.color("canvas"))
        soft = self._theme.color("soft")
        soft.setAlphaF(0.5)
        painter.setBrush(soft)
        pen = QPen(self._theme.color("accent"), 2, Qt.PenStyle.CustomDashLine)
        pen.setDashPattern([5, 4])
        painter.setPen(pen)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(24, 24, -24, -24), 12, 12)


class PageDrop(QObject):
    """`dropped` hands over the path that `path_of` found in a drop; where it finds none, the window may take it."""

    dropped = Signal(str)

    def __init__(self, page: QWidget, cover: DropCover, title: str, path_of: Callable[[QMimeData], str]) -> None:
        super().__init__(page)
        self.cover, self._path_of = cover, path_of
        cover.title.setText(title)
        page.setAcceptDrops(True)
        page.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: ARG002
        """Show it, hide it, take it."""
        if isinstance(event, QDragEnterEvent):
            event.setAccepted(bool(self._path_of(event.mimeData())))
            if event.isAccepted():
                self.cover.cover()
        elif event.type() == QEvent.Type.DragLeave:
            self.cover.hide()
        elif event.type() == QEvent.Type.Drop and isinstance(event, QDropEvent):
            self.cover.hide()
            if path := self._path_of(event.mimeData()):
                event.acceptProposedAction()
                self.dropped.emit(path)
        else:
            return False
        return True
