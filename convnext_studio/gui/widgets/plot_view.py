"""What all plots of a page share: the axis they stand on, how much they are smoothed, what is zoomed to, the cursor."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QObject, Signal

Axis = Literal["epoch", "step", "time"]
AXES: tuple[Axis, ...] = ("epoch", "step", "time")
STAGGER_MS = 25  # plots are painted one after the other: all at once would keep the window too long
_MOST_STAGGERED = 8
SMOOTHING = 0.9  # the weight of the past, at first


class PlotView(QObject):
    """`changed`: draw anew. `window_changed`: another part is seen. `cursor_changed`: the cursor moved, or is gone.

    `window` is the part of the axis that is zoomed to, None for all of it; `cursor` a place on it.
    """

    changed = Signal()
    window_changed = Signal()
    cursor_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.axis: Axis = "epoch"
        self.smoothing = SMOOTHING
        self.is_log = False
        self.window: tuple[float, float] | None = None
        self.cursor: float | None = None
        self.hidden: set[str] = set()  # the series that nobody wants to see
        self._plots = 0

    def delay_ms(self) -> int:
        """How long one more plot waits before it paints what is new."""
        self._plots += 1
        return STAGGER_MS * ((self._plots - 1) % _MOST_STAGGERED)

    def set_axis(self, axis: Axis) -> None:
        """Stand on epochs, steps or time; what was zoomed to means nothing then."""
        if axis != self.axis:
            self.axis, self.window, self.cursor = axis, None, None
            self.changed.emit()

    def set_smoothing(self, weight: float) -> None:
        """Let the past weigh so much, 0 to 0.99."""
        if weight != self.smoothing:
            self.smoothing = weight
            self.changed.emit()

    def set_log(self, is_log: bool) -> None:
        """Show losses and other sizes logarithmically."""
        if is_log != self.is_log:
            self.is_log = is_log
            self.changed.emit()

    def set_shown(self, name: str, is_shown: bool) -> None:
        """Draw a series, or leave it out."""
        if is_shown == (name in self.hidden):
            (self.hidden.discard if is_shown else self.hidden.add)(name)
            self.changed.emit()

    def zoom(self, window: tuple[float, float] | None) -> None:
        """Show a part of the axis, or all of it."""
        if window != self.window:
            self.window = window
            self.window_changed.emit()

    def point(self, place: float | None) -> None:
        """Put the cursor somewhere, or take it away."""
        if place != self.cursor:
            self.cursor = place
            self.cursor_changed.emit()
