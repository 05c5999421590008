"""True classes by row, predicted ones by column, in one hue by share of the row; zero is a dot."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from convnext_studio.gui.theme.fonts import font
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.theme.tokens import contrast
from convnext_studio.gui.widgets.label import plain_tip
from convnext_studio.gui.widgets.numbers import count, percent

_HEAD, _ABOVE, _GAP, _MOST_NAME = 20, 18, 2, 110
_LEAST_CELL, _MOST_CELL = 22, 44


class ConfusionMatrix(QWidget):
    """Arrow keys move; the cell's meaning is in its tool tip and accessible description."""

    cell_pressed = Signal(int, int)  # true class, predicted class

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._classes: tuple[str, ...] = ()
        self._rows: tuple[tuple[int, ...], ...] = ()
        self._totals: tuple[int, ...] = ()
        self._longest = 0  # of the names, in pixels
        self._is_percent = False
        self._picture = QPixmap()  # all but what moves; null while it is to be painted anew
        self._current = (0, 0)
        self._marked: tuple[int, int] | None = None
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(self.tr("Confusion matrix"))
        theme.changed.connect(self._paint_anew)

    def show_matrix(
        self, classes: Sequence[str], rows: Sequence[Sequence[int]], only: Sequence[int] | None = None
    ) -> None:
        """Show counts: a row a true class. With `only` these classes alone, as shares of their whole rows."""
        kept = range(len(classes)) if only is None else only
        shown = tuple(classes[n] for n in kept), tuple(tuple(rows[t][f] for f in kept) for t in kept)
        totals = tuple(sum(rows[t]) for t in kept)
        if (*shown, totals) == (self._classes, self._rows, self._totals):
            return
        if shown[0] != self._classes:
            self._current = (0, 0)
        (self._classes, self._rows), self._totals = shown, totals
        self._measure_names()
        self._marked = None
        self._describe()
        self.updateGeometry()
        self._paint_anew()

    def mark(self, cell: tuple[int, int] | None) -> None:
        """Point out the cell whose Images are shown, or none."""
        self._marked = cell
        if cell is not None:
            self._current = cell
        self._describe()
        self.update()

    def set_percent(self, is_percent: bool) -> None:
        """Show shares of the row instead of counts."""
        self._is_percent = is_percent
        self._paint_anew()

    def sentence(self, true: int, found: int) -> str:
        """What a cell says: "2 of 57 scratch were called good"."""
        number, total = self._rows[true][found], self._totals[true]
        return self.tr("{0} of {1} “{2}” were called “{3}”").format(
            count(number), count(total), self._classes[true], self._classes[found]
        )

    def sizeHint(self) -> QSize:
        """Cells of a comfortable size."""
        side = len(self._classes) * 34
        return QSize(side + 100, side + _HEAD + _ABOVE)

    def minimumSizeHint(self) -> QSize:
        """Cells of the smallest size that shows a number."""
        side = len(self._classes) * _LEAST_CELL
        return QSize(min(side, 240) + 80, min(side + _HEAD + _ABOVE, 320))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """What was painted already, and what moves on it."""
        if not self._classes:
            return
        ratio = self.devicePixelRatioF()
        if self._picture.size() != self.size() * ratio or self._picture.devicePixelRatioF() != ratio:
            self._picture = self._painted(ratio)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.drawPixmap(0, 0, self._picture)
        if self._marked is not None:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self._theme.color("accent"), 2))
            painter.drawRoundedRect(self._cell(*self._marked), 3, 3)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self._theme.color("focus"), 2))
            painter.drawRoundedRect(self._cell(*self._current).adjusted(1, 1, -1, -1), 3, 3)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows move, Enter presses."""
        moves = {
            Qt.Key.Key_Left: (0, -1),
            Qt.Key.Key_Right: (0, 1),
            Qt.Key.Key_Up: (-1, 0),
            Qt.Key.Key_Down: (1, 0),
        }
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._classes:
            self.cell_pressed.emit(*self._current)
        elif event.key() in moves and self._classes:
            down, right = moves[Qt.Key(event.key())]
            last = len(self._classes) - 1
            self._current = (min(last, max(0, self._current[0] + down)), min(last, max(0, self._current[1] + right)))
            self._describe()
            self.update()
        else:
            super().keyPressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Press a cell."""
        if (at := self._at(event.position().x(), event.position().y())) is not None:
            self._current = at
            self._describe()
            self.update()
            self.cell_pressed.emit(*at)

    def event(self, event: QEvent) -> bool:
        """The cell in a sentence where the pointer rests."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            at = self._at(event.pos().x(), event.pos().y())
            QToolTip.showText(event.globalPos(), plain_tip(self.sentence(*at)) if at else "", self)
            return True
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._measure_names()
            self._paint_anew()
        return super().event(event)

    def _describe(self) -> None:
        self.setAccessibleDescription(self.sentence(*self._current) if self._classes else "")

    def _paint_anew(self) -> None:
        self._picture = QPixmap()
        self.update()

    def _painted(self, ratio: float) -> QPixmap:
        """Heads, names, cells. Painted once: of many classes it takes longer than a turn of the window should."""
        picture = QPixmap(self.size() * ratio)
        picture.setDevicePixelRatio(ratio)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_names(painter)
        places = list(product(range(len(self._classes)), repeat=2))
        self._paint_empty(painter, [self._cell(*place) for place in places if not self._rows[place[0]][place[1]]])
        looks: dict[float, tuple[QColor, QColor]] = {}
        for true, found in places:
            if self._rows[true][found]:
                self._paint_cell(painter, true, found, looks)
        painter.end()
        return picture

    def _paint_names(self, painter: QPainter) -> None:
        painter.setFont(font("cap"))
        painter.setPen(self._theme.color("text3"))
        left = self._name_width()
        right = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        painter.drawText(QRectF(left, 0, 200, _ABOVE), int(Qt.AlignmentFlag.AlignVCenter), self.tr("predicted →"))
        painter.drawText(QRectF(0, _ABOVE, left - 8, _HEAD), right, self.tr("true ↓"))
        painter.setPen(self._theme.color("text2"))
        metrics = painter.fontMetrics()
        for number, name in enumerate(self._classes):
            cell = self._cell(0, number)
            shown = metrics.elidedText(name, Qt.TextElideMode.ElideRight, int(cell.width()))
            painter.drawText(QRectF(cell.left(), _ABOVE, cell.width(), _HEAD), int(Qt.AlignmentFlag.AlignCenter), shown)
            cell = self._cell(number, 0)
            shown = metrics.elidedText(name, Qt.TextElideMode.ElideRight, int(left - 8))
            painter.drawText(QRectF(0, cell.top(), left - 8, cell.height()), right, shown)

    def _paint_empty(self, painter: QPainter, cells: list[QRectF]) -> None:
        """All at once: of many classes nearly every cell is empty."""
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color("window"))
        for cell in cells:
            painter.drawRoundedRect(cell, 3, 3)
        painter.setPen(self._theme.color("text3"))
        painter.setFont(font("cap"))
        for cell in cells:
            painter.drawText(cell, int(Qt.AlignmentFlag.AlignCenter), "·")

    def _paint_cell(self, painter: QPainter, true: int, found: int, looks: dict[float, tuple[QColor, QColor]]) -> None:
        number, total = self._rows[true][found], self._totals[true]
        share = number / total if total else 0.0
        if share not in looks:
            looks[share] = self._look(share)
        ground, ink = looks[share]
        cell = self._cell(true, found)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        painter.drawRoundedRect(cell, 3, 3)
        words = percent(share, 0) if self._is_percent else count(number)
        painter.setPen(ink)
        painter.setFont(font("capb"))
        painter.drawText(cell, int(Qt.AlignmentFlag.AlignCenter), words)

    def _look(self, share: float) -> tuple[QColor, QColor]:
        """The ground of a cell, and the ink that can be read on it."""
        ground = self._ground(share)
        text, window = self._theme.color("text"), self._theme.color("window")
        is_plain = contrast(text.name(), ground.name()) >= contrast(window.name(), ground.name())
        return ground, text if is_plain else window

    def _ground(self, share: float) -> QColor:
        low, high = self._theme.color("hover"), self._theme.color("fill")
        part = 0.18 + 0.72 * share
        return QColor(
            *(round(a + part * (b - a)) for a, b in zip(low.getRgb()[:3], high.getRgb()[:3], strict=True))  # type: ignore[index]
        )

    def _measure_names(self) -> None:
        """Once, not at every cell: of many classes the matrix would stand still at each move of the pointer."""
        metrics = self.fontMetrics()
        self._longest = max((metrics.horizontalAdvance(name) for name in self._classes), default=0)

    def _name_width(self) -> float:
        return min(float(self._longest), _MOST_NAME, self.width() * 0.3) + 12

    def _cell(self, true: int, found: int) -> QRectF:
        classes = max(1, len(self._classes))
        left = self._name_width()
        width = (self.width() - left) / classes
        height = min(_MOST_CELL, (self.height() - _HEAD - _ABOVE) / classes)
        return QRectF(left + found * width, _HEAD + _ABOVE + true * height, width - _GAP, height - _GAP)

    def _at(self, x: float, y: float) -> tuple[int, int] | None:
        first = self._cell(0, 0)
        across, down = first.width() + _GAP, first.height() + _GAP
        if not self._classes or across <= 0 or down <= 0:
            return None
        true, found = int((y - first.top()) // down), int((x - first.left()) // across)
        if true not in range(len(self._classes)) or found not in range(len(self._classes)):
            return None
        return (true, found) if self._cell(true, found).contains(x, y) else None
