"""Read weights that others made: .safetensors, .pt and .pth in the layouts that ConvNeXt code writes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from convnext_studio.core.errors import ModelError, UnsafeWeights
from convnext_studio.core.models.layouts import Shape, reshaped, to_timm, without_prefixes
from convnext_studio.core.models.pickle_file import read_pickle_file
from convnext_studio.core.models.safetensors_header import missing_file, read_header
from convnext_studio.core.models.tensors import check_numbers, check_shapes, read_tensors

SUFFIXES = (".safetensors", ".pt", ".pth", ".tar", ".bin", ".ckpt")


@dataclass(frozen=True)
class Weights:
    """Tensors under timm's names, and sentences the user should see."""

    tensors: dict[str, Tensor]
    warnings: tuple[str, ...] = ()

    @property
    def shapes(self) -> dict[str, Shape]:
        """Shape of each tensor."""
        return {name: tuple(tensor.shape) for name, tensor in self.tensors.items()}


def read_weights(path: Path) -> Weights:
    """Read a weights file, never running anything in it. Raises `ModelError` or `UnsafeWeights`."""
    if path.suffix.lower() not in SUFFIXES:
        raise ModelError(f"“{path.name}” is not a weights file.", f"Choose one of {', '.join(SUFFIXES)}.")
    if path.suffix.lower() != ".safetensors":
        tensors, warnings = read_pickle_file(path)
        return Weights(to_timm(without_prefixes(tensors)), warnings)
    read_header(path)
    return Weights(to_timm(without_prefixes(read_tensors(path))))


def fit_weights(weights: Weights, needed: dict[str, Shape], name: str) -> Weights:
    """Keep what the network needs, in its shapes. Raises `ModelError` when it does not fit or is not finite."""
    tensors = reshaped(weights.tensors, needed)
    warnings = weights.warnings + check_shapes({key: tuple(each.shape) for key, each in tensors.items()}, needed, name)
    kept = {key: tensors[key] for key in needed}
    return Weights(kept, warnings + check_numbers(kept, name))


def check_file_hash(path: Path, sha256: str) -> None:
    """Refuse a file that is not the one whose hash was recorded. Raises `UnsafeWeights`."""
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise missing_file(path, error) from error
    if found != sha256:
        raise UnsafeWeights(
            f"“{path.name}” is refused: its SHA-256 is not the recorded one, so it was damaged or changed.",
            "Get the file once more from where it came from.",
        )
