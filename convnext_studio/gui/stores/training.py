"""The Runs of the workspace: which there are, starting one, going on with one, and asking things of those that run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal

from convnext_studio.core.events import EngineStopped, Failed
from convnext_studio.core.requests import (
    FindAnswered,
    FindRuns,
    ResumeRun,
    StartRun,
    SteerRun,
)
from convnext_studio.core.run_requests import DescribeRun, RestoreRun
from convnext_studio.gui.jobs import JobHandle, LaneLike
from convnext_studio.gui.messages import Messages
from convnext_studio.gui.settings import Settings, SettingsStore
from convnext_studio.gui.stores.run_view import RunView
from convnext_studio.gui.stores.set_up import SetUp

if TYPE_CHECKING:  # read when the first Run is: the window is on the screen sooner
    from convnext_studio.core.runs.control import Wanted
    from convnext_studio.core.runs.summary import RunSummary

LOOK_MS = 2_000


class Training(QObject):
    """Looks into the Runs folder again and again while a Run works or the Runs are in sight.

    `view` follows the one Run that is shown. `wanted` says what was asked of a Run and is not obeyed yet.
    """

    runs_changed = Signal()
    looked = Signal()  # whether anything has changed or not
    state_changed = Signal()  # what is being started, what was asked
    answered = Signal(tuple)  # the paths that were asked for with `find_answered`
    started = Signal(str)  # the folder of a Run that was begun or gone on with from this window

    def __init__(
        self,
        lanes: Mapping[str, LaneLike],
        messages: Messages,
        settings: SettingsStore,
        set_up: SetUp,
        usual_folder: Path,
    ) -> None:
        super().__init__()
        self.runs: tuple[RunSummary, ...] = ()
        self.has_looked = False
        self.is_starting = False
        self.is_queue_waiting = False  # something may begin by itself, so that one has to look
        self.wanted: dict[str, Wanted] = {}
        self._own: set[str] = set()
        self.view = RunView(lanes, self)
        self._lanes = lanes
        self._messages = messages
        self._settings = settings
        self._set_up = set_up
        self._usual_folder = usual_folder
        self._is_in_sight = False
        self._handle: JobHandle | None = None
        self._timer = QTimer(self, interval=LOOK_MS)
        self._timer.timeout.connect(self.look)
        self._folder = self.folder
        settings.changed.connect(self._on_settings)
        self.view.ended.connect(self._on_view_ended)

    @property
    def folder(self) -> str:
        """Where the Runs are."""
        return self._settings.value.runs_folder or str(self._usual_folder)

    @property
    def running(self) -> tuple[RunSummary, ...]:
        """Those that work now."""
        return tuple(run for run in self.runs if run.state == "running")

    @property
    def own_running(self) -> tuple[RunSummary, ...]:
        """Those among them that this window began or went on with; others are not its to stop."""
        return tuple(run for run in self.running if run.folder in self._own)

    def summary(self, folder: str) -> RunSummary | None:
        """What the list says of a Run."""
        return next((run for run in self.runs if run.folder == folder), None)

    @property
    def shown(self) -> RunSummary | None:
        """The Run that is shown, if the list knows it already."""
        return self.summary(self.view.folder)

    # --- looking

    def set_in_sight(self, *, is_in_sight: bool) -> None:
        """The list is on the screen, or no longer."""
        self._is_in_sight = is_in_sight
        if is_in_sight:
            self.look()
        self._pace()

    def look(self) -> None:
        """Find out anew which Runs there are."""
        if self._handle is not None and not self._handle.is_closed:
            return  # a slow disk is not asked twice at a time
        self._handle = self._lanes["places"].submit(FindRuns(self.folder))
        self._handle.succeeded.connect(self._on_found)
        self._handle.failed.connect(self._on_looking_failed)

    def _look_anew(self) -> None:
        """What a look that is under way finds was true before something happened."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        self.look()

    def leave(self) -> None:
        """The window closes: look no more."""
        self._is_in_sight = False
        self._timer.stop()
        self.view.leave()

    def _on_found(self, runs: tuple[RunSummary, ...]) -> None:
        is_news = runs != self.runs or not self.has_looked
        self.runs = runs
        self.has_looked = True
        working = {run.folder for run in self.running}
        self.wanted = {folder: wanted for folder, wanted in self.wanted.items() if folder in working}
        if is_news:
            self.runs_changed.emit()
        self._pace()
        self.looked.emit()

    def _on_looking_failed(self, end: Failed | EngineStopped) -> None:
        self._timer.stop()  # else a folder that cannot be read would be told of every two seconds
        if isinstance(end, Failed):
            self._messages.failed(end, self.tr("The Runs could not be listed."))
        else:
            self._pace()

    def _pace(self) -> None:
        if self._is_in_sight or self.running or self.is_queue_waiting:
            self._timer.start()
        else:
            self._timer.stop()

    def _on_settings(self, _value: Settings) -> None:
        if self.folder != self._folder:
            self._folder = self.folder
            self._look_anew()

    def _on_view_ended(self) -> None:
        self.wanted.pop(self.view.folder, None)
        self.look()

    # --- doing

    def start(self) -> None:
        """Begin the Run that is set up."""
        if self.is_starting or not self._set_up.can_start:
            return
        self.is_starting = True
        handle = self._lanes["train"].submit(StartRun(self._set_up.recipe, self.folder, self._set_up.name))
        handle.succeeded.connect(self._on_started)
        handle.failed.connect(self._on_start_failed)
        handle.closed.connect(self._on_start_closed)
        self.state_changed.emit()

    def resume(self, folder: str, *, accepts_changes: bool = False) -> None:
        """Go on with a Run; where something changed since, say what and offer to accept it."""
        if self.is_starting:
            return
        self.is_starting = True
        handle = self._lanes["train"].submit(ResumeRun(folder, accepts_changes))
        handle.succeeded.connect(self._on_started)
        handle.failed.connect(self._on_resume_failed)
        handle.closed.connect(self._on_start_closed)
        self.state_changed.emit()

    def set_queue_waiting(self, is_waiting: bool) -> None:
        """Something waits that begins by itself, or nothing any more."""
        if is_waiting != self.is_queue_waiting:
            self.is_queue_waiting = is_waiting
            self._pace()

    def note_begun(self, folder: str) -> None:
        """A Run was begun from this window, by the queue."""
        self._own.add(folder)
        self._look_anew()

    def describe(self, folder: str, **said: Any) -> JobHandle:
        """Keep the user's `name`, `tags` or `notes` of a Run."""
        handle = self._lanes["files"].submit(DescribeRun(folder, **said))
        handle.succeeded.connect(self._look_anew)
        handle.failed.connect(self._on_describe_failed)
        return handle

    def restore(self, trashed: str, folder: str) -> None:
        """Take a Run out of the trash again."""
        handle = self._lanes["files"].submit(RestoreRun(trashed, folder))
        handle.succeeded.connect(self._look_anew)
        handle.failed.connect(self._on_restore_failed)

    def find_answered(self, true: str, found: str) -> None:
        """Find the Images of a class that the last validation of the Run that is shown called so."""
        request = FindAnswered(self.view.folder, true, found)
        handle = self._lanes["places"].submit(request, replaces="answered")
        handle.succeeded.connect(self.answered)
        handle.failed.connect(self._messages.failed)

    def steer(self, folder: str, wanted: Wanted) -> JobHandle:
        """Ask a Run for something; it obeys at its next step. The handle's Job ends once it was asked."""
        if wanted != "lower rate":  # it says so itself when it has obeyed, and may be asked again before
            self.wanted[folder] = wanted
        handle = self._lanes["train"].submit(SteerRun(folder, wanted))
        handle.failed.connect(self._on_steer_failed)
        self.state_changed.emit()
        return handle

    def _on_started(self, folder: str) -> None:
        self.wanted.pop(folder, None)
        self._own.add(folder)
        self._look_anew()
        self.view.show(folder, is_anew=True)
        self.started.emit(folder)

    def _on_start_failed(self, end: Failed | EngineStopped) -> None:
        self._messages.failed(end, self.tr("The training was not started."))

    def _on_resume_failed(self, end: Failed | EngineStopped) -> None:
        self.view.note_refused(end)
        self._messages.failed(end, self.tr("The training does not go on."))

    def _on_describe_failed(self, end: Failed | EngineStopped) -> None:
        self._messages.failed(end, self.tr("What you wrote about the Run was not kept."))
        self.runs_changed.emit()

    def _on_restore_failed(self, end: Failed | EngineStopped) -> None:
        self._messages.failed(end, self.tr("The Run was not taken out of the trash."))

    def _on_start_closed(self) -> None:
        self.is_starting = False
        self.state_changed.emit()

    def _on_steer_failed(self, end: Failed | EngineStopped) -> None:
        self.wanted.clear()
        self._messages.failed(end)
        self.look()
        self.state_changed.emit()
