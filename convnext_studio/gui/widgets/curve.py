"""Curves and what is marked beside them, as a plot draws them: smoothed, thinned to what a screen can show."""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST_POINTS = 1_500  # more than a plot is wide: what stands behind each other is drawn once
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """A series. `role` is a colour; points are joined by dashes with dots where `is_dotted`.

    `run` names another Run it is of.
    """

    name: str
    role: str
    x: Floats
    y: Floats
    raw_x: Floats | None = None
    raw_y: Floats | None = None
    is_dotted: bool = False
    run: str = ""

    @property
    def title(self) -> str:
        """Name and Run."""
        return f"{self.run} · {self.name}" if self.run else self.name

    def is_like(self, other: Curve) -> bool:
        """Whether the other one would be drawn the same."""
        said, their = ((one.title, one.role, one.is_dotted) for one in (self, other))
        points = ((self.x, other.x), (self.y, other.y), (self.raw_x, other.raw_x), (self.raw_y, other.raw_y))
        return said == their and all(_is_like(*pair) for pair in points)

    @property
    def table(self) -> tuple[array[float], array[float]]:
        """What was measured, not smoothed: places on the axis, and values."""
        is_raw = self.raw_x is not None and self.raw_y is not None
        x, y = (self.raw_x, self.raw_y) if is_raw else (self.x, self.y)
        return array("d", np.asarray(x, np.float64).tobytes()), array("d", np.asarray(y, np.float64).tobytes())


@dataclass(frozen=True)
class Marks:
    """The best epoch (-1: none yet; 0: the head alone), its value, where the curve is now, and where it will end.

    `phases` are places on the axis and what begins there.
    """

    best: float = -1
    best_value: float = 0.0
    now: float = 0.0
    end: float = 1.0
    best_words: str = ""
    future_words: str = ""
    phases: tuple[tuple[float, str], ...] = ()


@dataclass(frozen=True)
class Scale:
    """How values are shown. `is_share`: between 0 and 1, and all of that where it `is_whole`.

    `can_be_log`: sizes, where a factor says more than a sum.
    """

    is_share: bool = False
    is_whole: bool = False
    can_be_log: bool = False


def _is_like(one: Floats | None, other: Floats | None) -> bool:
    if one is None or other is None:
        return one is other
    return np.array_equal(one, other, equal_nan=True)


def smoothed(values: Floats, weight: float) -> Floats:
    """An exponential average that does not lean towards its beginning; `weight` is that of the past, 0..1.

    The bias correction is that of Adam (Kingma and Ba, 2015), applied to the curve.
    """
    result = np.empty_like(values)
    held = norm = 0.0
    for number, value in enumerate(values.tolist()):
        if math.isfinite(value):
            held, norm = weight * held + (1 - weight) * value, weight * norm + (1 - weight)
        result[number] = held / norm if norm else value
    return result


def value_at(curve: Curve, place: float | None) -> float | None:
    """The value of the last point up to a place; the first one's a little before it too."""
    if not len(curve.x):
        return None
    if place is None:
        return float(curve.y[-1])
    number = int(np.searchsorted(curve.x, place, side="right")) - 1
    if number < 0 or place > curve.x[-1] + 1e-9 + 0.01 * abs(float(curve.x[-1])):
        return None
    return float(curve.y[number])


def between(x: Floats, window: tuple[float, float]) -> tuple[int, int]:
    """The points within, and one more at either side."""
    first, last = np.searchsorted(x, window[0]), np.searchsorted(x, window[1], side="right")
    return max(0, int(first) - 1), int(last) + 1


def thinned(x: Floats | None, y: Floats | None, window: tuple[float, float]) -> tuple[Floats, Floats]:
    """Of what is seen at most `MOST_POINTS`: of each stretch the lowest and the highest, so that no peak is lost."""
    if x is None or y is None:
        return np.zeros(0), np.zeros(0)
    first, last = between(x, window)
    x, y = x[first:last], y[first:last]
    if len(x) <= MOST_POINTS:
        return x, y
    stretch = -(-len(x) // (MOST_POINTS // 2))
    whole = len(x) // stretch * stretch
    parts = y[:whole].reshape(-1, stretch)
    lows, highs = (np.nan_to_num(parts, nan=end) if np.isnan(parts).any() else parts for end in (np.inf, -np.inf))
    starts = np.arange(0, whole, stretch)
    picked = np.sort(np.concatenate([starts + lows.argmin(axis=1), starts + highs.argmax(axis=1)]))
    picked = np.concatenate([picked, np.arange(whole, len(x))])
    return x[picked], y[picked]
