"""A large picture in halves of halves, cut into tiles: painting touches only what is in sight, at about its size."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QRect, QRectF, QTimer, Signal
from PySide6.QtGui import QPainter, QPixmap

from convnext_studio.gui.convert import image_from_array

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TILE = 512
SLICE_S = 0.008  # time a slice of halving may take in the event loop
STRIP = 64  # rows halved at a time
KEPT_TILES = 160  # of 1 MiB
SMALLEST = 512


class Pyramid(QObject):
    """Level 0 is the picture itself, each next one half as large; made in slices, `grown` after each level."""

    grown = Signal()

    def __init__(self, pixels: NDArray[np.uint8], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.height, self.width = pixels.shape[:2]
        self._levels = [pixels]
        self._next: NDArray[np.uint8] | None = None
        self._row = 0
        self._tiles: OrderedDict[tuple[int, int, int], QPixmap] = OrderedDict()
        self._timer = QTimer(self, interval=0)
        self._timer.timeout.connect(self._grow)
        step = max(self.height, self.width) // 1024
        # Until the levels are made, a sparse copy stands in for them.
        self._sparse = QPixmap.fromImage(image_from_array(pixels[::step, ::step].copy())) if step > 1 else None
        if max(self.height, self.width) > SMALLEST:
            self._timer.start()

    def stop(self) -> None:
        """Make no more levels."""
        self._timer.stop()

    def color_at(self, x: int, y: int) -> tuple[int, int, int]:
        """The pixel at x, y of level 0."""
        red, green, blue = self._levels[0][y, x]
        return int(red), int(green), int(blue)

    def paint(self, painter: QPainter, target: QRectF, visible: QRectF, zoom: float, *, is_smooth: bool) -> None:
        """Draw the whole picture into `target`, as far as it lies in `visible`; `zoom` is device per picture pixel."""
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, is_smooth)
        wanted = 0
        while zoom * 2 ** (wanted + 1) <= 1.0 and max(self.width, self.height) >> wanted > SMALLEST:
            wanted += 1
        level = min(wanted, len(self._levels) - 1)
        if level < wanted and self._sparse is not None and wanted - level > 1:
            painter.drawPixmap(target, self._sparse, QRectF(self._sparse.rect()))
            return
        height, width = self._levels[level].shape[:2]
        to_x, to_y = width / target.width(), height / target.height()
        part = visible.intersected(target).translated(-target.topLeft())
        first_x, last_x = int(part.left() * to_x) // TILE, int(part.right() * to_x) // TILE
        first_y, last_y = int(part.top() * to_y) // TILE, int(part.bottom() * to_y) // TILE
        for row in range(first_y, min(last_y, (height - 1) // TILE) + 1):
            for column in range(first_x, min(last_x, (width - 1) // TILE) + 1):
                source = QRect(column * TILE, row * TILE, TILE, TILE) & QRect(0, 0, width, height)
                place = QRectF(source.x() / to_x, source.y() / to_y, source.width() / to_x, source.height() / to_y)
                pixmap = self._tile(level, column, row)
                painter.drawPixmap(place.translated(target.topLeft()), pixmap, QRectF(pixmap.rect()))

    def _tile(self, level: int, column: int, row: int) -> QPixmap:
        key = (level, column, row)
        found = self._tiles.get(key)
        if found is None:
            pixels = self._levels[level][row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE]
            found = self._tiles[key] = QPixmap.fromImage(image_from_array(pixels))
            if len(self._tiles) > KEPT_TILES:
                self._tiles.popitem(last=False)
        else:
            self._tiles.move_to_end(key)
        return found

    def _grow(self) -> None:
        """Halve for a slice of time; the last odd row or column is left out."""
        import numpy as np

        until = time.perf_counter() + SLICE_S
        source = self._levels[-1]
        height, width = source.shape[0] // 2, source.shape[1] // 2
        if min(height, width) < 1 or max(source.shape[:2]) <= SMALLEST:
            self._timer.stop()
            return
        if self._next is None:
            self._next, self._row = np.empty((height, width, 3), np.uint8), 0
        while self._row < height and time.perf_counter() < until:
            end = min(self._row + max(1, STRIP * 1024 // max(width, 1)), height)
            rows = source[2 * self._row : 2 * end, : 2 * width].astype(np.uint16)
            pairs = rows[0::2] + rows[1::2]
            self._next[self._row : end] = (pairs[:, 0::2] + pairs[:, 1::2] + 2) >> 2
            self._row = end
        if self._row >= height:
            self._levels.append(self._next)
            self._next = None
            self.grown.emit()
