"""Training Images that are like one: a feature index beside the Model file, searched by cosine.

The index of `NAME.safetensors` is `NAME.features.safetensors`: plain safetensors with one tensor, `features`, float16
(n, width), each row of length 1; and one metadata key with JSON: `{"format_version", "model", "paths", "labels"}`.
`model` is the whole identity of the Model whose features they are; an index of another Model is not used. Features are
those of the last layer (stage 4), averaged over all places. Where time was short, it holds a part of the Images, drawn
by lot; `"of"` says how many there were.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from convnext_studio.core.context import JobContext
from convnext_studio.core.data.split_file import read_split
from convnext_studio.core.errors import ImageError, ModelError, UsageError
from convnext_studio.core.events import Noticed
from convnext_studio.core.explain.gradient import at_least_float32
from convnext_studio.core.explain.lens import Lens, lens_for, memory_in_words
from convnext_studio.core.explanations import FeaturesIndexed, Neighbour
from convnext_studio.core.files import replacing
from convnext_studio.core.images.preprocess import load_input
from convnext_studio.core.images.together import read_together
from convnext_studio.core.models.weights import SAMPLE
from convnext_studio.core.predict.ready import ready_model
from convnext_studio.core.predict.runners.torch_runner import restore_threads
from convnext_studio.core.requests import FindNearest, IndexFeatures
from convnext_studio.core.resources import resource
from convnext_studio.core.values import DEFAULT_MAX_MEGAPIXELS, ModelRef, Preprocessing

KEY = "convnext_studio_features"
FORMAT_VERSION = 1
_BATCH = 16
_SPLIT = "split.csv"  # of a Run, beside its Model file
Labelled = tuple[str, str]  # path and label


@dataclass(frozen=True)
class Indexer:
    """A Model whose features are indexed: its Lens, its way from Image to input, and its identity."""

    lens: Lens
    preprocessing: Preprocessing
    identity: str
    max_megapixels: float = DEFAULT_MAX_MEGAPIXELS


def _unsaid(*_what: object) -> None:
    """Say nothing."""


@dataclass(frozen=True)
class Watcher:
    """Who is told how far it is and what was left out and why, and raises where it should stop."""

    check: Callable[[], None]
    tell: Callable[[int], None] = _unsaid
    leave_out: Callable[[str, str], None] = _unsaid


def index_path(ref: ModelRef) -> Path | None:
    """Where the feature index of a Model is, whether it is there or not; None for a Model that is no Model file."""
    if ref.name == SAMPLE:
        return resource("sample", "model.features.safetensors")
    return Path(ref.name).with_suffix(".features.safetensors") if ref.name.endswith(".safetensors") else None


def index_features(request: IndexFeatures, ctx: JobContext) -> str:
    """Serve `IndexFeatures`. Raises `UsageError` for a Model that is no Model file or no Run's, `StorageError`."""
    restore_threads()
    path = index_path(request.model)
    if path is None or len(request.labels) != len(request.images):
        raise UsageError(
            "Only a Model file can have a feature index, with one label for each Image.", "Save the Model first."
        )
    images = [(image.path, label) for image, label in zip(request.images, request.labels, strict=True)]
    images = images or _trained_on(Path(request.model.name))
    ready = ready_model(request.model, request.execution, None, ctx)
    indexer = Indexer(lens_for(ready), ready.info.preprocessing, ready.info.identity, request.max_megapixels)

    def leave_out(image: str, why: str) -> None:
        ctx.emit(Noticed(f"“{Path(image).name}” is left out: {why}"))

    def tell(done: int) -> None:
        ctx.emit(FeaturesIndexed(done, len(images)))

    write_index(path, indexer, images, Watcher(ctx.check, tell, leave_out))
    return str(path)


