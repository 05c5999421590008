"""What answers to labelled Images are worth as a whole: counted in one way, while a Run works and ever after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convnext_studio.core.evaluation import intervals, metrics
from convnext_studio.core.evaluation.intervals import Interval


@dataclass(frozen=True)
class Totals:
    """`found` and `losses` (nats) are by Image. Intervals are 95 % ones; Images of a group are drawn together.

    `parts` says by a number which part each Image shows, and `groups` how many there are; None and 0 where each Image
    stands for itself.
    """

    found: NDArray[np.int64]
    matrix: metrics.Confusion
    losses: metrics.Figures
    accuracy: float
    balanced_accuracy: float
    accuracy_interval: Interval
    balanced_accuracy_interval: Interval
    parts: NDArray[np.int64] | None
    groups: int

    def parts_of(self, is_meant: NDArray[np.bool_]) -> NDArray[np.int64] | None:
        """The parts of some of the Images."""
        return None if self.parts is None else self.parts[is_meant]


def total(labels: NDArray[np.int64], probabilities: NDArray[np.float64], groups: Sequence[str]) -> Totals:
    """Count answers (images, classes) to Images of true class `labels`, in `groups` ("" = none). One Image at least."""
    n = probabilities.shape[1]
    found = probabilities.argmax(axis=1)
    matrix = metrics.confusion(labels, found, n)
    parts = _parts(groups)
    return Totals(
        found=found,
        matrix=matrix,
        losses=metrics.losses(probabilities, labels),
        accuracy=metrics.accuracy(matrix),
        balanced_accuracy=metrics.balanced_accuracy(matrix),
        accuracy_interval=intervals.of_accuracy(labels, found, parts),
        balanced_accuracy_interval=intervals.of_balanced_accuracy(labels, found, n, parts),
        parts=parts,
        groups=int(parts.max()) + 1 if parts is not None else 0,
    )


def _parts(groups: Sequence[str]) -> NDArray[np.int64] | None:
    """What must be drawn together: groups, and each Image without one by itself; None where all are by themselves."""
    numbers: dict[str, int] = {}
    names = (f"g{group}" if group else f"i{number}" for number, group in enumerate(groups))
    parts = np.array([numbers.setdefault(name, len(numbers)) for name in names], np.int64)
    return parts if len(numbers) < len(parts) else None
