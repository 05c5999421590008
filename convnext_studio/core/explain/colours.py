"""Colour maps for Heatmaps: lightness only rises, and equal steps in value look equally far apart. numpy only.

A few colours of each map are laid out in OKLab (Ottosson, 2020) and the way through them is walked at even speed, so
evenness holds by construction. None passes through a rainbow, and all can be read without colour vision.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

COLOURS: dict[str, tuple[str, ...]] = {
    "inferno": ("000004", "420a68", "932667", "dd513a", "fca50a", "fcffa4"),
    "viridis": ("440154", "3b528b", "21918c", "5ec962", "fde725"),
    "cividis": ("00224e", "575c6e", "a59c74", "fee838"),
}
_STEPS = 256
_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


@cache
def colour_table(name: str) -> NDArray[np.uint8]:
    """The 256 colours of a map, uint8 RGB (256, 3), from cold to hot. Raises `KeyError` for an unknown name."""
    anchors = oklab(np.array([[int(text[i : i + 2], 16) for i in (0, 2, 4)] for text in COLOURS[name]], np.float64))
    fine = _between(anchors, np.linspace(0, len(anchors) - 1, 4001), np.arange(len(anchors), dtype=np.float64))
    walked = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(fine, axis=0), axis=1))])
    table = _srgb(_between(fine, np.linspace(0, walked[-1], _STEPS), walked))
    table.setflags(write=False)
    return table


def coloured(values: NDArray[np.float32], name: str) -> NDArray[np.uint8]:
    """Values 0..1 of any shape as uint8 RGB."""
    return colour_table(name)[np.clip(np.rint(values * (_STEPS - 1)), 0, _STEPS - 1).astype(np.uint8)]


def overlaid(pixels: NDArray[np.uint8], values: NDArray[np.float32], name: str, opacity: float) -> NDArray[np.uint8]:
    """Lay values (h, w) over uint8 RGB (h, w, 3); opacity follows the value, so cold areas show the Image untouched."""
    alpha = np.clip(values, 0, 1)[..., None].astype(np.float32) * np.float32(opacity)
    return np.asarray(np.rint(pixels * (1 - alpha) + coloured(values, name) * alpha), np.uint8)


def oklab(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """sRGB 0..255 (n, 3) as OKLab (n, 3)."""
    share = rgb / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return np.asarray(np.cbrt(linear @ _TO_CONES.T) @ _TO_LAB.T)


def _srgb(lab: NDArray[np.float64]) -> NDArray[np.uint8]:
    linear = np.clip((lab @ np.linalg.inv(_TO_LAB).T) ** 3 @ np.linalg.inv(_TO_CONES).T, 0, 1)
    share = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(share * 255), np.uint8)


def _between(
    points: NDArray[np.float64], places: NDArray[np.float64], known: NDArray[np.float64]
) -> NDArray[np.float64]:
    return np.stack([np.interp(places, known, column) for column in points.T], axis=1)
