"""The colours of Heatmaps to choose from, and the bar that says what they stand for."""

from __future__ import annotations

from functools import cache

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QHBoxLayout, QSizePolicy, QWidget

from convnext_studio.gui.theme.fonts import font
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.enter_key import PressedByEnter
from convnext_studio.gui.widgets.heat_layer import MAPS

_BAR = QSize(120, 12)


@cache
def _strip(name: str) -> QImage:
    """A row of the 256 colours, from cold to hot."""
    import numpy as np

    from convnext_studio.core.explain.colours import colour_table
    from convnext_studio.gui.convert import image_from_array

    return image_from_array(np.ascontiguousarray(colour_table(name)[None]))


def draw_colours(painter: QPainter, area: QRectF, name: str) -> None:
    """Fill `area` with a colour map, cold at the left."""
    strip = _strip(name)
    painter.drawImage(area, strip, QRectF(strip.rect()))


class ColourChoice(QWidget):
    """Three swatches, one of which holds; arrow keys move it."""

    chosen = Signal(str)

    def __init__(self, theme: Theme, words: dict[str, str]) -> None:
        super().__init__()
        self._group = QButtonGroup(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        for number, name in enumerate(MAPS):
            swatch = _Swatch(theme, name, words[name])
            self._group.addButton(swatch, number)
            row.addWidget(swatch)
        row.addStretch(1)
        self._group.idClicked.connect(self._on_clicked)

    def _on_clicked(self, number: int) -> None:
        self.chosen.emit(MAPS[number])

    def set_chosen(self, name: str) -> None:
        """Mark one."""
        self._group.button(MAPS.index(name)).setChecked(True)


class _Swatch(PressedByEnter, QAbstractButton):
    def __init__(self, theme: Theme, name: str, word: str) -> None:
        super().__init__()
        self._theme = theme
        self._name = name
        self.setCheckable(True)
        self.setAccessibleName(word)
        self.setToolTip(word)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        """High enough to be hit."""
        return QSize(48, 26)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """The colours, and a frame round the one that holds."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect())
        draw_colours(painter, area.adjusted(4, 4, -4, -4), self._name)
        role, width = ("accent", 2.0) if self.isChecked() else ("line2", 1.0)
        painter.setPen(QPen(self._theme.color(role), width))
        painter.drawRoundedRect(area.adjusted(1.5, 1.5, -1.5, -1.5), 4, 4)


class ColourBar(QWidget):
    """A word, 0, the colours, 1; a mark stands where the contour is."""

    def __init__(self, theme: Theme, word: str) -> None:
        super().__init__()
        self._theme = theme
        self._word = word
        self._colours = MAPS[0]
        self._line = 0.5
        self.setFont(font("small"))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(word)
        theme.changed.connect(self.update)

    def set_look(self, colours: str, line: float, tip: str) -> None:
        """Show other colours, or the mark elsewhere."""
        self._colours, self._line = colours, line
        self.setToolTip(tip)
        self.setAccessibleDescription(tip)
        self.update()

    def sizeHint(self) -> QSize:
        """Word, two figures and the bar."""
        return QSize(self.fontMetrics().horizontalAdvance(self._word) + _BAR.width() + 44, 24)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """Draw it."""
        painter = QPainter(self)
        middle = int(Qt.AlignmentFlag.AlignVCenter)
        painter.setPen(self._theme.color("text2"))
        word = self.fontMetrics().horizontalAdvance(self._word)
        painter.drawText(QRectF(0, 0, word + 2, self.height()), middle, self._word)
        painter.drawText(QRectF(word + 10, 0, 10, self.height()), middle, "0")
        bar = QRectF(word + 24, (self.height() - _BAR.height()) / 2, _BAR.width(), _BAR.height())
        draw_colours(painter, bar, self._colours)
        painter.drawText(QRectF(bar.right() + 7, 0, 10, self.height()), middle, "1")
        if self._line > 0:
            x = bar.left() + self._line * bar.width()
            for color, width in (("canvas", 4.0), ("text", 1.5)):
                painter.setPen(QPen(self._theme.color(color), width))
                painter.drawLine(QPointF(x, bar.top() - 2), QPointF(x, bar.bottom() + 2))
