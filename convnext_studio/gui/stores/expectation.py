"""What each preset will take on this machine: measured as soon as data set and Model are known, and remembered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from convnext_studio.core.data.dataset import SPLITS
from convnext_studio.core.events import EngineStopped, Failed, TrainingMeasured
from convnext_studio.core.recipe import FIELDS, Preset, Recipe
from convnext_studio.core.requests import MeasureTraining
from convnext_studio.core.training.expected import Expected, expected
from convnext_studio.gui.jobs import JobHandle, LaneLike
from convnext_studio.gui.language import spoken
from convnext_studio.gui.stores.again import Again
from convnext_studio.gui.stores.data_sets import DataSets
from convnext_studio.gui.stores.set_up import SetUp

SETTLE_MS = 400  # what is being typed is not worth measuring
_TRIED = 12  # Images, from all over the data set
_PACE = ("batch_size", "accumulation", "is_head_first", "ema_decay", "mixup", "cutmix")
_SECTIONS = ("model", "architecture", "augmentation", "machine")


class Expectation(QObject):
    """Measures while it is in sight; another Model, input size or data set cancels what is being measured."""

    changed = Signal()

    def __init__(self, lanes: Mapping[str, LaneLike], set_up: SetUp, data_sets: DataSets) -> None:
        super().__init__()
        self._lanes = lanes
        self._set_up = set_up
        self._data_sets = data_sets
        self._known: dict[tuple[Any, ...], TrainingMeasured] = {}
        self._failed: dict[tuple[Any, ...], str] = {}
        self._handle: JobHandle | None = None
        self._asked: tuple[Any, ...] = ()
        self._again = Again()
        self._is_in_sight = False
        self._timer = QTimer(self, singleShot=True, interval=SETTLE_MS)
        self._timer.timeout.connect(self._measure)
        set_up.changed.connect(self._on_changed)
        data_sets.changed.connect(self._on_changed)

    @property
    def is_measuring(self) -> bool:
        """True while figures for what is set up now are on their way."""
        return self._timer.isActive() or self._handle is not None

    @property
    def failure(self) -> str:
        """Why there are no figures, "" where nothing went wrong."""
        return self._failed.get(self._key, "")

    @property
    def measured(self) -> TrainingMeasured | None:
        """The parts, as measured for what is set up now."""
        return self._known.get(self._key)

    def of(self, preset: Preset) -> Expected | None:
        """What a Run takes if it is started with this preset; None while that is not known."""
        measured, card = self.measured, self._data_sets.card
        if measured is None or card is None:
            return None
        images = {split: sum(card.counts.get(split, {}).values()) for split in SPLITS}
        return expected(measured, self._recipe(preset), images)

    def set_in_sight(self, *, is_in_sight: bool) -> None:
        """The presets are on the screen, or no longer."""
        self._is_in_sight = is_in_sight
        self._on_changed()

    def _recipe(self, preset: Preset) -> Recipe:
        own = self._set_up.recipe
        return own if own.preset == preset else self._set_up.with_preset(preset)

    @property
    def _key(self) -> tuple[Any, ...]:
        recipe = self._set_up.recipe
        names = [name for name, about in FIELDS.items() if about.metadata["section"] in _SECTIONS or name in _PACE]
        card = self._data_sets.card
        classes = len(card.classes) if card is not None else 0
        return (recipe.data, classes, *(getattr(recipe, name) for name in names))

    def _on_changed(self) -> None:
        if self._handle is not None and self._asked != self._key:
            self._handle.cancel()
            self._handle = None
        card, key = self._data_sets.card, self._key
        is_wanted = self._is_in_sight and card is not None and bool(card.images) and not self._set_up.problems
        if not is_wanted or key in self._known or key in self._failed:
            self._timer.stop()
        elif self._handle is None:
            self._timer.start()
        self.changed.emit()

    def _measure(self) -> None:
        card = self._data_sets.card
        if card is None or not card.images:
            return
        self._asked = self._key
        step = max(1, len(card.images) // _TRIED)
        paths = tuple(image.path for image in card.images[::step][:_TRIED])
        request = MeasureTraining(self._set_up.recipe, paths, len(card.classes))
        handle = self._handle = self._lanes["measure"].submit(request, replaces="measure training")
        handle.succeeded.connect(self._on_measured)
        handle.failed.connect(self._on_failed)
        handle.closed.connect(self._on_closed)
        self.changed.emit()

    def _is_wanted(self) -> bool:
        return self._handle is not None and self.sender() is self._handle

    def _on_measured(self, measured: TrainingMeasured) -> None:
        if self._is_wanted():
            self._known[self._asked] = measured

    def _on_failed(self, end: Failed | EngineStopped) -> None:
        if not self._is_wanted():
            return
        if self._again.allows(end, self._asked):
            self._handle = None
            self._on_changed()
        else:
            self._failed[self._asked] = spoken(end.message)

    def _on_closed(self) -> None:
        if self._is_wanted():
            self._handle = None
            self.changed.emit()
