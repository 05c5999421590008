"""The training that is being set up: its Recipe, and which typed values do not fit it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, Signal

from convnext_studio.core.errors import UsageError
from convnext_studio.core.recipe import FIELDS, PRESETS, Preset, Recipe, changed, differences, from_preset
from convnext_studio.core.values import ModelRef
from convnext_studio.gui.language import spoken

_OF_PRESETS = {name for preset in PRESETS for name in differences(Recipe(), from_preset(preset))} - {"preset"}

_OF_DATA = tuple(name for name, about in FIELDS.items() if about.metadata["section"] == "data")


class SetUp(QObject):
    """Holds a Recipe that is valid at any time; what does not fit stays out, with its sentence in `problems`."""

    takes_features = True  # a Model without classes will do: training gives it some

    changed = Signal()
    data_changed = Signal()  # what decides how the data set is read and split
    name_changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.recipe = Recipe()
        self.problems: dict[str, str] = {}
        self.name = ""  # of the Run; empty: made from the data set

    @property
    def can_start(self) -> bool:
        """True once there is a data set and every field holds what was typed."""
        return bool(self.recipe.data) and not self.problems

    def set(self, **values: Any) -> None:
        """Change fields together; those that do not fit are named in `problems`."""
        try:
            recipe = changed(self.recipe, values)
        except UsageError as error:
            self.problems |= dict.fromkeys(values, spoken(_without_label(error.message)))
            self.changed.emit()
            return
        for name in values:
            self.problems.pop(name, None)
        self._take(recipe)

    def set_name(self, name: str) -> None:
        """Name the Run; "" = as the data set."""
        if name != self.name:
            self.name = name
            self.name_changed.emit()

    def set_preset(self, preset: Preset) -> None:
        """What the preset decides as it says; data, Model and the rest stay."""
        self.problems = {name: problem for name, problem in self.problems.items() if name not in _OF_PRESETS}
        self._take(self.with_preset(preset))

    def with_preset(self, preset: Preset) -> Recipe:
        """What `set_preset` would lead to."""
        kept = {name: getattr(self.recipe, name) for name in FIELDS if name not in _OF_PRESETS | {"preset"}}
        return from_preset(preset, **kept)

    def set_model(self, ref: ModelRef) -> None:
        """What training begins with."""
        self.set(model=ref.name, weights=ref.weights, weights_file=ref.file, weights_folder=ref.folder)

    def repeat(self, recipe: Recipe, *, keeps_data: bool = False) -> None:
        """Begin with the Recipe of a past Run; a data set chosen already stays, with its split, if `keeps_data`."""
        self.problems = {}
        if keeps_data and self.recipe.data:
            recipe = replace(recipe, **{name: getattr(self.recipe, name) for name in _OF_DATA})
        self._take(recipe)

    @property
    def changes(self) -> Mapping[str, tuple[Any, Any]]:
        """What differs from the preset, besides data set and Model: the preset's value and the one held."""
        found = differences(from_preset(self.recipe.preset), self.recipe)
        return {name: pair for name, pair in found.items() if FIELDS[name].metadata["section"] not in ("data", "model")}

    def _take(self, recipe: Recipe) -> None:
        old, self.recipe = self.recipe, recipe
        self.changed.emit()
        if split_of(old) != split_of(recipe):
            self.data_changed.emit()


def split_of(recipe: Recipe) -> tuple[Any, ...]:
    """The values that decide how a data set is read and split."""
    return (recipe.seed, *(getattr(recipe, name) for name in _OF_DATA))


def _without_label(message: str) -> str:
    """The sentence alone: the field's name stands beside it already."""
    head, mark, sentence = message.partition("): ")
    return sentence if mark and "(" in head else message
