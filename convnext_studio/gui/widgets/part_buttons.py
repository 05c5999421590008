"""The parts of a drawn network that can be chosen: buttons of one group, so that arrow keys go from one to the next."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPainterPath, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QAbstractButton, QWidget

from convnext_studio.core.explanations import LayerInfo, NetworkPart
from convnext_studio.gui.language import spoken
from convnext_studio.gui.theme.fonts import font
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.enter_key import PressedByEnter
from convnext_studio.gui.widgets.label import plain_tip
from convnext_studio.gui.widgets.network_words import cost_words, part_sentence, short_count
from convnext_studio.gui.widgets.numbers import count

SLAB = 104  # logical pixels that a volume of features gets at most, in height
HEAD = 58  # of the words above it
_LEAST_FACE, _MOST_FACE = 18.0, 72.0
_LEAST_DEPTH, _MOST_DEPTH = 4.0, 46.0
_FINE = 7.0  # pixels a cell from which on cells are drawn
_CELLS, _FEATURES = (3.0, 256.0), (3.0, 3072.0)


class PartButton(PressedByEnter, QAbstractButton):
    """One part: what it is stands in its accessible name, what it does in its description and tool tip."""

    def __init__(self, theme: Theme, part: NetworkPart, name: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.theme = theme
        self.part = part
        self.setCheckable(True)
        self.setAutoExclusive(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(name)
        self.setAccessibleDescription(part_sentence(part))
        self.setToolTip(plain_tip(f"{name}: {part_sentence(part)}"))

    def ground(self, painter: QPainter, radius: float, *, is_flat: bool = False) -> QRectF:
        """Paint ground and border as a button that can be chosen; returns what is inside."""
        area = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        if self.isChecked():
            painter.setBrush(self.theme.color("soft"))
            painter.setPen(QPen(self.theme.color("accent"), 2))
        else:
            is_pointed = self.underMouse()
            painter.setBrush(self.theme.color("hover" if is_pointed else "panel" if is_flat else "raised"))
            painter.setPen(QPen(self.theme.color("line" if is_flat and not is_pointed else "line2"), 1))
        painter.drawRoundedRect(area, radius, radius)
        return area


class BlockTile(PartButton):
    """A block by its number, or a step down in resolution; the bar says what share of the computation it takes."""

    def __init__(self, theme: Theme, part: NetworkPart, name: str, share: float, parent: QWidget) -> None:
        super().__init__(theme, part, name, parent)
        self._share = share
        self.setText(part.title.rpartition(" ")[2] if part.kind == "block" else "÷ 2")

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """Number, and the bar below it."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = self.ground(painter, 4)
        painter.setFont(font("capb"))
        painter.setPen(self.theme.color("accent" if self.isChecked() else "text2"))
        painter.drawText(area.adjusted(0, 0, 0, -5), int(Qt.AlignmentFlag.AlignCenter), self.text())
        groove = QRectF(area.left() + 5, area.bottom() - 7, area.width() - 10, 3)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.theme.color("press"))
        painter.drawRoundedRect(groove, 1.5, 1.5)
        groove.setWidth(max(2.0, groove.width() * self._share))
        painter.setBrush(self.theme.color("accent"))
        painter.drawRoundedRect(groove, 1.5, 1.5)


