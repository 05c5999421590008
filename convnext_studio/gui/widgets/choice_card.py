"""One of a few choices as a card: a title, a sentence, a note that may change, and a mark if it holds."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy

from convnext_studio.gui.theme.fonts import font
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.enter_key import PressedByEnter
from convnext_studio.gui.widgets.label import plain_tip

_INSET, _TITLE, _ICON, _NOTE = 12, 20, 16, 20


class ChoiceCard(PressedByEnter, QAbstractButton):
    """A checkable card; put several into a QButtonGroup. The sentence wraps and sets the height."""

    def __init__(self, theme: Theme, title: str, sentence: str) -> None:
        super().__init__()
        self._theme = theme
        self._sentence = sentence
        self.note = ""
        self._note_role = "text"
        self.setText(title)
        self.setAccessibleName(title)
        self.setAccessibleDescription(sentence)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def set_note(self, note: str, role: str = "text", tip: str = "") -> None:
        """Say something below the sentence, in one line; `tip` explains it."""
        is_news = bool(note) != bool(self.note)
        self.note, self._note_role = note, role
        self.setAccessibleDescription(f"{self._sentence} {note}".strip())
        self.setToolTip(plain_tip(tip))
        if is_news:
            self.setMinimumHeight(self.sizeHint().height())
            self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """As high as the sentence needs at this width."""
        width = self.width() if self.width() > 100 else 220
        room = QRectF(0, 0, width - 2 * _INSET, 1000).toRect()
        used = QFontMetrics(font("small")).boundingRect(room, int(Qt.TextFlag.TextWordWrap), self._sentence)
        return QSize(160, used.height() + _TITLE + (_NOTE if self.note else 0) + 2 * _INSET + 2)

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
        if self.note:
            painter.setFont(font("label"))
            painter.setPen(self._theme.color(self._note_role))
            words = painter.fontMetrics().elidedText(self.note, Qt.TextElideMode.ElideRight, round(room.width()))
            painter.drawText(room, int(Qt.AlignmentFlag.AlignBottom), words)

    def _dpr(self) -> float:
        return self.devicePixelRatioF()
