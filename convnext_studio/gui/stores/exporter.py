"""Results to a file, Images into a folder per class: Jobs with progress, and a word when they are done."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices

from convnext_studio.core.events import CopySummary, EngineStopped, Failed, FilesCopied
from convnext_studio.core.requests import CopyByClass, SavePlot, SaveResults
from convnext_studio.core.values import Prediction
from convnext_studio.gui.jobs import LaneLike
from convnext_studio.gui.language import spoken
from convnext_studio.gui.messages import Message, Messages
from convnext_studio.gui.stores.job_list import JobEntry, JobList
from convnext_studio.gui.widgets.numbers import count


class Exporter(QObject):
    """Submits on the files lane; each Job stands in the status bar."""

    def __init__(
        self, lanes: Mapping[str, LaneLike], jobs: JobList, messages: Messages, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._lane = lanes["files"]
        self._jobs = jobs
        self._messages = messages
        self._copying: JobEntry | None = None

    def save(self, predictions: tuple[Prediction, ...], path: str, top: int) -> None:
        """Write results as the ending of `path` says: .csv, .json or .parquet."""
        handle = self._lane.submit(SaveResults(predictions, path, top))
        self._jobs.add(self.tr("Save results"), handle, "export")
        handle.succeeded.connect(self._on_saved)
        handle.failed.connect(self._on_save_failed)

    def save_plot(self, request: SavePlot) -> None:
        """Write a plot: a picture, or its values."""
        handle = self._lane.submit(request)
        handle.succeeded.connect(self._on_saved)
        handle.failed.connect(self._on_plot_failed)

    def copy_by_class(self, predictions: tuple[Prediction, ...], folder: str) -> None:
        """Copy each Image into a folder named after its predicted class."""
        handle = self._lane.submit(CopyByClass(predictions, folder))
        self._copying = self._jobs.add(self.tr("Copy by class"), handle, "copy")
        handle.events.connect(self._on_copied)
        handle.succeeded.connect(self._on_all_copied)
        handle.failed.connect(self._on_copy_failed)
        handle.closed.connect(self._on_copy_closed)

    def _on_saved(self, path: object) -> None:
        saved = Path(str(path))
        self._done(self.tr("Saved {0}.").format(saved.name), saved.parent)

    def _on_save_failed(self, end: Failed | EngineStopped) -> None:
        self._messages.failed(end, self.tr("The results were not saved."))

    def _on_plot_failed(self, end: Failed | EngineStopped) -> None:
        self._messages.failed(end, self.tr("The plot was not saved."))

    def _on_copied(self, events: list[object]) -> None:
        last = events[-1]
        if isinstance(last, FilesCopied) and self._copying is not None:
            words = self.tr("{0} of {1}").format(count(last.done), count(last.total))
            self._copying.progress(last.done, last.total, words)

    def _on_all_copied(self, summary: CopySummary) -> None:
        if summary.problems:
            many = len(summary.problems)
            fact = self.tr("{0} images could not be copied.") if many > 1 else self.tr("1 image could not be copied.")
            fact = fact.format(count(many))
            problems = [spoken(problem) for problem in summary.problems]
            self._messages.warning(fact, problems[0], "\n".join(problems))
        one, several = self.tr("Copied 1 image by its class."), self.tr("Copied {0} images into folders by class.")
        fact = one if summary.copied == 1 else several.format(count(summary.copied))
        self._done(fact, Path(summary.folder))

    def _on_copy_failed(self, end: Failed | EngineStopped) -> None:
        self._messages.failed(end, self.tr("The images were not all copied."))

    def _on_copy_closed(self) -> None:
        self._copying = None

    def _done(self, fact: str, folder: Path) -> None:
        def show() -> None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

        self._messages.post(Message("success", fact, str(folder), "", self.tr("Open folder"), show))