def write_index(
    path: Path,
    indexer: Indexer,
    images: Sequence[Labelled],
    watcher: Watcher,
    *,
    seconds: float = math.inf,
) -> int:
    """Index as many Images as `seconds` allow, drawn by lot, and return how many are in the index.

    Raises what the watcher's `check` raises, `UsageError` where no Image can be opened, and `StorageError`.
    """
    until = time.monotonic() + seconds
    drawn = [images[number] for number in np.random.default_rng(0).permutation(len(images))]
    rows: list[NDArray[np.float32]] = []
    kept: list[Labelled] = []

    def read(path: str) -> NDArray[np.uint8]:
        return load_input(path, 0, indexer.preprocessing, indexer.max_megapixels).input

    for start in range(0, len(drawn), _BATCH):
        watcher.check()
        part = drawn[start : start + _BATCH]
        pixels = []
        for image, found in zip(part, read_together([path for path, _ in part], read, watcher.check), strict=True):
            if isinstance(found, ImageError):
                watcher.leave_out(image[0], found.message)
            else:
                pixels.append(found)
                kept.append(image)
        if pixels:
            rows.append(features_of(indexer.lens, np.stack(pixels)))
        watcher.tell(min(start + _BATCH, len(drawn)))
        if time.monotonic() > until:
            break
    if not rows:
        raise UsageError("None of these Images can be opened.", "Choose others.")
    about = {
        "format_version": FORMAT_VERSION,
        "model": indexer.identity,
        "paths": [image for image, _label in kept],
        "labels": [label for _image, label in kept],
        "of": len(images),
    }
    with replacing(path) as part_path:
        save_file({"features": np.concatenate(rows).astype(np.float16)}, part_path, {KEY: json.dumps(about)})
    return len(kept)


def _trained_on(model: Path) -> list[Labelled]:
    """What the Run that made the Model file was trained on. Raises `UsageError` for a Model file outside its Run."""
    split = model.with_name(_SPLIT)
    if not split.is_file():
        raise UsageError(
            f"Beside “{model.name}” there is no list of what it was trained on.",
            "Take the Model file in the folder of its Run: “Use this Model” does so.",
        )
    return [(image.path, image.label) for image in read_split(split) if image.split == "train"]


def find_nearest(request: FindNearest, ctx: JobContext) -> tuple[Neighbour, ...]:
    """Serve `FindNearest`. Raises `ImageError`, and `ModelError` for an index that cannot be read."""
    restore_threads()
    path = index_path(request.model)
    if path is None or not path.is_file():
        return ()
    ready = ready_model(request.model, request.execution, request.fit, ctx)
    features, paths, labels = _read(path, ready.info.identity)
    ctx.check()
    image = request.image
    prepared = load_input(image.path, image.frame, ready.info.preprocessing, request.max_megapixels)
    own = features_of(lens_for(ready), prepared.input[None])[0]
    likeness = features.astype(np.float32) @ own
    order = np.argsort(-likeness, kind="stable")
    found = [Neighbour(paths[at], labels[at], float(np.clip(likeness[at], -1, 1))) for at in order]
    return tuple([one for one in found[: request.count + 1] if one.path != image.path][: request.count])


def features_of(lens: Lens, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Features of uint8 (n, height, width, 3), each row of length 1: float32 (n, width)."""
    with memory_in_words(), torch.inference_mode():
        x = lens.input(pixels)
        for step in lens.split.steps[: lens.split.cut(lens.split.last_layer)]:
            x = step.call(x)
        pooled = at_least_float32(lens.split.to_maps(x)).mean(dim=(2, 3)).cpu().numpy()
    return np.asarray(pooled / np.maximum(np.linalg.norm(pooled, axis=1, keepdims=True), 1e-12), np.float32)


def _read(path: Path, identity: str) -> tuple[NDArray[np.float16], list[str], list[str]]:
    broken = ModelError(f"“{path.name}” is no feature index that can be read.", "Make it again.")
    try:
        with safe_open(path, "numpy") as file:
            about = json.loads((file.metadata() or {}).get(KEY, "null"))
            features = file.get_tensor("features")
        paths, labels, model = about["paths"], about["labels"], about["model"]
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise broken from error
    if model != identity:
        raise ModelError(f"“{path.name}” was made for another Model.", "Make it again for this one.")
    is_sound = features.ndim == 2 and len(features) == len(paths) == len(labels)
    if not is_sound or not all(isinstance(text, str) for text in (*paths, *labels)):
        raise broken
    return features, paths, labels
