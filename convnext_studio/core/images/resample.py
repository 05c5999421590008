"""Resize a picture but, where it saves much, compute only the part that is kept: a third less time for a photo.

Pillow resizes in two passes, one per direction, and rounds to 8 bits between them, so the order of the passes shows in
the last bit. Here each pass is asked for by itself, in the order Pillow would choose for the whole picture. Window
edges reach Pillow as 32-bit floats, so a few values in 100,000 differ by one grey level from resizing it all.
"""

from __future__ import annotations

import functools

from PIL import Image

Size = tuple[int, int]

_LARGE_PIXELS = 100_000
_HUGE_PIXELS = 16_000_000
_REACH = {Image.Resampling.BILINEAR: 1, Image.Resampling.BICUBIC: 2, Image.Resampling.LANCZOS: 3}


def resized_window(image: Image.Image, whole: Size, corner: Size, size: Size, method: Image.Resampling) -> Image.Image:
    """Return what `image.resize(whole, method)` shows in the window of `size` at `corner`, which lies inside it."""
    (width, height), (left, top), (across, down) = image.size, corner, size
    if whole == size:
        return image if image.size == size else image.resize(size, method)
    if method not in _REACH or not _is_worth_it(image.size, whole):
        return image.resize(whole, method).crop((left, top, left + across, top + down))
    x_scale, y_scale = width / whole[0], height / whole[1]
    x_span, y_span = (left * x_scale, (left + across) * x_scale), (top * y_scale, (top + down) * y_scale)
    if _is_height_first(image.size, whole):
        first, last = _needed(x_span, x_scale, width, _REACH[method])
        part = image.crop((first, 0, last, height))
        part = part.resize((last - first, down), method, box=(0, y_span[0], last - first, y_span[1]))
        return part.resize(size, method, box=(x_span[0] - first, 0, x_span[1] - first, down))
    first, last = _needed(y_span, y_scale, height, _REACH[method])
    part = image.crop((0, first, width, last))
    part = part.resize((across, last - first), method, box=(x_span[0], 0, x_span[1], last - first))
    return part.resize(size, method, box=(0, y_span[0] - first, across, y_span[1] - first))


def _is_worth_it(size: Size, whole: Size) -> bool:
    """Small and enlarged pictures are resized whole, as others do to the last bit, unless that takes a gigabyte."""
    shrinks = whole[0] < size[0] and whole[1] < size[1]
    return (shrinks and size[0] * size[1] >= _LARGE_PIXELS) or whole[0] * whole[1] >= _HUGE_PIXELS


def _needed(span: tuple[float, float], scale: float, length: int, reach: int) -> tuple[int, int]:
    """The rows or columns that the window's values are made of."""
    margin = reach * max(1.0, scale) + 2
    return max(0, int(span[0] - margin)), min(length, int(span[1] + margin) + 1)


def _is_height_first(size: Size, whole: Size) -> bool:
    """Say whether Pillow would resize the height before the width."""
    fewer_columns, fewer_rows = size[0] - whole[0], size[1] - whole[1]
    return _knows_two_orders() and fewer_rows > 0 and fewer_rows > 2 * fewer_columns


@functools.cache
def _knows_two_orders() -> bool:
    """Until version 12 Pillow always began with the width; try it out on a picture where the order shows."""
    noise = Image.effect_noise((24, 96), 128)
    at_once = noise.resize((23, 10), Image.Resampling.BICUBIC)
    height_first = noise.resize((24, 10), Image.Resampling.BICUBIC).resize((23, 10), Image.Resampling.BICUBIC)
    return at_once.tobytes() == height_first.tobytes()
