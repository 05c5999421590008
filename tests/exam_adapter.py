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


def load_checkpoint(path: str, expected: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The weights in a file that is to fit `expected`: its shapes, its classes, and its recorded SHA-256 if any."""
    from pathlib import Path

    from convnext_studio.core.models.checkpoint import check_file_hash, fit_weights, read_weights

    file = Path(path)
    if expected["sha256"]:
        check_file_hash(file, expected["sha256"])
    weights = read_weights(file)
    needed = {name: tuple(shape) for name, shape in expected["shapes"].items()}
    if file.suffix == ".safetensors":
        _check_plain_card(file, outputs=needed["head.fc.bias"][0])
    weights = fit_weights(weights, needed, file.name)
    return weights.tensors, {"warnings": list(weights.warnings)}


def _check_plain_card(file: Any, outputs: int) -> None:
    """Judge metadata of one key a field by the rules of our own card."""
    import json

    from convnext_studio.core.models.card import FORMAT_VERSION
    from convnext_studio.core.models.card_check import card_from_json, check_class_count
    from convnext_studio.core.models.safetensors_header import read_header

    raw = read_header(file).metadata
    side = json.loads(raw.get("img_size", "224"))
    card = {
        "format_version": json.loads(raw.get("schema_version", str(FORMAT_VERSION))),
        "architecture": raw.get("arch", "convnext"),
        "classes": json.loads(raw.get("classes") or "null"),
        "preprocessing": {
            "height": side,
            "width": side,
            "fit": "squash",
            "interpolation": "bicubic",
            "mean": json.loads(raw.get("mean", "[0.5, 0.5, 0.5]")),
            "std": json.loads(raw.get("std", "[0.5, 0.5, 0.5]")),
            "crop_pct": 1.0,
        },
    }
    check_class_count(card_from_json(card).classes, outputs)
