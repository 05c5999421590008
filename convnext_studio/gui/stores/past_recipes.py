"""Recipes of past Runs, to begin another with. The Engine reads them: a shared folder may be slow."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QObject, Signal

from convnext_studio.core.events import EngineStopped, Failed
from convnext_studio.core.recipe import Recipe
from convnext_studio.core.run_requests import ReadRecipes
from convnext_studio.gui.jobs import LaneLike
from convnext_studio.gui.messages import Messages
from convnext_studio.gui.stores.set_up import SetUp


class PastRecipes(QObject):
    """`taken` follows when a Recipe was read and put into the set-up."""

    taken = Signal()

    def __init__(self, lanes: Mapping[str, LaneLike], messages: Messages, set_up: SetUp) -> None:
        super().__init__()
        self._lanes = lanes
        self._messages = messages
        self._set_up = set_up
        self._keeps_data = False

    def take(self, folder: str, *, keeps_data: bool = False) -> None:
        """Begin with the Recipe of the Run in `folder`; a data set that is chosen already stays if `keeps_data`."""
        self._keeps_data = keeps_data
        handle = self._lanes["train"].submit(ReadRecipes((folder,)), replaces="take recipe")
        handle.succeeded.connect(self._on_read)
        handle.failed.connect(self._on_failed)

    def _on_read(self, recipes: tuple[Recipe | None, ...]) -> None:
        recipe = recipes[0]
        if recipe is None:
            self._messages.error(
                self.tr("The Recipe of this run cannot be read."),
                self.tr("Choose another run, or begin with a preset."),
            )
            return
        self._set_up.repeat(recipe, keeps_data=self._keeps_data)
        self.taken.emit()

    def _on_failed(self, end: Failed | EngineStopped) -> None:
        self._messages.failed(end, self.tr("The Recipe was not read."))
