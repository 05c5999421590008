"""The card of a Model: what it is, what it answers, how Images go in, and where it came from. No torch here."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from convnext_studio.core.values import Preprocessing

FORMAT_VERSION = 1
HALF_LETTERS = re.compile("[\ud800-\udfff]")
Option = int | float | bool | str | None | tuple[int, ...]


@dataclass(frozen=True)
class Provenance:
    """Where the weights came from. `grew_from` names the Model they were trained on from, "" = random ones."""

    grew_from: str = ""
    data: str = ""
    seed: int | None = None
    command: str = ""


@dataclass(frozen=True)
class Metric:
    """A number, the split it was measured on, over how many Images, and its 95 % interval where one is known."""

    name: str
    value: float
    split: str
    images: int
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Card:
    """Everything a Model says of itself; its identity covers this and the weights.

    `classes` are in the order of the network's outputs, empty for a feature-only Model. `licence` is an SPDX-like
    id, "" = unknown; `commercial_use` is None where unknown. `operating_point` holds thresholds once there are any.
    `options` are what the network has other than its architecture's name says, as timm's arguments.
    """

    architecture: str
    classes: tuple[str, ...]
    preprocessing: Preprocessing
    title: str = ""
    licence: str = ""
    commercial_use: bool | None = None
    training_data: str = ""
    provenance: Provenance = Provenance()
    metrics: tuple[Metric, ...] = ()
    operating_point: dict[str, float] | None = None
    format_version: int = FORMAT_VERSION
    options: Mapping[str, Option] = field(default_factory=dict)


def card_to_json(card: Card) -> str:
    """Write `card` as JSON, always the same text for the same card; without options, the text it had before them."""
    fields = asdict(card)
    if not card.options:
        del fields["options"]
    return canonical_json(fields)


def canonical_json(value: dict[str, Any]) -> str:
    """JSON that is always the same text for the same value. Raises `ValueError` for NaN and infinity.

    Bytes of a weights file's name that are no UTF-8 come as halves of letters, which no file can hold: they are spelt.
    """
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return HALF_LETTERS.sub(lambda half: rf"\\u{ord(half[0]):04x}", text)
