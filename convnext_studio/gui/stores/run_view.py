"""The one Run that is shown: its lines as they are written, gathered into its History."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from convnext_studio.core.events import EngineStopped, Failed
from convnext_studio.core.requests import FollowRun
from convnext_studio.core.runs.history import History
from convnext_studio.gui.jobs import JobHandle, LaneLike

if TYPE_CHECKING:  # read when the first Run is: the window is on the screen sooner
    from convnext_studio.core.run_events import Line
    from convnext_studio.core.runs.summary import RunSummary

DRAW_MS = 400  # however fast a Run reports: twice a second is seen as it happens, and painting costs the training
TURN_S = 0.015  # so long a turn of the event loop takes in lines; a long Run's others wait for the next
TRIES = 3  # to follow on after the Engine was started again


@dataclass(frozen=True)
class OtherRun:
    """Another Run whose curves are drawn beside those of the one that is shown."""

    folder: str
    name: str
    history: History


class RunView(QObject):
    """`folder` is "" while none is shown. `changed`: its `history` grew. `shown_changed`: it is another Run.

    `others` are Runs to compare it with: plots draw their curves too.
    """

    shown_changed = Signal()
    changed = Signal()
    ended = Signal()  # the Run has ended, or its process is gone; `summary` says how

    def __init__(self, lanes: Mapping[str, LaneLike], parent: QObject) -> None:
        super().__init__(parent)
        self.folder = ""
        self.history = History()
        self.summary: RunSummary | None = None  # how it ended; None while it is followed
        self.can_accept_changes = False  # it would go on if what changed since were accepted
        self.others: tuple[OtherRun, ...] = ()
        self._lanes = lanes
        self._handle: JobHandle | None = None
        self._tries = TRIES
        self._due_at = 0.0  # when it may be drawn next
        self._timer = QTimer(self, singleShot=True, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_due)
        self._waiting: deque[tuple[Line, ...] | History] = deque()
        self._end: RunSummary | None = None  # the Job is over; told once all its lines are taken in
        self._turn = QTimer(self, singleShot=True, interval=0)
        self._turn.timeout.connect(self._take_in)

    def show(self, folder: str, *, is_anew: bool = False) -> None:
        """Follow this Run; `is_anew` also if it is followed already, because it goes on."""
        if folder == self.folder and not is_anew:
            return
        is_other = folder != self.folder
        self.folder = folder
        self.summary = None
        self.can_accept_changes = False
        self._tries = TRIES
        if is_other:
            self.history = History()
        self._leave()
        if folder:
            self._follow()
        self.shown_changed.emit()

    def set_others(self, others: Sequence[OtherRun]) -> None:
        """Draw the curves of these Runs too, in place of those before; the one that is shown is not drawn twice."""
        self.others = tuple(others)
        self.changed.emit()

    def leave(self) -> None:
        """The window closes."""
        self._leave()
        self._timer.stop()

    def note_refused(self, end: Failed | EngineStopped) -> None:
        """It does not go on: only changes since then stand in the way, or something else."""
        self.can_accept_changes = isinstance(end, Failed) and end.kind == "ChangedSince"
        self.changed.emit()

    def _follow(self) -> None:
        request = FollowRun(self.folder, self.history.last, is_gathered=True)
        handle = self._lanes["follow"].submit(request, replaces="follow")
        self._handle = handle
        handle.events.connect(self._on_events)
        handle.succeeded.connect(self._on_succeeded)
        handle.failed.connect(self._on_failed)

    def _leave(self) -> None:
        self._waiting.clear()
        self._turn.stop()
        self._end = None
        handle, self._handle = self._handle, None
        if handle is not None and not handle.is_closed:
            handle.events.disconnect(self._on_events)
            handle.succeeded.disconnect(self._on_succeeded)
            handle.failed.disconnect(self._on_failed)
            handle.cancel()

    def _on_events(self, parts: list[object]) -> None:
        self._waiting.extend(part for part in parts if isinstance(part, (tuple, History)))
        self._tries = TRIES
        if not self._turn.isActive():
            self._turn.start()

    def _on_succeeded(self, summary: RunSummary) -> None:
        self._handle = None
        self._end = summary
        if not self._turn.isActive():
            self._turn.start()

    def _take_in(self) -> None:
        began = time.monotonic()
        while self._waiting and time.monotonic() - began < TURN_S:
            self._take(self._waiting.popleft())
        if self._waiting:
            self._turn.start()
        if self._end is not None and not self._waiting:
            self.summary, self._end = self._end, None
            self._timer.stop()
            self.changed.emit()
            self.ended.emit()
        elif not self._timer.isActive():
            self._timer.start(max(0, round((self._due_at - time.monotonic()) * 1e3)))

    def _on_due(self) -> None:
        """The next time counts from when this one was due, or it would come less often than was said."""
        now = time.monotonic()
        late = now - self._due_at
        self._due_at = now + DRAW_MS / 1e3 - (late if late < DRAW_MS / 2e3 else 0.0)
        self.changed.emit()

    def _on_failed(self, end: Failed | EngineStopped) -> None:
        self._handle = None
        self._tries -= 1
        if isinstance(end, EngineStopped) and self._tries > 0:
            while self._waiting:
                self._take(self._waiting.popleft())  # it goes on after the last line that is known
            self._follow()
        else:
            self.changed.emit()

    def _take(self, part: tuple[Line, ...] | History) -> None:
        if isinstance(part, History):
            self.history = part
        else:
            self.history.add(part)
