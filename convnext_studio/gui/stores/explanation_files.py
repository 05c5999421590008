"""Heatmaps to files: one as it is shown, or those of all Images of the list, as Jobs in the status bar."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import QObject, QUrl, Signal
from PySide6.QtGui import QDesktopServices

from convnext_studio.core.events import EngineStopped, Failed
from convnext_studio.core.explanations import ExplainSummary, ImageExplained
from convnext_studio.core.requests import ExplainFolder, SaveHeatmap
from convnext_studio.gui.jobs import LaneLike
from convnext_studio.gui.language import spoken
from convnext_studio.gui.messages import Message, Messages
from convnext_studio.gui.stores.job_list import JobEntry, JobList
from convnext_studio.gui.widgets.numbers import count

SUFFIXES = (".overlay.png", ".map.npy", ".map.tif", ".json")


class ExplanationFiles(QObject):
    """A folder has a Lane of its own: it may take an hour, and nothing else shall wait for it."""

    running_changed = Signal()

    def __init__(self, lanes: Mapping[str, LaneLike], jobs: JobList, messages: Messages) -> None:
        super().__init__()
        self._lanes = lanes
        self._jobs = jobs
        self._messages = messages
        self._entry: JobEntry | None = None
        self._done = 0
        self._problems: list[str] = []

    @property
    def is_running(self) -> bool:
        """Whether a folder is being explained."""
        return self._entry is not None

    def save(self, request: SaveHeatmap) -> None:
        """Write a Heatmap as each suffix says: overlay, raw map, record."""
        handle = self._lanes["files"].submit(request)
        self._jobs.add(self.tr("Save Heatmap"), handle, "export")
        handle.succeeded.connect(self._on_saved)
        handle.failed.connect(self._on_save_failed)

    def explain_all(self, request: ExplainFolder) -> None:
        """Write the Heatmaps of many Images into a folder."""
        if self.is_running:
            return
        handle = self._lanes["explain all"].submit(request)
        self._done, self._problems = 0, []
        self._entry = self._jobs.add(self.tr("Explain"), handle, "eye")
        self._entry.progress(0, len(request.images))
        handle.events.connect(self._on_events)
        handle.succeeded.connect(self._on_all_explained)
        handle.failed.connect(self._on_failed)
        handle.closed.connect(self._on_closed)
        self.running_changed.emit()

    def _on_saved(self, paths: tuple[str, ...]) -> None:
        first = Path(paths[0])
        fact = self.tr("Saved {0}.").format(first.name) if len(paths) == 1 else self.tr("The Heatmap was saved.")
        self._tell(fact, first.parent)

    def _on_save_failed(self, end: Failed | EngineStopped) -> None:
        self._messages.failed(end, self.tr("The Heatmap was not saved."))

    def _on_events(self, events: list[object]) -> None:
        done = [event for event in events if isinstance(event, ImageExplained)]
        self._done += len(done)
        self._problems += [f"{Path(one.image.path).name}: {spoken(one.error)}" for one in done if one.error]
        if self._entry is not None and done:
            words = self.tr("{0} of {1}").format(count(self._done), count(self._entry.total))
            self._entry.progress(self._done, self._entry.total, words)

    def _on_all_explained(self, summary: ExplainSummary) -> None:
        if self._problems:
            many = len(self._problems)
            fact = (
                self.tr("{0} images could not be explained.")
                if many > 1
                else self.tr("1 image could not be explained.")
            )
            self._messages.warning(fact.format(count(many)), self._problems[0], "\n".join(self._problems))
        one, several = self.tr("Explained 1 image."), self.tr("Explained {0} images.")
        self._tell(one if summary.explained == 1 else several.format(count(summary.explained)), Path(summary.folder))

    def _on_failed(self, end: Failed | EngineStopped) -> None:
        self._messages.failed(end, self.tr("Explaining has stopped; what is written stays."))

    def _on_closed(self) -> None:
        self._entry = None
        self.running_changed.emit()

    def _tell(self, fact: str, folder: Path) -> None:
        def show() -> None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

        self._messages.post(Message("success", fact, str(folder), "", self.tr("Open folder"), show))
