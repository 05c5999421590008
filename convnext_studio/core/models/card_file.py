"""Read the card of a Model file from its header alone: for lists of Model files, without torch."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convnext_studio.core.errors import ModelError, UnsafeWeights
from convnext_studio.core.models.card import Card, canonical_json
from convnext_studio.core.models.card_check import card_from_json
from convnext_studio.core.models.safetensors_header import Header, read_header

CARD_KEY = "convnext_studio"  # the only key: safetensors writes several in random order
HASH_FIELD = "sha256"


@dataclass(frozen=True)
class CardInFile:
    """A card, the hash recorded beside it, the text that the hash covers, and the file's header."""

    card: Card
    recorded_hash: str
    hashed_text: str
    header: Header


def read_card(path: Path) -> Card:
    """Read what a Model file says of itself. The weights are not looked at, so its hash is not checked.

    Raises `ModelError` when this is no Model file of ours, or its card is wrong.
    """
    return read_card_in_file(path).card


def read_card_in_file(path: Path) -> CardInFile:
    """Read a Model file's card with all that is needed to check its hash. Raises `ModelError`."""
    header = read_header(path)
    if CARD_KEY not in header.metadata:
        raise ModelError(
            f"“{path.name}” holds weights but no card: it is not a Model file of this program.",
            "Open it as a weights file and say which architecture it is made for.",
        )
    try:
        raw = json.loads(header.metadata[CARD_KEY], parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"The card of “{path.name}” cannot be read.", "Choose another Model file.") from error
    if not isinstance(raw, dict):
        raise ModelError(f"The card of “{path.name}” cannot be read.", "Choose another Model file.")
    return _card_in_file(raw, header, path)


def _card_in_file(raw: dict[str, Any], header: Header, path: Path) -> CardInFile:
    recorded = raw.pop(HASH_FIELD, "")
    card = card_from_json(raw)
    if not isinstance(recorded, str) or not re.fullmatch("[0-9a-f]{64}", recorded):
        raise UnsafeWeights(
            f"“{path.name}” is refused: it records no SHA-256, so nothing proves that it is whole.",
            "Get the file once more from where it came from.",
        )
    return CardInFile(card, recorded, canonical_json(raw), header)


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number")
