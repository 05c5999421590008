"""A Heatmap over an Image: its values are kept, and colour, opacity and contour are decided while painting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen, QTransform

from convnext_studio.core.explanations import Heatmap

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FINE = 512  # painted cells along the longer side; between them Qt goes evenly
CONTOUR = 192  # places along the longer side that the contour is looked for at
MAPS = ("inferno", "viridis", "cividis")
_BLACK = QColor(0, 0, 0, 171)
_WHITE = QColor(255, 255, 255)


@dataclass(frozen=True)
class HeatLook:
    """How Heatmaps are painted. `line` is the value of the contour, a share of the peak; 0 = no contour."""

    is_shown: bool = True
    opacity: float = 0.6
    colours: str = MAPS[0]
    line: float = 0.5


class HeatLayer:
    """What is painted is made once for each map, colours and line, and then only scaled."""

    def __init__(self) -> None:
        self.heatmap: Heatmap | None = None
        self.look = HeatLook()
        self._window = (0.0, 0.0, 0.0, 0.0)  # the part of the Image that has values
        self._painted: QImage | None = None
        self._fine: NDArray[np.float32] | None = None  # what the contour is looked for in
        self._contour: QPainterPath | None = None

    def set_heatmap(self, heatmap: Heatmap | None, width: int, height: int) -> None:
        """Show another Heatmap of a width x height Image."""
        self.heatmap = heatmap
        self._painted = self._fine = self._contour = None
        if heatmap is not None:
            left, top, right, bottom = heatmap.seen
            self._window = (max(left, 0.0), max(top, 0.0), min(right, float(width)), min(bottom, float(height)))

    def set_look(self, look: HeatLook) -> None:
        """Paint in another way; the values stay."""
        if look.colours != self.look.colours:
            self._painted = None
        if look.line != self.look.line:
            self._contour = None
        self.look = look

    @property
    def is_seen(self) -> bool:
        """Whether there is anything to paint."""
        left, top, right, bottom = self._window
        return self.heatmap is not None and self.look.is_shown and right > left and bottom > top

    def paint(self, painter: QPainter, origin: QPointF, zoom: float, clip: QRectF | None = None) -> None:
        """Paint over an Image whose corner is at `origin`, with `zoom` logical pixels for one of the Image."""
        if not self.is_seen:
            return
        if self._painted is None:
            self._painted = self._paint_values()
        left, top, right, bottom = self._window
        painter.save()
        if clip is not None:
            painter.setClipRect(clip)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setOpacity(self.look.opacity)
        target = QRectF(origin + QPointF(left, top) * zoom, origin + QPointF(right, bottom) * zoom)
        painter.drawImage(target, self._painted, QRectF(self._painted.rect()))
        painter.setOpacity(1.0)
        if self.look.line > 0:
            self._draw_contour(painter, origin, zoom)
        painter.restore()

    def _draw_contour(self, painter: QPainter, origin: QPointF, zoom: float) -> None:
        if self._contour is None:
            self._contour = self._find_contour()
        # One line after the other: as a single path they take Qt nearly twice as long.
        lines = self._contour.toSubpathPolygons(QTransform(zoom, 0, 0, zoom, origin.x(), origin.y()))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for color, width in ((_BLACK, 3.2), (_WHITE, 1.5)):
            painter.setPen(QPen(color, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            for line in lines:
                painter.drawPolyline(line)

    def _size(self, longest: int) -> tuple[int, int]:
        left, top, right, bottom = self._window
        scale = longest / max(right - left, bottom - top)
        return max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale))

    def _paint_values(self) -> QImage:
        """Premultiplied colours whose opacity is the value itself, so that cold places show the Image untouched."""
        import numpy as np

        from convnext_studio.core.explain.colours import colour_table
        from convnext_studio.core.explain.place import resampled

        assert self.heatmap is not None
        width, height = self._size(FINE)
        values = resampled(self.heatmap, self._window, width, height)
        steps = np.clip(np.rint(values * 255), 0, 255).astype(np.uint8)
        share = np.arange(256, dtype=np.float32)[:, None] / 255
        table = np.empty((256, 4), np.uint8)
        table[:, :3] = np.rint(colour_table(self.look.colours).astype(np.float32) * share)
        table[:, 3] = np.arange(256)
        pixels = np.ascontiguousarray(table[steps])
        form = QImage.Format.Format_RGBA8888_Premultiplied
        made = QImage(pixels.data, width, height, 4 * width, form)
        return made.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)

    def _find_contour(self) -> QPainterPath:
        """The line of `look.line` in Image pixels."""
        from convnext_studio.core.explain.place import resampled
        from convnext_studio.gui.widgets.contour import contour

        assert self.heatmap is not None
        left, top, right, bottom = self._window
        width, height = self._size(CONTOUR)
        path = QPainterPath()
        if min(width, height) < 2:
            return path
        if self._fine is None:
            self._fine = resampled(self.heatmap, self._window, width, height)
        to_x, to_y = (right - left) / width, (bottom - top) / height
        for line in contour(self._fine, self.look.line):
            points = [QPointF(left + (x + 0.5) * to_x, top + (y + 0.5) * to_y) for x, y in line]
            path.moveTo(points[0])
            for point in points[1:]:
                path.lineTo(point)
        return path
