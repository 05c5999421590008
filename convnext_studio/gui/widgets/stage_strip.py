"""A filmstrip: the same Image with the Heatmap of each stage. A click takes a stage for the large one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QSizePolicy

from convnext_studio.core.explanations import Heatmap
from convnext_studio.gui.theme.fonts import font
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.enter_key import PressedByEnter
from convnext_studio.gui.widgets.frame import Frame
from convnext_studio.gui.widgets.heat_layer import HeatLayer, HeatLook

_HEIGHT, _CAPTION = 108, 20
MOST = 4


class StageStrip(Frame):
    """Four frames side by side; those that are not there yet are empty."""

    chosen = Signal(str)  # the layer

    def __init__(self, theme: Theme) -> None:
        super().__init__("panel", "top")
        self.frames = [_StageFrame(theme) for _ in range(MOST)]
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 8, 12, 8)
        row.setSpacing(8)
        for frame in self.frames:
            row.addWidget(frame)
            frame.clicked.connect(self._on_clicked)

    def set_picture(self, picture: QImage | None, width: int, height: int) -> None:
        """A small picture of the width x height Image that the stages are of."""
        for frame in self.frames:
            frame.set_picture(picture, width, height)

    def set_heatmaps(self, titles: Sequence[str], heatmaps: Sequence[Heatmap], current: str) -> None:
        """The titles of the stages, the Heatmaps there are, and the layer shown large."""
        for number, frame in enumerate(self.frames):
            heatmap = heatmaps[number] if number < len(heatmaps) else None
            title = titles[number] if number < len(titles) else ""
            frame.set_heatmap(title, heatmap, is_current=heatmap is not None and heatmap.layer == current)

    def set_look(self, look: HeatLook) -> None:
        """Paint as the large one, without its line: the early stages would be nothing but lines."""
        for frame in self.frames:
            frame.heat.set_look(replace(look, line=0.0))
            frame.update()

    def _on_clicked(self) -> None:
        frame = self.sender()
        if isinstance(frame, _StageFrame) and frame.heat.heatmap is not None:
            self.chosen.emit(frame.heat.heatmap.layer)


class _StageFrame(PressedByEnter, QAbstractButton):
    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.heat = HeatLayer()
        self._picture: QImage | None = None
        self._size = (0, 0)
        self._is_current = False
        self.setAccessibleName(self.tr("Stage"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def set_picture(self, picture: QImage | None, width: int, height: int) -> None:
        """What lies under the Heatmap."""
        self._picture, self._size = picture, (width, height)
        self.update()

    def set_heatmap(self, title: str, heatmap: Heatmap | None, *, is_current: bool) -> None:
        """Show another one."""
        self.setText(title)
        self.setAccessibleName(title or self.tr("Stage"))
        self.setEnabled(heatmap is not None)
        self._is_current = is_current
        if heatmap is not self.heat.heatmap:
            self.heat.set_heatmap(heatmap, *self._size)
        self.update()

    def sizeHint(self) -> QSize:
        """Four of them fit into a small window."""
        return QSize(96, _HEIGHT)

    def minimumSizeHint(self) -> QSize:
        """Narrow, but not less high."""
        return QSize(56, _HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """Image, Heatmap, title; a frame round the one that is shown large."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setFont(font("cap"))
        painter.setPen(self._theme.color("text" if self._is_current else "text2"))
        area = QRectF(self.rect()).adjusted(3, 3, -3, -3)
        caption = QRectF(area.left(), area.bottom() - _CAPTION, area.width(), _CAPTION)
        painter.drawText(caption, int(Qt.AlignmentFlag.AlignCenter), self.text())
        area.setBottom(caption.top())
        painter.fillRect(area, self._theme.color("canvas"))
        if self._picture is not None and min(self._size) > 0:
            width, height = self._size
            zoom = min(area.width() / width, area.height() / height)
            place = QRectF(0, 0, width * zoom, height * zoom)
            place.moveCenter(QPointF(area.center()))
            painter.drawImage(place, self._picture, QRectF(self._picture.rect()))
            self.heat.paint(painter, place.topLeft(), zoom, place)
        if self._is_current:
            painter.setPen(QPen(self._theme.color("accent"), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(area)
