"""Before the window closes: Runs that go on are asked about, and what is being written is awaited."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication, QMainWindow

from convnext_studio.core.requests import (
    CopyByClass,
    EditLabels,
    ExplainFolder,
    SaveEvaluation,
    SaveHeatmap,
    SavePlot,
    SaveResults,
)
from convnext_studio.core.run_requests import ChangeQueue, DescribeRun, RestoreRun, SaveTable
from convnext_studio.gui.jobs import JobHandle
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.widgets.question import Answer, Question

PATIENCE_MS = 700  # what is written sooner is not worth a question
WRITING = (
    ChangeQueue,
    CopyByClass,
    DescribeRun,
    EditLabels,
    ExplainFolder,
    RestoreRun,
    SaveEvaluation,
    SaveHeatmap,
    SavePlot,
    SaveResults,
    SaveTable,
)


class Leaving(QObject):
    """Asked by the window whenever it is to be closed; closes it itself once all is answered and written."""

    def __init__(self, studio: Studio, window: QMainWindow) -> None:
        super().__init__(window)
        self._studio = studio
        self._window = window
        self._may_close = False
        self._is_waiting = False
        self._watched: set[int] = set()
        self._question: Question | None = None
        self._patience = QTimer(self, singleShot=True, interval=PATIENCE_MS)
        self._patience.timeout.connect(self._ask_to_wait)

    def may_close(self) -> bool:
        """True if the window may close now; else the answer, or the end of what is being written, closes it."""
        if self._may_close:
            return True
        self._end_typing()
        if self._studio.training.own_running:
            self._ask_about_runs()
            return False
        return not self._is_to_wait()

    def leave(self) -> None:
        """Close the window without a question: Runs go on."""
        self._may_close = True
        self._stay()
        if self._question is not None:
            self._question.close()
        self._window.close()

    def _end_typing(self) -> None:
        """A field keeps what was typed once it is left."""
        focused = QApplication.focusWidget()
        if focused is not None and self._window.isAncestorOf(focused):
            focused.clearFocus()
            focused.setFocus()

    # --- what is being written

    def _is_to_wait(self) -> bool:
        self._is_waiting = self._watch()
        if self._is_waiting:
            self._patience.start()
        return self._is_waiting

    def _watch(self) -> bool:
        """Listen to all that is being written; False if nothing is."""
        writing = [handle for lane in self._studio.lanes.values() for handle in lane.under_way if _is_writing(handle)]
        for handle in writing:
            if handle.number not in self._watched:
                self._watched.add(handle.number)
                handle.failed.connect(self._stay)  # a message says what to do, and is to be read
                handle.closed.connect(self._on_closed)
        return bool(writing)

    def _on_closed(self) -> None:
        if self._is_waiting and not self._watch():
            self.leave()

    def _stay(self) -> None:
        self._is_waiting = False
        self._patience.stop()

    def _leave_once_written(self) -> None:
        if not self._is_to_wait():
            self.leave()

    def _ask_to_wait(self) -> None:
        self._ask(
            self.tr("Something is still being written."),
            self.tr("If the window closes now, what is not written yet will be missing."),
            (
                ("wait", self.tr("Close once it is written"), "primary"),
                ("now", self.tr("Close now"), "danger"),
                ("cancel", self.tr("Do not close"), "ghost"),
            ),
        )

    # --- Runs

    def _ask_about_runs(self) -> None:
        words = self.tr("It can go on without the window, and is found again at the next start.")
        if self._studio.queue.items and not self._studio.queue.is_held:
            words += " " + self.tr("So does the queue; if you stop now, it waits until you let it go on.")
        self._ask(
            self.tr("“{0}” is still training.").format(self._studio.training.own_running[0].name),
            words,
            (
                ("keep", self.tr("Keep training"), "primary"),
                ("stop", self.tr("Stop and keep best"), "secondary"),
                ("cancel", self.tr("Do not close"), "ghost"),
            ),
        )

    def _stop_runs(self) -> None:
        asked = []
        if self._studio.queue.items:
            asked.append(self._studio.queue.hold(True))  # else the next one would begin behind the user's back
        asked += [self._studio.training.steer(run.folder, "stop") for run in self._studio.training.own_running]
        if asked:
            asked[-1].closed.connect(self._leave_once_written)  # they are served one after the other
        else:  # it has ended while the question stood
            self._leave_once_written()

    # --- asking

    def _ask(self, title: str, sentence: str, answers: tuple[Answer, ...]) -> None:
        question = self._question = Question(self._studio.theme, title, sentence, answers, self._window)
        question.rejected.connect(self._on_rejected)  # before `answered`, or alone
        question.answered.connect(self._on_answered)
        question.open()

    def _on_rejected(self) -> None:
        self._question = None
        self._stay()

    def _on_answered(self, key: str) -> None:
        if key == "wait":
            self._is_waiting = self._watch()
        if key == "now" or (key == "wait" and not self._is_waiting):
            self.leave()
        elif key == "keep":
            self._leave_once_written()
        elif key == "stop":
            self._stop_runs()


def _is_writing(handle: JobHandle) -> bool:
    return isinstance(handle.request, WRITING) and not handle.is_closed and not handle.is_cancelled
