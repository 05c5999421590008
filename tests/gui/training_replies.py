"""Stand-ins for the Jobs of a training, and a recorded Run: what the window would hear, without a network."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from convnext_studio.core.context import JobContext
from convnext_studio.core.data.dataset import DataSetCard, DataWarning, LabelledImage
from convnext_studio.core.errors import DataError, RunError
from convnext_studio.core.events import DataSetChecked, EditsKept, ModelInput, RateFound, TrainingMeasured
from convnext_studio.core.requests import (
    CheckDataSet,
    EditLabels,
    FindLearningRate,
    FindRuns,
    FollowRun,
    MakeThumbnails,
    MeasureTraining,
    PreviewAugmentation,
    ResumeRun,
    StartRun,
    SteerRun,
)
from convnext_studio.core.run_events import (
    EpochEnded,
    Line,
    PhaseStarted,
    Progressed,
    RunEnded,
    RunEvent,
    RunStarted,
    Saved,
    StepEnded,
    TestEnded,
)
from convnext_studio.core.runs.summary import RunSummary
from convnext_studio.gui.jobs import InlineLane
from tests.gui.replies import make_thumbnails

CLASSES = ("crack", "dent", "good", "pit", "scratch", "stain")
STEPS_AN_EPOCH = 12
DATA = "/parts/line 3"
MEASURED = TrainingMeasured(
    "cpu", 0.01, 0.002, 0.015, 0.005, 0.001, 0.01, 1.0, 15_000_000, 14_000_000, 110_592, 8_000_000_000
)


def card(source: str = DATA, **changes: object) -> DataSetCard:
    """Six classes, one of them small, in three splits."""
    sizes = dict(zip(CLASSES, (84, 60, 180, 44, 40, 12), strict=True))
    images, counts = [], {"train": {}, "validation": {}, "test": {}}
    for name, total in sizes.items():
        for number in range(total):
            split = ("train", "train", "train", "validation", "test")[number % 5]
            images.append(LabelledImage(f"{source}/{name}/{number:03}.png", name, str(number), split))
            counts[split][name] = counts[split].get(name, 0) + 1
    fields: dict[str, object] = {
        "source": source,
        "classes": CLASSES,
        "images": tuple(images),
        "counts": counts,
        "warnings": (
            DataWarning(
                "few",
                "One class has fewer than 20 images: stain (12).",
                "Scores for it will be very uncertain.",
                tuple(image.path for image in images if image.label == "stain"),
            ),
        ),
        "grouping": "Images that look alike were kept together: 210 groups.",
        "groups": 210,
        "suggestion": {"group": "name", "group_pattern": "^(.+)_"},
    }
    return DataSetCard(**(fields | changes))  # type: ignore[arg-type]


def events(epochs: int = 30, done: int = 17, *, ends: bool = False) -> list[RunEvent]:
    """A training that goes well: `done` of `epochs` are over."""
    chance = random.Random(1)
    counts = card().counts
    steps = epochs * STEPS_AN_EPOCH
    said: list[RunEvent] = [
        RunStarted("line 3", "sample", CLASSES, counts, epochs, steps, 32, "CPU", "bf16", licence="Apache-2.0"),
        PhaseStarted("features"),
        Progressed("features", 252, 252),
        PhaseStarted("head"),
    ]
    best = 0.0
    for epoch in range(done + 1):
        if epoch:
            said += [_step(chance, epoch, number) for number in range(STEPS_AN_EPOCH)]
        score = 0.95 - 0.55 * math.exp(-epoch / 4) - (0.02 if epoch > 14 else 0.0)
        is_best, best = score > best, max(best, score)
        said.append(_epoch(epoch, score, epochs, is_best=is_best, patience_left=8 - max(0, epoch - 14)))
        said.append(Saved(epoch * STEPS_AN_EPOCH, 15_000_000, 0.1))
        if not epoch:
            said.append(PhaseStarted("full", steps))
    if ends:
        said.append(PhaseStarted("test"))
        said.append(TestEnded(0.91, 0.902, (0.84, 0.95), said_confusion()))
        said.append(RunEnded("finished", "All epochs are done.", best_epoch=14, best_balanced_accuracy=best))
    return said


def said_confusion() -> tuple[tuple[int, ...], ...]:
    rows = [[0] * len(CLASSES) for _ in CLASSES]
    for number, name in enumerate(CLASSES):
        total = card().counts["validation"][name]
        wrong = min(number % 3, total - 1)
        rows[number][number], rows[number][2 if number != 2 else 0] = total - wrong, wrong
    return tuple(tuple(row) for row in rows)


def _step(chance: random.Random, epoch: int, number: int) -> StepEnded:
    step = (epoch - 1) * STEPS_AN_EPOCH + number + 1
    loss = 0.1 + 1.6 * math.exp(-step / 60) + chance.uniform(-0.12, 0.18)
    return StepEnded(step, epoch, loss, 5e-4, 38.0, 0.06, 0.9, 3_100_000_000)


def _epoch(epoch: int, score: float, epochs: int, *, is_best: bool, patience_left: int) -> EpochEnded:
    confusion = said_confusion()
    recalls = tuple(row[n] / sum(row) for n, row in enumerate(confusion))
    worst = tuple(
        (f"{DATA}/scratch/{number:03}.png", "scratch", "good" if number % 2 else "crack", 4.1 - number / 5)
        for number in range(9)
    )
    loss = 0.18 + 1.2 * math.exp(-epoch / 4)
    left = (epochs - epoch) * 15.0
    return EpochEnded(
        epoch, epoch * STEPS_AN_EPOCH, loss - 0.08, loss, score, score, recalls, confusion, is_best, patience_left,
        (score - 0.03, min(1.0, score + 0.02)), worst, left,
    )  # fmt: skip


def lines(of: Sequence[RunEvent], seconds_each: float = 1.2) -> tuple[Line, ...]:
    return tuple(
        Line(number, "2026-01-31T12:00:00.000+00:00", number * seconds_each, event)
        for number, event in enumerate(of, start=1)
    )


def summary(folder: str = "/runs/20260131-120000-line 3", **changes: object) -> RunSummary:
    fields: dict[str, object] = {
        "folder": folder,
        "name": folder.rpartition("-")[2],
        "state": "running",
        "model": "sample",
        "data": DATA,
        "preset": "balanced",
        "epoch": 17,
        "epochs": 30,
        "best_balanced_accuracy": 0.934,
        "best_epoch": 14,
        "started": "2026-01-31T12:00:00.000+00:00",
        "seconds": 310.0,
        "seconds_left": 240.0,
    }
    return RunSummary(**(fields | changes))  # type: ignore[arg-type]


def others() -> tuple[RunSummary, ...]:
    """What a workspace holds besides."""
    told = {"seconds_left": None, "started": "2026-01-30T12:00:00.000+00:00"}
    return (
        summary("/runs/20260130-120000-surface-2", state="finished", epoch=30, best_balanced_accuracy=0.948, **told),
        summary("/runs/20260129-120000-surface-2b", state="stopped", best_balanced_accuracy=0.931, **told),
        summary(
            "/runs/20260128-120000-surface-0",
            state="failed",
            best_balanced_accuracy=None,
            message="The disk is full.",
            hint="Free 2.1 GB, then resume.",
            can_go_on=True,
            **told,
        ),
    )


@dataclass
class Workspace:
    """Answers for every Job of a training; a test changes what it holds, and sees what was asked."""

    runs: tuple[RunSummary, ...] = ()
    said: list[RunEvent] = field(default_factory=list)
    ended: RunSummary | None = None
    found: DataSetCard | None = field(default_factory=card)
    refusal: Exception | None = None
    edits: EditsKept = field(default_factory=lambda: EditsKept(0, 0))
    asked: list[object] = field(default_factory=list)
    measured: TrainingMeasured | None = MEASURED

    def serve(self, lanes: dict[str, InlineLane]) -> None:
        served: dict[type, Callable[..., object]] = {
            CheckDataSet: self._check,
            EditLabels: self._edit,
            PreviewAugmentation: self._preview,
            MeasureTraining: self._measure,
            FindLearningRate: self._find_rate,
            StartRun: self._start,
            ResumeRun: self._resume,
            SteerRun: self._note,
            FindRuns: lambda _request, _ctx: self.runs,
            FollowRun: self._follow,
            MakeThumbnails: make_thumbnails,
        }
        for lane in lanes.values():
            lane.served_by.update(served)

    def requests(self, kind: type) -> list[object]:
        return [request for request in self.asked if isinstance(request, kind)]

    def _note(self, request: object, ctx: JobContext) -> None:
        self.asked.append(request)

    def _check(self, request: CheckDataSet, ctx: JobContext) -> DataSetCard:
        self._note(request, ctx)
        ctx.emit(DataSetChecked(252, 420))
        if self.found is None:
            raise DataError("“line 3” has no folders of classes.", "Choose the folder that holds them.")
        return self.found

    def _edit(self, request: EditLabels, ctx: JobContext) -> EditsKept:
        self._note(request, ctx)
        return self.edits

    def _preview(self, request: PreviewAugmentation, ctx: JobContext) -> tuple[ModelInput, ...]:
        self._note(request, ctx)
        made = []
        for number, ref in enumerate(request.images * request.count):
            pixels = np.full((32, 32, 3), 40 + 12 * (number + request.roll) % 200, np.uint8)
            made.append(ModelInput(ref, pixels, (0, 0, 32, 32)))
        return tuple(made)

    def _measure(self, request: MeasureTraining, ctx: JobContext) -> TrainingMeasured:
        self._note(request, ctx)
        if not self.measured:
            raise DataError("Not one Image that was tried can be read.")
        return self.measured

    def _find_rate(self, request: FindLearningRate, ctx: JobContext) -> RateFound:
        self._note(request, ctx)
        ctx.emit(Progressed("full", 30, request.steps))
        rates = tuple(10.0 ** (-6 + step / 5) for step in range(30))
        losses = tuple(1.8 - 1.2 / (1 + math.exp(-(step - 15) / 2)) for step in range(30))
        return RateFound(rates, losses, 3e-4, "The loss fell most steeply at 1.0e-03.")

    def _start(self, request: StartRun, ctx: JobContext) -> str:
        self._note(request, ctx)
        if self.refusal is not None:
            raise self.refusal
        self.runs = (summary(), *self.runs)
        return self.runs[0].folder

    def _resume(self, request: ResumeRun, ctx: JobContext) -> str:
        self._note(request, ctx)
        if self.refusal is not None:
            raise self.refusal
        return request.run

    def _follow(self, request: FollowRun, ctx: JobContext) -> RunSummary:
        self._note(request, ctx)
        known = next((run for run in self.runs if run.folder == request.run), None)
        if known is None:
            raise RunError(f"“{request.run}” is not a Run: there is no such folder.")
        for line in lines(self.said):
            if line.number > request.after:
                ctx.emit((line,))
        return self.ended or known
