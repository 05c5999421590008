"""A Run in words: what it does, how far it is, how long it will take."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from convnext_studio.gui.language import spoken
from convnext_studio.gui.widgets import numbers

if TYPE_CHECKING:  # read when the first Run is: the window is on the screen sooner
    from convnext_studio.core.runs.history import History
    from convnext_studio.core.runs.summary import RunSummary


def _tr(text: str) -> str:
    return QCoreApplication.translate("training", text)


def state_sign(state: str, *, is_waiting: bool = False) -> tuple[str, str]:
    """Icon and colour role of a Run's state."""
    if state == "running":
        return ("pause", "again") if is_waiting else ("play", "accent")
    signs = {"finished": ("check", "ok"), "stopped": ("stop", "text2"), "failed": ("warn", "ng")}
    return signs.get(state, ("warn", "again"))


def state_word(state: str, *, is_waiting: bool = False) -> str:
    """One word for the chip."""
    if state == "running":
        return _tr("Waiting") if is_waiting else _tr("Training")
    words = {"finished": _tr("Done"), "stopped": _tr("Stopped"), "failed": _tr("Failed")}
    return words.get(state, _tr("Interrupted"))


def short(model: str) -> str:
    """A Model's name, or the name of its file."""
    return Path(model).stem if model.endswith(".safetensors") else model


def second_line(run: RunSummary) -> str:
    """Under a Run's name in the list: "epoch 17 of 30", "done · 30 epochs"."""
    if run.state == "running":
        if run.message:
            return _tr("waiting: {0}").format(spoken(run.message))
        return epoch_words(run.epoch, run.epochs) or _tr("getting ready")
    epochs = _tr("head only") if not run.epochs else _tr("{0} epochs").format(numbers.count(run.epoch))
    if run.state == "finished":
        return _tr("done · {0}").format(epochs)
    if run.state == "stopped":
        kept = run.best_balanced_accuracy is not None
        return _tr("stopped · best kept") if kept else _tr("stopped")
    return spoken(run.message) or (_tr("failed") if run.state == "failed" else _tr("interrupted"))


def epoch_word(epoch: int) -> str:
    """ "epoch 17", or that there was only a new head yet."""
    return _tr("epoch {0}").format(numbers.count(epoch)) if epoch else _tr("head alone")


def epoch_words(epoch: int, epochs: int) -> str:
    """ "epoch 17 of 30", "" while no epoch was begun."""
    if not epoch:
        return ""
    return _tr("epoch {0} of {1}").format(numbers.count(epoch), numbers.count(epochs))


def best_words(epoch: int) -> str:
    """Which epoch is the best; 0 is the new head on the network as it was."""
    return _tr("best epoch {0}").format(numbers.count(epoch)) if epoch else _tr("best: the head alone")


def obeying_words(wanted: str) -> str:
    """What was asked of a Run and is still to come, "" for nothing."""
    words = {"pause": _tr("Pausing…"), "stop": _tr("Stopping…"), "finish epoch": _tr("ends after this epoch")}
    return words.get(wanted, "")


def progress_words(run: RunSummary) -> str:
    """For the status bar: how far and how long."""
    is_waiting = run.state == "running" and bool(run.message)
    left = numbers.time_left(run.seconds_left) if run.seconds_left is not None and not is_waiting else ""
    return " · ".join(filter(None, (second_line(run), left)))


def phase_words(history: History) -> str:
    """What the Run does now, in words."""
    if history.ended is not None:
        return ""
    phases = {
        "features": _tr("reading the images once"),
        "head": _tr("fitting the new head"),
        "test": _tr("testing the best weights"),
    }
    started = history.started
    if history.phase == "full" and history.step is not None and started is not None:
        return epoch_words(history.step.epoch, started.epochs)
    words = phases.get(history.phase or "", "")
    progress = history.progress
    if words and progress is not None and progress.total:
        done = _tr("{0} of {1}").format(numbers.count(progress.done), numbers.count(progress.total))
        return f"{words} · {done}"
    return words or _tr("getting ready")


def length(seconds: float) -> str:
    """How long something took: "42 s", "12 min", "3 h 5 min"."""
    if not math.isfinite(seconds):
        return ""
    if seconds < 90:
        return _tr("{0} s").format(numbers.decimal(seconds, 0))
    if seconds < 5400:
        return _tr("{0} min").format(round(seconds / 60))
    hours, minutes = divmod(round(seconds / 60), 60)
    return _tr("{0} h {1} min").format(hours, minutes)
