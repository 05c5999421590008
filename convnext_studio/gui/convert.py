"""Pixels from the Engine -> QImage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtGui import QImage

if TYPE_CHECKING:  # numpy would cost the window's start a tenth of a second
    import numpy as np
    from numpy.typing import NDArray


def image_over_array(pixels: NDArray[np.uint8]) -> QImage:
    """A QImage over the bytes of a C-contiguous uint8 RGB (h, w, 3) array; the caller keeps the array alive."""
    height, width, channels = pixels.shape
    if channels != 3 or not pixels.flags.c_contiguous:
        raise ValueError(f"C-contiguous (h, w, 3) wanted, not {pixels.shape}.")
    return QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888)


def image_from_array(pixels: NDArray[np.uint8]) -> QImage:
    """A QImage that owns its bytes, from uint8 RGB (h, w, 3), in the format that paints fastest."""
    if not pixels.flags.c_contiguous:
        pixels = pixels.copy()
    return image_over_array(pixels).convertToFormat(QImage.Format.Format_RGB32)
