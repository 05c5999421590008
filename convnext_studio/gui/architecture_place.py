"""The page that shows what a network is: made when it is first asked for, with its way back and its action."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QStackedWidget

from convnext_studio.gui.actions import Actions
from convnext_studio.gui.panels.rail import Rail
from convnext_studio.gui.stores.studio import Studio

if TYPE_CHECKING:
    from convnext_studio.gui.panels.architecture_panel import ArchitecturePanel


class ArchitecturePlace(QObject):
    """Puts the page into `pages`. It belongs to Models, and leads back to where it was opened from."""

    def __init__(self, studio: Studio, actions: Actions, pages: QStackedWidget, rail: Rail) -> None:
        super().__init__(pages)
        self._studio = studio
        self._actions = actions
        self._pages = pages
        self._rail = rail
        self.panel: ArchitecturePanel | None = None
        actions.connect("show_network", studio.architecture.show_current)
        studio.architecture.shown.connect(self._show)

    def _show(self) -> None:
        if self.panel is None:
            from convnext_studio.gui.panels.architecture_panel import ArchitecturePanel

            self.panel = ArchitecturePanel(self._studio, self._actions)
            self._pages.addWidget(self.panel)
        if self._pages.currentWidget() is not self.panel:
            self.panel.set_way_back(f"go_{self._rail.place}")
        self._pages.setCurrentWidget(self.panel)
        self._rail.set_place("models")
