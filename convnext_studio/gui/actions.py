"""One table of actions; menus, shortcuts, the command palette and the sheet of shortcuts are made from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QAction, QKeySequence

from convnext_studio.gui.theme.theme import Theme


@dataclass(frozen=True)
class ActionSpec:
    """An action: `text` as it stands in a menu, `shortcut` as Qt writes it (several: parted by "; "), `tip` a sentence.

    `menu` is the heading it stands under. A `single key` shortcut works only where nobody types.
    """

    id: str
    text: str
    shortcut: str
    icon: str
    menu: str
    tip: str
    is_checkable: bool = False


MENUS = ("File", "Image", "Explanation", "View", "Training", "Evaluation", "Models", "Help")

ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("open_files", "Open images…", "Ctrl+O", "image", "File", "Choose images to open."),
    ActionSpec("open_folder", "Open folder…", "Ctrl+Shift+O", "folder", "File", "Choose a folder; folders in it too."),
    ActionSpec("paste", "Paste", "Ctrl+V", "paste", "File", "Open the image or the paths on the clipboard."),
    ActionSpec("open_sample", "Open sample", "Alt+1", "bolt", "File", "Make the sample images here and classify them."),
    ActionSpec("save_results", "Save results…", "Ctrl+S", "export", "File", "Write the results shown in the list."),
    ActionSpec(
        "copy_by_class",
        "Copy into folders by class…",
        "",
        "copy",
        "File",
        "Copy each image into a folder of its class.",
    ),
    ActionSpec("clear_recent", "Clear the recent list", "", "trash", "File", "Forget the places opened before."),
    ActionSpec("settings", "Settings…", "Ctrl+,", "settings", "File", "Change how the program looks and works."),
    ActionSpec("quit", "Quit", "Ctrl+Q", "x", "File", "Stop what runs and close the window."),
    ActionSpec("classify", "Classify", "Ctrl+Return", "play", "Image", "Classify every image that has no answer yet."),
    ActionSpec("stop", "Stop", "Ctrl+.", "stop", "Image", "Stop classifying; what is done stays."),
    ActionSpec("next_image", "Next image", "Alt+Right", "right", "Image", "Show the next image of the list."),
    ActionSpec("previous_image", "Previous image", "Alt+Left", "left", "Image", "Show the image before this one."),
    ActionSpec("copy_result", "Copy result", "Ctrl+C", "copy", "Image", "Copy name and classes of this image as text."),
    ActionSpec("copy_image", "Copy image", "Ctrl+Shift+C", "image", "Image", "Copy the picture itself."),
    ActionSpec("filter_images", "Filter images", "Ctrl+F", "filter", "Image", "Type what name or class must contain."),
    ActionSpec(
        "compare", "Compare", "Ctrl+Shift+K", "compare", "Image", "Show two to four selected images side by side."
    ),
    ActionSpec("zoom_in", "Zoom in", "Ctrl++; Ctrl+=", "plus", "Image", "Show the image larger."),
    ActionSpec("zoom_out", "Zoom out", "Ctrl+-", "minus", "Image", "Show the image smaller."),
    ActionSpec("zoom_fit", "Fit to window", "Ctrl+0", "fit", "Image", "Show the whole image."),
    ActionSpec("zoom_full", "Actual pixels", "Ctrl+1", "image", "Image", "One image pixel for one of the screen."),
    ActionSpec(
        "show_input",
        "What the network sees",
        "Ctrl+I",
        "frame",
        "Image",
        "Show the input of the Model beside the image.",
        True,
    ),
    ActionSpec(
        "show_heatmap", "Heatmap", "Ctrl+E", "eye", "Explanation", "Show where the Model sees its evidence.", True
    ),
    ActionSpec(
        "peek", "Hide the Heatmap while held", "H", "image", "Explanation", "See the image alone while the key is held."
    ),
    ActionSpec(
        "swipe",
        "Swipe",
        "Ctrl+D",
        "swipe",
        "Explanation",
        "Show the Heatmap at one side of a line; drag it, or press comma and period.",
        True,
    ),
    ActionSpec(
        "side_by_side",
        "Side by side",
        "Ctrl+Shift+D",
        "compare",
        "Explanation",
        "Show the image without its Heatmap beside it, at the same place and zoom.",
        True,
    ),
    ActionSpec(
        "show_stages",
        "All stages",
        "Ctrl+G",
        "stages",
        "Explanation",
        "Show the Heatmaps of the four stages in a row.",
        True,
    ),
    ActionSpec(
        "heat_box",
        "Heat in a box",
        "Ctrl+B",
        "box",
        "Explanation",
        "Draw a box and read its share of the heat; arrow keys move it, with Shift they size it.",
        True,
    ),
    ActionSpec(
        "save_heatmap",
        "Save Heatmap…",
        "Ctrl+Shift+S",
        "export",
        "Explanation",
        "Write overlay, raw map or record of this Heatmap.",
    ),
    ActionSpec(
        "explain_all",
        "Explain all shown images…",
        "Ctrl+Shift+E",
        "folder",
        "Explanation",
        "Write the Heatmap of every image in the list into a folder.",
    ),
    ActionSpec("view_grid", "Grid", "Ctrl+Shift+G", "grid", "View", "Show the images as thumbnails.", True),
    ActionSpec("view_table", "Table", "Ctrl+Shift+T", "list", "View", "Show the images as a table.", True),
    ActionSpec("side_panels", "Side panels", "F9", "sides", "View", "Show the list and the Predictions.", True),
    ActionSpec("full_screen", "Image alone", "F11; F", "full", "View", "Fill the screen; Esc leads back.", True),
    ActionSpec("reset_layout", "Reset layout", "", "retry", "View", "Show all panels, as wide as at first."),
    ActionSpec("go_inspect", "Inspect", "Ctrl+Shift+1", "inspect", "View", "Show the images and what is in them."),
    ActionSpec("go_data", "Data", "Ctrl+Shift+2", "data", "View", "Show the data set, its classes and its labels."),
    ActionSpec("go_train", "Train", "Ctrl+Shift+3", "train", "View", "Show the Runs and how they go."),
    ActionSpec(
        "go_evaluate", "Evaluate", "Ctrl+Shift+4", "evaluate", "View", "Show how good a Model is on labelled images."
    ),
    ActionSpec(
        "go_models", "Models", "Ctrl+Shift+5", "models", "View", "Show all Models and the weights on this machine."
    ),
    ActionSpec(
        "train_folder", "Train on a folder…", "Ctrl+Shift+N", "folder", "Training", "Choose a folder of class folders."
    ),
    ActionSpec(
        "train_sample", "Train on the sample", "Alt+2", "bolt", "Training", "Make the sample images and train on them."
    ),
    ActionSpec("new_run", "New run", "Ctrl+N", "plus", "Training", "Set up a training."),
    ActionSpec(
        "all_runs", "All Runs", "Ctrl+Shift+R", "table", "Training", "Show all Runs as a table, to compare them."
    ),
    ActionSpec("race", "Race of Models…", "", "flag", "Training", "Train several Models alike, and see which is best."),
    ActionSpec(
        "queue_run", "Add to queue", "", "clock", "Training", "Let the Run begin as it is set up, once others are done."
    ),
    ActionSpec(
        "start_run", "Start training", "Ctrl+Shift+Return", "play", "Training", "Begin the Run as it is set up."
    ),
    ActionSpec("pause_run", "Pause", "", "pause", "Training", "Let the Run wait, or go on after it waited."),
    ActionSpec(
        "finish_epoch", "Finish after this epoch", "", "check", "Training", "End the Run once the epoch is done."
    ),
    ActionSpec(
        "lower_rate",
        "Lower the learning rate",
        "",
        "down",
        "Training",
        "Go on with half the learning rate from now on.",
    ),
    ActionSpec("stop_run", "Stop and keep best", "", "flag", "Training", "End the Run; its best Model stays."),
    ActionSpec("resume_run", "Resume", "", "retry", "Training", "Go on with a Run from where it stopped."),
    ActionSpec("repeat_run", "Repeat with changes…", "", "copy", "Training", "Set up another Run like this one."),
    ActionSpec("use_run_model", "Use this Model", "", "models", "Training", "Classify with the Run's best Model."),
    ActionSpec("open_run_folder", "Open folder", "", "open", "Training", "Show the Run's files."),
    ActionSpec("delete_run", "Move to trash…", "", "trash", "Training", "Throw the Run away; the trash keeps it."),
    ActionSpec("undo_label", "Undo label change", "Ctrl+Z", "undo", "Training", "Take the last label change back."),
    ActionSpec(
        "redo_label", "Redo label change", "Ctrl+Shift+Z; Ctrl+Y", "redo", "Training", "Make the label change again."
    ),
    ActionSpec(
        "evaluate_run", "Evaluate this Run", "", "evaluate", "Evaluation", "Show how good the Run's best Model is."
    ),
    ActionSpec(
        "start_evaluation",
        "Start evaluation",
        "",
        "play",
        "Evaluation",
        "Judge the chosen Model by the chosen images.",
    ),
    ActionSpec(
        "save_evaluation",
        "Save report…",
        "",
        "export",
        "Evaluation",
        "Write a report to read, a table of the images, or all figures.",
    ),
    ActionSpec(
        "choose_model", "Choose a Model…", "Ctrl+Shift+M", "models", "Models", "Find a Model by name, size or licence."
    ),
    ActionSpec(
        "show_network",
        "What the network is",
        "Ctrl+Shift+I",
        "stages",
        "Models",
        "Show the blocks of the Model in use, and what they make of the current image.",
    ),
    ActionSpec(
        "index_training",
        "Index training images",
        "",
        "data",
        "Models",
        "Make the nearest training images known for the Model in use.",
    ),
    ActionSpec(
        "measure_again", "Measure again", "", "retry", "Models", "Find out anew how the Model runs fastest here."
    ),
    ActionSpec(
        "theme_system", "Colours as the system", "", "settings", "View", "Dark or light, as the system says.", True
    ),
    ActionSpec("theme_dark", "Dark colours", "", "moon", "View", "Light words on a dark ground.", True),
    ActionSpec("theme_light", "Light colours", "", "sun", "View", "Dark words on a light ground.", True),
    ActionSpec(
        "palette", "Find an action…", "Ctrl+K; Ctrl+Shift+P", "search", "Help", "Find and run any action by name."
    ),
    ActionSpec("tour", "Tour", "", "flag", "Help", "Go from the first image to a Model of your own, step by step."),
    ActionSpec("shortcuts", "Keyboard shortcuts", "F1; ?", "keyboard", "Help", "Show all shortcuts."),
    ActionSpec("log", "Log", "Ctrl+Shift+L", "log", "Help", "Show what the program noted."),
    ActionSpec("about", "About", "", "info", "Help", "Versions, devices, folders and licences."),
)


class Actions:
    """The QActions by id. What is connected to none is greyed out; a test demands that none is."""

    def __init__(self, theme: Theme, specs: Iterable[ActionSpec] = ACTIONS) -> None:
        self._actions: dict[str, QAction] = {}
        self._menus: dict[str, str] = {}
        self._icons: dict[str, str] = {}
        self._keys: dict[str, list[QKeySequence]] = {}
        self.unconnected: set[str] = set()
        for spec in specs:
            self._add(theme, spec)

    def __getitem__(self, action_id: str) -> QAction:
        return self._actions[action_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._actions)

    def __contains__(self, action_id: str) -> bool:
        return action_id in self._actions

    def all(self) -> list[QAction]:
        """Every action, in the order of the table."""
        return list(self._actions.values())

    def default_keys(self, action_id: str) -> list[QKeySequence]:
        """The keys an action has before the user gives it others."""
        return list(self._keys[action_id])

    def menu_of(self, action_id: str) -> str:
        """The heading an action stands under."""
        return self._menus[action_id]

    def icon_name(self, action_id: str) -> str:
        """The icon of an action."""
        return self._icons[action_id]

    def heading(self, menu: str) -> str:
        """A heading in the user's language."""
        return _translated(menu)

    def connect(self, action_id: str, slot: Callable[..., Any]) -> None:
        """Let `slot` serve the action. A checkable action hands over whether it is on."""
        action = self._actions[action_id]
        (action.toggled if action.isCheckable() and not action.actionGroup() else action.triggered).connect(slot)
        if action_id in self.unconnected:
            self.unconnected.discard(action_id)
            action.setEnabled(True)

    def _add(self, theme: Theme, spec: ActionSpec) -> None:
        action = QAction(theme.icon(spec.icon), _translated(spec.text))
        action.setObjectName(spec.id)
        self._keys[spec.id] = [QKeySequence(keys) for keys in spec.shortcut.split("; ") if keys]
        action.setShortcuts(self._keys[spec.id])
        action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        action.setStatusTip(_translated(spec.tip))
        action.setToolTip(_translated(spec.tip))
        action.setCheckable(spec.is_checkable)
        action.setEnabled(False)  # until somebody serves it
        self._actions[spec.id] = action
        self._menus[spec.id] = spec.menu
        self._icons[spec.id] = spec.icon
        self.unconnected.add(spec.id)


def _translated(text: str) -> str:
    return QCoreApplication.translate("Actions", text)
