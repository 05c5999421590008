"""The page that compares Images: made when it is first asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QStackedWidget

from convnext_studio.gui.actions import Actions
from convnext_studio.gui.stores.studio import Studio

if TYPE_CHECKING:
    from convnext_studio.gui.panels.compare_panel import ComparePanel


class ComparePlace(QObject):
    """Puts the page into `pages`. It belongs to Inspect, which leads back to the images."""

    def __init__(self, studio: Studio, actions: Actions, pages: QStackedWidget) -> None:
        super().__init__(pages)
        self._studio = studio
        self._actions = actions
        self._pages = pages
        self.panel: ComparePanel | None = None
        studio.side_by_side.shown.connect(self._show)

    def _show(self) -> None:
        if self.panel is None:
            from convnext_studio.gui.panels.compare_panel import ComparePanel

            self.panel = ComparePanel(self._studio, self._actions)
            self._pages.addWidget(self.panel)
        self._pages.setCurrentWidget(self.panel)
        self.panel.setFocus(Qt.FocusReason.OtherFocusReason)
