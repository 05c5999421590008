"""Look in file names for what tells one part from another: `part00012_3.png`, `exp4_num_1182.png`, `00041000_07.png`.

A pattern is a regular expression as a Recipe's `group_pattern` has it. It is believed if the Images that look alike
bear it out, or if the names alone look like several shots each of many things.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_WORD, _GAP, _PREFIX = "[^_. -]+", "[_ -]", "^(.+)"
_MOST_WORDS = 8
_FEWEST_PAIRS = 5
_EXPLAINED = 0.85  # share of alike pairs that a pattern must keep together
_BETTER_THAN_CHANCE = 8.0
_LARGEST_SHARE = 0.2  # of all Images in one group
_FEWEST_GROUPS = 10
_COVERED = 0.5  # share of Images that names alone must put together with another


@dataclass(frozen=True)
class Pattern:
    """A pattern, the key of every Image by it, and whether Images that look alike bear it out.

    `regex` is empty where the keys are folders.
    """

    regex: str
    keys: tuple[str, ...]
    is_seen: bool


def key_of(regex: re.Pattern[str], name: str) -> str:
    """What the pattern finds in a file name: its first bracket, if it has one; "" where it finds nothing."""
    match = regex.search(name)
    if match is None:
        return ""
    return match[1] or "" if regex.groups else match[0]


def find_folders(folders: Sequence[str], alike: NDArray[np.int64]) -> Pattern | None:
    """Say whether the folder of each Image ("" = none) tells which of them show the same thing."""
    if len(alike) >= _FEWEST_PAIRS and _explained(folders, alike) is not None:
        return Pattern("", tuple(folders), is_seen=True)
    return Pattern("", tuple(folders), is_seen=False) if _looks_like_shots(folders) else None


def find_pattern(names: Sequence[str], alike: NDArray[np.int64]) -> Pattern | None:
    """The pattern that best says which of the files show the same thing, if there is one.

    `alike` (n, 2) are pairs that look alike, by their places in `names`, file names without folders.
    """
    compiled = [(regex, re.compile(regex)) for regex in _candidates(names)]
    candidates = [(regex, [key_of(ready, name) for name in names]) for regex, ready in compiled]
    if len(alike) >= _FEWEST_PAIRS:
        rated = [(rating, regex, keys) for regex, keys in candidates if (rating := _explained(keys, alike)) is not None]
        if rated:
            most = max(rating for rating, _, _ in rated)
            best = max((one for one in rated if one[0] >= most - 0.02), key=lambda one: _groups(one[2]))
            return Pattern(best[1], tuple(best[2]), is_seen=True)
    for regex, keys in candidates:
        if regex.startswith(_PREFIX) and _looks_like_shots(keys):
            return Pattern(regex, tuple(keys), is_seen=False)
    return None


def _candidates(names: Sequence[str]) -> Iterator[str]:
    """Names without their last words, then single words and pairs of them."""
    most = max((len(re.findall(_WORD, name)) for name in names), default=0)
    words = min(most, _MOST_WORDS)
    for dropped in range(words - 1):
        yield rf"{_PREFIX}{_GAP}" + rf"{_WORD}{_GAP}" * dropped
    for at in range(words):
        before = "^" + rf"{_WORD}{_GAP}" * at
        yield rf"{before}({_WORD})"
        if at + 1 < words:
            yield rf"{before}({_WORD}{_GAP}{_WORD})"


def _explained(keys: Sequence[str], alike: NDArray[np.int64]) -> float | None:
    """The share of alike pairs with one key; None where the pattern says too little."""
    groups = Counter(key for key in keys if key)
    total = len(keys)
    if len(groups) < _FEWEST_GROUPS or max(groups.values()) > _LARGEST_SHARE * total:
        return None
    numbers = {key: number for number, key in enumerate(groups)}
    code = np.array([numbers[key] if key else -1 - at for at, key in enumerate(keys)])
    share = float((code[alike[:, 0]] == code[alike[:, 1]]).mean())
    by_chance = sum(count * (count - 1) for count in groups.values()) / max(1, total * (total - 1))
    return share if share >= max(_EXPLAINED, _BETTER_THAN_CHANCE * by_chance) else None


def _groups(keys: Sequence[str]) -> int:
    return len({key or f"\0{at}" for at, key in enumerate(keys)})


def _looks_like_shots(keys: Sequence[str]) -> bool:
    groups = Counter(key for key in keys if key)
    if len(groups) < _FEWEST_GROUPS or max(groups.values()) > _LARGEST_SHARE / 2 * len(keys):
        return False
    return sum(count for count in groups.values() if count > 1) >= _COVERED * len(keys)
