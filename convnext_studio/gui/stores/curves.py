"""From a Run's History to the curves of the live page, on the axis that is chosen. numpy is imported late."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
from PySide6.QtCore import QCoreApplication

from convnext_studio.core.run_events import EpochEnded
from convnext_studio.core.runs.history import History
from convnext_studio.gui.stores.run_view import OtherRun
from convnext_studio.gui.widgets.curve import Curve, Floats, Marks, Scale, smoothed
from convnext_studio.gui.widgets.plot_view import SMOOTHING, Axis, PlotView

_MOST_SMOOTHED = 2_000  # smoothing goes step by step, so a long Run is averaged first
_MOST_CLASSES = 8
_ROLES = ("s1", "s2", "s3", "s4", "s5", "text", "text3", "ng")
_OTHERS_ROLES = ("s3", "s4", "s5", "text2", "text3")
_MINUTES, _HOURS = (120.0, 60.0), (3 * 3600.0, 3600.0)  # from how many seconds on, and how many seconds one is


@dataclass(frozen=True)
class Ruler:
    """Where steps, epochs and seconds stand on the axis; `unit` is how many seconds one on the axis of time is."""

    axis: Axis = "epoch"
    unit: float = 1.0

    @classmethod
    def of(cls, axis: Axis, history: History) -> Ruler:
        """One that all Runs on the screen can be laid at; the Run that is shown decides about minutes or hours."""
        seconds = history.seconds + (history.seconds_left or 0.0)
        unit = next((unit for least, unit in (_HOURS, _MINUTES) if seconds >= least), 1.0)
        return cls(axis, unit)

    def steps(self, history: History) -> Floats:
        """The place of each step: the last one of epoch 3 stands at 3.0."""
        return self._laid(history, history.steps.step, history.steps.seconds)

    def stages(self, history: History) -> Floats:
        """The place of each step that tells of the stages."""
        return self._laid(history, history.stages.step, history.stages.seconds)

    def epochs(self, history: History, these: Iterable[EpochEnded]) -> Floats:
        """The place of each of these epochs."""
        if self.axis == "epoch":
            return _array(epoch.epoch for epoch in these)
        if self.axis == "step":
            return _array(epoch.step for epoch in these)
        at = {epoch.epoch: seconds for epoch, seconds in zip(history.epochs, history.epochs_at, strict=True)}
        return _array(at[epoch.epoch] / self.unit for epoch in these)

    def place(self, history: History, step: float, seconds: float) -> float:
        """The place of one step, at so many seconds."""
        if self.axis == "time":
            return seconds / self.unit
        return step if self.axis == "step" else step / max(1.0, _steps_per_epoch(history))

    def end(self, history: History) -> float:
        """Where the axis of a Run will end."""
        left = history.seconds_left or 0.0
        started = history.started
        steps = started.steps if started is not None and history.ended is None else 0
        return self.place(history, steps, history.seconds + left)

    def _laid(self, history: History, steps: Iterable[int], seconds: Iterable[float]) -> Floats:
        if self.axis == "time":
            return np.array(seconds, dtype=np.float64) / self.unit
        places = np.array(steps, dtype=np.float64)  # a copy: an array that is looked into cannot grow
        return places if self.axis == "step" else places / max(1.0, _steps_per_epoch(history))


@dataclass(frozen=True)
class PlotSpec:
    """A plot of the live page: what it is called, how values are shown, the curves of a Run, the best epoch's value.

    `is_by_epoch`: nothing of it is new before an epoch has ended, so that it need not be drawn before.
    """

    key: str
    title: str
    second: str
    scale: Scale
    make: Callable[[History, Ruler, float], list[Curve]]
    best: Callable[[EpochEnded], float] | None = None
    is_by_epoch: bool = False


def drawn(spec: PlotSpec, history: History, others: Iterable[OtherRun], view: PlotView) -> tuple[list[Curve], Marks]:
    """The curves of the Run that is shown and of those beside it, and what is marked."""
    ruler = Ruler.of(view.axis, history)
    curves = spec.make(history, ruler, view.smoothing)
    for number, other in enumerate(others):
        role = _OTHERS_ROLES[number % len(_OTHERS_ROLES)]
        curves += [
            replace(curve, run=other.name, role=role) for curve in spec.make(other.history, ruler, view.smoothing)
        ]
    return curves, marks_of(history, ruler, spec.best, is_by_epoch=spec.is_by_epoch)


def axis_words(axis: Axis, history: History) -> str:
    """What the axis counts: "epoch", "step", "minutes"."""
    if axis != "time":
        return _tr("epoch") if axis == "epoch" else _tr("step")
    units = {1.0: _tr("seconds"), _MINUTES[1]: _tr("minutes"), _HOURS[1]: _tr("hours")}
    return units[Ruler.of(axis, history).unit]


def validated(history: History) -> list[EpochEnded]:
    """The epochs that really had Images to be validated on."""
    return [epoch for epoch in history.epochs if any(map(any, epoch.confusion))]


def loss_curves(history: History, ruler: Ruler | None = None, smoothing: float = SMOOTHING) -> list[Curve]:
    """Of training, a point a step, smoothed; and of validation, a point an epoch."""
    ruler, ended = ruler or Ruler(), validated(history)
    train = _smooth(_tr("train"), "s1", ruler.steps(history), np.array(history.steps.loss), smoothing)
    x = ruler.epochs(history, ended)
    return [train, Curve(_tr("validation"), "s2", x, _array(e.loss for e in ended), is_dotted=True)]


def accuracy_curves(history: History, ruler: Ruler | None = None, smoothing: float = SMOOTHING) -> list[Curve]:  # noqa: ARG001
    """Balanced accuracy of validation, and of training where the Run tells it."""
    ruler, ended = ruler or Ruler(), validated(history)
    told = [epoch for epoch in history.epochs if epoch.train_balanced_accuracy is not None]
    curves = []
    if told:
        values = _array(epoch.train_balanced_accuracy or 0.0 for epoch in told)
        curves.append(Curve(_tr("train"), "s1", ruler.epochs(history, told), values))
    y = _array(epoch.balanced_accuracy for epoch in ended)
    return [*curves, Curve(_tr("validation"), "s2", ruler.epochs(history, ended), y, is_dotted=True)]


def recall_curves(history: History, ruler: Ruler, smoothing: float = SMOOTHING) -> list[Curve]:  # noqa: ARG001
    """Of each class that has validation Images, the weakest ones where there are many."""
    ended = validated(history)
    if history.started is None or not ended:
        return []
    last = ended[-1]
    counted = [number for number, row in enumerate(last.confusion) if any(row) and number < len(last.recalls)]
    weakest = sorted(counted, key=lambda number: last.recalls[number])[:_MOST_CLASSES]
    x, names = ruler.epochs(history, ended), history.started.classes
    return [
        Curve(names[number], _ROLES[place], x, _array(epoch.recalls[number] for epoch in ended), is_dotted=True)
        for place, number in enumerate(sorted(weakest))
    ]


def _steps_curve(
    name: str, pick: Callable[[History], Floats], *, is_smoothed: bool = True
) -> Callable[..., list[Curve]]:
    def make(history: History, ruler: Ruler, smoothing: float) -> list[Curve]:
        return [_smooth(name, "s1", ruler.steps(history), pick(history), smoothing if is_smoothed else 0.0)]

    return make


def _stage_curves(pick: Callable[[History], dict[str, Floats]]) -> Callable[..., list[Curve]]:
    def make(history: History, ruler: Ruler, smoothing: float) -> list[Curve]:
        x = ruler.stages(history)
        every = sorted(pick(history).items(), key=lambda one: (one[0] == "head", one[0] != "stem", one[0]))
        return [
            _smooth(stage_words(stage), _ROLES[place % len(_ROLES)], x, values, smoothing)
            for place, (stage, values) in enumerate(every)
        ]

    return make


def stage_words(stage: str) -> str:
    """`stages.0` -> "stage 1"; what is neither that nor one of the ends keeps its name."""
    kind, _, number = stage.partition(".")
    if kind == "stages" and number.isdigit():
        return _tr("stage {0}").format(int(number) + 1)
    return {"stem": _tr("stem"), "head": _tr("head")}.get(stage, stage)


def _known_load(history: History) -> Floats:
    values = np.array(history.steps.load)
    return np.where(values < 0, np.nan, values)


def _arrays(curves: dict[str, object]) -> dict[str, Floats]:
    return {name: np.array(curve) for name, curve in curves.items()}


def marks_of(
    history: History, ruler: Ruler, best_value: Callable[[EpochEnded], float] | None, *, is_by_epoch: bool = False
) -> Marks:
    """The marks of a plot: the best epoch where `best_value` says what is drawn of it, the phases, what is to come.

    What is to come begins after the last step, or after the last epoch while a plot `is_by_epoch`.
    """
    has_ended = history.ended is not None
    now = 0.0
    if has_ended or not is_by_epoch:
        now = ruler.place(history, history.steps.step[-1] if history.steps.step else 0, history.seconds)
    if history.epochs:
        now = max(now, float(ruler.epochs(history, history.epochs[-1:])[0]))
    future = _tr("still to come") if history.started is not None and not has_ended else ""
    end = now if has_ended else max(now, ruler.end(history))
    marks = Marks(now=now, end=end, future_words=future, phases=_phases(history, ruler))
    best = history.best
    if best is None or best_value is None or not any(map(any, best.confusion)):
        return marks
    words = _tr("best: epoch {0}").format(best.epoch) if best.epoch else _tr("best: the head alone")
    place = float(ruler.epochs(history, [best])[0])
    return replace(marks, best=place, best_value=best_value(best), best_words=words)


def _phases(history: History, ruler: Ruler) -> tuple[tuple[float, str], ...]:
    words = {
        "features": _tr("features"),
        "head": _tr("head"),
        "full": _tr("whole network"),
        "test": _tr("test"),
    }
    return tuple((ruler.place(history, one.step, one.seconds), words[one.phase]) for one in history.phases)


def _steps_per_epoch(history: History) -> float:
    """How many steps an epoch has: as it was, else as it is planned."""
    if history.epochs and history.epochs[-1].epoch and history.epochs[-1].step:
        return history.epochs[-1].step / history.epochs[-1].epoch
    if history.started is None or not history.started.epochs:
        return 1.0
    return history.started.steps / history.started.epochs


def _smooth(name: str, role: str, x: Floats, values: Floats, smoothing: float) -> Curve:
    """A curve before its raw line; without smoothing there is only the one."""
    if not smoothing:
        return Curve(name, role, x, values)
    at, means, together = _binned(x, values)
    return Curve(name, role, at, smoothed(means, smoothing**together), x, values)


def _binned(x: Floats, y: Floats) -> tuple[Floats, Floats, int]:
    """Means of so many neighbours that `_MOST_SMOOTHED` are left, at the last place of each; and how many they were."""
    together = -(-len(x) // _MOST_SMOOTHED) or 1
    whole = len(x) // together * together
    return x[together - 1 : whole : together], y[:whole].reshape(-1, together).mean(axis=1), together


def _array(values: object) -> Floats:
    return np.fromiter(values, dtype=np.float64)  # type: ignore[call-overload, no-any-return]


def _tr(text: str) -> str:
    return QCoreApplication.translate("curves", text)


def main_plots() -> tuple[PlotSpec, ...]:
    """Those that are always seen."""
    loss = PlotSpec("loss", _tr("Loss"), _tr("lower is better"), Scale(can_be_log=True), loss_curves, lambda e: e.loss)
    return loss, PlotSpec(
        "accuracy",
        _tr("Balanced accuracy"),
        _tr("the mean over the classes"),
        Scale(is_share=True),
        accuracy_curves,
        lambda epoch: epoch.balanced_accuracy,
        is_by_epoch=True,
    )


def more_plots() -> tuple[PlotSpec, ...]:
    """Classes, learning rate, speed and memory."""
    share, size = Scale(is_share=True, is_whole=True), Scale()
    steps = _steps_curve
    return (
        PlotSpec(
            "recall",
            _tr("Recall of each class"),
            _tr("validation, the weakest"),
            share,
            recall_curves,
            is_by_epoch=True,
        ),
        PlotSpec(
            "rate",
            _tr("Learning rate"),
            _tr("of the head"),
            Scale(can_be_log=True),
            steps(_tr("learning rate"), lambda h: np.array(h.steps.learning_rate), is_smoothed=False),
        ),
        PlotSpec(
            "speed",
            _tr("Speed"),
            _tr("images/s"),
            size,
            steps(_tr("images/s"), lambda h: np.array(h.steps.images_per_s)),
        ),
        PlotSpec(
            "wait",
            _tr("Waiting for images"),
            _tr("share of the time"),
            share,
            steps(_tr("waiting"), lambda h: np.array(h.steps.data_wait)),
        ),
        PlotSpec(
            "memory",
            _tr("Memory"),
            _tr("GB"),
            size,
            steps(_tr("memory"), lambda h: np.array(h.steps.memory_bytes) / 1e9, is_smoothed=False),
        ),
        PlotSpec("load", _tr("Load"), _tr("share of the device at work"), share, steps(_tr("load"), _known_load)),
    )


def expert_plots() -> tuple[PlotSpec, ...]:
    """Gradients and updates."""
    log = Scale(can_be_log=True)
    return (
        PlotSpec(
            "gradient",
            _tr("Gradient norm"),
            _tr("of the whole network, before it is clipped"),
            log,
            _steps_curve(_tr("gradient norm"), lambda h: np.array(h.steps.gradient_norm)),
        ),
        PlotSpec(
            "norms",
            _tr("Gradient norm of each stage"),
            _tr("every tenth step"),
            log,
            _stage_curves(lambda history: _arrays(dict(history.stages.norms))),
        ),
        PlotSpec(
            "updates",
            _tr("Update ratio of each stage"),
            _tr("size of a step over that of the weights; 0.001 is usual"),
            log,
            _stage_curves(lambda history: _arrays(dict(history.stages.updates))),
        ),
    )
