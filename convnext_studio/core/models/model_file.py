"""Save a Model as one self-contained file, and load it only if it is exactly what was saved.

The file is plain safetensors with timm's tensor names; the card and the hash are one JSON under one metadata key.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import Tensor, nn

from convnext_studio.core.errors import UnsafeWeights
from convnext_studio.core.files import replacing
from convnext_studio.core.models.architecture import build_with, outputs_in, outputs_of, shapes_of
from convnext_studio.core.models.card import Card, canonical_json, card_to_json
from convnext_studio.core.models.card_check import card_from_json, check_class_count
from convnext_studio.core.models.card_file import CARD_KEY, HASH_FIELD, read_card_in_file
from convnext_studio.core.models.tensors import check_numbers, check_shapes, hash_of, read_tensors, write_tensors


def save_model_file(path: Path, network: nn.Module, card: Card, *, dtype: torch.dtype = torch.float32) -> str:
    """Write the Model to `path`, whole or not at all, and return its identity (SHA-256 over weights and card).

    `dtype` is the type the floating-point weights are stored in. Raises `ModelError` when the card does not belong to
    the network or a weight is not finite, `StorageError` when the file cannot be written.
    """
    text = card_to_json(card)
    check_class_count(card_from_json(json.loads(text)).classes, outputs_of(network))
    tensors = {name: _stored(tensor, dtype) for name, tensor in network.state_dict().items()}
    check_shapes({name: tuple(tensor.shape) for name, tensor in tensors.items()}, shapes_of(card), path.name)
    check_numbers(tensors, path.name)
    identity = hash_of(text, tensors)
    metadata = {CARD_KEY: canonical_json({**json.loads(text), HASH_FIELD: identity})}
    with replacing(path) as part:
        write_tensors(part, tensors, metadata)
    return identity


def load_model_file(path: Path) -> tuple[nn.Module, Card, str, tuple[str, ...]]:
    """Load a Model file: its network (eval, float32, CPU), card, identity and warnings.

    Raises `ModelError` when it is damaged or wrong, `UnsafeWeights` when its recorded hash does not match.
    """
    found = read_card_in_file(path)
    card = found.card
    needed = shapes_of(card)
    check_class_count(card.classes, outputs_in(found.header.shapes, card.architecture))
    warnings = check_shapes(found.header.shapes, needed, path.name)
    tensors = read_tensors(path)
    if hash_of(found.hashed_text, tensors) != found.recorded_hash:
        raise UnsafeWeights(
            f"“{path.name}” is refused: its content is not what its SHA-256 was taken of: it was damaged or changed.",
            "Get the file once more from where it came from.",
        )
    warnings += check_numbers(tensors, path.name)
    network = build_with(card.architecture, len(card.classes), tensors, card.options)
    return network, card, found.recorded_hash, warnings


def _stored(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    tensor = tensor.detach().cpu()
    return (tensor.to(dtype) if tensor.is_floating_point() else tensor).contiguous()
