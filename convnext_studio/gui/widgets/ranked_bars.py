"""Ranked classes as bars: name at the left, the share in the middle, the number at the right."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from convnext_studio.gui.theme.fonts import font
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.label import plain_tip
from convnext_studio.gui.widgets.numbers import percent

ROW = 26
_BAR = 7
_NAME_SHARE, _NUMBER = 0.3, 62
_SHORTEST_BAR = 48


class RankedBars(QWidget):
    """Class names are drawn letter by letter and shortened; the tool tip has them whole."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._rows: tuple[tuple[str, float], ...] = ()
        self._line = 0.0
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def set_rows(self, classes: Sequence[str], probabilities: Sequence[float]) -> None:
        """Show these, the most probable first."""
        self._rows = tuple(zip(classes, probabilities, strict=True))
        self.setAccessibleName(", ".join(f"{name} {percent(share)}" for name, share in self._rows))
        self.updateGeometry()
        self.update()

    def set_line(self, share: float) -> None:
        """Draw the share that the first class has to reach, lest the answer be unsure; 0 for none."""
        self._line = share
        self.update()

    def sizeHint(self) -> QSize:
        """A row a class."""
        return QSize(240, ROW * len(self._rows))

    def minimumSizeHint(self) -> QSize:
        """Narrow, but never less high."""
        return QSize(160, ROW * len(self._rows))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """Draw the rows; only the first one has the accent."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        name_width = self._name_width()
        for number, (name, share) in enumerate(self._rows):
            is_first = number == 0
            role = "strong" if is_first else "body"
            row = QRectF(0, number * ROW, self.width(), ROW)
            painter.setFont(font(role))
            painter.setPen(self._theme.color("text" if is_first else "text2"))
            shown = QFontMetricsF(font(role)).elidedText(name, Qt.TextElideMode.ElideRight, name_width - 4)
            painter.drawText(QRectF(0, row.top(), name_width, ROW), int(Qt.AlignmentFlag.AlignVCenter), shown)
            right = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight)
            painter.drawText(row, right, percent(share))
            bar = QRectF(name_width + 4, row.center().y() - _BAR / 2, self.width() - name_width - _NUMBER - 8, _BAR)
            self._paint_bar(painter, bar, share, "accent" if is_first else "text3")
            if is_first and self._line:
                line = QRectF(bar.left() + bar.width() * self._line, bar.top() - 4, 2, _BAR + 8)
                painter.fillRect(line, self._theme.color("text2"))

    def _name_width(self) -> float:
        """As wide as the names need, while a bar is left to compare."""
        needed = max((QFontMetricsF(font("strong")).horizontalAdvance(name) for name, _ in self._rows), default=0.0)
        widest = self.width() - _NUMBER - 8 - _SHORTEST_BAR
        return max(self.width() * _NAME_SHARE, min(needed + 8, widest))

    def _paint_bar(self, painter: QPainter, bar: QRectF, share: float, role: str) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color("hover"))
        painter.drawRoundedRect(bar, 2, 2)
        painter.setBrush(self._theme.color(role))
        painter.drawRoundedRect(QRectF(bar.left(), bar.top(), max(2.0, bar.width() * share), bar.height()), 2, 2)

    def event(self, event: QEvent) -> bool:
        """Show the whole name where the pointer rests."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            number = event.pos().y() // ROW
            if 0 <= number < len(self._rows):
                name, share = self._rows[number]
                QToolTip.showText(event.globalPos(), plain_tip(f"{name}\n{100 * share:.4f} %"), self)
            return True
        return super().event(event)
