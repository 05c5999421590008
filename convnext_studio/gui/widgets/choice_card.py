"""One of a few choices as a card: a title, a sentence, and a mark if it holds."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy

from convnext_studio.gui.theme.fonts import font
from convnext_studio.gui.theme.theme import Theme

_INSET, _TITLE, _ICON = 12, 20, 16


class ChoiceCard(QAbstractButton):
    """A checkable card; put several into a QButtonGroup. The sentence wraps and sets the height."""

    def __init__(self, theme: Theme, title: str, sentence: str) -> None:
        super().__init__()
        self._theme = theme
        self._sentence = sentence
        self.setText(title)
        self.setAccessibleName(title)
        self.setAccessibleDescription(sentence)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        """As high as the sentence needs at this width."""
        width = self.width() if self.width() > 100 else 220
        room = QRectF(0, 0, width - 2 * _INSET, 1000).toRect()
        used = QFontMetrics(font("small")).boundingRect(room, int(Qt.TextFlag.TextWordWrap), self._sentence)
        return QSize(160, used.height() + _TITLE + 2 * _INSET + 2)

    def minimumSizeHint(self) -> QSize:
        """Narrow is allowed; low is not."""
        return QSize(120, self.sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another width, another height."""
        super().resizeEvent(event)
        if event.oldSize().width() != self.width():
            self.setMinimumHeight(self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """Ground, mark, words."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        is_on = self.isChecked()
        ground = "soft" if is_on else "hover" if self.underMouse() else "raised"
        painter.setBrush(self._theme.color(ground))
        painter.setPen(QPen(self._theme.color("accent" if is_on else "line2"), 1.5 if is_on else 1))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 6, 6)
        mark = self._theme.pixmap("ok" if is_on else "none", "accent" if is_on else "text3", _ICON, self._dpr())
        painter.drawPixmap(QPointF(self.width() - _ICON - _INSET, _INSET), mark)
        room = QRectF(self.rect()).adjusted(_INSET, _INSET, -_INSET, -_INSET)
        painter.setFont(font("section"))
        painter.setPen(self._theme.color("text"))
        painter.drawText(room, int(Qt.AlignmentFlag.AlignTop), self.text())
        painter.setFont(font("small"))
        painter.setPen(self._theme.color("text2"))
        painter.drawText(room.adjusted(0, _TITLE, 0, 0), int(Qt.TextFlag.TextWordWrap), self._sentence)

    def _dpr(self) -> float:
        return self.devicePixelRatioF()
