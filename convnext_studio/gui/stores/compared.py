"""The Runs that are laid beside each other: their curves in the live page's plots, and where their Recipes differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QCoreApplication, QObject, Signal

from convnext_studio.core.recipe import FIELDS, Recipe
from convnext_studio.core.run_requests import ReadHistories, ReadRecipes
from convnext_studio.gui.jobs import LaneLike
from convnext_studio.gui.stores.run_view import OtherRun
from convnext_studio.gui.stores.training import Training
from convnext_studio.gui.widgets import numbers
from convnext_studio.gui.widgets.figures import UNKNOWN
from convnext_studio.gui.widgets.recipe_words import choice_word, label_word

if TYPE_CHECKING:  # read when the first Run is: the window is on the screen sooner
    from convnext_studio.core.runs.history import History

MOST = 6  # more lines than that nobody tells apart


class Compared(QObject):
    """`folders` in the order they were chosen; a child of `training`."""

    changed = Signal()
    refused = Signal()  # one more than can be told apart

    def __init__(self, lanes: Mapping[str, LaneLike], training: Training) -> None:
        super().__init__(training)
        self.folders: tuple[str, ...] = ()
        self._lanes = lanes
        self._training = training
        self._recipes: dict[str, Recipe] = {}
        self._histories: dict[str, History] = {}
        self._read_at: dict[str, float] = {}  # how long a Run had worked when its History was read
        training.runs_changed.connect(self._on_runs)
        training.view.shown_changed.connect(self._hand_over)

    def toggle(self, folder: str) -> None:
        """Lay a Run beside the others, or take it away."""
        if folder in self.folders:
            self._set(tuple(one for one in self.folders if one != folder))
        elif len(self.folders) < MOST:
            self._set((*self.folders, folder))
        else:
            self.refused.emit()

    def clear(self) -> None:
        """Take all away."""
        self._set(())

    def differences(self) -> list[tuple[str, tuple[str, ...]]]:
        """Label of each field of the Recipe that is not the same in all, and what each Run has there, in words."""
        recipes = [self._recipes.get(folder) for folder in self.folders]
        known = [recipe for recipe in recipes if recipe is not None]
        rows = []
        for name in FIELDS:
            if len({getattr(recipe, name) for recipe in known}) > 1:
                values = tuple(UNKNOWN if one is None else value_words(name, getattr(one, name)) for one in recipes)
                rows.append((label_word(name), values))
        return rows

    def names(self) -> tuple[str, ...]:
        """What the Runs are called, told apart where two are called the same."""
        called = [(self._training.summary(folder), folder) for folder in self.folders]
        names = [run.name if run is not None else folder.rpartition("/")[2] for run, folder in called]
        return tuple(
            f"{name} ({names[: number + 1].count(name)})" if names.count(name) > 1 else name
            for number, name in enumerate(names)
        )

    def histories(self) -> list[tuple[str, str, History]]:
        """Folder, name and History of those that were read."""
        named = zip(self.folders, self.names(), strict=True)
        return [(folder, name, self._histories[folder]) for folder, name in named if folder in self._histories]

    def _set(self, folders: tuple[str, ...]) -> None:
        if folders != self.folders:
            self.folders = folders
            self._ask()
            self._tell()

    def _on_runs(self) -> None:
        there = {run.folder for run in self._training.runs}
        kept = tuple(folder for folder in self.folders if folder in there)
        if kept != self.folders:
            self._set(kept)
        else:
            self._ask()

    def _ask(self) -> None:
        unread = tuple(folder for folder in self.folders if folder not in self._recipes)
        if unread:
            handle = self._lanes["places"].submit(ReadRecipes(unread), replaces="compared recipes")
            handle.succeeded.connect(lambda found: self._on_recipes(unread, found))
        worked = {run.folder: run.seconds for run in self._training.runs}
        stale = tuple(one for one in self.folders if self._read_at.get(one) != worked.get(one, 0.0))
        if stale:
            handle = self._lanes["places"].submit(ReadHistories(stale), replaces="compared histories")
            handle.succeeded.connect(lambda found: self._on_histories(stale, found, worked))

    def _on_recipes(self, folders: tuple[str, ...], found: tuple[Recipe | None, ...]) -> None:
        pairs = zip(folders, found, strict=True)
        self._recipes |= {folder: recipe for folder, recipe in pairs if recipe is not None}
        self.changed.emit()

    def _on_histories(
        self, folders: tuple[str, ...], found: tuple[History | None, ...], worked: Mapping[str, float]
    ) -> None:
        for folder, history in zip(folders, found, strict=True):
            self._read_at[folder] = worked.get(folder, 0.0)
            if history is not None:
                self._histories[folder] = history
        self._tell()

    def _tell(self) -> None:
        self._hand_over()
        self.changed.emit()

    def _hand_over(self) -> None:
        view = self._training.view
        others = [OtherRun(*told) for told in self.histories() if told[0] != view.folder]
        if others or view.others:
            view.set_others(others)


def value_words(name: str, value: Any) -> str:
    """A value of a Recipe's field as people read it."""
    if "choices" in FIELDS[name].metadata:
        return choice_word(name, value)
    if isinstance(value, bool):
        return QCoreApplication.translate("compared", "yes") if value else QCoreApplication.translate("compared", "no")
    if isinstance(value, tuple):
        return " · ".join(map(str, value)) or UNKNOWN
    if isinstance(value, float):
        return numbers.decimal(value, 0) if value == int(value) and abs(value) < 1e6 else f"{value:g}"
    return str(value) or UNKNOWN
