"""Kinds of argument that commands share: their value, or a refusal that says what is right."""

from __future__ import annotations

import argparse
import math

_MOST_RANKS = 100_000  # more classes than any Model has
_MOST_MEGAPIXELS = 1_000_000
_MOST_FOLDS = 20


def positive(text: str) -> int:
    """A whole number of 1 or more."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if not 1 <= value <= _MOST_RANKS:
        raise argparse.ArgumentTypeError(f"must be 1 or more, {_MOST_RANKS} at the most")
    return value


def folds(text: str) -> int:
    """How many parts a cross-validation has."""
    if text not in map(str, range(2, _MOST_FOLDS + 1)):
        raise argparse.ArgumentTypeError(f"must be a whole number from 2 to {_MOST_FOLDS}")
    return int(text)


def megapixels(text: str) -> float:
    """A size limit."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value <= _MOST_MEGAPIXELS:  # written so that NaN is refused too
        raise argparse.ArgumentTypeError(f"must be a number above 0, {_MOST_MEGAPIXELS} at the most")
    return value
