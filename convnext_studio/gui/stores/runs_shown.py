"""Puts what the Library and the Classifier do into the list of running Jobs, in words."""

from __future__ import annotations

from PySide6.QtCore import QObject

from convnext_studio.gui.stores.classifier import Classifier
from convnext_studio.gui.stores.job_list import JobEntry, JobList
from convnext_studio.gui.stores.library import Library
from convnext_studio.gui.widgets.numbers import count, rate, time_left


class RunsShown(QObject):
    """One entry for the walk through folders and one for the run; a child of the list."""

    def __init__(self, library: Library, classifier: Classifier, jobs: JobList) -> None:
        super().__init__(jobs)
        self._library = library
        self._classifier = classifier
        self._jobs = jobs
        self._finding: JobEntry | None = None
        self._run: JobEntry | None = None
        library.finding_changed.connect(self._on_finding)
        library.counts_changed.connect(self._on_counts)
        classifier.state_changed.connect(self._on_state)
        classifier.progress_changed.connect(self._on_progress)

    def _on_finding(self) -> None:
        if self._library.is_finding and self._finding is None:
            self._finding = self._jobs.open(self.tr("Find images"), self._library.stop_finding, "search")
        elif not self._library.is_finding and self._finding is not None:
            self._jobs.close(self._finding)
            self._finding = None
        self._on_counts()

    def _on_counts(self) -> None:
        if self._finding is not None:
            self._finding.progress(0, 0, self.tr("{} found").format(count(self._library.total)))

    def _on_state(self) -> None:
        is_running = self._classifier.state == "classifying"
        if is_running and self._run is None:
            self._run = self._jobs.open(self.tr("Classify"), self._classifier.stop, "inspect")
            self._on_progress()
        elif not is_running and self._run is not None:
            self._jobs.close(self._run)
            self._run = None

    def _on_progress(self) -> None:
        if self._run is None:
            return
        progress = self._classifier.progress
        words = [self.tr("{} of {}").format(count(progress.done), count(progress.total))]
        if progress.images_per_s > 0:
            words += [rate(progress.images_per_s), time_left(progress.seconds_left)]
        self._run.progress(progress.done, progress.total, " · ".join(filter(None, words)))
