"""Doors into the program for outside checkers, which need not know its inside."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from convnext_studio.core.images.open import open_pixels
from convnext_studio.core.images.preprocess import target_for
from convnext_studio.core.values import Preprocessing

_INPUT = Preprocessing(224, 224, "crop", "bicubic", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), 0.875)


def load_rgb(path: str) -> tuple[NDArray[np.uint8], dict[str, Any]]:
    """The pixels that are shown."""
    found = open_pixels(path)
    return found.pixels, {"frames": found.frames, "notes": found.notes, "size": (found.width, found.height)}


def model_input(path: str) -> tuple[NDArray[np.uint8], dict[str, Any]]:
    """The pixels that the Preprocessing starts from, before they are resized."""
    found = open_pixels(path, target=target_for(_INPUT))
    return found.pixels, {"frames": found.frames, "notes": found.notes, "size": (found.width, found.height)}
