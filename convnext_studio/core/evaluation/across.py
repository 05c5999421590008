"""One figure out of several trainings, such as the folds of a cross-validation: their mean, and how sure it is."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

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


def across(shares: Sequence[float]) -> Across:
    """Sum up 1 to 20 shares by their spread (Student's t), as of independent trainings.

    Folds share most of what they are trained on, so that the interval is rather too narrow than too wide (Bengio and
    Grandvalet 2004).
    """
    mean = statistics.fmean(shares)
    if len(shares) < 2:
        return Across(mean, 0.0, 1.0)
    half = _T[len(shares) - 2] * statistics.stdev(shares) / math.sqrt(len(shares))
    return Across(mean, max(0.0, mean - half), min(1.0, mean + half))
