"""One figure out of several trainings, such as the folds of a cross-validation: their mean, and how sure it is."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from convnext_studio.core.evaluation.intervals import Interval

_T = (  # of Student's t distribution with 1, 2, ... degrees of freedom, two-sided 95 %
    *(12.706205, 4.302653, 3.182446, 2.776445, 2.570582, 2.446912, 2.364624, 2.306004, 2.262157, 2.228139),
    *(2.200985, 2.178813, 2.160369, 2.144787, 2.131450, 2.119905, 2.109816, 2.100922, 2.093024),
)


@dataclass(frozen=True)
class Across:
    """The mean of several shares and its 95 % interval, within 0..1; of a single one nothing is known."""

    mean: float
    low: float
    high: float


def across(shares: Sequence[float], intervals: Sequence[Interval], *, is_of_same_images: bool) -> Across:
    """Sum up 1 to 20 shares, each with its own interval; each was measured on other Images, or all on the same ones.

    At each end the more careful of two: how much the shares differ (Student's t), as of independent trainings, and how
    sure each of them is by itself, for a few that happen to be equal show no doubt at all. Folds share most of what
    they are trained on, so that the interval is rather too narrow than too wide (Bengio and Grandvalet 2004).
    """
    mean, count = statistics.fmean(shares), len(shares)
    spread = _T[count - 2] * statistics.stdev(shares) / math.sqrt(count) if count > 1 else 1.0
    together = statistics.fmean if is_of_same_images else _of_independent
    below = together([share - low for share, (low, _) in zip(shares, intervals, strict=True)])
    above = together([high - share for share, (_, high) in zip(shares, intervals, strict=True)])
    return Across(mean, max(0.0, mean - max(spread, below)), min(1.0, mean + max(spread, above)))


def _of_independent(halves: Sequence[float]) -> float:
    return math.hypot(*halves) / len(halves)
