"""A network from the Image to its scores: a column for each stage, and in it a tile for each block."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from convnext_studio.core.explanations import LayerInfo, NetworkDescription, NetworkPart
from convnext_studio.gui.language import spoken
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.part_buttons import (
    HEAD,
    SLAB,
    BlockTile,
    PartButton,
    VolumeButton,
    draw_lines,
    draw_volume,
)

_GAP, _TILE, _TILE_GAP, _INSET = 18, 28, 4, 6
_INPUT, _NARROW, _LEAST_STAGE = 96, 98, 115
_TOP = HEAD + SLAB


class NetworkDiagram(QWidget):
    """`chosen` hands over the part that was pressed, by mouse or keyboard."""

    chosen = Signal(object)  # NetworkPart

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._network: NetworkDescription | None = None
        self._columns: list[tuple[VolumeButton, list[BlockTile]]] = []
        self.setAccessibleName(self.tr("The network, from the image to its scores"))
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        theme.changed.connect(self.update)

    @property
    def buttons(self) -> list[PartButton]:
        """All that can be chosen, from the Image to the scores."""
        return [button for head, tiles in self._columns for button in (head, *tiles)]

    def show_network(self, network: NetworkDescription | None) -> None:
        """Draw another network, or nothing."""
        for button in self.buttons:
            button.setParent(None)
            button.deleteLater()
        self._network, self._columns = network, []
        if network is not None:
            sizes = {layer.name: layer for layer in network.layers}
            most = max((block.gmacs for part in network.network.parts for block in part.parts), default=0.0)
            self._columns = [self._column(part, sizes, most) for part in network.network.parts]
        self.updateGeometry()
        self._place()
        self.update()

    def choose(self, name: str) -> None:
        """Mark the part of that name, without a signal."""
        for button in self.buttons:
            is_chosen = button.part.name == name
            if is_chosen:
                button.setChecked(True)
            # Tab leads to the chosen one, and arrow keys from there: a hundred stops would be a wall.
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus if is_chosen else Qt.FocusPolicy.ClickFocus)

    def _column(
        self, part: NetworkPart, sizes: dict[str, LayerInfo], most: float
    ) -> tuple[VolumeButton, list[BlockTile]]:
        blocks = (
            [inner for inner in part.parts if inner.kind in ("block", "downsample")] if part.kind == "stage" else []
        )
        size = sizes.get(part.layer) or next((sizes[one.layer] for one in reversed(blocks) if one.layer in sizes), None)
        head = VolumeButton(self._theme, part, size, self)
        tiles = [
            BlockTile(
                self._theme,
                block,
                f"{spoken(part.title)}, {spoken(block.title)}",
                block.gmacs / most if most else 0.0,
                self,
            )
            for block in blocks
        ]
        for button in (head, *tiles):
            button.clicked.connect(self._on_clicked)
            button.show()
        return head, tiles

    def _on_clicked(self) -> None:
        button = self.sender()
        if isinstance(button, PartButton):
            self.chosen.emit(button.part)

    # --- where things are

    def hasHeightForWidth(self) -> bool:
        """Narrow columns have more rows of tiles."""
        return True

    def heightForWidth(self, width: int) -> int:
        """As high as the column with the most rows."""
        return _TOP + max((self._tiles_height(len(tiles), w) for w, tiles in self._widths(width)), default=0) + 2

    def sizeHint(self) -> QSize:
        """As wide as it may be."""
        return QSize(900, self.heightForWidth(max(self.width(), 600)))

    def minimumSizeHint(self) -> QSize:
        """Columns of the least width."""
        stages = sum(bool(tiles) for _head, tiles in self._columns)
        others = len(self._columns) - stages
        least = _INPUT + stages * _LEAST_STAGE + others * _NARROW + len(self._columns) * _GAP
        return QSize(least, self.heightForWidth(max(self.width(), least)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay the columns out anew; with more rows of tiles in narrower columns, it needs another height."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.updateGeometry()
        self._place()

    def _widths(self, width: int) -> list[tuple[int, list[BlockTile]]]:
        """Width and tiles of each column: a stage with more blocks is wider."""
        counts = [len(tiles) for _head, tiles in self._columns]
        fixed = _INPUT + len(counts) * _GAP + sum(_NARROW for number in counts if not number)
        stages = sum(bool(number) for number in counts)
        spare = max(0, width - fixed - stages * _LEAST_STAGE)
        weights = [max(1, number - 3) if number else 0 for number in counts]
        total = sum(weights) or 1.0
        return [
            (_LEAST_STAGE + int(spare * weight / total) if number else _NARROW, tiles)
            for number, weight, (_head, tiles) in zip(counts, weights, self._columns, strict=True)
        ]

    @staticmethod
    def _per_row(width: int) -> int:
        return max(1, (width - 2 * _INSET + _TILE_GAP) // (_TILE + _TILE_GAP))

    def _tiles_height(self, tiles: int, width: int) -> int:
        rows = math.ceil(tiles / self._per_row(width))
        return _INSET + rows * (_TILE + _TILE_GAP) if rows else 0

    def _place(self) -> None:
        left = _INPUT + _GAP
        for (head, tiles), (width, _) in zip(self._columns, self._widths(self.width()), strict=True):
            head.setGeometry(left, 0, width, _TOP)
            across = self._per_row(width)
            inset = (width - min(across, len(tiles) or 1) * (_TILE + _TILE_GAP) + _TILE_GAP) // 2
            for number, tile in enumerate(tiles):
                row, column = divmod(number, across)
                x, y = left + inset + column * (_TILE + _TILE_GAP), _TOP + _INSET + row * (_TILE + _TILE_GAP)
                tile.setGeometry(QRect(x, y, _TILE, _TILE))
            left += width + _GAP

    # --- what is between them

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """The Image's own volume, and arrows from each column to the next."""
        if self._network is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        height, width = self._network.input_height, self._network.input_width
        words = (self.tr("Image"), f"3 × {height} × {width}", "")
        draw_lines(painter, self._theme, QRectF(0, 0, _INPUT, HEAD), words)
        draw_volume(painter, self._theme, QRectF(0, HEAD, _INPUT, SLAB), max(height, width), 3)
        y = HEAD + SLAB / 2
        for head, _tiles in self._columns:
            draw_arrow(painter, self._theme, QPointF(head.x() - _GAP + 3, y), QPointF(head.x() - 2, y))


def draw_arrow(painter: QPainter, theme: Theme, start: QPointF, end: QPointF) -> None:
    """A line with a head, along one axis."""
    color = theme.color("line2")
    painter.setPen(QPen(color, 1.4, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    painter.drawLine(start, end)
    length = math.hypot(end.x() - start.x(), end.y() - start.y()) or 1.0
    along = (end - start) / length
    across = QPointF(-along.y(), along.x())
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    painter.drawPolygon(QPolygonF([end, end - along * 6 + across * 3.5, end - along * 6 - across * 3.5]))
