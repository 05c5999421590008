"""Read weights, check them against the network they are meant for, and compute the hash that proves them."""

from __future__ import annotations

import errno
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from convnext_studio.core.errors import ModelError
from convnext_studio.core.models.card import Card, card_to_json

Shape = tuple[int, ...]
_OTHER_MODEL = "Choose the architecture that this file was made for, or another file."


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read all tensors of a safetensors file whose header has been checked. Raises `ModelError`."""
    try:
        with safe_open(path, framework="pt") as file:
            # a copy: the file itself may be deleted, or its drive unplugged, while the Model is in use
            return {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ModelError(f"“{path.name}” cannot be read: {error}.", "Choose the file again.") from error


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str]) -> None:
    """Write contiguous tensors as a safetensors file. Raises `OSError` as the system gives it."""
    try:
        save_file(dict(tensors), path, metadata)
    except SafetensorError as error:  # it says "… (os error 28)"
        number = re.search(r"os error (\d+)", str(error))
        raise OSError(int(number.group(1)) if number else errno.EIO, str(error)) from error


def check_shapes(found: Mapping[str, Shape], needed: Mapping[str, Shape], name: str) -> tuple[str, ...]:
    """Refuse weights that do not belong to the network; return warnings about those it has no place for.

    Raises `ModelError` that names the first wrong or missing tensor, the shape found and the shape needed.
    """
    for key, shape in needed.items():
        if key not in found:
            missing = sum(other not in found for other in needed)
            raise ModelError(
                f"“{name}” does not fit: {missing} of {len(needed)} tensors are missing, "
                f"the first is “{key}” of shape {_shape(shape)}.",
                _OTHER_MODEL,
            )
        if tuple(found[key]) != tuple(shape):
            raise ModelError(
                f"“{name}” does not fit: the tensor “{key}” has shape {_shape(found[key])}, needed is {_shape(shape)}.",
                _OTHER_MODEL,
            )
    extra = [key for key in found if key not in needed]
    if not extra:
        return ()
    return (f"“{name}” holds {len(extra)} tensors that the network has no place for, the first is “{extra[0]}”.",)


def check_numbers(tensors: Mapping[str, Tensor], name: str) -> tuple[str, ...]:
    """Refuse weights that are not finite; return a warning where all are zero. Raises `ModelError`."""
    has_weight = False
    for key, tensor in tensors.items():
        if not tensor.is_floating_point():
            continue
        low, high = (value.item() for value in torch.aminmax(tensor.float())) if tensor.numel() else (0.0, 0.0)
        if not abs(low) < float("inf") or not abs(high) < float("inf"):
            raise ModelError(
                f"“{name}” is refused: the tensor “{key}” holds values that are not finite numbers.",
                "Its training has failed; choose another file.",
            )
        has_weight = has_weight or low != 0.0 or high != 0.0
    return () if has_weight else (f"All weights in “{name}” are zero: the predictions mean nothing.",)


def identity_of(card: Card, tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 over the card and all weights."""
    return hash_of(card_to_json(card), tensors)


def hash_of(card: str, tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 over the card's text, then over each tensor in the order of names: name, type, shape and bytes."""
    digest = hashlib.sha256(card.encode())
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(json.dumps([name, str(tensor.dtype), list(tensor.shape)]).encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _shape(shape: Shape) -> str:
    return "×".join(str(side) for side in shape) or "()"
