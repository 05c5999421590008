"""A block unfolded: its parts one under the other, as wide as they have features, and what goes past them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from convnext_studio.core.explanations import NetworkPart
from convnext_studio.gui.language import spoken
from convnext_studio.gui.theme.fonts import font
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.network_diagram import draw_arrow
from convnext_studio.gui.widgets.network_words import short_count
from convnext_studio.gui.widgets.numbers import count
from convnext_studio.gui.widgets.part_buttons import PartButton
from convnext_studio.gui.widgets.part_glyph import WORKING, draw_glyph

_ENDS, _WORKING, _PLAIN, _STEP, _ADD = 20, 40, 30, 20, 18
_PAST, _FIGURES, _SIDE = 30, 64, 76  # to the right: what goes past, the shortcut's own tile, parameters
_NARROW = 330  # without room for the parameters
_LEAST = 0.66  # width of a part with a quarter of the features or less
_WIDEST = 330


@dataclass(frozen=True)
class _Row:
    """A part in the flow; `times` like it follow each other. `features` come in."""

    part: NetworkPart
    features: int
    times: int = 1


class BlockDiagram(QWidget):
    """`chosen` hands over the part that was pressed. Without `is_choosable` it is a picture only."""

    chosen = Signal(object)  # NetworkPart

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._part: NetworkPart | None = None
        self._entering = 0
        self._rows: list[tuple[_Row, _PartTile]] = []
        self._aside: _PartTile | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    @property
    def buttons(self) -> list[PartButton]:
        """The parts, from what comes in to what goes out; the shortcut last."""
        return [*(tile for _row, tile in self._rows), *([self._aside] if self._aside is not None else [])]

    def show_part(self, part: NetworkPart | None, entering: int) -> None:
        """Unfold `part`, which `entering` features go into."""
        for button in self.buttons:
            button.setParent(None)
            button.deleteLater()
        self._part, self._entering, self._rows, self._aside = part, entering, [], None
        if part is not None:
            self.setAccessibleName(self.tr("What is in {0}").format(spoken(part.title)))
            most = max((entering, *(inner.features for inner in part.parts)))
            for row in _rows(part, entering):
                self._rows.append((row, self._tile(row, most)))
            side = next((inner for inner in part.parts if inner.kind == "shortcut"), None)
            if side is not None:
                self._aside = self._tile(_Row(side, entering), most)
        self.setFixedHeight(self._height())
        self._place()
        self.update()

    def sizeHint(self) -> QSize:
        """Wide enough for all words."""
        return QSize(400, self._height())

    def minimumSizeHint(self) -> QSize:
        """Words wrap."""
        return QSize(250, self._height())

    def _tile(self, row: _Row, most: int) -> _PartTile:
        tile = _PartTile(self._theme, row, most, self)
        tile.clicked.connect(self._on_clicked)
        tile.show()
        return tile

    def _on_clicked(self) -> None:
        button = self.sender()
        if isinstance(button, PartButton):
            self.chosen.emit(button.part)

    # --- where things are

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay the parts out anew."""
        super().resizeEvent(event)
        self._place()

    def _height(self) -> int:
        if self._part is None:
            return 0
        return self._tops()[1] + _ENDS

    def _tops(self) -> tuple[list[int], int]:
        """Where each part begins, and where the flow ends."""
        assert self._part is not None
        ends = {end for _start, end in self._adds()}
        tops, at = [], _ENDS + _STEP
        for number, (row, _tile) in enumerate(self._rows):
            tops.append(at)
            at += _row_height(row) + _STEP + (_ADD + _STEP if number in ends else 0)
        return tops, at

    def _adds(self) -> list[tuple[int, int]]:
        """Where things are added, by row; collapsed runs have none."""
        assert self._part is not None
        numbers = [number for number, inner in enumerate(self._part.parts) if inner.kind != "shortcut"]
        return [(numbers.index(start), numbers.index(end)) for start, end in self._part.adds]

    @property
    def _figures(self) -> int:
        """Width of the parameters."""
        return _FIGURES if self.width() >= _NARROW else 0

    @property
    def _room(self) -> tuple[float, float]:
        """Left edge and width of the flow."""
        right = self._figures + (_SIDE if self._aside is not None else _PAST if self._part and self._part.adds else 0)
        width = min(float(_WIDEST), self.width() - right - 4)
        return max(2.0, (self.width() - right - width) / 2), width

    def _place(self) -> None:
        if self._part is None:
            return
        left, width = self._room
        tops, _end = self._tops()
        for (row, tile), top in zip(self._rows, tops, strict=True):
            tile.setGeometry(QRect(int(left), top, int(width), _row_height(row)))
        if self._aside is not None:
            start, end = self._adds()[0]
            middle = (tops[start] + tops[end]) // 2
            self._aside.setGeometry(QRect(int(left + width + 12), middle, _SIDE - 16, _WORKING))

    # --- what is between them

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """Ends, arrows with the number of features, what goes past and where it is added, parameters."""
        if self._part is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        left, width = self._room
        middle = left + width / 2
        tops, bottom = self._tops()
        added = {end: start for start, end in self._adds()}
        self._words(painter, QRectF(left, 0, width, _ENDS), self.tr("{0} features in").format(count(self._entering)))
        figures = QRectF(self.width() - self._figures, 0, self._figures, _ENDS)
        if self._figures:
            self._words(painter, figures, self.tr("parameters"))
        at = float(_ENDS)
        for number, (row, _tile) in enumerate(self._rows):
            is_told = number > 0 and number - 1 not in added
            self._step(painter, middle, at, float(tops[number]), row.features if is_told else 0)
            at = float(tops[number] + _row_height(row))
            if self._figures:
                self._figure(painter, row, QRectF(figures.left(), tops[number], _FIGURES, _row_height(row)))
            if number in added:
                self._step(painter, middle, at, at + _STEP, row.part.features)
                start = added[number]
                self._past(painter, (middle, left + width), float(tops[start] - _STEP // 2), at + _STEP + _ADD / 2)
                self._plus(painter, QPointF(middle, at + _STEP + _ADD / 2))
                at += _STEP + _ADD
        self._step(painter, middle, at, float(bottom), 0)
        words = self.tr("{0} features out").format(count(self._part.features))
        self._words(painter, QRectF(left, bottom, width, _ENDS), words)

    def _words(self, painter: QPainter, room: QRectF, text: str) -> None:
        painter.setFont(font("cap"))
        painter.setPen(self._theme.color("text3"))
        painter.drawText(room, int(Qt.AlignmentFlag.AlignCenter), text)

    def _step(self, painter: QPainter, x: float, top: float, bottom: float, features: int) -> None:
        draw_arrow(painter, self._theme, QPointF(x, top + 1), QPointF(x, bottom - 1))
        if features:
            painter.setFont(font("cap"))
            painter.setPen(self._theme.color("text3"))
            room = QRectF(x + 9, top, 80, bottom - top)
            painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter), count(features))

    def _figure(self, painter: QPainter, row: _Row, room: QRectF) -> None:
        if row.part.parameters:
            painter.setFont(font("cap"))
            painter.setPen(self._theme.color("text3"))
            flags = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            painter.drawText(room.adjusted(0, 0, -2, 0), flags, short_count(row.times * row.part.parameters))

    def _past(self, painter: QPainter, across: tuple[float, float], top: float, bottom: float) -> None:
        """From above the first part, along the right side, to the plus."""
        middle, right = across
        x = right + (_SIDE / 2 if self._aside is not None else _PAST / 2)
        painter.setPen(QPen(self._theme.color("accent"), 1.6, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        points = [QPointF(middle, top), QPointF(x, top), QPointF(x, bottom), QPointF(middle + _ADD / 2 + 1, bottom)]
        painter.drawPolyline(QPolygonF(points))

    def _plus(self, painter: QPainter, at: QPointF) -> None:
        painter.setPen(QPen(self._theme.color("accent"), 1.6))
        painter.setBrush(self._theme.color("panel"))
        painter.drawEllipse(at, _ADD / 2, _ADD / 2)
        painter.drawLine(at - QPointF(4, 0), at + QPointF(4, 0))
        painter.drawLine(at - QPointF(0, 4), at + QPointF(0, 4))


class _PartTile(PartButton):
    """A part: what widens or narrows the features has slanting sides."""

    def __init__(self, theme: Theme, row: _Row, most: int, parent: QWidget) -> None:
        super().__init__(theme, row.part, spoken(row.part.title), parent)
        self._row = row
        self._most = most
        times = f" × {row.times}" if row.times > 1 else ""
        self.setText(f"{spoken(row.part.title)}{times}")

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """Shape, sign and words."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        part, theme = self.part, self.theme
        is_working = part.kind in WORKING
        above, below = self._width(self._row.features or part.features), self._width(part.features)
        if part.kind == "shortcut":
            above = below = self.width() - 2.0
        self._shape(painter, above, below, is_working=is_working)
        face = font("label" if is_working and part.kind != "shortcut" else "cap")
        painter.setFont(face)
        painter.setPen(theme.color("accent" if self.isChecked() else "text" if is_working else "text2"))
        middle, narrow = self.width() / 2, min(above, below)
        room = QRectF(middle - narrow / 2 + 6, 1, narrow - 12, self.height() - 2)
        if part.kind != "shortcut":
            sign = 13.0
            words = painter.fontMetrics().horizontalAdvance(self.text())
            taken = min(words, room.width() - sign - 8) + sign + 8
            at = QRectF(middle - taken / 2, (self.height() - sign) / 2, sign, sign)
            draw_glyph(painter, part.kind, at, theme.color("accent" if is_working else "text3"))
            room = QRectF(at.right() + 8, 1, taken - sign - 8 + 2, self.height() - 2)
        flags = Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextWordWrap
        if part.kind == "shortcut":
            flags |= Qt.AlignmentFlag.AlignHCenter
            room = QRectF(2, 1, self.width() - 4, self.height() - 2)
        painter.drawText(room, int(flags), self.text())

    def _shape(self, painter: QPainter, above: float, below: float, *, is_working: bool) -> None:
        middle, theme = self.width() / 2, self.theme
        role = "soft" if self.isChecked() else "hover" if self.underMouse() else "raised" if is_working else "panel"
        painter.setBrush(theme.color(role))
        line = "accent" if self.isChecked() else "line2" if is_working or self.underMouse() else "line"
        pen = QPen(theme.color(line), 2 if self.isChecked() else 1)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        if abs(above - below) < 1:
            painter.drawRoundedRect(QRectF(middle - above / 2 + 1, 1, above - 2, self.height() - 2), 5, 5)
            return
        top, bottom = 1.0, self.height() - 1.0
        corners = (middle - above / 2 + 1, top), (middle + above / 2 - 1, top)
        ground = (middle + below / 2 - 1, bottom), (middle - below / 2 + 1, bottom)
        painter.drawPolygon(QPolygonF([QPointF(*corner) for corner in (*corners, *ground)]))

    def _width(self, features: int) -> float:
        share = min(1.0, max(0.0, (features / self._most - 0.25) / 0.75)) if self._most else 1.0
        return self.width() * (_LEAST + (1 - _LEAST) * share)


def _row_height(row: _Row) -> int:
    return _WORKING if row.part.kind in WORKING else _PLAIN


def _rows(part: NetworkPart, entering: int) -> Sequence[_Row]:
    """The flow; blocks that are alike follow each other as one, with their number."""
    rows: list[_Row] = []
    features = entering
    for inner in part.parts:
        if inner.kind == "shortcut":
            continue
        last = rows[-1] if rows else None
        if last is not None and inner.kind == "block" == last.part.kind and _is_alike(inner, last.part):
            rows[-1] = replace(last, times=last.times + 1)
        else:
            rows.append(_Row(inner, features))
        features = inner.features or features
    return rows


def _is_alike(one: NetworkPart, other: NetworkPart) -> bool:
    return (one.parameters, one.shape, one.features) == (other.parameters, other.shape, other.features)
