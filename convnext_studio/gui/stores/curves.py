"""From a Run's History to the curves of the live page. numpy is imported with pyqtgraph, so late."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QCoreApplication

from convnext_studio.core.run_events import EpochEnded
from convnext_studio.core.runs.history import History
from convnext_studio.gui.widgets.curve_plot import Curve, Marks, smoothed

_SMOOTHING = 0.9
_MOST_SMOOTHED = 2_000  # smoothing goes step by step, so a long Run is averaged first


def loss_curves(history: History) -> list[Curve]:
    """Of training, a point a step, smoothed; and of validation, a point an epoch."""
    steps = history.steps
    x = _epochs_of_steps(history)
    raw = np.array(steps.loss, dtype=np.float64)  # a copy: an array that is looked into cannot grow
    ended = [epoch for epoch in history.epochs if epoch.is_validated]
    at, means, together = _binned(x, raw)
    return [
        Curve(_tr("train"), "s1", at, smoothed(means, _SMOOTHING**together), x, raw),
        Curve(_tr("validation"), "s2", _array(e.epoch for e in ended), _array(e.loss for e in ended), is_dotted=True),
    ]


def accuracy_curves(history: History) -> list[Curve]:
    """Balanced accuracy of validation, and of training where the Run tells it."""
    told = [epoch for epoch in history.epochs if epoch.train_balanced_accuracy is not None]
    curves = []
    if told:
        values = _array(epoch.train_balanced_accuracy or 0.0 for epoch in told)
        curves.append(Curve(_tr("train"), "s1", _array(epoch.epoch for epoch in told), values))
    judged = [epoch for epoch in history.epochs if epoch.is_validated]
    x = _array(epoch.epoch for epoch in judged)
    y = _array(epoch.balanced_accuracy for epoch in judged)
    return [*curves, Curve(_tr("validation"), "s2", x, y, is_dotted=True)]


def marks_of(history: History) -> Callable[[Callable[[EpochEnded], float]], Marks]:
    """The marks that all plots share; the function asks which value of the best epoch is drawn."""
    now = float(history.epochs[-1].epoch) if history.epochs else 0.0
    x = _epochs_of_steps(history)
    now = max(now, float(x[-1])) if len(x) else now
    has_ended = history.ended is not None
    future = _tr("still to come") if history.started is not None and not has_ended else ""
    end = now if has_ended or history.started is None else float(history.started.epochs)

    def marks(value: Callable[[EpochEnded], float]) -> Marks:
        best = history.best
        if best is None:
            return Marks(now=now, end=end, future_words=future)
        words = _tr("best: epoch {0}").format(best.epoch) if best.epoch else _tr("best: the head alone")
        return Marks(best.epoch, value(best), now, end, words, future)

    return marks


def _epochs_of_steps(history: History) -> NDArray[np.float64]:
    """Where each step stands on the axis of epochs: the last step of epoch 3 at 3.0."""
    steps = np.array(history.steps.step, dtype=np.float64)
    if not len(steps) or history.started is None or not history.started.steps:
        return steps
    return steps * history.started.epochs / history.started.steps


def _binned(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Means of so many neighbours that `_MOST_SMOOTHED` are left, at the last place of each; and how many they were."""
    together = -(-len(x) // _MOST_SMOOTHED) or 1
    whole = len(x) // together * together
    return x[together - 1 : whole : together], y[:whole].reshape(-1, together).mean(axis=1), together


def _array(values: object) -> NDArray[np.float64]:
    return np.fromiter(values, dtype=np.float64)  # type: ignore[call-overload, no-any-return]


def _tr(text: str) -> str:
    return QCoreApplication.translate("curves", text)
