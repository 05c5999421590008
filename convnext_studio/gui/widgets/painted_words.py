"""Words painted in the middle of an area: an icon, a title, a sentence that wraps."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter

from convnext_studio.gui.theme.fonts import font
from convnext_studio.gui.theme.theme import Theme

_ICON = 32
_WIDEST = 420.0


def draw_words(painter: QPainter, theme: Theme, area: QRectF, words: tuple[str, str], icon: str = "") -> None:
    """Paint title and sentence into `area`, an icon above them."""
    title, sentence = words
    width = min(area.width() - 32, _WIDEST)
    column = QRectF(area.center().x() - width / 2, area.center().y() - 24, width, 200)
    if icon:
        dpr = painter.device().devicePixelRatioF()
        role = "again" if icon == "warn" else "text3"
        at = QPointF(area.center().x() - _ICON / 2, column.top() - _ICON - 12)
        painter.drawPixmap(at, theme.pixmap(icon, role, _ICON, dpr))
    flags = int(Qt.AlignmentFlag.AlignHCenter | Qt.TextFlag.TextWordWrap)
    painter.setFont(font("section"))
    painter.setPen(theme.color("text"))
    used = painter.boundingRect(column, flags, title)
    painter.drawText(column, flags, title)
    painter.setFont(font("small"))
    painter.setPen(theme.color("text2"))
    painter.drawText(column.translated(0, used.height() + 4 if title else 0), flags, sentence)
