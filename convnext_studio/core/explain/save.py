"""Write Heatmaps: overlay as PNG, the raw map as .npy or 32-bit TIFF at the Image's own size, and a JSON record."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from convnext_studio.core.context import JobContext
from convnext_studio.core.errors import UsageError
from convnext_studio.core.explain.colours import COLOURS, overlaid
from convnext_studio.core.explain.place import resampled
from convnext_studio.core.explanations import METHODS, Heatmap
from convnext_studio.core.files import replacing
from convnext_studio.core.images.open import open_pixels
from convnext_studio.core.requests import SaveHeatmap
from convnext_studio.core.values import DEFAULT_MAX_MEGAPIXELS, ImageRef

FORMAT_VERSION = 1


@dataclass(frozen=True)
class Picture:
    """An Image with its Heatmap at the size they are written in: uint8 RGB (h, w, 3) and float32 (h, w)."""

    pixels: NDArray[np.uint8]
    values: NDArray[np.float32]
    record: Mapping[str, Any]
    colours: str
    opacity: float


def save_heatmap(request: SaveHeatmap, ctx: JobContext) -> tuple[str, ...]:
    """Serve `SaveHeatmap`. Raises `ImageError`, `StorageError`, and `UsageError` for a suffix that is not known."""
    for path in request.paths:
        check_suffix(Path(path))
    found = picture(
        request.image,
        request.heatmap,
        dict(request.record),
        (request.colours, request.opacity),
        request.max_megapixels,
    )
    for path in request.paths:
        ctx.check()
        write(Path(path), found)
    return request.paths


def picture(
    image: ImageRef,
    heatmap: Heatmap,
    record: Mapping[str, Any],
    paint: tuple[str, float],
    max_megapixels: float = DEFAULT_MAX_MEGAPIXELS,
) -> Picture:
    """Decode the Image and lay the Heatmap over it. Raises `ImageError` and, for unknown colours, `UsageError`."""
    if paint[0] not in COLOURS:
        raise UsageError(f"There are no colours named “{paint[0]}”.", f"Choose one of: {', '.join(COLOURS)}.")
    found = open_pixels(image.path, image.frame, max_megapixels=max_megapixels)
    height, width = found.pixels.shape[:2]  # the largest pictures come reduced
    values = resampled(heatmap, (0.0, 0.0, float(found.width), float(found.height)), width, height)
    size = {"width": found.width, "height": found.height}
    whole = {**_record_of(image, heatmap), **size, **record, "colours": paint[0], "opacity": paint[1]}
    return Picture(found.pixels, np.clip(values, 0, 1), whole, *paint)


def _record_of(image: ImageRef, heatmap: Heatmap) -> dict[str, Any]:
    return {
        "format_version": FORMAT_VERSION,
        "path": image.path,
        "frame": image.frame,
        "class": heatmap.class_name,
        "versus": heatmap.versus,
        "method": heatmap.method,
        "method_title": METHODS[heatmap.method].title,
        "layer": heatmap.layer,
        "cells": list(heatmap.values.shape),
        "peak": heatmap.peak,
        "region": list(heatmap.region),
        "seen": list(heatmap.seen),
    }


def check_suffix(path: Path) -> None:
    """Raise `UsageError` when nothing is written under that suffix."""
    if path.suffix.lower() not in _WRITERS:
        raise UsageError(f"“{path.name}” has no suffix that is known here.", f"Use one of: {', '.join(_WRITERS)}.")


def write(path: Path, found: Picture) -> None:
    """Write what the suffix of `path` stands for, whole or not at all. Raises `StorageError`."""
    with replacing(path, is_flushed=False) as part:
        _WRITERS[path.suffix.lower()](part, found)


def _write_png(path: Path, found: Picture) -> None:
    overlay = overlaid(found.pixels, found.values, found.colours, found.opacity)
    Image.fromarray(overlay).save(path, "PNG", compress_level=3)


def _write_npy(path: Path, found: Picture) -> None:
    with path.open("wb") as file:
        np.save(file, found.values, allow_pickle=False)


def _write_tiff(path: Path, found: Picture) -> None:
    Image.fromarray(found.values).save(path, "TIFF")


def _write_json(path: Path, found: Picture) -> None:
    path.write_text(json.dumps(found.record, ensure_ascii=True, indent=1, allow_nan=False) + "\n", encoding="utf-8")


_WRITERS: dict[str, Callable[[Path, Picture], None]] = {
    ".png": _write_png,
    ".npy": _write_npy,
    ".tif": _write_tiff,
    ".tiff": _write_tiff,
    ".json": _write_json,
}
