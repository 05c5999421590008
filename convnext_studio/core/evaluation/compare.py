"""Two Models on the same Images: who was right where the other was wrong, and whether that can be chance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from convnext_studio.core.context import JobContext
from convnext_studio.core.errors import DataError
from convnext_studio.core.evaluation.report import Evaluation, read
from convnext_studio.core.requests import CompareEvaluations

_Z = 1.959963984540054  # of the normal distribution, two-sided 95 %


@dataclass(frozen=True)
class Comparison:
    """Of the Images that both judged: how many each alone got right (with the paths), how many both or neither.

    `chance` is McNemar's exact two-sided p-value: how often two Models that are equally good would differ at least so
    much. `gain` is the second's accuracy minus the first's, with its 95 % interval (for pairs, Agresti and Min 2005,
    doi:10.1002/sim.1781); both take Images as independent.
    """

    first: str
    second: str
    images: int
    both_right: int
    neither_right: int
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]
    chance: float
    gain: float
    gain_interval: tuple[float, float]


def compare_evaluations(request: CompareEvaluations, ctx: JobContext) -> Comparison:
    """Compare two kept Evaluations. Raises `DataError` where they share no Image."""
    first = read(Path(request.first))
    ctx.check()
    return compare(first, read(Path(request.second)))


def compare(first: Evaluation, second: Evaluation) -> Comparison:
    """Compare two Evaluations, Image by Image. Raises `DataError` where they share none."""
    others = {image.path: image for image in second.images}
    pairs = [(image, others[image.path]) for image in first.images if image.path in others]
    pairs = [(one, other) for one, other in pairs if one.label.casefold() == other.label.casefold()]
    if not pairs:
        raise DataError("The two evaluations share no Image.", "Evaluate both Models on the same data and split.")
    right = [(one.found == one.label, other.found == other.label) for one, other in pairs]
    only_first = tuple(one.path for (one, _), hit in zip(pairs, right, strict=True) if hit == (True, False))
    only_second = tuple(one.path for (one, _), hit in zip(pairs, right, strict=True) if hit == (False, True))
    gain = (len(only_second) - len(only_first)) / len(pairs)
    return Comparison(
        first=first.model,
        second=second.model,
        images=len(pairs),
        both_right=right.count((True, True)),
        neither_right=right.count((False, False)),
        only_first=only_first,
        only_second=only_second,
        chance=mcnemar(len(only_first), len(only_second)),
        gain=gain,
        gain_interval=_gain_interval(len(only_first), len(only_second), len(pairs)),
    )


def mcnemar(only_first: int, only_second: int) -> float:
    """The exact two-sided p-value of McNemar's test (1947): of a fair coin thrown so often."""
    n, less = only_first + only_second, min(only_first, only_second)
    logs = (math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) for k in range(less + 1))
    tail = math.fsum(math.exp(log - n * math.log(2)) for log in logs)
    return min(1.0, 2 * tail)


def _gain_interval(only_first: int, only_second: int, n: int) -> tuple[float, float]:
    """Wald's interval for pairs after half an Image was added to each of the four counts."""
    more, less, total = only_second + 0.5, only_first + 0.5, n + 2.0
    middle = (more - less) / total
    half = _Z * math.sqrt(more + less - (more - less) ** 2 / total) / total
    return (max(-1.0, middle - half), min(1.0, middle + half))
