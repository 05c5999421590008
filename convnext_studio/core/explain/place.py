"""From the cells of a Heatmap to values at any place of the Image, at any zoom. numpy only: the window uses it too."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from convnext_studio.core.explanations import Heatmap, Region

_FINE = (256, 256)  # columns and rows that sums are taken over


def resampled(heatmap: Heatmap, window: Region, width: int, height: int) -> NDArray[np.float32]:
    """Values over `window` (left, top, right, bottom in Image pixels) as float32 (height, width).

    Bilinear between the centres of the cells, level beyond the outermost centres, and 0 outside what was seen.
    """
    (left, top, right, bottom), seen = heatmap.region, heatmap.seen
    values = heatmap.values.astype(np.float32, copy=False)
    down = _between(values, (top, bottom), (seen[1], seen[3]), _places(window[1], window[3], height))
    across = _between(down.T, (left, right), (seen[0], seen[2]), _places(window[0], window[2], width))
    return np.ascontiguousarray(across.T)


def image_map(heatmap: Heatmap, width: int, height: int) -> NDArray[np.float32]:
    """Values at the Image's own size, float32 (height, width)."""
    return resampled(heatmap, (0.0, 0.0, float(width), float(height)), width, height)


def value_at(heatmap: Heatmap, x: float, y: float) -> float:
    """The value at one place of the Image (pixel centres at .5)."""
    return float(resampled(heatmap, (x - 0.5, y - 0.5, x + 0.5, y + 0.5), 1, 1)[0, 0])


def share_inside(heatmap: Heatmap, box: Region, width: int, height: int) -> float:
    """Share of the heat in a width x height Image that lies in `box` (Image pixels), 0..1; 0 where there is no heat."""
    fine = resampled(heatmap, (0.0, 0.0, float(width), float(height)), *_FINE)
    xs, ys = _places(0, width, _FINE[0]), _places(0, height, _FINE[1])
    inside = fine[(ys >= box[1]) & (ys < box[3])][:, (xs >= box[0]) & (xs < box[2])]
    total = float(fine.sum())
    return float(inside.sum()) / total if total > 0 else 0.0


def _places(first: float, last: float, count: int) -> NDArray[np.float64]:
    """The middles of `count` equal parts."""
    return np.asarray(first + (np.arange(count) + 0.5) * (last - first) / count)


def _between(
    values: NDArray[np.float32], span: tuple[float, float], seen: tuple[float, float], places: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Rows of `values`, which cover `span`, at each place: (places, columns).

    Two rows are mixed for each place. A product of matrices says the same, but its threads wait for busy cores, and the
    window with them.
    """
    cells = len(values)
    position = np.clip((places - span[0]) * cells / (span[1] - span[0]) - 0.5, 0, cells - 1)
    lower = position.astype(int)
    upper = np.minimum(lower + 1, cells - 1)
    share = (position - lower).astype(np.float32)[:, None]
    mixed = values[lower] * (1 - share) + values[upper] * share
    mixed[(places < seen[0]) | (places > seen[1])] = 0
    return np.asarray(mixed, np.float32)
