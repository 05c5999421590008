"""Icons: one SVG each, coloured by the theme when they are painted, crisp at every size and pixel ratio."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QByteArray, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QIconEngine, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from convnext_studio.core.resources import resource


class PixmapSource(Protocol):
    """Whoever can paint an icon in a colour role; the `Theme`."""

    def pixmap(self, name: str, role: str, size: int, dpr: float) -> QPixmap: ...


def icon_names() -> list[str]:
    """The names of all shipped icons."""
    return sorted(path.stem for path in resource("icons").glob("*.svg"))


@cache
def _source(name: str) -> str:
    return Path(resource("icons", f"{name}.svg")).read_text("utf-8")


def draw_icon(name: str, colour: QColor, size: int, dpr: float) -> QPixmap:
    """The icon `name` as a pixmap of `size` logical pixels. Raises FileNotFoundError for an unknown name."""
    stroke = 1.75 if size <= 20 else 1.6 if size <= 28 else 1.3
    svg = (
        _source(name)
        .replace("currentColor", colour.name())
        .replace('stroke-width="1.75"', f'stroke-width="{stroke}"', 1)
    )
    side = max(1, round(size * dpr))
    pixmap = QPixmap(side, side)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    QSvgRenderer(QByteArray(svg.encode())).render(painter, QRectF(0, 0, side, side))
    painter.end()
    pixmap.setDevicePixelRatio(dpr)
    return pixmap


class ThemedIconEngine(QIconEngine):
    """Asks the theme for its pixmap each time, so that a change of theme needs a repaint and nothing else."""

    def __init__(self, source: PixmapSource, name: str, role: str, on_role: str) -> None:
        super().__init__()
        self._of = (source, name, role, on_role)

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        """Paint into `rect`, as large as it allows."""
        dpr = painter.device().devicePixelRatioF()
        size = min(rect.width(), rect.height())
        left, top = rect.x() + (rect.width() - size) // 2, rect.y() + (rect.height() - size) // 2
        painter.drawPixmap(left, top, self._pixmap(size, dpr, mode, state))

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        """A pixmap for a pixel ratio of 1."""
        return self._pixmap(min(size.width(), size.height()), 1.0, mode, state)

    def scaledPixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State, scale: float) -> QPixmap:
        """A pixmap of `size` logical pixels for a screen of pixel ratio `scale`."""
        return self._pixmap(min(size.width(), size.height()), scale, mode, state)

    def clone(self) -> QIconEngine:
        """Another engine like this one."""
        return ThemedIconEngine(*self._of)

    def _pixmap(self, size: int, dpr: float, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        source, name, role, on_role = self._of
        wanted = "off" if mode == QIcon.Mode.Disabled else on_role if state == QIcon.State.On else role
        return source.pixmap(name, wanted, size, dpr)
