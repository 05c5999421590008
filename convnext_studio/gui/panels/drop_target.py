"""What lies over the window while something is dragged over it: where to drop, what will open, what it promises."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtWidgets import QWidget

from convnext_studio.gui.jobs import LaneLike
from convnext_studio.gui.stores.drops import LOOK_AT, DropSummary, summarise
from convnext_studio.gui.stores.look import Look
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.numbers import count
from convnext_studio.gui.widgets.page_drop import DropCover


class DropTarget(DropCover):
    """Covers its parent; the mouse goes through."""

    def __init__(self, theme: Theme, lanes: Mapping[str, LaneLike], parent: QWidget) -> None:
        lines = (
            self.tr("Files that are not images are passed over."),
            self.tr("They stay where they are; nothing is copied or changed."),
            self.tr("Hold Ctrl to add to what is open."),
        )
        super().__init__(theme, "image", lines, parent)
        self._paths: tuple[str, ...] = ()
        self._look = Look(lanes, "drag", self)
        self._look.changed.connect(self._show_summary)
        self._add_hint = self.lines[-1]

    def show_paths(self, paths: tuple[str, ...], *, can_add: bool = False) -> None:
        """Say what will open, and cover the parent; `can_add` if something is open already."""
        self._paths = paths
        self._look.ask(paths[:LOOK_AT])
        self._add_hint.setVisible(can_add)
        self._show_summary()
        self.cover()

    def _show_summary(self) -> None:
        self.title.setText(self._sentence(summarise(self._paths, self._look.is_folder)))

    def _sentence(self, summary: DropSummary) -> str:
        folders = self.tr("1 folder") if summary.folders == 1 else self.tr("{} folders").format(count(summary.folders))
        files = self.tr("1 file") if summary.files == 1 else self.tr("{} files").format(count(summary.files))
        if summary.folders and summary.files:
            return self.tr("Drop to open {} and {}").format(folders, files)
        return self.tr("Drop to open {}").format(folders if summary.folders else files)
