"""The fields of a Recipe one by one: whether a value fits, and what was typed turned into one."""

from __future__ import annotations

import math
import re
from dataclasses import Field
from typing import Any

from convnext_studio.core.errors import UsageError

_UNHEARD_OF = 10**15  # no rate or share is as large
_KINDS: dict[type[Any], str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    tuple: "a list of numbers",
}


def wrong(field: Field[Any], sentence: str) -> UsageError:
    """What is wrong with a field's value, the field named as the user knows it."""
    return UsageError(f"{field.metadata['label']} ({field.name}): {sentence}")


def check(field: Field[Any], value: Any) -> None:
    """Raise `UsageError` unless the value has its field's type and lies within its limits."""
    kind: type[Any] = type(field.default)
    fits = isinstance(value, (int, float)) if kind is float else isinstance(value, kind)
    if not fits or (isinstance(value, bool) and kind is not bool):
        raise wrong(field, f"“{value}” is not {_KINDS[kind]}.")
    if kind is tuple and not all(isinstance(one, int) and not isinstance(one, bool) for one in value):
        raise wrong(field, "Only whole numbers, please.")
    choices, limits = field.metadata.get("choices"), field.metadata.get("range")
    if choices and value not in choices:
        raise wrong(field, f"“{value}” is none of {', '.join(one or '(empty)' for one in choices)}.")
    if limits and not limits[0] <= value <= limits[1]:  # nor is what is no number
        raise wrong(field, f"{_shown(value)} is not between {limits[0]:g} and {limits[1]:g}.")
    if field.name == "group_pattern":
        try:
            re.compile(value)
        except re.error as error:
            raise wrong(field, f"“{value}” is no regular expression: {error}.") from error


def _shown(value: int | float) -> str:
    """A number as text, unless it would fill the screen."""
    return "So large a number" if isinstance(value, int) and abs(value) > _UNHEARD_OF else str(value)


def converted(field: Field[Any], value: Any) -> Any:
    """Turn a text into the field's type, and a list into a tuple; what else it is stays for the check."""
    kind: type[Any] = type(field.default)
    if isinstance(value, list):
        return tuple(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value) if abs(value) < _UNHEARD_OF else math.inf
    if not isinstance(value, str) or kind is str:
        return value
    if not value.strip() and kind is not tuple:
        raise wrong(field, f"It is empty; {_KINDS[kind]} belongs here.")
    try:
        if kind is bool:
            return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[value.lower()]
        if kind is tuple:
            return tuple(int(one) for one in value.replace("[", "").replace("]", "").split(",") if one.strip())
        return kind(value)
    except (KeyError, ValueError) as error:
        raise wrong(field, f"“{value}” is not {_KINDS[kind]}.") from error
