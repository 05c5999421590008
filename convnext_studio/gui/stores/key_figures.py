"""The four figures that stand over a Run's plots: how good, where it is weakest, how fast, how much memory."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from convnext_studio.core.run_events import EpochEnded
from convnext_studio.core.runs.history import History
from convnext_studio.gui.stores.curves import validated
from convnext_studio.gui.stores.training_words import best_words
from convnext_studio.gui.widgets import figures
from convnext_studio.gui.widgets.numbers import decimal, percent, rate

Figure = tuple[str, str, str]  # what it is, the figure, and what belongs beside it


def key_figures(history: History) -> tuple[Figure, Figure, Figure, Figure]:
    """Each with a dash where nothing is known."""
    known, test = validated(history), history.test
    best = history.best if history.best in known else None
    if test is not None and any(map(any, test.confusion)):
        second = (_tr("Balanced accuracy, test"), percent(test.balanced_accuracy), _interval(test.interval))
    else:
        second = _weakest(history, best)
    return _validation(history, best, has_images=bool(known)), second, _speed(history), _memory(history)


def _validation(history: History, best: EpochEnded | None, *, has_images: bool) -> Figure:
    label = _tr("Balanced accuracy, validation")
    if best is None:
        return label, figures.UNKNOWN, _tr("no validation images") if history.epochs and not has_images else ""
    said = f"{_interval(best.interval)} · {best_words(best.epoch)}"
    return label, percent(best.balanced_accuracy), said


def _weakest(history: History, best: EpochEnded | None) -> Figure:
    label, started = _tr("Weakest class, validation"), history.started
    if best is None or started is None or not best.recalls:
        return label, figures.UNKNOWN, ""
    rows = zip(best.recalls, started.classes, best.confusion, strict=False)
    recall, name = min(((recall, name) for recall, name, row in rows if sum(row)), default=(0.0, ""))
    return label, percent(recall), _tr("of “{0}” are recognised").format(name)


def _speed(history: History) -> Figure:
    step = history.step
    if step is None:
        return _tr("Speed"), figures.UNKNOWN, ""
    waits = _tr("{0} of the time waits for images").format(percent(step.data_wait, 0))
    return _tr("Speed"), rate(step.images_per_s), waits


def _memory(history: History) -> Figure:
    step, started = history.step, history.started
    where = [f"{started.device} · {started.precision}"] if started is not None else []
    if step is not None and step.load >= 0:
        where.append(_tr("{0} busy").format(percent(step.load, 0)))
    return _tr("Memory"), figures.size(step.memory_bytes) if step is not None else figures.UNKNOWN, " · ".join(where)


def _interval(interval: tuple[float, float]) -> str:
    low, high = (decimal(100 * end, 1) for end in interval)
    return _tr("95 %: {0} to {1}").format(low, high)


def _tr(text: str) -> str:
    return QCoreApplication.translate("key_figures", text)
