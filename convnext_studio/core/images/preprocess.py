"""Preprocessing carried out: from an upright picture to the network's input, and the way back to Image coordinates."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from convnext_studio.core.images.open import decode
from convnext_studio.core.images.resample import resized_window
from convnext_studio.core.values import DEFAULT_MAX_MEGAPIXELS, Preprocessing

_FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}

# A picture is reduced while it is decoded only if 16 times the target's sides are left (`decode` sees to twice): photos
# reach the network to the last bit. Less moved probabilities: at twice by up to 2e-2 (2 Mpx), at four times by 4e-4 (12
# Mpx), at eight times by 1e-3 (24 Mpx). The price is 120 ms instead of 35 for 12 Mpx, and 260 instead of 55 for 24.
_FINER = 8


@dataclass(frozen=True, slots=True)
class PreparedImage:
    """`input` uint8 RGB (H, W, 3) before mean and std; `width`, `height` are the Image's own pixels, upright."""

    input: NDArray[np.uint8]
    note: str
    width: int
    height: int


def load_input(
    path: str,
    frame: int,
    preprocessing: Preprocessing,
    max_megapixels: float = DEFAULT_MAX_MEGAPIXELS,
) -> PreparedImage:
    """Decode and prepare one Image: the one door for classifying, showing, training and export. Raises `ImageError`."""
    across, down = target_for(preprocessing)
    target = (_FINER * across, _FINER * down)
    found = decode(path, frame, max_megapixels=max_megapixels, target=target)
    return PreparedImage(_prepared(found.image, preprocessing), " ".join(found.notes), found.width, found.height)


def prepare(pixels: NDArray[np.uint8], preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """Bring uint8 RGB (h, w, 3) to the input's size, uint8 (H, W, 3)."""
    return _prepared(Image.fromarray(pixels), preprocessing)


def to_float(batch: NDArray[np.uint8], preprocessing: Preprocessing) -> NDArray[np.float32]:
    """Normalise uint8 (N, H, W, 3) to float32 (N, 3, H, W), the reference for what devices do."""
    mean = np.asarray(preprocessing.mean, np.float32)
    std = np.asarray(preprocessing.std, np.float32)
    scaled = (batch.astype(np.float32) / np.float32(255) - mean) / std
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))


def target_for(preprocessing: Preprocessing) -> tuple[int, int]:
    """Width and height that a whole picture is resized to, before `crop` cuts the middle out of it."""
    width, height = preprocessing.width, preprocessing.height
    if preprocessing.fit == "crop":
        return math.floor(width / preprocessing.crop_pct), math.floor(height / preprocessing.crop_pct)
    return width, height


def resized_size(preprocessing: Preprocessing, width: int, height: int) -> tuple[int, int]:
    """To which (width, height) a whole picture is resized before it is cropped or padded."""
    if preprocessing.fit == "squash":
        return preprocessing.width, preprocessing.height
    if preprocessing.fit == "letterbox":
        scale = min(preprocessing.width / width, preprocessing.height / height)
        return max(1, round(width * scale)), max(1, round(height * scale))
    across, down = target_for(preprocessing)
    if across == down:  # torchvision's Resize: the shorter side exactly, the longer rounded down
        if width <= height:
            return across, int(across * height / width)
        return int(across * width / height), across
    ratio = min(width / across, height / down)  # timm's ResizeKeepRatio
    return round(width / ratio), round(height / ratio)


def region(preprocessing: Preprocessing, width: int, height: int) -> tuple[float, float, float, float]:
    """The part of a width x height Image that the input covers: left, top, right, bottom in Image pixels.

    It reaches outside the Image where letterbox padded, or where the crop is larger than the resized Image.
    """
    across, down = resized_size(preprocessing, width, height)
    left, top = _corner(preprocessing, across, down)
    scale_x, scale_y = width / across, height / down
    return (
        left * scale_x,
        top * scale_y,
        (left + preprocessing.width) * scale_x,
        (top + preprocessing.height) * scale_y,
    )


def to_image(points: NDArray[np.float64], preprocessing: Preprocessing, width: int, height: int) -> NDArray[np.float64]:
    """Map input coordinates (n, 2: x, y; pixel centres at .5) to Image coordinates."""
    scale, corner = _scale_and_corner(preprocessing, width, height)
    mapped: NDArray[np.float64] = points * scale + corner
    return mapped


def to_input(points: NDArray[np.float64], preprocessing: Preprocessing, width: int, height: int) -> NDArray[np.float64]:
    """Map Image coordinates (n, 2: x, y; pixel centres at .5) to input coordinates."""
    scale, corner = _scale_and_corner(preprocessing, width, height)
    mapped: NDArray[np.float64] = (points - corner) / scale
    return mapped


def _scale_and_corner(
    preprocessing: Preprocessing, width: int, height: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    left, top, right, bottom = region(preprocessing, width, height)
    scale = np.array([(right - left) / preprocessing.width, (bottom - top) / preprocessing.height])
    return scale, np.array([left, top])


def _corner(preprocessing: Preprocessing, across: int, down: int) -> tuple[int, int]:
    """Where the input begins in the resized picture; negative where padding goes first."""
    if preprocessing.fit == "letterbox":
        return -((preprocessing.width - across) // 2), -((preprocessing.height - down) // 2)
    return round((across - preprocessing.width) / 2), round((down - preprocessing.height) / 2)


def _prepared(image: Image.Image, preprocessing: Preprocessing) -> NDArray[np.uint8]:
    across, down = resized_size(preprocessing, *image.size)
    size = (preprocessing.width, preprocessing.height)
    left, top = _corner(preprocessing, across, down)
    method = _FILTERS[preprocessing.interpolation]
    if left >= 0 and top >= 0 and across >= size[0] and down >= size[1]:
        return np.array(resized_window(image, (across, down), (left, top), size, method))
    resized = image if image.size == (across, down) else image.resize((across, down), method)
    canvas = Image.new("RGB", size, _padding(preprocessing))
    canvas.paste(resized, (-left, -top))
    return np.array(canvas)


def _padding(preprocessing: Preprocessing) -> tuple[int, int, int]:
    """The mean colour, which the network reads as nothing."""
    red, green, blue = (min(255, max(0, round(255 * value))) for value in preprocessing.mean)
    return red, green, blue
