"""A small sign for what a part of a network does: looking around, mixing, bending, bringing to scale."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen

MIXING = ("convolution", "linear", "head")
WORKING = ("depthwise", "attention", "block", "stage", "stem", "downsample", "shortcut", *MIXING)
_STEPS = 12


def draw_glyph(painter: QPainter, kind: str, area: QRectF, color: QColor) -> None:
    """Draw the sign of `kind` into `area`, a square; some kinds have none."""
    path = _path(kind)
    if path is None:
        return
    painter.save()
    painter.translate(area.topLeft())
    painter.scale(area.width(), area.height())
    pen = QPen(color, 1.4 / area.width(), Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPath(path)
    painter.restore()


def _path(kind: str) -> QPainterPath | None:
    if kind == "depthwise":
        return _lines(*(((x, 0.1), (x, 0.9)) for x in (0.15, 0.5, 0.85)))  # each feature map for itself
    if kind in MIXING:
        return _lines(*(((a, 0.12), (b, 0.88)) for a in (0.15, 0.85) for b in (0.15, 0.85)))
    if kind == "activation":
        return _curve(lambda x: 0.78 - 0.62 * _gelu(6 * x - 3) / 3)
    if kind == "norm":
        return _curve(lambda x: 0.85 - 0.7 * math.exp(-((6 * x - 3) ** 2) / 2))
    if kind == "attention":
        return _lines(*(((0.5, 0.5), (0.5 + 0.42 * math.cos(a), 0.5 + 0.42 * math.sin(a))) for a in _angles(6)))
    if kind == "grn":
        return _lines(((0.15, 0.9), (0.15, 0.62)), ((0.5, 0.9), (0.5, 0.1)), ((0.85, 0.9), (0.85, 0.72)))
    if kind == "layer scale":
        return _lines(((0.25, 0.25), (0.75, 0.75)), ((0.75, 0.25), (0.25, 0.75)))
    if kind in ("pool", "downsample"):
        return _lines(((0.1, 0.15), (0.5, 0.85)), ((0.9, 0.15), (0.5, 0.85)), ((0.1, 0.15), (0.9, 0.15)))
    return None


def _angles(number: int) -> tuple[float, ...]:
    return tuple(2 * math.pi * step / number for step in range(number))


def _gelu(x: float) -> float:
    return x * 0.5 * (1 + math.erf(x / math.sqrt(2)))


def _curve(height: object) -> QPainterPath:
    assert callable(height)
    path = QPainterPath(QPointF(0.0, height(0.0)))
    for step in range(1, _STEPS + 1):
        path.lineTo(QPointF(step / _STEPS, height(step / _STEPS)))
    return path


def _lines(*lines: tuple[tuple[float, float], tuple[float, float]]) -> QPainterPath:
    path = QPainterPath()
    for start, end in lines:
        path.moveTo(QPointF(*start))
        path.lineTo(QPointF(*end))
    return path
