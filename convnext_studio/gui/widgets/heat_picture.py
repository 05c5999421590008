"""One Image as large as there is room, with a map over it."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from convnext_studio.core.explanations import Heatmap
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.heat_layer import HeatLayer, HeatLook


class HeatPicture(QWidget):
    """`set_picture` says what lies below, `set_heatmap` what lies over it."""

    def __init__(self, theme: Theme, name: str, side: int) -> None:
        super().__init__()
        self._theme = theme
        self._side = side
        self._picture: QImage | None = None
        self._size = (0, 0)
        self.heat = HeatLayer()
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def set_picture(self, picture: QImage | None, width: int, height: int) -> None:
        """A picture, large or small, of the width x height Image."""
        self._picture, self._size = picture, (width, height)
        self.updateGeometry()
        self.update()

    def set_heatmap(self, heatmap: Heatmap | None, look: HeatLook) -> None:
        """Lay another map over it."""
        if heatmap is not self.heat.heatmap:
            self.heat.set_heatmap(heatmap, *self._size)
        self.heat.set_look(look)
        self.update()

    def sizeHint(self) -> QSize:
        """A square; a wide Image needs less height."""
        width, height = self._size
        share = min(1.0, height / width) if width else 1.0
        return QSize(self._side, max(self._side // 2, round(self._side * share)))

    def minimumSizeHint(self) -> QSize:
        """Half of it."""
        return QSize(self._side // 2, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """The Image whole, at the left, and its map."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        area = QRectF(self.rect())
        width, height = self._size
        if self._picture is None or not width or not height:
            painter.fillRect(area, self._theme.color("hover"))
            return
        zoom = min(area.width() / width, area.height() / height)
        place = QRectF(QPointF(0, 0), QPointF(width * zoom, height * zoom))
        painter.drawImage(place, self._picture, QRectF(self._picture.rect()))
        self.heat.paint(painter, place.topLeft(), zoom, place)
