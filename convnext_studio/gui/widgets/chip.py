"""Chips: one that says something (soft ground, square) and one that filters (outlined, round)."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from convnext_studio.gui.theme.fonts import font
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.buttons import Button

Tone = Literal["ok", "ng", "again", "none", "accent"]
_HEIGHT, _ICON, _INSET, _GAP = 22, 14, 8, 4


class Chip(QWidget):
    """Icon and word on a soft ground; it is not clickable."""

    def __init__(self, theme: Theme, text: str, icon: str = "", tone: Tone = "none") -> None:
        super().__init__()
        self._theme = theme
        self.setFont(font("capb"))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._said: tuple[str, str, Tone] = ("", "", "none")
        self.set_chip(text, icon, tone)
        theme.changed.connect(self.update)

    def set_chip(self, text: str, icon: str = "", tone: Tone = "none") -> None:
        """Say something else."""
        if (text, icon, tone) == self._said:
            return
        self._said = text, icon, tone
        self.setAccessibleName(text)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Just wide enough."""
        text, icon_name, _tone = self._said
        icon = _ICON + _GAP if icon_name else 0
        return QSize(self.fontMetrics().horizontalAdvance(text) + icon + 2 * _INSET + 1, _HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """Draw the chip."""
        painter = QPainter(self)
        text, icon, tone = self._said
        draw_chip(painter, self._theme, QPointF(0, 0), text, icon=icon, tone=tone)


def draw_chip(painter: QPainter, theme: Theme, at: QPointF, text: str, *, icon: str = "", tone: Tone = "none") -> float:
    """Draw a chip with its top left corner `at`, as delegates do. Returns its width."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(font("capb"))
    word = painter.fontMetrics().horizontalAdvance(text)
    width = word + 2 * _INSET + (_ICON + _GAP if icon else 0)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.color("soft" if tone == "accent" else f"{tone}soft"))
    painter.drawRoundedRect(QRectF(at.x(), at.y(), width, _HEIGHT), 4, 4)
    left = at.x() + _INSET
    if icon:
        dpr = painter.device().devicePixelRatioF()
        painter.drawPixmap(QPointF(left - 1, at.y() + (_HEIGHT - _ICON) / 2), theme.pixmap(icon, tone, _ICON, dpr))
        left += _ICON + _GAP - 1
    painter.setPen(theme.color(tone))
    painter.drawText(QRectF(left, at.y(), word + 2, _HEIGHT), Qt.AlignmentFlag.AlignVCenter, text)
    painter.restore()
    return width


class FilterChip(Button):
    """A round, checkable chip."""

    def __init__(self, theme: Theme, text: str, icon: str | None = None) -> None:
        super().__init__(theme, text, icon, "chip", is_small=True)
        self.setProperty("sz", None)
        self.setFont(font("small"))
        self.setIconSize(QSize(14, 14))
        self.setCheckable(True)
