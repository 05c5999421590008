"""From what a Model said of labelled Images to an Evaluation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convnext_studio.core.evaluation import intervals, metrics
from convnext_studio.core.evaluation.report import Bin, ClassFigures, Evaluation, Interval, Judged, Points

MOST_KEPT = 100  # with more classes, an Image's probabilities are not kept one by one
MOST_POINTS = 1000  # of a curve


@dataclass(frozen=True)
class Answers:
    """Images, their true class as a number, group ("" = none) and probabilities (images, classes)."""

    classes: tuple[str, ...]
    paths: Sequence[str]
    labels: NDArray[np.int64]
    groups: Sequence[str]
    probabilities: NDArray[np.float64]


@dataclass(frozen=True)
class About:
    """What was evaluated: see `report.Evaluation`."""

    split: str
    model: str
    identity: str
    data: str
    unreadable: tuple[tuple[str, str], ...] = ()
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0


def evaluation_of(answers: Answers, about: About) -> Evaluation:
    """Count everything. `answers` hold one Image at least."""
    n = len(answers.classes)
    labels, found = answers.labels, answers.probabilities.argmax(axis=1)
    matrix = metrics.confusion(labels, found, n)
    groups = _parts(answers)
    losses = metrics.losses(answers.probabilities, labels)
    figures = metrics.per_class(matrix)
    occurs = figures.support > 0
    return Evaluation(
        split=about.split,
        model=about.model,
        identity=about.identity,
        data=about.data,
        classes=answers.classes,
        accuracy=metrics.accuracy(matrix),
        balanced_accuracy=metrics.balanced_accuracy(matrix),
        accuracy_interval=intervals.wilson(int(np.trace(matrix)), int(matrix.sum())),
        balanced_accuracy_interval=intervals.of_balanced_accuracy(labels, found, n, groups),
        macro_f1=float(figures.f1[occurs].mean()),
        log_loss=float(losses.mean()),
        calibration_error=metrics.reliability(answers.probabilities, labels).error,
        per_class=tuple(_class(answers, matrix, figures, index) for index in range(n)),
        confusion=tuple(tuple(int(count) for count in row) for row in matrix),
        reliability=_bins(answers),
        images=_judged(answers, found, losses),
        unreadable=about.unreadable,
        left_out=about.left_out,
        notes=about.notes,
        groups=len(set(groups)) if groups is not None else 0,
        seconds=about.seconds,
    )


def _parts(answers: Answers) -> list[str] | None:
    """What must be drawn together: groups, and each Image without one by itself; None without any group."""
    if not any(answers.groups):
        return None
    return [f"g{group}" if group else f"i{number}" for number, group in enumerate(answers.groups)]


def _class(answers: Answers, matrix: metrics.Confusion, figures: metrics.PerClass, index: int) -> ClassFigures:
    right, support, found = int(matrix[index, index]), int(matrix[index].sum()), int(matrix[:, index].sum())
    is_positive, scores = answers.labels == index, answers.probabilities[:, index]
    roc, pr = metrics.roc(is_positive, scores), metrics.precision_recall(is_positive, scores)
    return ClassFigures(
        name=answers.classes[index],
        precision=float(figures.precision[index]),
        recall=float(figures.recall[index]),
        f1=float(figures.f1[index]),
        support=support,
        precision_interval=intervals.wilson(right, found),
        recall_interval=intervals.wilson(right, support),
        f1_interval=_f1_interval(right, support + found - right),
        missed=support - right,
        missed_at_most=intervals.at_most(support - right, support),
        roc_auc=_or_none(roc.area),
        average_precision=_or_none(pr.area),
        roc=_points(roc),
        pr=_points(pr),
    )


def _f1_interval(right: int, involved: int) -> Interval:
    """F1 = 2 J / (1 + J) rises with J, the share of right ones among all that are the class or were taken for it."""
    low, high = intervals.wilson(right, involved)
    return (2 * low / (1 + low), 2 * high / (1 + high))


def _points(curve: metrics.Curve) -> Points:
    """Points to draw; of a long curve some, both ends among them."""
    kept = np.unique(np.linspace(0, max(len(curve.x) - 1, 0), min(len(curve.x), MOST_POINTS)).round().astype(np.int64))
    return tuple(zip(curve.x[kept].tolist(), curve.y[kept].tolist(), strict=True))


def _bins(answers: Answers) -> tuple[Bin, ...]:
    found = metrics.reliability(answers.probabilities, answers.labels)
    edges = np.linspace(0.0, 1.0, len(found.count) + 1).tolist()
    columns = zip(
        edges, edges[1:], found.count.tolist(), found.confidence.tolist(), found.accuracy.tolist(), strict=False
    )
    return tuple(Bin(low, high, count, _or_none(sure), _or_none(right)) for low, high, count, sure, right in columns)


def _judged(answers: Answers, found: NDArray[np.int64], losses: NDArray[np.float64]) -> tuple[Judged, ...]:
    are_kept = len(answers.classes) <= MOST_KEPT
    return tuple(
        Judged(
            path=path,
            label=answers.classes[answers.labels[row]],
            found=answers.classes[found[row]],
            probability=float(answers.probabilities[row, found[row]]),
            loss=float(losses[row]),
            group=answers.groups[row],
            probabilities=tuple(answers.probabilities[row].tolist()) if are_kept else (),
        )
        for row, path in enumerate(answers.paths)
    )


def _or_none(figure: float) -> float | None:
    return None if math.isnan(figure) else figure
