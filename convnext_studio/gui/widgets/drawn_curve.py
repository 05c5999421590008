"""The items of pyqtgraph that a curve is drawn with; they are set only where something changed.

This module imports pyqtgraph, which takes half a second: see `gui/preload.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyqtgraph as pg
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QGraphicsItem

from convnext_studio.gui.widgets.curve import Curve, Floats, thinned


@dataclass
class Drawn:
    """What is drawn of a curve: plain lines, for a `PlotDataItem` takes several times as long to make and to set."""

    dots: pg.ScatterPlotItem | None = None
    raw: pg.PlotCurveItem = field(default_factory=lambda: pg.PlotCurveItem(connect="finite"))
    smooth: pg.PlotCurveItem = field(default_factory=lambda: pg.PlotCurveItem(connect="finite"))
    label: pg.TextItem = field(default_factory=lambda: pg.TextItem(anchor=(0, 0.5)))
    curve: Curve | None = None  # what the lines were set to,
    seen: tuple[object, ...] = ()  # which part of it, and whether it is logarithmic

    @classmethod
    def of(cls, curve: Curve) -> Drawn:
        """Made once for all that is like it."""
        return cls(pg.ScatterPlotItem(size=5) if curve.is_dotted and not curve.run else None)

    def set_to(self, curve: Curve, window: tuple[float, float], *, is_log: bool) -> None:
        """Draw what is seen of it, unless that is drawn already."""
        if self.curve is curve and self.seen == (window, is_log):
            return
        self.curve, self.seen = curve, (window, is_log)
        for item, x, y in ((self.raw, curve.raw_x, curve.raw_y), (self.smooth, curve.x, curve.y)):
            places, values = thinned(x, y, window)
            item.setData(places, logarithms(values) if is_log else values)
        if self.dots is not None:
            self.dots.setData(*self.smooth.getData())

    @property
    def all(self) -> tuple[pg.GraphicsObject, ...]:
        """What is on the plot."""
        return self.raw, self.smooth, *([] if self.dots is None else [self.dots]), self.label

    @property
    def values(self) -> list[Floats]:
        """As they are drawn; the lowest and the highest are among them."""
        return [item.yData for item in (self.raw, self.smooth) if item.yData is not None]


def kind_of(curve: Curve) -> tuple[object, ...]:
    """What decides which items draw a curve, and how they look."""
    return curve.title, curve.role, curve.is_dotted


def halfway(colour: QColor, ground: QColor) -> QColor:
    """The colour at half strength on its ground. Lines that let it shine through take forty times as long to paint."""
    return QColor(*((part(colour) + part(ground)) // 2 for part in (QColor.red, QColor.green, QColor.blue)))


def set_visible(item: QGraphicsItem, is_visible: bool) -> None:
    """Only where it is not so: some items are measured anew each time."""
    if item.isVisible() != is_visible:
        item.setVisible(is_visible)


def logarithms(values: Floats) -> Floats:
    """nan where there is none."""
    return np.log10(values, out=np.full(len(values), np.nan), where=values > 0)
