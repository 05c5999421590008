"""The Job that reads the cards of several Model files for a list; one that cannot be read does not stop the others."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from convnext_studio.core.context import JobContext
from convnext_studio.core.errors import StudioError
from convnext_studio.core.models.card import Card
from convnext_studio.core.models.card_file import CARD_KEY, read_card_in_file
from convnext_studio.core.models.safetensors_header import read_header
from convnext_studio.core.requests import ReadCards

_NO_CARD = "The file holds weights but no card."


@dataclass(frozen=True)
class CardRead:
    """What one Model file says of itself, or why it could not be read: one sentence, and what to do."""

    path: str
    card: Card | None = None
    parameters: int = 0  # numbers in all tensors
    file_bytes: int = 0
    error: str = ""
    hint: str = ""
    is_bare: bool = False  # sound weights without a card: they want to be told which network they are for


def read_cards(request: ReadCards, ctx: JobContext) -> tuple[CardRead, ...]:
    """Read the cards in the order asked for."""
    found = []
    for path in request.paths:
        ctx.check()
        found.append(_read(path))
    return tuple(found)


def _read(path: str) -> CardRead:
    try:
        file_bytes = Path(path).stat().st_size
        if CARD_KEY not in read_header(Path(path)).metadata:
            return CardRead(path, file_bytes=file_bytes, is_bare=True, error=_NO_CARD)
        found = read_card_in_file(Path(path))
    except StudioError as error:
        return CardRead(path, error=error.message, hint=error.hint)
    except OSError as error:
        return CardRead(path, error=f"“{Path(path).name}” cannot be read: {error.strerror}.")
    return CardRead(path, found.card, sum(math.prod(shape) for shape in found.header.shapes.values()), file_bytes)
