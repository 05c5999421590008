"""How many Images each class has, and how they are split: a bar a class, parted into training, validation and test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QFontMetricsF, QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from convnext_studio.gui.theme.fonts import font
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.label import plain_tip
from convnext_studio.gui.widgets.numbers import count

_ROW, _BAR, _HEAD, _FIGURE = 22, 8, 20, 44
_NAME_SHARE = 0.28
_ROLES = ("s1", "s2", "text3")
_PATTERNS = (Qt.BrushStyle.SolidPattern, Qt.BrushStyle.SolidPattern, Qt.BrushStyle.BDiagPattern)


class ClassBars(QWidget):
    """Rows of class, bar and one figure a split, under a head that names the splits."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._rows: tuple[tuple[str, tuple[int, ...]], ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def show_counts(self, classes: Sequence[str], counts: Sequence[Mapping[str, int]]) -> None:
        """Show the `counts` of training, validation and test by class."""
        self._rows = tuple((name, tuple(split.get(name, 0) for split in counts)) for name in classes)
        words = ", ".join(f"{name}: {sum(numbers)}" for name, numbers in self._rows)
        self.setAccessibleName(self.tr("Images of each class"))
        self.setAccessibleDescription(words)
        self.setFixedHeight(_HEAD + _ROW * len(self._rows))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """As high as its rows."""
        return QSize(320, _HEAD + _ROW * len(self._rows))

    def minimumSizeHint(self) -> QSize:
        """Names are shortened before figures are."""
        return QSize(240, _HEAD + _ROW * len(self._rows))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """Head and rows."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_head(painter)
        most = max((sum(numbers) for _name, numbers in self._rows), default=1) or 1
        for line, (name, numbers) in enumerate(self._rows):
            self._paint_row(painter, _HEAD + line * _ROW, name, numbers, most)

    def event(self, event: QEvent) -> bool:
        """The whole name where the pointer rests."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            line = (event.pos().y() - _HEAD) // _ROW
            if 0 <= line < len(self._rows):
                QToolTip.showText(event.globalPos(), plain_tip(self._rows[line][0]), self)
            return True
        return super().event(event)

    def _paint_head(self, painter: QPainter) -> None:
        painter.setFont(font("cap"))
        for number, words in enumerate((self.tr("train"), self.tr("valid."), self.tr("test"))):
            room = self._figure_room(0, number, _HEAD)
            painter.fillRect(
                QRectF(room.right() - painter.fontMetrics().horizontalAdvance(words) - 11, room.center().y() - 3, 7, 7),
                QBrush(self._theme.color(_ROLES[number]), _PATTERNS[number]),
            )
            painter.setPen(self._theme.color("text3"))
            painter.drawText(room, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), words)

    def _paint_row(self, painter: QPainter, top: float, name: str, numbers: tuple[int, ...], most: int) -> None:
        name_width = self.width() * _NAME_SHARE
        painter.setFont(font("small"))
        painter.setPen(self._theme.color("text"))
        shown = QFontMetricsF(font("small")).elidedText(name, Qt.TextElideMode.ElideMiddle, name_width - 8)
        painter.drawText(QRectF(0, top, name_width, _ROW), int(Qt.AlignmentFlag.AlignVCenter), shown)
        left, width = name_width, max(10.0, self.width() - name_width - 3 * _FIGURE - 8)
        for number, value in enumerate(numbers):
            share = width * value / most
            painter.fillRect(
                QRectF(left, top + (_ROW - _BAR) / 2, max(0.0, share - 1), _BAR),
                QBrush(self._theme.color(_ROLES[number]), _PATTERNS[number]),
            )
            left += share
            painter.setPen(self._theme.color("ng" if not value and number == 0 else "text2"))
            painter.drawText(
                self._figure_room(top, number, _ROW),
                int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter),
                count(value),
            )

    def _figure_room(self, top: float, number: int, height: float) -> QRectF:
        return QRectF(self.width() - (3 - number) * _FIGURE - 24, top, _FIGURE + 24, height)
