"""How a training goes, in one plain line: each rule looks at the History alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QCoreApplication

from convnext_studio.core.run_events import EpochEnded
from convnext_studio.core.runs.history import History
from convnext_studio.gui.widgets.numbers import count, percent

Tone = Literal["ok", "again", "ng", "info"]
_STEPS_TO_JUDGE = 20
_BLOWN_UP = 3.0  # a loss so many times that of the beginning comes from too high a learning rate
_NO_BETTER = 0.98  # a training loss that is still so much of its beginning after two epochs is not learned
_FEW = 30  # validation Images: one more or less right moves the figure by percents
_WORSE = 1.1  # a validation loss so many times its best, while that of training falls, is over-fitting


@dataclass(frozen=True)
class Health:
    """A tone (ground and sign), a word or two, and a sentence."""

    tone: Tone
    title: str
    sentence: str


def health(history: History) -> Health:
    """Say how it goes; the first rule that applies decides."""
    rules = (
        _too_fast,
        _never_predicted,
        _one_class_only,
        _over_fitting,
        _too_slow,
        _waiting_for_data,
        _not_validated,
        _waiting_for_better,
    )
    for rule in rules:
        if (found := rule(history)) is not None:
            return found
    if not history.epochs:
        return Health("info", _tr("Too early to tell."), _tr("The first validation comes after the first epoch."))
    best = history.best.epoch if history.best else 0
    said = _tr("The best so far is epoch {0}.").format(best) if best else _tr("The best so far is the head alone.")
    if (few := sum(map(sum, history.epochs[-1].confusion))) < _FEW:
        said += " " + _tr("With only {0} validation images its figure is uncertain.").format(count(few))
    return Health("ok", _tr("Still improving."), said)


def _too_fast(history: History) -> Health | None:
    losses = history.steps.loss
    is_broken = bool(losses) and not math.isfinite(losses[-1])
    if len(losses) >= _STEPS_TO_JUDGE:
        begin, now = sum(losses[:5]) / 5, sum(losses[-5:]) / 5
        is_broken = is_broken or now > _BLOWN_UP * max(begin, 0.1)
    if not is_broken:
        return None
    return Health("ng", _tr("The learning rate is too high."), _tr("The loss rises instead of falling; lower it."))


def _one_class_only(history: History) -> Health | None:
    """Whatever is shown is called the same; told before a single class is blamed."""
    if history.started is None or not any(one.epoch for one in history.epochs):
        return None
    rows = history.epochs[-1].confusion
    columns = [sum(row[number] for row in rows) for number in range(len(rows))]
    found = [number for number, column in enumerate(columns) if column]
    if len(found) != 1 or sum(1 for row in rows if any(row)) < 2:
        return None
    said = _tr("Whatever it is shown is called so. Try a lower learning rate, or look at the labels.")
    return Health("again", _tr("Everything is called “{0}”.").format(history.started.classes[found[0]]), said)


def _too_slow(history: History) -> Health | None:
    """Two epochs went by, and the loss is about what it was."""
    losses = history.steps.loss
    if len([one for one in history.epochs if one.epoch]) < 2 or len(losses) < 2 * _STEPS_TO_JUDGE:
        return None
    is_better = history.best is not None and history.best.epoch > 0
    part = max(5, len(losses) // 10)
    begin, now = sum(losses[:part]) / part, sum(losses[-part:]) / part
    if is_better or now < _NO_BETTER * begin:
        return None
    said = _tr("The loss hardly falls. A higher learning rate, or a Model with learned weights, may help.")
    return Health("again", _tr("It learns very slowly."), said)


def _not_validated(history: History) -> Health | None:
    if not history.epochs or any(map(any, history.epochs[-1].confusion)):
        return None
    said = _tr("There are no validation images, so nobody can say which epoch is the best; the last one is kept.")
    return Health("info", _tr("Not validated."), said)


def _never_predicted(history: History) -> Health | None:
    if history.started is None or len(history.epochs) < 3:
        return None
    last = history.epochs[-1]
    for number, name in enumerate(history.started.classes):
        if _is_ignored(last, number) and _is_ignored(history.epochs[-2], number):
            said = _tr("None of its {0} validation images is recognised. Look at its images and labels.")
            return Health(
                "again",
                _tr("“{0}” is never predicted.").format(name),
                said.format(count(sum(last.confusion[number]))),
            )
    return None


def _is_ignored(epoch: EpochEnded, number: int) -> bool:
    rows = epoch.confusion
    return number < len(rows) and sum(rows[number]) > 0 and not any(row[number] for row in rows)


def _over_fitting(history: History) -> Health | None:
    whole = [epoch for epoch in history.epochs if epoch.epoch > 0]
    if len(whole) < 4:
        return None
    lowest = min(whole, key=lambda epoch: epoch.loss)
    last = whole[-1]
    is_worse = last.loss > _WORSE * lowest.loss and last.train_loss < lowest.train_loss
    if not is_worse or last.epoch - lowest.epoch < 3 or last.is_best:
        return None
    best = history.best.epoch if history.best is not None else lowest.epoch
    said = (
        _tr("The training images are learned by heart; the best Model, of epoch {0}, is kept.")
        if best
        else _tr("The training images are learned by heart; the best Model, the head alone, is kept.")
    )
    return Health("again", _tr("Over-fitting since epoch {0}.").format(lowest.epoch + 1), said.format(best))


def _waiting_for_data(history: History) -> Health | None:
    waits = history.steps.data_wait[-50:]
    if len(waits) < _STEPS_TO_JUDGE:
        return None
    share = sum(waits) / len(waits)
    if share < 0.4:
        return None
    said = _tr("{0} of the time it waits for images to be read: a faster disk or smaller images would help.")
    return Health("again", _tr("Slowed down by the images."), said.format(percent(share, 0)))


def _waiting_for_better(history: History) -> Health | None:
    if not history.epochs or history.best is None:
        return None
    since = history.epochs[-1].epoch - history.best.epoch
    left = history.epochs[-1].patience_left
    if since < 1:
        return None
    best = history.best.epoch
    if best and since > 1:
        said = _tr("No better epoch for {0} epochs; the best so far is epoch {1}.").format(since, best)
    elif best:
        said = _tr("The last epoch was not better; the best so far is epoch {0}.").format(best)
    elif since > 1:
        said = _tr("No better epoch for {0} epochs; the best so far is the head alone.").format(since)
    else:
        said = _tr("The first epoch was not better than the head alone, which is kept.")
    more = " " + _tr("It ends after {0} more.").format(left) if left >= 0 else ""
    return Health("ok", _tr("Healthy."), said + more)


def _tr(text: str) -> str:
    return QCoreApplication.translate("health", text)
