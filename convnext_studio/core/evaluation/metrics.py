"""What is counted from true and found classes; numpy alone, and equal to scikit-learn's figures.

Classes are numbers from 0. A confusion matrix is int64 (n, n) with a row for each true class and a column for each
found one. Where a figure has no meaning, it is what scikit-learn gives with `zero_division=0`: the precision of a class
that was never found and the recall of one that never occurs are 0, and the second is left out of the balanced accuracy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Confusion = NDArray[np.int64]
Figures = NDArray[np.float64]

BINS = 10
_LEAST = float(np.finfo(np.float64).eps)  # a probability of 0 would make a loss endless; scikit-learn's choice


@dataclass(frozen=True)
class PerClass:
    """Precision, recall and F1 of each class, and how often it occurs: four arrays (n,)."""

    precision: Figures
    recall: Figures
    f1: Figures
    support: NDArray[np.int64]


@dataclass(frozen=True)
class Curve:
    """Points of a curve, `x` rising or falling, and what lies under it (NaN: it has no meaning).

    ROC: x = false positive rate, y = true positive rate. PR: x = recall, y = precision.
    """

    x: Figures
    y: Figures
    area: float


@dataclass(frozen=True)
class Reliability:
    """Bins of equal width over the probability of the found class: its mean, the share that was right, the count.

    `error` is the expected calibration error, the mean distance of both, weighted by count (Guo et al. 2017,
    arXiv:1706.04599). Empty bins hold NaN.
    """

    confidence: Figures
    accuracy: Figures
    count: NDArray[np.int64]
    error: float


def confusion(labels: ArrayLike, found: ArrayLike, n: int) -> Confusion:
    """Count pairs of true and found class, of `n` classes. Raises `ValueError` for another class."""
    true, guess = _numbers(labels), _numbers(found)
    if true.shape != guess.shape:
        raise ValueError(f"{len(true)} labels for {len(guess)} answers")
    for numbers in (true, guess):
        if len(numbers) and (numbers.min() < 0 or numbers.max() >= n):
            raise ValueError(f"a class is not one of the {n}")
    return np.bincount(true * n + guess, minlength=n * n).reshape(n, n).astype(np.int64)


def accuracy(matrix: Confusion) -> float:
    """Share of right answers; NaN without any."""
    total = int(matrix.sum())
    return float(np.trace(matrix) / total) if total else float("nan")


def recalls(matrix: Confusion) -> Figures:
    """Share of each class that was found; 0 for one that does not occur."""
    return _divided(np.diagonal(matrix), matrix.sum(axis=1))


def balanced_accuracy(matrix: Confusion) -> float:
    """Mean recall of the classes that occur; NaN without any."""
    occurs = matrix.sum(axis=1) > 0
    return float(recalls(matrix)[occurs].mean()) if occurs.any() else float("nan")


def per_class(matrix: Confusion) -> PerClass:
    """Precision, recall, F1 and support."""
    right, support, found = np.diagonal(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    return PerClass(_divided(right, found), recalls(matrix), _divided(2 * right, support + found), support)


def losses(probabilities: ArrayLike, labels: ArrayLike) -> Figures:
    """Cross-entropy of each Image in nats; a probability of 0 counts as the smallest step above it."""
    table, true = np.asarray(probabilities, np.float64), _numbers(labels)
    return np.asarray(-np.log(np.clip(table[np.arange(len(true)), true], _LEAST, 1.0)))


def brier(probabilities: ArrayLike, labels: ArrayLike) -> float:
    """Mean over the Images of the squared distance of probabilities and truth, summed over the classes (Brier 1950).

    NaN without any Image.
    """
    table, true = np.asarray(probabilities, np.float64), _numbers(labels)
    if not len(true):
        return float("nan")
    wrong = table.copy()
    wrong[np.arange(len(true)), true] -= 1.0
    return float((wrong * wrong).sum(axis=1).mean())


def roc(is_positive: ArrayLike, scores: ArrayLike) -> Curve:
    """Receiver operating characteristic, from (0, 0) to (1, 1), without points on a straight line between others.

    The area is NaN unless there are both positive and negative ones; then the curve has no points.
    """
    hits, alarms = _counted(is_positive, scores)
    if not len(hits) or not hits[-1] or not alarms[-1]:
        return Curve(np.empty(0), np.empty(0), float("nan"))
    bend = np.ones(len(hits), dtype=bool)
    bend[1:-1] = (np.diff(hits, 2) != 0) | (np.diff(alarms, 2) != 0)
    x = np.concatenate([[0.0], alarms[bend] / alarms[-1]])
    y = np.concatenate([[0.0], hits[bend] / hits[-1]])
    return Curve(x, y, float(np.trapezoid(y, x)))


def precision_recall(is_positive: ArrayLike, scores: ArrayLike) -> Curve:
    """Precision over recall, from the lowest threshold to (0, 1); the area is the average precision.

    That is the sum of precision times the step in recall, without interpolation. NaN, and no points, without positives.
    """
    hits, alarms = _counted(is_positive, scores)
    if not len(hits) or not hits[-1]:
        return Curve(np.empty(0), np.empty(0), float("nan"))
    precision, recall = hits / (hits + alarms), hits / hits[-1]
    area = float((np.diff(recall, prepend=0.0) * precision).sum())
    return Curve(np.append(recall[::-1], 0.0), np.append(precision[::-1], 1.0), area)


def reliability(probabilities: ArrayLike, labels: ArrayLike, bins: int = BINS) -> Reliability:
    """How often an answer is right that the Model gives with a certain probability."""
    table, true = np.asarray(probabilities, np.float64), _numbers(labels)
    if not len(true):
        return Reliability(np.full(bins, np.nan), np.full(bins, np.nan), np.zeros(bins, np.int64), float("nan"))
    sure, is_right = table.max(axis=1), (table.argmax(axis=1) == true).astype(np.float64)
    place = np.clip(np.ceil(sure * bins).astype(np.int64) - 1, 0, bins - 1)
    count = np.bincount(place, minlength=bins).astype(np.int64)
    share = np.where(count, count, 1)
    confidence = np.bincount(place, sure, bins) / share
    right = np.bincount(place, is_right, bins) / share
    error = float((np.abs(right - confidence) * count).sum() / len(true))
    return Reliability(np.where(count, confidence, np.nan), np.where(count, right, np.nan), count, error)


def _counted(is_positive: ArrayLike, scores: ArrayLike) -> tuple[Figures, Figures]:
    """True and false positives at each distinct score, from the highest down."""
    positive, score = np.asarray(is_positive, bool), np.asarray(scores, np.float64)
    order = np.argsort(-score, kind="stable")
    positive, score = positive[order], score[order]
    last = np.append(np.flatnonzero(np.diff(score)), len(score) - 1) if len(score) else np.empty(0, np.int64)
    hits = np.cumsum(positive, dtype=np.float64)[last]
    return hits, last + 1.0 - hits


def _divided(above: NDArray[Any], below: NDArray[Any]) -> Figures:
    result: Figures = np.zeros(len(above), np.float64)
    np.divide(above, below, out=result, where=below > 0)
    return result


def _numbers(classes: ArrayLike | Sequence[int]) -> NDArray[np.int64]:
    return np.asarray(classes, np.int64).reshape(-1)
