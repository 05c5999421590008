"""Puts the Runs that work into the list of running Jobs, in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from convnext_studio.gui.stores.job_list import JobEntry, JobList
from convnext_studio.gui.stores.training import Training
from convnext_studio.gui.stores.training_words import progress_words

if TYPE_CHECKING:  # read when the first Run is: the window is on the screen sooner
    from convnext_studio.core.runs.summary import RunSummary


class TrainingShown(QObject):
    """One entry a Run, whoever started it; its Stop keeps the best Model. A child of the list."""

    def __init__(self, training: Training, jobs: JobList) -> None:
        super().__init__(jobs)
        self._training = training
        self._jobs = jobs
        self._entries: dict[str, JobEntry] = {}
        training.runs_changed.connect(self._show)
        training.view.changed.connect(self._show)  # the list tells a new time left once an epoch only

    def _show(self) -> None:
        working = {run.folder: run for run in self._training.running}
        for folder in [folder for folder in self._entries if folder not in working]:
            self._jobs.close(self._entries.pop(folder))
        for folder, run in working.items():
            if folder not in self._entries:
                self._entries[folder] = self._jobs.open(run.name, self._stopper(folder), "train")
            self._entries[folder].progress(run.epoch, run.epochs, progress_words(self._as_on_its_page(run)))

    def _as_on_its_page(self, run: RunSummary) -> RunSummary:
        """Of the Run whose page is open all its lines are known: the time left is told from them at both places."""
        view = self._training.view
        left = view.history.seconds_left if view.folder == run.folder else None
        return run if left is None else replace(run, seconds_left=left)

    def _stopper(self, folder: str) -> Callable[[], None]:
        def stop() -> None:
            self._training.steer(folder, "stop")

        return stop
