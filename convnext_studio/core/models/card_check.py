"""Check a card that came from a file, field by field, before anything believes it. No torch here."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, cast

from convnext_studio.core.errors import ModelError
from convnext_studio.core.models.card import FORMAT_VERSION, HALF_LETTERS, Card, Metric, Option, Provenance
from convnext_studio.core.values import FITS, MAX_NAME_LENGTH, Fit, Preprocessing, class_name_fault

MAX_SIDE = 4096
MAX_CLASSES = 200_000
MAX_TEXT_LENGTH = 10_000
INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos")
_STAGES = {"depths": (1, 512), "dims": (1, 16_384)}  # four numbers each, and how large they may be
_SIZES = {"kernel_sizes": (1, 63), "patch_size": (1, 64), "img_size": (8, 4096)}
_NAMES = {
    "norm_layer": ("layernorm2d", "batchnorm2d", "rmsnorm2d"),
    "act_layer": ("gelu", "relu", "silu"),
}
_SWITCHES = ("use_grn", "conv_mlp")


def card_from_json(raw: Mapping[str, Any]) -> Card:
    """Make a card of what a file says. Raises `ModelError` that names the first field that is wrong."""
    version = _integer(raw, "format_version", 1, 1_000_000)
    check_format_version(version)
    return Card(
        architecture=_text(raw, "architecture", required=True),
        classes=check_classes(raw.get("classes")),
        preprocessing=preprocessing_from_json(_table(raw, "preprocessing")),
        title=_text(raw, "title"),
        licence=_text(raw, "licence"),
        commercial_use=_choice(raw.get("commercial_use"), "commercial_use"),
        training_data=_text(raw, "training_data"),
        provenance=_provenance(_table(raw, "provenance", default={})),
        metrics=tuple(_metric(metric) for metric in _list(raw.get("metrics", []), "metrics")),
        operating_point=_thresholds(raw.get("operating_point")),
        format_version=version,
        options=_options(_table(raw, "options", default={})),
    )


def check_format_version(version: int) -> None:
    """Refuse a file that a newer version of this program wrote."""
    if version > FORMAT_VERSION:
        raise ModelError(
            f"This Model file has format {version}; this version of the program reads formats up to {FORMAT_VERSION}.",
            "Update the program to use this Model file.",
        )


def check_classes(classes: object) -> tuple[str, ...]:
    """Class names must be texts, each different, none of them a path. An empty list means a feature-only Model."""
    names = _list(classes, "classes")
    if len(names) > MAX_CLASSES:
        _wrong("classes", f"there are {len(names):,} names")
    for name in names:
        if not isinstance(name, str) or not name.strip() or len(name) > MAX_NAME_LENGTH:
            _wrong("classes", "a name is empty, too long or no text")
        if fault := class_name_fault(name):
            _wrong("classes", f"“{name.encode('utf-8', 'replace').decode()}” cannot be used: {fault}")
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        _wrong("classes", f"“{repeated[0]}” appears more than once")
    return tuple(names)


def check_class_count(classes: Sequence[str], outputs: int) -> None:
    """There must be one name for each output of the network."""
    if len(classes) != outputs:
        _wrong("classes", f"there are {len(classes)} names for {outputs} outputs")


def preprocessing_from_json(raw: Mapping[str, Any]) -> Preprocessing:
    """Make a Preprocessing of what a file says. Raises `ModelError` that names the first field that is wrong."""
    fit, interpolation = raw.get("fit"), raw.get("interpolation")
    if fit not in FITS:
        _wrong("preprocessing.fit", f"it must be one of {', '.join(FITS)}")
    if interpolation not in INTERPOLATIONS:
        _wrong("preprocessing.interpolation", f"it must be one of {', '.join(INTERPOLATIONS)}")
    return Preprocessing(
        height=_integer(raw, "height", 1, MAX_SIDE, inside="preprocessing."),
        width=_integer(raw, "width", 1, MAX_SIDE, inside="preprocessing."),
        fit=cast(Fit, fit),
        interpolation=cast(Any, interpolation),
        mean=_channels(raw.get("mean"), "preprocessing.mean", lowest=-1000.0),
        std=_channels(raw.get("std"), "preprocessing.std", lowest=1e-6),
        crop_pct=_number(raw.get("crop_pct"), "preprocessing.crop_pct", 0.01, 10.0),
    )


def _provenance(raw: Mapping[str, Any]) -> Provenance:
    seed = raw.get("seed")
    if seed is not None and type(seed) is not int:
        _wrong("provenance.seed", "it must be a whole number")
    texts = {name: _text(raw, name, inside="provenance.") for name in ("grew_from", "data", "command")}
    return Provenance(seed=seed, **texts)


def _metric(raw: object) -> Metric:
    if not isinstance(raw, dict):
        _wrong("metrics", "an entry is not a table")
    limits = {
        side: None if raw.get(side) is None else _number(raw[side], f"metrics.{side}", -1e300, 1e300)
        for side in ("low", "high")
    }
    return Metric(
        name=_text(raw, "name", required=True, inside="metrics."),
        value=_number(raw.get("value"), "metrics.value", -1e300, 1e300),
        split=_text(raw, "split", required=True, inside="metrics."),
        images=_integer(raw, "images", 0, 10**12, inside="metrics."),
        **limits,
    )


def _thresholds(raw: object) -> dict[str, float] | None:
    if raw is None:
        return None
    if not isinstance(raw, dict):
        _wrong("operating_point", "it must be a table")
    return {str(name): _number(value, "operating_point", -1e300, 1e300) for name, value in raw.items()}


def _options(raw: dict[str, Any]) -> dict[str, Option]:
    """Only what this program sets itself: anything else would be an argument that a file hands to timm."""
    found: dict[str, Option] = {}
    for name, value in raw.items():
        inside = f"options.{name}"
        if name in _STAGES:
            numbers = _list(value, inside)
            if len(numbers) != 4:
                _wrong(inside, "it must have four numbers")
            found[name] = tuple(_whole(number, inside, *_STAGES[name]) for number in numbers)
        elif name in _SIZES:
            found[name] = _whole(value, inside, *_SIZES[name])
        elif name in _NAMES and value in _NAMES[name]:
            found[name] = str(value)
        elif name in _SWITCHES and isinstance(value, bool):
            found[name] = value
        elif name == "ls_init_value":
            found[name] = None if value is None else _number(value, inside, 0.0, 1.0)
        else:
            _wrong(inside, "it is not known here")
    return found


def _channels(raw: object, field: str, *, lowest: float) -> tuple[float, float, float]:
    values = _list(raw, field)
    if len(values) != 3:
        _wrong(field, "it must have three numbers")
    red, green, blue = (_number(value, field, lowest, 1000.0) for value in values)
    return red, green, blue


def _number(value: object, field: str, lowest: float, highest: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        _wrong(field, "it must be a number")
    if not lowest <= value <= highest:
        _wrong(field, f"{value:g} is not possible")
    return float(value)


def _integer(raw: Mapping[str, Any], name: str, lowest: int, highest: int, *, inside: str = "") -> int:
    return _whole(raw.get(name), inside + name, lowest, highest)


def _whole(value: object, field: str, lowest: int, highest: int) -> int:
    if type(value) is not int:
        _wrong(field, "it must be a whole number")
    if not lowest <= value <= highest:
        _wrong(field, f"{value} is not possible, only {lowest} to {highest}")
    return value


def _text(raw: Mapping[str, Any], name: str, *, required: bool = False, inside: str = "") -> str:
    value = raw.get(name, "")
    if not isinstance(value, str) or len(value) > MAX_TEXT_LENGTH or HALF_LETTERS.search(value):
        _wrong(inside + name, "it must be a text")
    if required and not value:
        _wrong(inside + name, "it is missing")
    return value


def _choice(value: object, field: str) -> bool | None:
    if value is not None and not isinstance(value, bool):
        _wrong(field, "it must be true, false or null")
    return value


def _list(value: object, field: str) -> list[Any]:
    if not isinstance(value, list | tuple):
        _wrong(field, "it must be a list")
    return list(value)


def _table(raw: Mapping[str, Any], name: str, default: dict[str, Any] | None = None) -> dict[str, Any]:
    value = raw.get(name, default)
    if not isinstance(value, dict):
        _wrong(name, "it must be a table")
    return value


def _wrong(field: str, what: str) -> NoReturn:
    raise ModelError(f"The Model's card cannot be used. “{field}”: {what}.", "Choose another Model file.")
