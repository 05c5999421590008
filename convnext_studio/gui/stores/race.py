"""A race: one Recipe over several Models, queued one after another, and what came of it. Its Runs share a name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from PySide6.QtCore import QDateTime, QLocale, QObject, Signal

from convnext_studio.core.events import EngineStopped, Failed
from convnext_studio.core.recipe import FIELDS, Recipe, from_preset
from convnext_studio.core.run_requests import SaveTable
from convnext_studio.gui.jobs import LaneLike
from convnext_studio.gui.messages import Messages
from convnext_studio.gui.stores.model_rows import ModelRow
from convnext_studio.gui.stores.models import Models
from convnext_studio.gui.stores.run_queue import RunQueue
from convnext_studio.gui.stores.set_up import SetUp
from convnext_studio.gui.stores.training import Training

if TYPE_CHECKING:  # read when the first Run is: the window is on the screen sooner
    from convnext_studio.core.runs.queue import Queued
    from convnext_studio.core.runs.summary import RunSummary

_FAMILIES = {"ConvNeXt V1": "ConvNeXt", "ConvNeXt V2": "ConvNeXt V2"}
_SIZES = ("Atto", "Femto", "Pico", "Nano", "Tiny", "Small", "Base", "Large")
_OTHERS = {"resnet50": "ResNet-50", "swin_tiny_patch4_window7_224": "Swin-T", "vit_small_patch16_224": "ViT-S"}
_USUAL_INPUT = 224
_OWN_PARTS = ("depths", "widths", "kernel_size", "patch_size", "norm", "activation", "grn")
State = Literal["waiting", "running", "finished", "stopped", "failed", "interrupted"]


@dataclass(frozen=True)
class Racer:
    """A Model that may take part. `row` names its weights; they are here, or have to be downloaded first."""

    title: str
    row: ModelRow
    is_here: bool


@dataclass(frozen=True)
class RaceRow:
    """What one Model reached; None and 0 where that is not known (yet)."""

    folder: str
    title: str
    model: str
    state: State
    score: float | None = None
    interval: tuple[float, float] | None = None
    images_per_s: float | None = None
    parameters: int = 0
    memory_bytes: int = 0
    seconds: float = 0.0
    licence: str = ""
    commercial_use: bool | None = None
    is_random: bool = False


class Race(QObject):
    """Chooses who takes part, starts it, and gathers the results of one race, `shown`."""

    changed = Signal()  # who takes part, how, and what is shown

    def __init__(
        self,
        lanes: Mapping[str, LaneLike],
        messages: Messages,
        models: Models,
        set_up: SetUp,
        runs: tuple[Training, RunQueue],
    ) -> None:
        training, queue = runs
        super().__init__(training)
        self.chosen: frozenset[str] = frozenset()
        self.is_head_only = True
        self.takes_random = False
        self.shown = ""
        self._lanes = lanes
        self._messages = messages
        self._models = models
        self._set_up = set_up
        self._training = training
        self._queue = queue
        self._to_measure: list[ModelRow] = []
        training.runs_changed.connect(self.changed)
        queue.changed.connect(self.changed)
        set_up.changed.connect(self.changed)
        models.rows_changed.connect(self.changed)
        models.row_changed.connect(self._on_model)

    # --- who takes part

    def racers(self) -> list[Racer]:
        """One choice of weights for each size: those here, else free ones, else the best; the sample Model first."""
        rows = self._models.rows
        found = [Racer(row.title, row, True) for row in rows if row.kind == "sample"]
        groups = [
            (f"{name} {size}", [row for row in rows if (row.family, row.size) == (family, size)])
            for family, name in _FAMILIES.items()
            for size in _SIZES
        ]
        groups += [(title, [row for row in rows if row.architecture == name]) for name, title in _OTHERS.items()]
        for title, group in groups:
            best = min((row for row in group if row.kind == "pretrained"), key=self._preference, default=None)
            if best is not None:
                found.append(Racer(title, best, self._models.is_ready(best)))
        return found

    def can_take_part(self, racer: Racer) -> bool:
        """Whether it can begin with what is on this machine."""
        return racer.is_here or self.takes_random

    def choose(self, name: str, is_on: bool) -> None:
        """Let a Model take part, or not."""
        self.chosen = self.chosen | {name} if is_on else self.chosen - {name}
        self.changed.emit()

    def set_head_only(self, is_head_only: bool) -> None:
        """Fit only the heads, on features that are computed once; or train the whole networks."""
        if is_head_only == self.is_head_only:
            return
        self.is_head_only = is_head_only
        self.changed.emit()

    def set_takes_random(self, takes_random: bool) -> None:
        """Let those whose weights are not here begin with random ones."""
        if takes_random == self.takes_random:
            return
        self.takes_random = takes_random
        self.changed.emit()

    @property
    def taking_part(self) -> list[Racer]:
        """Those chosen that can begin."""
        return [one for one in self.racers() if one.row.name in self.chosen and self.can_take_part(one)]

    @property
    def can_start(self) -> bool:
        """True once there is a data set and somebody to race."""
        return self._set_up.can_start and bool(self.taking_part)

    def recipe_of(self, racer: Racer) -> Recipe:
        """The Recipe that is set up, for this Model."""
        recipe = self._set_up.recipe
        changes: dict[str, Any] = {name: FIELDS[name].default for name in _OWN_PARTS}
        if self.is_head_only:
            recipe = replace(recipe, preset="instant", is_head_first=True, epochs=0)
        elif not recipe.epochs:
            usual = from_preset("balanced")
            recipe = replace(recipe, preset="balanced", epochs=usual.epochs, patience=usual.patience)
        ref = self._models.ref(racer.row)
        return replace(
            recipe,
            **changes,
            model=racer.row.name,
            weights="pretrained" if racer.is_here else "random",
            weights_file="",
            weights_folder=ref.folder,
        )

    def start(self) -> None:
        """Let them wait in the queue, under the name of a new race."""
        if not self.can_start:
            return
        data = self._set_up.recipe.data.rstrip("/").rpartition("/")[2]
        at = QLocale().toString(QDateTime.currentDateTime(), QLocale.FormatType.ShortFormat)
        base = name = f"{data}, {at}"
        number = 1
        while name in self.names:
            number += 1
            name = f"{base} ({number})"
        self._queue.add(tuple((one.title, self.recipe_of(one)) for one in self.taking_part), name)
        self.show(name)

    def _preference(self, row: ModelRow) -> tuple[bool, bool, bool, float]:
        return (
            not self._models.is_ready(row),
            row.commercial_use is not True,
            row.input_px != _USUAL_INPUT,
            -(row.top1 or 0.0),
        )

    # --- what came of it

    @property
    def names(self) -> tuple[str, ...]:
        """All races that are known, the newest first."""
        waiting = [one.race for one in self._queue.items]
        return tuple(dict.fromkeys(name for name in (*waiting, *(run.race for run in self._training.runs)) if name))

    def show(self, name: str) -> None:
        """Show the results of this race; "" shows who could take part in another."""
        if name != self.shown:
            self.shown = name
            self.changed.emit()

    def rows(self) -> list[RaceRow]:
        """What each Model of the race that is shown reached: first those that ended, then those that wait."""
        ended = [self._row_of(run) for run in self._training.runs if run.race == self.shown]
        waiting = [self._row_waiting(one) for one in self._queue.items if one.race == self.shown]
        ended.sort(key=lambda row: -(row.score if row.score is not None else -1.0))
        return [*ended, *waiting] if self.shown else []

    def measure(self) -> None:
        """Measure the speed here of all Models that are shown and were not measured yet, one after another."""
        wanted = [self._model_of(row.model) for row in self.rows() if row.images_per_s is None]
        self._to_measure = list({row.name: row for row in wanted if row is not None}.values())
        self._measure_next()

    @property
    def is_measuring(self) -> bool:
        """Whether a measurement runs or waits."""
        return bool(self._to_measure) or bool(self._models.measuring)

    def export(self, path: str) -> None:
        """Write the table as CSV."""
        head: tuple[str, ...] = (
            "model",
            "weights",
            "state",
            "balanced_accuracy",
            "interval_low",
            "interval_high",
            "images_per_s",
        )
        head += ("parameters", "memory_bytes", "seconds", "licence", "run")
        handle = self._lanes["files"].submit(SaveTable(path, head, tuple(_cells(row) for row in self.rows())))
        handle.succeeded.connect(lambda kept: self._messages.success(self.tr("The race is in “{0}”.").format(kept)))
        handle.failed.connect(self._on_export_failed)

    def _row_of(self, run: RunSummary) -> RaceRow:
        facts = self._facts(run.begun_with, is_random=run.weights == "random")
        return replace(
            facts,
            folder=run.folder,
            title=run.name,
            state=run.state,
            score=run.best_balanced_accuracy,
            interval=run.interval,
            memory_bytes=run.memory_bytes,
            seconds=run.seconds,
        )

    def _row_waiting(self, item: Queued) -> RaceRow:
        facts = self._facts(item.recipe.model, is_random=item.recipe.weights == "random")
        return replace(facts, title=item.title)

    def _facts(self, model: str, *, is_random: bool) -> RaceRow:
        row = self._model_of(model)
        if row is None:
            return RaceRow("", model, model, "waiting", is_random=is_random)
        speed = next(iter(self._models.speeds(row.name)), None)
        return RaceRow(
            "",
            row.title,
            model,
            "waiting",
            images_per_s=speed.images_per_s if speed is not None else None,
            parameters=row.parameters,
            licence="" if is_random else row.licence,
            commercial_use=None if is_random else row.commercial_use,
            is_random=is_random,
        )

    def _model_of(self, name: str) -> ModelRow | None:
        return self._models.row(name)

    def _on_model(self, _name: str) -> None:
        self._measure_next()
        self.changed.emit()

    def _measure_next(self) -> None:
        if self._to_measure and not self._models.measuring:
            self._models.measure(self._to_measure.pop(0))

    def _on_export_failed(self, end: Failed | EngineStopped) -> None:
        self._messages.failed(end, self.tr("The race was not written."))


def front(points: Iterable[tuple[float, float]], *, is_less_better: bool = False) -> list[bool]:
    """Which points (cost or speed, score) no other beats in both: the Pareto front."""
    signed = [(-x if is_less_better else x, y) for x, y in points]
    return [not any(other != one and other[0] >= one[0] and other[1] >= one[1] for other in signed) for one in signed]


def _cells(row: RaceRow) -> tuple[str | float | None, ...]:
    low, high = row.interval or (None, None)
    return (
        *(row.model, "random" if row.is_random else "pretrained", row.state, row.score, low, high, row.images_per_s),
        *(row.parameters or None, row.memory_bytes or None, row.seconds or None, row.licence, row.folder),
    )
