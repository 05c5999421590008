"""Arguments that commands share, and kinds of them: their value, or a refusal that says what is right."""

from __future__ import annotations

import argparse
import math

from convnext_studio.core.values import DEFAULT_MAX_MEGAPIXELS, DEVICES, ENGINES, FITS, PRECISIONS, Execution

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


def add_execution(parser: argparse.ArgumentParser) -> None:
    """Where and how a Model computes: see `execution_of`; and how Images are made to fit."""
    parser.add_argument("--device", choices=DEVICES, default="auto", help="where to compute (default: %(default)s)")
    parser.add_argument("--precision", choices=PRECISIONS, default="auto", help="auto: the fastest that answers alike")
    parser.add_argument("--engine", choices=ENGINES, default="auto", help="auto: the fastest as measured here")
    parser.add_argument("--fit", choices=FITS, help="how images are made to fit (default: as the Model says)")


def execution_of(arguments: argparse.Namespace) -> Execution:
    """What was typed of where and how to compute."""
    return Execution(arguments.device, arguments.precision, arguments.engine)


def add_max_megapixels(parser: argparse.ArgumentParser) -> None:
    """How large Images may be."""
    parser.add_argument(
        "--max-megapixels",
        type=megapixels,
        default=DEFAULT_MAX_MEGAPIXELS,
        metavar="N",
        help="refuse larger images (default: %(default)g)",
    )
