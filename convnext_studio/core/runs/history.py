"""From lines to curves: what a dashboard shows of a Run, whether it runs, has ended or was made elsewhere. Pure."""

from __future__ import annotations

import json
import math
import statistics
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby, islice, pairwise
from operator import lt
from typing import Any

from convnext_studio.core.run_events import (
    EpochEnded,
    Line,
    Paused,
    Phase,
    PhaseStarted,
    Planned,
    Progressed,
    Resumed,
    RunEnded,
    RunNoticed,
    RunStarted,
    SamplesShown,
    Saved,
    StepEnded,
    TestEnded,
    WentOn,
    from_row,
)

_RECENT_STEPS = 50
_RECENT_EPOCHS = 5
_COLUMNS = ("loss", "learning_rate", "images_per_s", "data_wait", "gradient_norm", "memory_bytes", "load")
_NUMBERS = frozenset((int, float))


def _floats() -> array[float]:
    return array("d")


@dataclass
class Steps:
    """The curves of the steps in effect, one entry a step; `array`s, which numpy takes without a copy."""

    step: array[int] = field(default_factory=lambda: array("q"))
    seconds: array[float] = field(default_factory=_floats)
    loss: array[float] = field(default_factory=_floats)
    learning_rate: array[float] = field(default_factory=_floats)
    images_per_s: array[float] = field(default_factory=_floats)
    data_wait: array[float] = field(default_factory=_floats)
    gradient_norm: array[float] = field(default_factory=_floats)
    memory_bytes: array[float] = field(default_factory=_floats)
    load: array[float] = field(default_factory=_floats)

    def add(self, step: int, seconds: float, values: Iterable[float]) -> None:
        """Add one step, with `values` in the order of the curves; one that is there already gives way."""
        if self.step and step <= self.step[-1]:
            self.keep(step - 1)
        self.step.append(step)
        self.seconds.append(seconds)
        for name, value in zip(_COLUMNS, values, strict=True):
            getattr(self, name).append(value)

    def keep(self, step: int) -> None:
        """Drop what came after `step`."""
        end = bisect_right(self.step, step)
        for curve in vars(self).values():
            del curve[end:]


@dataclass
class Stages:
    """What every tenth step tells of each stage: its gradient's norm, and the update's size over that of the weights.

    A stage that a step does not tell of has nan there.
    """

    step: array[int] = field(default_factory=lambda: array("q"))
    seconds: array[float] = field(default_factory=_floats)
    norms: dict[str, array[float]] = field(default_factory=dict)
    updates: dict[str, array[float]] = field(default_factory=dict)

    def add(self, step: int, seconds: float, norms: Mapping[str, float], updates: Mapping[str, float]) -> None:
        """Add one step; one that is there already gives way."""
        if self.step and step <= self.step[-1]:
            self.keep(step - 1)
        for curves, told in ((self.norms, norms), (self.updates, updates)):
            for name in told.keys() - curves.keys():
                curves[name] = array("d", [math.nan] * len(self.step))
            for name, curve in curves.items():
                curve.append(told.get(name, math.nan))
        self.step.append(step)
        self.seconds.append(seconds)

    def keep(self, step: int) -> None:
        """Drop what came after `step`."""
        end = bisect_right(self.step, step)
        del self.step[end:]
        for curve in (self.seconds, *self.norms.values(), *self.updates.values()):
            del curve[end:]


@dataclass(frozen=True)
class Begun:
    """A phase that began after `step`, so many seconds into the Run."""

    phase: Phase
    step: int
    seconds: float


