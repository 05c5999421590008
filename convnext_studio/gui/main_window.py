"""The window: places the Panels and lets things be dropped. No logic."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QResizeEvent,
    QStatusTipEvent,
)
from PySide6.QtWidgets import QDialog, QHBoxLayout, QMainWindow, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from convnext_studio.gui.actions import Actions
from convnext_studio.gui.architecture_place import ArchitecturePlace
from convnext_studio.gui.commands import Commands
from convnext_studio.gui.compare_place import ComparePlace
from convnext_studio.gui.evaluation_place import EvaluationPlace
from convnext_studio.gui.leaving import Leaving
from convnext_studio.gui.panels.drop_target import DropTarget
from convnext_studio.gui.panels.message_area import MessageArea
from convnext_studio.gui.panels.rail import Rail
from convnext_studio.gui.panels.status_bar import StatusBar
from convnext_studio.gui.panels.top_bar import TopBar
from convnext_studio.gui.panels.welcome import WelcomePanel
from convnext_studio.gui.stores.drops import has_paths, paths_of
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.tour import Tour
from convnext_studio.gui.training_places import TrainingPlaces
from convnext_studio.gui.widgets.focus_ring import FocusRing
from convnext_studio.gui.widgets.frame import Frame
from convnext_studio.gui.widgets.tab_order import TabAsLaidOut
from convnext_studio.gui.window_layout import SMALL_WIDTH, WindowLayout


class MainWindow(TabAsLaidOut, QMainWindow):
    """Panels that are not seen at the start are made when they are first shown."""

    def __init__(self, studio: Studio, actions: Actions) -> None:
        super().__init__()
        self._studio = studio
        self._actions = actions
        self.setWindowTitle("ConvNeXt Studio")
        self.setMinimumSize(800, 520)
        self.setAcceptDrops(True)
        self.addActions(actions.all())
        self.rail = Rail(studio, actions)
        self.top_bar = TopBar(studio, actions)
        self.status_bar = StatusBar(studio, actions)
        self.welcome = WelcomePanel(studio, actions)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.welcome)
        self.inspect: QSplitter | None = None
        self.models_page: QWidget | None = None
        self._place_panels(MessageArea(studio, actions))
        self._drop_target = DropTarget(studio.theme, studio.lanes, self.pages)
        self._focus_ring = FocusRing(studio.theme, self)
        self.commands = Commands(studio, actions, self)
        self.training = TrainingPlaces(studio, actions, self, self.pages, self.rail)
        self.leaving = Leaving(studio, self)
        self.comparison = ComparePlace(studio, actions, self.pages)
        self.tour = Tour(studio, actions, self)
        self.evaluation = EvaluationPlace(studio, actions, self, self.pages, self.rail)
        self.architecture = ArchitecturePlace(studio, actions, self.pages, self.rail)
        self.parts = WindowLayout(self, studio, actions, (self.rail, self.top_bar, self.status_bar), self.pages)
        self._connect()
        self.parts.restore()

    def _place_panels(self, messages: MessageArea) -> None:
        right = QVBoxLayout()
        for widget in (self.top_bar, messages, self.pages, self.status_bar):
            right.addWidget(widget, 1 if widget is self.pages else 0)
        right.setContentsMargins(0, 0, 0, 0)
        right.setSpacing(0)
        ground = Frame("window")
        row = QHBoxLayout(ground)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.rail)
        row.addLayout(right, 1)
        self.setCentralWidget(ground)
        self._place_badges()

    def _place_badges(self) -> None:
        from convnext_studio.gui.panels.device_badge import DeviceBadge
        from convnext_studio.gui.panels.get_weights import GetWeights
        from convnext_studio.gui.panels.model_picker import ModelButton

        self.top_bar.put_left(ModelButton(self._studio, self._actions, GetWeights))
        self.top_bar.put_left(DeviceBadge(self._studio, self._actions))

    def _connect(self) -> None:
        actions, library = self._actions, self._studio.library
        actions.connect("go_inspect", self.show_inspect)
        actions.connect("go_models", self.show_models)
        actions.connect("palette", self._open_palette)
        actions.connect("settings", self.open_settings)
        actions.connect("shortcuts", self._open_shortcuts)
        actions.connect("log", self._open_log)
        actions.connect("about", self._open_about)
        library.opening_began.connect(self.show_inspect)
        library.finding_changed.connect(self._on_library_changed)
        library.emptied.connect(self._on_library_changed)
        self.show_inspect()

    # --- pages

    def show_inspect(self) -> None:
        """The images, or the welcome page while there are none."""
        library = self._studio.library
        if library.total or library.is_finding:
            self.pages.setCurrentWidget(self.inspect_page())
        else:
            self.pages.setCurrentWidget(self.welcome)
        self.rail.set_place("inspect")

    def show_models(self) -> None:
        """All Models and the weights on this machine."""
        if self.models_page is None:
            from convnext_studio.gui.panels.get_weights import GetWeights
            from convnext_studio.gui.panels.models_page import ModelsPage

            self.models_page = ModelsPage(self._studio, self._actions, GetWeights)
            self.pages.addWidget(self.models_page)
        self.pages.setCurrentWidget(self.models_page)
        self.rail.set_place("models")

    def inspect_page(self) -> QSplitter:
        """Images, canvas and Predictions side by side; made when it is first asked for."""
        if self.inspect is None:
            from convnext_studio.gui.panels.canvas_panel import CanvasPanel
            from convnext_studio.gui.panels.explanation_panel import ExplanationPanel
            from convnext_studio.gui.panels.images_panel import ImagesPanel
            from convnext_studio.gui.panels.nearest_panel import NearestPanel
            from convnext_studio.gui.panels.predictions_panel import PredictionsPanel

            self.inspect = QSplitter(Qt.Orientation.Horizontal)
            self.inspect.setHandleWidth(1)
            self.inspect.setChildrenCollapsible(False)
            canvas = CanvasPanel(self._studio, self._actions)
            canvas.readout_changed.connect(self.status_bar.set_readout)
            images, predictions = (
                ImagesPanel(self._studio, self._actions),
                PredictionsPanel(self._studio, self._actions),
            )
            for below in (ExplanationPanel, NearestPanel):
                predictions.put_below(below(self._studio, self._actions))
            self.pages.addWidget(self.inspect)
            self.parts.take(self.inspect, (images, canvas, predictions))
        return self.inspect

    def _on_library_changed(self) -> None:
        """What ends by itself pulls nobody away from where they went meanwhile."""
        if self.pages.currentWidget() in (self.welcome, self.inspect):
            self.show_inspect()

    # --- what opens over the pages

    def open_settings(self) -> None:
        """The settings dialog."""
        self._open_setting("")

    def _open_setting(self, name: str) -> None:
        from convnext_studio.gui.panels.settings_dialog import SettingsDialog

        dialog = SettingsDialog(self._studio, self._actions, self)
        self._open(dialog)
        if name:
            dialog.show_setting(name)

    def _open_shortcuts(self) -> None:
        from convnext_studio.gui.panels.shortcut_sheet import ShortcutSheet

        self._open(ShortcutSheet(self._studio, self._actions, self))

    def _open_log(self) -> None:
        from convnext_studio.gui.panels.log_panel import LogPanel

        self._open(LogPanel(self._studio, self._actions, self))

    def _open_about(self) -> None:
        from convnext_studio.gui.panels.about import AboutDialog

        self._open(AboutDialog(self._studio, self._actions, self))

    def _open_palette(self) -> None:
        from convnext_studio.gui.panels.command_palette import CommandPalette

        palette = CommandPalette(self._studio, self._actions, self)
        palette.setting_wanted.connect(self._open_setting)
        palette.closed.connect(palette.deleteLater)
        palette.open_palette()

    def _open(self, dialog: QDialog) -> None:
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.show()

    # --- dropping

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take what names files; anything else gets the forbidden cursor."""
        if has_paths(event.mimeData()):
            event.acceptProposedAction()
            self._drop_target.show_paths(paths_of(event.mimeData()), can_add=self._studio.library.total > 0)
        else:
            event.ignore()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """As decided when it came in."""
        event.setAccepted(self._drop_target.isVisible())

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:  # noqa: ARG002
        """Gone again, or Esc."""
        self._drop_target.hide()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped; with Ctrl, besides what is open."""
        self._drop_target.hide()
        if paths := paths_of(event.mimeData()):
            event.acceptProposedAction()
            self._studio.open_paths(paths, add=bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier))
            self.show_inspect()

    # --- size, place, hints

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A small window does without words on the rail and more."""
        super().resizeEvent(event)
        is_compact = self.parts.is_small
        for panel in (self.rail, self.top_bar, self.status_bar):
            panel.set_compact(is_compact=is_compact)
        if (
            event.oldSize().width() < SMALL_WIDTH <= self.width()
            or self.width() < SMALL_WIDTH <= event.oldSize().width()
        ):
            self.parts.size_sides()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Runs that go on are asked about first, and what is being written comes to its end."""
        event.setAccepted(self.leaving.may_close())

    def event(self, event: QEvent) -> bool:
        """Hints of actions go to our own status bar."""
        if event.type() == QEvent.Type.StatusTip and isinstance(event, QStatusTipEvent):
            self.status_bar.set_hint(event.tip())
            return True
        return super().event(event)
