"""A place on the rail: icon over word, with a mark at the edge of the window where you are."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy

from convnext_studio.gui.theme.fonts import font
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.enter_key import PressedByEnter
from convnext_studio.gui.widgets.label import plain_tip

_ICON = 20


class RailButton(PressedByEnter, QAbstractButton):
    """Checked: you are here. `set_compact` leaves the word out."""

    def __init__(self, theme: Theme, text: str, icon: str, tip: str) -> None:
        super().__init__()
        self._theme = theme
        self._icon_name = icon
        self._is_compact = False
        self.setText(text)
        self.setAccessibleName(text)
        self.setToolTip(plain_tip(tip))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def set_compact(self, *, is_compact: bool) -> None:
        """With or without the word."""
        self._is_compact = is_compact
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """52 x 50, or 40 x 40 without the word."""
        return QSize(40, 40) if self._is_compact else QSize(52, 50)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """Draw ground, mark, icon and word."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        is_on = self.isChecked()
        ground = "soft" if is_on else "press" if self.isDown() else "hover" if self.underMouse() else ""
        if ground:
            painter.setBrush(self._theme.color(ground))
            painter.drawRoundedRect(self.rect(), 6, 6)
        role = "off" if not self.isEnabled() else "accent" if is_on else "text2"
        left = (self.width() - _ICON) / 2
        top = (self.height() - _ICON) / 2 if self._is_compact else 8
        pixmap = self._theme.pixmap(self._icon_name, role, _ICON, self.devicePixelRatioF())
        painter.drawPixmap(QPointF(left, top), pixmap)
        if not self._is_compact:
            painter.setFont(font("railb" if is_on else "rail"))
            painter.setPen(self._theme.color("off" if not self.isEnabled() else "text" if is_on else "text2"))
            room = QRectF(0, self.height() - 20, self.width(), 16)
            painter.drawText(room, Qt.AlignmentFlag.AlignCenter, self.text())
