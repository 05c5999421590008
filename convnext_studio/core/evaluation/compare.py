"""Two Models on the same Images: who was right where the other was wrong, and whether that can be chance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from convnext_studio.core.context import JobContext
from convnext_studio.core.errors import DataError
from convnext_studio.core.evaluation.report import Evaluation, read
from convnext_studio.core.requests import CompareEvaluations

_Z = 1.959963984540054  # of the normal distribution, two-sided 95 %
_MOST_THROWN = 2 * 10**8  # additions; beyond that the normal distribution is as good


@dataclass(frozen=True)
class Comparison:
    """Of the Images that both judged: how many each alone got right (with the paths), how many both or neither.

    `chance` is McNemar's exact two-sided p-value: how often two Models that are equally good would differ at least so
    much. `gain` is the second's accuracy minus the first's, with its 95 % interval (for pairs, Agresti and Min 2005,
    doi:10.1002/sim.1781). `parts` is how many parts the Images show, 0 where each stands for itself: the Images of a
    part are no independent evidence, so that then each part counts as a whole in both.
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
    parts: int = 0


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
    chance = mcnemar(len(only_first), len(only_second))
    ends = _gain_interval(len(only_first), len(only_second), len(pairs))
    parts = _parts([one.group for one, _ in pairs], right)
    if parts:
        leads, sizes = [lead for lead, _ in parts], [size for _, size in parts]
        low, high = _gain_interval_of_parts(leads, sizes)
        chance, ends = part_by_part(leads), (min(low, ends[0]), max(high, ends[1]))
    return Comparison(
        first=first.model,
        second=second.model,
        images=len(pairs),
        both_right=right.count((True, True)),
        neither_right=right.count((False, False)),
        only_first=only_first,
        only_second=only_second,
        chance=chance,
        gain=gain,
        gain_interval=ends,
        parts=len(parts),
    )


def part_by_part(leads: Sequence[int]) -> float:
    """As McNemar's test, but a coin is thrown for each part: which of two is ahead there, by so many Images.

    With parts of one Image each it is McNemar's.
    """
    import numpy as np  # late: the window, which only shows what was found, imports this module

    sizes, ahead = [abs(lead) for lead in leads if lead], abs(sum(leads))
    most = sum(sizes)
    if len(sizes) * most > _MOST_THROWN:
        return math.erfc(ahead / math.sqrt(2 * sum(size * size for size in sizes)))
    chances = np.zeros(most + 1)  # by how many Images one of them is ahead where it is
    chances[0] = 1.0
    for size in sizes:
        chances[size:] += chances[: most + 1 - size].copy()
        chances /= 2
    apart = np.abs(2 * np.arange(most + 1) - most)
    return min(1.0, float(chances[apart >= ahead].sum()))


def _parts(groups: Sequence[str], right: Sequence[tuple[bool, bool]]) -> list[tuple[int, int]]:
    """By how many Images the second is ahead in each part, and how many Images there are; none where all are alone."""
    parts: dict[str, tuple[int, int]] = {}
    for number, (group, (first, second)) in enumerate(zip(groups, right, strict=True)):
        name = f"g{group}" if group else f"i{number}"
        lead, size = parts.get(name, (0, 0))
        parts[name] = (lead + second - first, size + 1)
    return list(parts.values()) if len(parts) < len(groups) else []


def _gain_interval_of_parts(leads: Sequence[int], sizes: Sequence[int]) -> tuple[float, float]:
    """The interval by how much the parts differ, after half a part of the usual size was added for each of four cases.

    In one the second alone is right on all of it, in one the first alone, and in two both do alike: as
    `_gain_interval` adds Images.
    """
    usual, count = sum(sizes) / len(sizes), len(sizes) + 2.0
    total = sum(sizes) + 2 * usual
    middle = sum(leads) / total
    apart = sum((lead - size * middle) ** 2 for lead, size in zip(leads, sizes, strict=True))
    apart += usual**2 * (0.5 * (1 - middle) ** 2 + 0.5 * (1 + middle) ** 2 + middle**2)
    half = _Z * math.sqrt(apart * count / (count - 1)) / total
    return (max(-1.0, middle - half), min(1.0, middle + half))


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
