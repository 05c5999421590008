"""The sample: makes the generated images on this machine, once, and opens them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from convnext_studio.core.events import EngineStopped, Failed, SampleWritten
from convnext_studio.core.requests import MakeSample
from convnext_studio.gui.jobs import JobHandle, LaneLike
from convnext_studio.gui.messages import Messages
from convnext_studio.gui.stores.job_list import JobEntry, JobList
from convnext_studio.gui.widgets.numbers import count

COUNT = 600


class SampleMaker(QObject):
    """`made` hands over the folder to open, `made_to_train` the one to train on; `changed` tells how it goes on."""

    made = Signal(str)
    made_to_train = Signal(str)
    changed = Signal()

    def __init__(self, lanes: Mapping[str, LaneLike], jobs: JobList, messages: Messages, folder: Path) -> None:
        super().__init__()
        self.done = 0
        self.total = 0
        self._lanes = lanes
        self._jobs = jobs
        self._messages = messages
        self._folder = folder
        self._is_to_train = False
        self._is_wanted = False
        self._handle: JobHandle | None = None
        self._entry: JobEntry | None = None

    @property
    def is_making(self) -> bool:
        """True while images are written."""
        return self._handle is not None

    def open_sample(self) -> None:
        """Open the sample images, making those first that are not here."""
        self._make(is_to_train=False)

    def train_on_sample(self) -> None:
        """Set up a training on the sample images, making those first that are not here."""
        self._make(is_to_train=True)

    def drop(self, *, is_to_train: bool) -> None:
        """Something else was opened, or chosen to train on, meanwhile: the sample shall not take its place."""
        if self._is_to_train is is_to_train:
            self._is_wanted = False

    def _make(self, *, is_to_train: bool) -> None:
        self._is_to_train, self._is_wanted = is_to_train, True  # pressed while they are made: the last wish counts
        if self.is_making:
            return
        handle = self._lanes["files"].submit(MakeSample(str(self._folder), COUNT))
        self._handle = handle
        self._entry = self._jobs.add(self.tr("Make the sample"), handle, "bolt")
        self.done = self.total = 0
        handle.events.connect(self._on_events)
        handle.succeeded.connect(self._on_succeeded)
        handle.failed.connect(self._on_failed)
        handle.closed.connect(self._on_closed)
        self.changed.emit()

    def _on_events(self, events: list[object]) -> None:
        written = [event for event in events if isinstance(event, SampleWritten)]
        if written and self._entry is not None:
            self.done, self.total = written[-1].done, written[-1].total
            self._entry.progress(self.done, self.total, self.tr("{} of {}").format(count(self.done), count(self.total)))
            self.changed.emit()

    def _on_succeeded(self, folder: str) -> None:
        self._handle = None
        if self._is_wanted:
            (self.made_to_train if self._is_to_train else self.made).emit(folder)

    def _on_failed(self, end: Failed | EngineStopped) -> None:
        self._messages.failed(end, self.tr("The sample images were not made."))

    def _on_closed(self) -> None:
        self._handle = None
        self._entry = None
        self.changed.emit()
