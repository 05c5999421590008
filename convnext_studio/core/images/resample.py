"""Resize a picture and cut a window out of it, in little memory where the whole would take a gigabyte.

Anything else is resized whole, as everybody does. To compute only the window would take a third less time for a photo,
but window edges reach Pillow as 32-bit floats: a few values in 100,000 differed by one grey level from resizing it all,
which moved probabilities of sharp networks by up to 3e-4.
"""

from __future__ import annotations

from PIL import Image

Size = tuple[int, int]

_HUGE_PIXELS = 16_000_000
_REACH = 3  # in pixels of the smaller picture, of the widest filter


def resized_window(image: Image.Image, whole: Size, corner: Size, size: Size, method: Image.Resampling) -> Image.Image:
    """Return what `image.resize(whole, method)` shows in the window of `size` at `corner`, which lies inside it."""
    (left, top), (across, down) = corner, size
    if whole[0] * whole[1] < _HUGE_PIXELS:
        resized = image if image.size == whole else image.resize(whole, method)
        return resized if whole == size else resized.crop((left, top, left + across, top + down))
    x_scale, y_scale = image.width / whole[0], image.height / whole[1]
    first_x, last_x = _needed(left * x_scale, (left + across) * x_scale, x_scale, image.width)
    first_y, last_y = _needed(top * y_scale, (top + down) * y_scale, y_scale, image.height)
    box = (
        left * x_scale - first_x,
        top * y_scale - first_y,
        (left + across) * x_scale - first_x,
        (top + down) * y_scale - first_y,
    )
    return image.crop((first_x, first_y, last_x, last_y)).resize(size, method, box=box)


def _needed(first: float, last: float, scale: float, length: int) -> tuple[int, int]:
    """The rows or columns that the window's values are made of; small numbers lose less as 32-bit floats."""
    margin = _REACH * max(1.0, scale) + 2
    return max(0, int(first - margin)), min(length, int(last + margin) + 1)
