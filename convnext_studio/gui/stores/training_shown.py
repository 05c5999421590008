"""Puts the Runs that work into the list of running Jobs, in words."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject

from convnext_studio.gui.stores.job_list import JobEntry, JobList
from convnext_studio.gui.stores.training import Training
from convnext_studio.gui.stores.training_words import progress_words


class TrainingShown(QObject):
    """One entry a Run, whoever started it; its Stop keeps the best Model. A child of the list."""

    def __init__(self, training: Training, jobs: JobList) -> None:
        super().__init__(jobs)
        self._training = training
        self._jobs = jobs
        self._entries: dict[str, JobEntry] = {}
        training.runs_changed.connect(self._show)

    def _show(self) -> None:
        working = {run.folder: run for run in self._training.running}
        for folder in [folder for folder in self._entries if folder not in working]:
            self._jobs.close(self._entries.pop(folder))
        for folder, run in working.items():
            if folder not in self._entries:
                self._entries[folder] = self._jobs.open(run.name, self._stopper(folder), "train")
            self._entries[folder].progress(run.epoch, run.epochs, progress_words(run))

    def _stopper(self, folder: str) -> Callable[[], None]:
        def stop() -> None:
            self._training.steer(folder, "stop")

        return stop
