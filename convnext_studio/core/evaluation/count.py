"""From what a Model said of labelled Images to an Evaluation."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convnext_studio.core.evaluation import intervals, metrics
from convnext_studio.core.evaluation.judged import Columns, JudgedImages
from convnext_studio.core.evaluation.report import Bin, ClassFigures, Evaluation, Interval, Points
from convnext_studio.core.evaluation.totals import Totals, total

MOST_KEPT = 100  # with more classes, an Image's probabilities are not kept one by one
MOST_POINTS, LEAST_POINTS = 1000, 50  # of a curve
_POINTS_OF_ALL = 20_000  # of all classes' curves of one kind


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
    labels, whole = answers.labels, total(answers.labels, answers.probabilities, answers.groups)
    matrix = whole.matrix
    figures = metrics.per_class(matrix)
    occurs = figures.support > 0
    return Evaluation(
        split=about.split,
        model=about.model,
        identity=about.identity,
        data=about.data,
        classes=answers.classes,
        accuracy=whole.accuracy,
        balanced_accuracy=whole.balanced_accuracy,
        accuracy_interval=whole.accuracy_interval,
        balanced_accuracy_interval=whole.balanced_accuracy_interval,
        macro_f1=float(figures.f1[occurs].mean()),
        log_loss=float(whole.losses.mean()),
        brier=metrics.brier(answers.probabilities, labels),
        calibration_error=metrics.reliability(answers.probabilities, labels).error,
        per_class=tuple(_class(answers, whole, figures, index) for index in range(len(matrix))),
        confusion=tuple(tuple(int(count) for count in row) for row in matrix),
        reliability=_bins(answers),
        images=_judged(answers, whole.found, whole.losses),
        unreadable=about.unreadable,
        left_out=about.left_out,
        notes=about.notes,
        groups=whole.groups,
        seconds=about.seconds,
    )


def _class(answers: Answers, whole: Totals, figures: metrics.PerClass, index: int) -> ClassFigures:
    is_it, is_called = answers.labels == index, whole.found == index
    is_either, scores = is_it | is_called, answers.probabilities[:, index]
    missed_at_most = intervals.missed_at_most(~is_called[is_it], whole.parts_of(is_it))
    low, high = intervals.of_share(is_called[is_it], whole.parts_of(is_it))
    roc, pr = metrics.roc(is_it, scores), metrics.precision_recall(is_it, scores)
    return ClassFigures(
        name=answers.classes[index],
        precision=float(figures.precision[index]),
        recall=float(figures.recall[index]),
        f1=float(figures.f1[index]),
        support=int(is_it.sum()),
        precision_interval=intervals.of_share(is_it[is_called], whole.parts_of(is_called)),
        recall_interval=(min(low, 1 - missed_at_most), high),  # one figure in two ways: they shall not disagree
        f1_interval=_of_f1(intervals.of_share((is_it & is_called)[is_either], whole.parts_of(is_either))),
        missed=int((is_it & ~is_called).sum()),
        missed_at_most=missed_at_most,
        roc_auc=_or_none(roc.area),
        average_precision=_or_none(pr.area),
        roc=_points(roc, len(answers.classes)),
        pr=_points(pr, len(answers.classes)),
    )


def _of_f1(of_both: Interval) -> Interval:
    """F1 = 2 J / (1 + J) rises with J, the share of right ones among all that are the class or were taken for it."""
    low, high = of_both
    return (2 * low / (1 + low), 2 * high / (1 + high))


def _points(curve: metrics.Curve, classes: int) -> Points:
    """Points to draw; of a long curve some, both ends among them, and fewer where there are many classes."""
    most = min(len(curve.x), MOST_POINTS, max(LEAST_POINTS, _POINTS_OF_ALL // classes))
    kept = np.unique(np.linspace(0, max(len(curve.x) - 1, 0), most).round().astype(np.int64))
    return tuple(zip(curve.x[kept].tolist(), curve.y[kept].tolist(), strict=True))


def _bins(answers: Answers) -> tuple[Bin, ...]:
    found = metrics.reliability(answers.probabilities, answers.labels)
    edges = np.linspace(0.0, 1.0, len(found.count) + 1).tolist()
    columns = zip(
        edges, edges[1:], found.count.tolist(), found.confidence.tolist(), found.accuracy.tolist(), strict=False
    )
    return tuple(Bin(low, high, count, _or_none(sure), _or_none(right)) for low, high, count, sure, right in columns)


def _judged(answers: Answers, found: NDArray[np.int64], losses: NDArray[np.float64]) -> JudgedImages:
    rows = np.arange(len(found))
    table = answers.probabilities if len(answers.classes) <= MOST_KEPT else np.empty((0, 0))
    columns = Columns(
        tuple(answers.paths),
        tuple(answers.groups) if any(answers.groups) else (),
        array("i", answers.labels.astype(np.intc).tobytes()),
        array("i", found.astype(np.intc).tobytes()),
        array("d", answers.probabilities[rows, found].astype(np.float64).tobytes()),
        array("d", losses.tobytes()),
        array("d", table.astype(np.float64).tobytes()),
    )
    return JudgedImages(answers.classes, columns)


def _or_none(figure: float) -> float | None:
    return None if math.isnan(figure) else figure
