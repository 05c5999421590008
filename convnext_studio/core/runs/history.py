"""From lines to curves: what a dashboard shows of a Run, whether it runs, has ended or was made elsewhere. Pure."""

from __future__ import annotations

import statistics
from array import array
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from convnext_studio.core.run_events import (
    EpochEnded,
    Line,
    Paused,
    Phase,
    PhaseStarted,
    Progressed,
    Resumed,
    RunEnded,
    RunNoticed,
    RunStarted,
    Saved,
    StepEnded,
    TestEnded,
    WentOn,
)

_RECENT_STEPS = 50


@dataclass
class Steps:
    """The curves of the steps in effect, one entry a step; `array`s, which numpy takes without a copy."""

    step: array[int] = field(default_factory=lambda: array("q"))
    seconds: array[float] = field(default_factory=lambda: array("d"))
    loss: array[float] = field(default_factory=lambda: array("d"))
    learning_rate: array[float] = field(default_factory=lambda: array("d"))
    images_per_s: array[float] = field(default_factory=lambda: array("d"))
    data_wait: array[float] = field(default_factory=lambda: array("d"))
    gradient_norm: array[float] = field(default_factory=lambda: array("d"))

    def add(self, event: StepEnded, seconds: float) -> None:
        """Add one step; one that is there already (and what came after it) gives way."""
        if self.step and event.step <= self.step[-1]:
            self.keep(event.step - 1)
        self.step.append(event.step)
        self.seconds.append(seconds)
        self.loss.append(event.loss)
        self.learning_rate.append(event.learning_rate)
        self.images_per_s.append(event.images_per_s)
        self.data_wait.append(event.data_wait)
        self.gradient_norm.append(event.gradient_norm)

    def keep(self, step: int) -> None:
        """Drop what came after `step`."""
        end = bisect_right(self.step, step)
        for curve in vars(self).values():
            del curve[end:]


class History:
    """Everything a Run's lines say, in effect: after a resume, what came after the resumed step is gone."""

    def __init__(self, lines: Iterable[Line] = ()) -> None:
        self.last = 0  # the number of the last line
        self.seconds = 0.0  # how long the Run has been worked on
        self.started: RunStarted | None = None
        self.started_at = ""  # UTC
        self.phase: Phase | None = None
        self.phase_words = ""
        self.progress: Progressed | None = None
        self.step: StepEnded | None = None
        self.steps = Steps()
        self.epochs: list[EpochEnded] = []
        self.best: EpochEnded | None = None
        self.expert: list[StepEnded] = []  # those steps that tell norms and updates
        self.notices: list[tuple[float, RunNoticed]] = []  # with the second of the Run
        self.paused: Paused | None = None
        self.saved: Saved | None = None
        self.resumes: list[Resumed] = []
        self.test: TestEnded | None = None
        self.ended: RunEnded | None = None
        self._epoch_at = 0.0
        self.add(lines)

    def add(self, lines: Iterable[Line]) -> None:
        """Take in further lines; those that are known already are passed over."""
        for line in lines:
            if line.number > self.last:
                self.last, self.seconds = line.number, line.seconds
                self._add(line)

    @property
    def seconds_left(self) -> float | None:
        """How long the Run may still take, None while nothing can be said; patience may end it earlier."""
        if self.started is None or self.ended is not None:
            return None
        if self.epochs and (told := self.epochs[-1].seconds_left) is not None:
            return max(0.0, told - (self.seconds - self._epoch_at))
        recent = self.steps.seconds[-_RECENT_STEPS:]
        if len(recent) < 2:
            return None
        pace = statistics.median(later - earlier for earlier, later in pairwise(recent))
        return max(0, self.started.steps - self.steps.step[-1]) * pace

    def _add(self, line: Line) -> None:
        event = line.event
        if isinstance(event, StepEnded):
            self.step = event
            self.steps.add(event, line.seconds)
            if event.norms or event.updates:
                self.expert.append(event)
        elif isinstance(event, EpochEnded):
            self._add_epoch(event, line.seconds)
        elif isinstance(event, Resumed):
            self._rewind(event)
        elif isinstance(event, RunStarted):
            self.started, self.started_at = event, line.at
        elif isinstance(event, PhaseStarted):
            self.phase, self.phase_words, self.progress = event.phase, event.words, None
        elif isinstance(event, Progressed):
            self.progress = event
        elif isinstance(event, RunNoticed):
            self.notices.append((line.seconds, event))
        else:
            self._add_state(event)

    def _add_state(self, event: object) -> None:
        if isinstance(event, Saved):
            self.saved = event
        elif isinstance(event, Paused):
            self.paused = event
        elif isinstance(event, WentOn):
            self.paused = None
        elif isinstance(event, TestEnded):
            self.test = event
        elif isinstance(event, RunEnded):
            self.ended, self.paused = event, None

    def _add_epoch(self, event: EpochEnded, seconds: float) -> None:
        self.epochs = [epoch for epoch in self.epochs if epoch.epoch < event.epoch]
        self.epochs.append(event)
        self._epoch_at = seconds
        self._find_best()

    def _rewind(self, event: Resumed) -> None:
        self.resumes.append(event)
        self.steps.keep(event.step)
        self.epochs = [epoch for epoch in self.epochs if epoch.step <= event.step]
        self.expert = [one for one in self.expert if one.step <= event.step]
        self._epoch_at = self.seconds
        self.step = self.progress = self.paused = self.test = self.ended = None
        self._find_best()

    def _find_best(self) -> None:
        self.best = next((epoch for epoch in reversed(self.epochs) if epoch.is_best), None)