class History:
    """Everything a Run's lines say, in effect: after a resume, what came after the resumed step is gone."""

    def __init__(self, lines: Iterable[Line] = ()) -> None:
        self.last = 0  # the number of the last line
        self.last_at = ""  # and when it was written, UTC
        self.seconds = 0.0  # how long the Run has been worked on
        self.started: RunStarted | None = None
        self.phase: Phase | None = None
        self.phase_words = ""
        self.progress: Progressed | None = None
        self.step: StepEnded | None = None
        self.steps = Steps()
        self.stages = Stages()
        self.phases: list[Begun] = []
        self.epochs: list[EpochEnded] = []
        self.epochs_at: list[float] = []  # the seconds of each
        self.best: EpochEnded | None = None
        self.samples: list[SamplesShown] = []
        self.notices: list[tuple[float, RunNoticed]] = []  # with the second of the Run
        self.paused: Paused | None = None
        self.saved: Saved | None = None
        self.resumes: list[Resumed] = []
        self.test: TestEnded | None = None
        self.ended: RunEnded | None = None
        self.add(lines)

    def add(self, lines: Iterable[Line]) -> None:
        """Take in further lines; those that are known already are passed over."""
        for line in lines:
            if line.number > self.last:
                self.last, self.last_at, self.seconds = line.number, line.at, line.seconds
                self._add(line)

    def gather(self, whole: bytes) -> None:
        """Take in whole lines of `events.jsonl`: as `add` does, but much faster where there are many steps."""
        for is_step, group in groupby(_rows(whole), _is_step):
            rows = list(group)
            if not is_step or not self._gather_steps(rows):
                for row in rows:
                    if (line := from_row(row)) is not None:
                        self.add((line,))

    def _gather_steps(self, rows: list[dict[str, Any]]) -> bool:
        """Take in steps, curve by curve, without making Events of them; False where one is not plainly one.

        All or none: a step that is there already, or a value that is no number, is left to `add`.
        """
        numbers: list[Any] = [row.get("n") for row in rows]
        steps: list[Any] = [row.get("step") for row in rows]
        curves = [[row.get("s") for row in rows]]
        curves += [[row.get(name, default) for row in rows] for name, default in _DEFAULTS]
        if {*map(type, numbers), *map(type, steps)} != {int} or not all(
            _NUMBERS.issuperset(map(type, c)) for c in curves
        ):
            return False
        first = self.steps.step[-1] if self.steps.step else 0
        if not _rises(self.last, numbers) or not _rises(first, steps):
            return False
        detailed = [row for row in rows if row.get("norms") or row.get("updates")]
        if not all(_tells_stages(row) for row in detailed):
            return False
        line = from_row(rows[-1])
        if line is None or not isinstance(line.event, StepEnded):
            return False
        self.steps.step.extend(steps)
        for name, curve in zip(("seconds", *_COLUMNS), curves, strict=True):
            getattr(self.steps, name).extend(curve)
        for row in detailed:
            self.stages.add(row["step"], row["s"], row.get("norms", {}), row.get("updates", {}))
        self.step, self.last, self.last_at, self.seconds = line.event, line.number, line.at, line.seconds
        return True

    @property
    def seconds_left(self) -> float | None:
        """How long the Run may still take, None while nothing can be said; patience may end it earlier."""
        if self.started is None or self.ended is not None:
            return None
        if self.epochs and (told := self.epochs[-1].seconds_left) is not None:
            took = self._epoch_seconds()
            if took is not None:
                told = max(0, self.started.epochs - self.epochs[-1].epoch) * took
            return max(0.0, told - (self.seconds - self.epochs_at[-1]))
        recent = self.steps.seconds[-_RECENT_STEPS:]
        if len(recent) < 2:
            return None
        pace = statistics.median(later - earlier for earlier, later in pairwise(recent))
        return max(0, self.started.steps - self.steps.step[-1]) * pace

    def _epoch_seconds(self) -> float | None:
        """How long an epoch takes of late, validation and saving included; None before the second has ended.

        The first one is left out: what is done for the first time takes longer.
        """
        pairs = pairwise(zip(self.epochs, self.epochs_at, strict=True))
        took = [end - begin for (first, begin), (_, end) in pairs if first.epoch]
        return statistics.median(took[-_RECENT_EPOCHS:]) if took else None

    def _add(self, line: Line) -> None:
        event = line.event
        if isinstance(event, StepEnded):
            self.step = event
            self.steps.add(event.step, line.seconds, [getattr(event, name) for name in _COLUMNS])
            if event.norms or event.updates:
                self.stages.add(event.step, line.seconds, event.norms, event.updates)
        elif isinstance(event, EpochEnded):
            self._add_epoch(event, line.seconds)
        elif isinstance(event, Resumed):
            self._rewind(event)
        elif isinstance(event, RunStarted):
            self.started = event
        elif isinstance(event, PhaseStarted):
            self.phase, self.phase_words, self.progress = event.phase, event.words, None
            self.phases.append(Begun(event.phase, self.steps.step[-1] if self.steps.step else 0, line.seconds))
        elif isinstance(event, SamplesShown):
            self.samples = [one for one in self.samples if one.epoch < event.epoch] + [event]
        elif isinstance(event, Progressed):
            self.progress = event
        elif isinstance(event, RunNoticed):
            self.notices.append((line.seconds, event))
        else:
            self._add_state(event)

    def _add_state(self, event: object) -> None:
        if isinstance(event, Saved):
            self.saved = event
        elif isinstance(event, Planned) and self.started is not None:
            self.started = replace(self.started, epochs=event.epochs, steps=event.steps)
        elif isinstance(event, Paused):
            self.paused = event
        elif isinstance(event, WentOn):
            self.paused = None
        elif isinstance(event, TestEnded):
            self.test = event
        elif isinstance(event, RunEnded):
            self.ended, self.paused = event, None

    def _add_epoch(self, event: EpochEnded, seconds: float) -> None:
        self._keep_epochs(sum(epoch.epoch < event.epoch for epoch in self.epochs))
        self.epochs.append(event)
        self.epochs_at.append(seconds)
        self._find_best()

    def _rewind(self, event: Resumed) -> None:
        self.resumes.append(event)
        self.steps.keep(event.step)
        self.stages.keep(event.step)
        self._keep_epochs(sum(epoch.step <= event.step for epoch in self.epochs))
        self.samples = [one for one in self.samples if one.step <= event.step]
        self.phases = [one for one in self.phases if one.step <= event.step]
        if self.epochs_at:
            self.epochs_at[-1] = self.seconds
        self.step = self.progress = self.paused = self.test = self.ended = None
        self._find_best()

    def _keep_epochs(self, count: int) -> None:
        del self.epochs[count:], self.epochs_at[count:]

    def _find_best(self) -> None:
        self.best = next((epoch for epoch in reversed(self.epochs) if epoch.is_best and epoch.is_validated), None)


_DEFAULTS = tuple((name, StepEnded.__dataclass_fields__[name].default) for name in _COLUMNS)


def _is_step(row: Any) -> bool:
    return type(row) is dict and row.get("event") == "StepEnded"


def _rises(before: int, numbers: list[Any]) -> bool:
    """Whether each is larger than the one before it."""
    return before < numbers[0] and all(map(lt, numbers, islice(numbers, 1, None)))


def _tells_stages(row: dict[str, Any]) -> bool:
    norms, updates = row.get("norms", {}), row.get("updates", {})
    if type(norms) is not dict or type(updates) is not dict:
        return False
    return _NUMBERS.issuperset(map(type, (*norms.values(), *updates.values())))


def _rows(whole: bytes) -> Iterator[Any]:
    """What lines hold as JSON, all at once where every one of them is fine."""
    texts = [text for text in whole.split(b"\n") if text]
    try:
        yield from json.loads(b"[" + b",".join(texts) + b"]")
    except (ValueError, RecursionError):
        for text in texts:
            try:
                row = json.loads(text.decode("utf-8", "replace"))
            except (ValueError, RecursionError):
                continue
            yield row