class VolumeButton(PartButton):
    """Stem, stage or head: its words, and its features as a volume, as many cells wide and high, as many deep."""

    def __init__(self, theme: Theme, part: NetworkPart, size: LayerInfo | None, parent: QWidget) -> None:
        super().__init__(theme, part, spoken(part.title), parent)
        self._size = size

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """Three lines and the volume."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = self.ground(painter, 8, is_flat=True)
        role = "accent" if self.isChecked() else "text"
        draw_lines(painter, self.theme, area, (spoken(self.part.title), self._size_words(), self._cost()), role)
        room = QRectF(area.left(), area.top() + HEAD, area.width(), SLAB)
        if self._size is not None:
            cells, features = max(self._size.height, self._size.width), self._size.channels
            draw_volume(painter, self.theme, room, cells, features, is_chosen=self.isChecked())
        else:
            draw_scores(painter, self.theme, room, self.part.features, is_chosen=self.isChecked())

    def _cost(self) -> str:
        """Parameters and computation; parameters alone where it is narrow."""
        words = cost_words(self.part)
        has_room = QFontMetricsF(font("cap")).horizontalAdvance(words) <= self.width() - 12
        return words if has_room else short_count(self.part.parameters)

    def _size_words(self) -> str:
        if self._size is None:
            return self.tr("{0} classes").format(count(self.part.features))
        return f"{count(self._size.channels)} × {self._size.height} × {self._size.width}"


def draw_lines(painter: QPainter, theme: Theme, area: QRectF, lines: tuple[str, str, str], role: str = "text") -> None:
    """A title and two lines under it, centred, each shortened to the width."""
    top = area.top() + 6
    for text, face, color, height in zip(
        lines, ("section", "small", "cap"), (role, "text2", "text3"), (18.0, 17.0, 15.0), strict=True
    ):
        painter.setFont(font(face))
        painter.setPen(theme.color(color))
        shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(area.width() - 6))
        room = QRectF(area.left() + 3, top, area.width() - 6, height)
        painter.drawText(room, int(Qt.AlignmentFlag.AlignCenter), shown)
        top += height


def draw_volume(
    painter: QPainter, theme: Theme, room: QRectF, cells: int, features: int, *, is_chosen: bool = False
) -> None:
    """Features as a box: the front is as many cells wide and high as there are, its depth their number, both log."""
    side = _between(cells, _CELLS, _LEAST_FACE, _MOST_FACE)
    depth = _between(features, _FEATURES, _LEAST_DEPTH, _MOST_DEPTH) * 0.7
    left = room.center().x() - (side + depth) / 2
    top = room.center().y() - (side - depth) / 2
    front = QRectF(left, top, side, side)
    away = QPointF(depth, -depth)
    painter.setPen(QPen(theme.color("accent" if is_chosen else "line2"), 1.2))
    painter.setBrush(theme.color("hover"))
    corners = front.topLeft(), front.topRight(), front.bottomRight()
    painter.drawPolygon(QPolygonF([corners[0], corners[0] + away, corners[1] + away, corners[1]]))
    painter.setBrush(theme.color("press"))
    painter.drawPolygon(QPolygonF([corners[1], corners[1] + away, corners[2] + away, corners[2]]))
    painter.setBrush(theme.color("soft" if is_chosen else "raised"))
    painter.drawRect(front)
    if side / cells < _FINE * 0.55:
        return
    grid = QPainterPath()
    for number in range(1, cells):
        at = side * number / cells
        grid.moveTo(left + at, top)
        grid.lineTo(left + at, top + side)
        grid.moveTo(left, top + at)
        grid.lineTo(left + side, top + at)
    painter.setPen(QPen(theme.color("line2"), 0.5))
    painter.drawPath(grid)


def draw_scores(painter: QPainter, theme: Theme, room: QRectF, classes: int, *, is_chosen: bool) -> None:
    """Classes as a column of bars, a few for many."""
    shown = max(1, min(classes, 9))
    step = 10.0
    top = room.center().y() - shown * step / 2
    painter.setPen(Qt.PenStyle.NoPen)
    for number in range(shown):
        is_first = number == shown // 3
        painter.setBrush(theme.color("accent" if is_first or is_chosen else "press"))
        width = 34.0 if is_first else 8.0 + 14.0 * abs(math.sin(2.3 * number + 1))
        painter.drawRoundedRect(QRectF(room.center().x() - 18, top + number * step + 2, width, 6), 2, 2)


def _between(value: float, limits: tuple[float, float], least: float, most: float) -> float:
    low, high = (math.log(limit) for limit in limits)
    share = (math.log(max(value, 1.0)) - low) / (high - low)
    return least + (most - least) * min(1.0, max(0.0, share))
