"""The places Data and Train of the window, made when they are first shown, and the actions that belong to them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QFile, QObject, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QMainWindow, QStackedWidget, QWidget

from convnext_studio.gui.actions import Actions
from convnext_studio.gui.end_notice import EndNotice
from convnext_studio.gui.language import spoken
from convnext_studio.gui.messages import Message
from convnext_studio.gui.panels.rail import Rail
from convnext_studio.gui.stores.choosing import use_model_file
from convnext_studio.gui.stores.studio import Studio

if TYPE_CHECKING:
    from convnext_studio.core.runs.control import Wanted
    from convnext_studio.gui.panels.data_page import DataPage
    from convnext_studio.gui.panels.model_picker import ModelPicker
    from convnext_studio.gui.panels.train_page import TrainPage


class TrainingPlaces(QObject):
    """Puts the two pages into `pages` and serves their actions."""

    def __init__(
        self, studio: Studio, actions: Actions, window: QMainWindow, pages: QStackedWidget, rail: Rail
    ) -> None:
        super().__init__(window)
        self._studio = studio
        self._actions = actions
        self._window = window
        self._pages = pages
        self._rail = rail
        self._picker: ModelPicker | None = None
        self.data_page: DataPage | None = None
        self.train_page: TrainPage | None = None
        self.end_notice = EndNotice(studio, window, self._show_run)
        self._connect()
        self._show_actions()

    def _connect(self) -> None:
        studio = self._studio
        served = {
            "go_data": self.show_data,
            "go_train": self.show_train,
            "train_folder": self._choose_folder,
            "train_sample": studio.sample.train_on_sample,
            "new_run": self.show_set_up,
            "all_runs": self.show_runs,
            "race": self._show_race,
            "queue_run": self._queue_run,
            "start_run": studio.training.start,
            "pause_run": self._pause,
            "finish_epoch": lambda: self._steer("finish epoch"),
            "stop_run": lambda: self._steer("stop"),
            "lower_rate": lambda: self._steer("lower rate"),
            "resume_run": self._resume,
            "repeat_run": self._repeat,
            "use_run_model": self._use_model,
            "open_run_folder": self._open_folder,
            "delete_run": self._ask_delete,
            "undo_label": lambda: studio.data_sets.edit("undo"),
            "redo_label": lambda: studio.data_sets.edit("redo"),
        }
        for name, slot in served.items():
            self._actions.connect(name, slot)
        studio.sample.made_to_train.connect(self._on_sample)
        studio.training.started.connect(self._on_started)
        studio.past_recipes.taken.connect(self.show_set_up)
        for changed in (
            studio.set_up.changed,
            studio.data_sets.changed,
            studio.training.state_changed,
            studio.training.runs_changed,
            studio.training.view.changed,
            studio.training.view.shown_changed,
        ):
            changed.connect(self._show_actions)
        self._pages.currentChanged.connect(self._show_actions)

    # --- places

    def show_data(self) -> None:
        """The data set and its labels."""
        if self.data_page is None:
            from convnext_studio.gui.panels.data_page import DataPage

            self.data_page = DataPage(self._studio, self._actions)
            self._pages.addWidget(self.data_page)
        self._pages.setCurrentWidget(self.data_page)
        self._rail.set_place("data")

    def show_train(self) -> None:
        """The Runs."""
        self._pages.setCurrentWidget(self.train())
        self._rail.set_place("train")

    def show_set_up(self) -> None:
        """Set up a training."""
        self.train().show_set_up()
        self.show_train()

    def _show_run(self, folder: str) -> None:
        self.train().show_run(folder)
        self.show_train()

    def show_runs(self) -> None:
        """All Runs as a table."""
        self.train().show_runs()
        self.show_train()

    def _show_race(self) -> None:
        self.train().show_race()
        self.show_train()

    def train(self) -> TrainPage:
        """The page of the Runs, made when it is first asked for."""
        if self.train_page is None:
            from convnext_studio.gui.panels.train_page import TrainPage

            makers = {
                "set_up": self._make_set_up,
                "live": self._make_live,
                "runs": self._make_runs,
                "race": self._make_race,
            }
            self.train_page = TrainPage(self._studio, self._actions, makers)
            self._pages.addWidget(self.train_page)
        return self.train_page

    def _make_set_up(self) -> QWidget:
        from convnext_studio.gui.panels.set_up_panel import SetUpPanel

        return SetUpPanel(self._studio, self._actions, self._pick_model)

    def _make_live(self) -> QWidget:
        from convnext_studio.gui.panels.live_panel import LivePanel

        return LivePanel(self._studio, self._actions)

    def _make_runs(self) -> QWidget:
        from convnext_studio.gui.panels.beside_panel import BesidePanel
        from convnext_studio.gui.panels.queue_panel import QueuePanel
        from convnext_studio.gui.panels.run_details import RunDetails
        from convnext_studio.gui.panels.runs_page import RunsPage

        details = RunDetails(self._studio, self._actions)
        below = (BesidePanel(self._studio, self._actions), QueuePanel(self._studio, self._actions))
        page = RunsPage(self._studio, self._actions, details, below)
        for part in (page, details):
            part.opened.connect(self.train().show_run)
        return page

    def _make_race(self) -> QWidget:
        from convnext_studio.gui.panels.race_page import RacePage

        page = RacePage(self._studio, self._actions)
        page.opened.connect(self.train().show_run)
        return page

    def _pick_model(self, anchor: QWidget) -> None:
        from convnext_studio.gui.panels.get_weights import GetWeights
        from convnext_studio.gui.panels.model_picker import ModelPicker

        if self._picker is None:
            pane = GetWeights(self._studio, self._actions, taker=self._studio.set_up)
            self._picker = ModelPicker(self._studio, pane, self._window, taker=self._studio.set_up)
        self._picker.open_for(anchor)

    # --- the data set

    def _choose_folder(self) -> None:
        start = self._studio.memory.text("train_folder") or str(Path.home())
        dialog = QFileDialog(self._window, self.tr("Choose a folder with one folder for each class"), start)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(self._on_folder)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _on_folder(self, path: str) -> None:
        self._studio.memory.keep("train_folder", str(Path(path).parent))
        self._studio.set_up.set_name("")
        self._on_data_set(path)

    def _on_sample(self, path: str) -> None:
        self._studio.set_up.set_name(self.tr("sample"))
        self._on_data_set(path)

    def _on_data_set(self, path: str) -> None:
        self._studio.data_sets.choose(path)
        if self.data_page is None or self._pages.currentWidget() is not self.data_page:
            self.show_set_up()

    # --- the Run that is shown

    @property
    def _folder(self) -> str:
        return self._studio.training.view.folder

    def _on_started(self, folder: str) -> None:
        self._studio.set_up.set_name("")
        self.train().show_run(folder)
        self.show_train()

    def _queue_run(self) -> None:
        name = self._studio.set_up.name
        adding = self._studio.queue.add(((name, self._studio.set_up.recipe),))
        adding.succeeded.connect(lambda: self._on_queued(name))

    def _on_queued(self, name: str) -> None:
        if self._studio.set_up.name == name:  # else another was typed meanwhile
            self._studio.set_up.set_name("")
        self._studio.messages.success(self.tr("Added to the queue. It begins once nothing else trains here."))

    def _steer(self, wanted: Wanted) -> None:
        self._studio.training.steer(self._folder, wanted)

    def _pause(self) -> None:
        self._steer("go on" if self._studio.training.view.history.paused is not None else "pause")

    def _resume(self) -> None:
        view = self._studio.training.view
        self._studio.training.resume(view.folder, accepts_changes=view.can_accept_changes)

    def _repeat(self) -> None:
        self._studio.past_recipes.take(self._folder)

    def _use_model(self) -> None:
        use_model_file(str(Path(self._folder) / "model.safetensors"), self._studio.models, self._studio.classifier)
        self._actions["go_inspect"].trigger()

    def _open_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(self._folder))

    def _ask_delete(self) -> None:
        from convnext_studio.gui.widgets.question import Question

        folder = self._folder
        summary = self._studio.training.summary(folder)
        name = summary.name if summary is not None else Path(folder).name
        question = Question(
            self._studio.theme,
            self.tr("Move “{0}” to the trash?").format(name),
            self.tr("Its Model, its curves and its resume state go with it. The trash keeps them until it is emptied."),
            (("keep", self.tr("Keep it"), "secondary"), ("delete", self.tr("Move to trash"), "danger")),
            self._window,
        )
        question.answered.connect(lambda key: self._delete(folder, name) if key == "delete" else None)
        question.open()

    def _delete(self, folder: str, name: str) -> None:
        at = to_trash(folder)
        if at is not None:
            self._studio.training.view.show("")
            self.train().show_ready()
            self._studio.training.look()
            self._say_trashed(folder, name, at)
        else:
            self._studio.messages.error(
                self.tr("“{0}” could not be moved to the trash; nothing was deleted.").format(name),
                self.tr("This place has no trash. Open the folder and delete it there."),
            )

    def _say_trashed(self, folder: str, name: str, at: str) -> None:
        fact = self.tr("“{0}” is in the trash.").format(name)
        if not at:
            self._studio.messages.success(fact)
            return
        undo = self.tr("Undo")
        self._studio.messages.post(
            Message("info", fact, "", "", undo, lambda: self._studio.training.restore(at, folder))
        )

    # --- what can be done now

    def _show_actions(self) -> None:
        studio, actions = self._studio, self._actions
        training, view, data = studio.training, studio.training.view, studio.data_sets
        summary = view.summary or training.shown
        has_ended = view.history.ended is not None or (summary is not None and summary.state != "running")
        is_running = bool(view.folder) and not has_ended
        is_over = bool(view.folder) and has_ended
        wanted = training.wanted.get(view.folder)
        is_paused = view.history.paused is not None
        if (wanted == "pause" and is_paused) or (wanted == "go on" and not is_paused):
            training.wanted.pop(view.folder)
            wanted = None
        is_seen = self.data_page is not None and self._pages.currentWidget() is self.data_page
        can_begin = studio.set_up.can_start and not any(data.refusal)
        enabled = {
            "queue_run": can_begin,
            "start_run": can_begin and not training.is_starting,
            "pause_run": is_running and wanted not in ("pause", "go on", "stop"),
            "finish_epoch": is_running and wanted not in ("stop", "finish epoch"),
            "stop_run": is_running and wanted != "stop",
            "lower_rate": is_running and wanted != "stop",
            "resume_run": is_over and summary is not None and summary.can_go_on and not training.is_starting,
            "repeat_run": bool(view.folder),
            "use_run_model": view.history.best is not None,
            "open_run_folder": bool(view.folder),
            "delete_run": is_over,
            "undo_label": is_seen and data.can_undo,
            "redo_label": is_seen and data.edits.redoable > 0,
        }
        for name, is_enabled in enabled.items():
            actions[name].setEnabled(is_enabled)
        undo = self.tr("Undo label change")
        actions["undo_label"].setText(f"{undo}: {spoken(data.edits.next_undo)}" if data.edits.next_undo else undo)
        actions["pause_run"].setText(self.tr("Go on") if is_paused else self.tr("Pause"))


def to_trash(folder: str) -> str | None:
    """Move it there: where it lies now, "" where the trash does not tell, None if it could not be moved.

    However large it is, it is only renamed, into the trash of its own disk, so that the window need not wait for it.
    """
    file = QFile(folder)  # an object: asked without one, PySide does not hand over the place
    if not file.moveToTrash():
        return None
    return file.fileName() if file.fileName() != folder else ""
