"""The data set that is to be trained on: what is in it, how it is split, what to know first, and label edits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from PySide6.QtCore import QObject, Signal

from convnext_studio.core.data.dataset import DataSetCard
from convnext_studio.core.events import DataSetChecked, EditsKept, EngineStopped, Failed
from convnext_studio.core.requests import CheckDataSet, EditLabels
from convnext_studio.gui.jobs import JobHandle, LaneLike
from convnext_studio.gui.language import spoken
from convnext_studio.gui.messages import Messages
from convnext_studio.gui.stores.job_list import JobEntry, JobList
from convnext_studio.gui.stores.set_up import SetUp
from convnext_studio.gui.widgets.numbers import count

Action = Literal["move", "exclude", "include", "undo", "redo"]


class DataSets(QObject):
    """Reads the data set whenever the Recipe's part about it changes: at a glance first, then with every Image opened.

    `card` is the newest that is known; it is None while nothing is known of the data set chosen now.
    """

    chosen = Signal()
    changed = Signal()
    progress_changed = Signal()

    def __init__(self, lanes: Mapping[str, LaneLike], jobs: JobList, messages: Messages, set_up: SetUp) -> None:
        super().__init__()
        self.card: DataSetCard | None = None
        self.failure: Failed | EngineStopped | None = None
        self.edits = EditsKept(0, 0)
        self.is_thorough = False  # every Image of the card was opened
        self.done = 0
        self.total = 0
        self._lanes = lanes
        self._jobs = jobs
        self._messages = messages
        self._set_up = set_up
        self._handle: JobHandle | None = None
        self._entry: JobEntry | None = None
        set_up.data_changed.connect(self.check)

    @property
    def is_checking(self) -> bool:
        """True while the data set is read."""
        return self._handle is not None

    @property
    def path(self) -> str:
        """The data set chosen now, "" for none."""
        return self._set_up.recipe.data

    @property
    def refusal(self) -> tuple[str, str]:
        """Why nothing can be trained on it, and what to do; both empty where nothing is known against it."""
        if self.failure is not None:
            return spoken(self.failure.message), spoken(self.failure.hint) if isinstance(self.failure, Failed) else ""
        return (spoken(self.card.refusal), spoken(self.card.refusal_hint)) if self.card is not None else ("", "")

    @property
    def can_undo(self) -> bool:
        """Whether there is a change of labels to take back, made now or at an earlier start."""
        has_changes = self.card is not None and bool(self.card.moved or self.card.excluded)
        return self.edits.undoable > 0 or has_changes

    def choose(self, path: str) -> None:
        """Take a folder of class folders, or a CSV."""
        self.chosen.emit()
        if path == self.path:
            self.check()
            return
        self.edits = EditsKept(0, 0)
        self.card = None
        self._set_up.set(data=path)

    def check(self) -> None:
        """Read the data set anew."""
        if self.card is not None and self.card.source != self.path:
            self.card = None
        self.failure = None
        self.is_thorough = False
        self.done = self.total = 0
        if self.path:
            self._submit(is_quick=True)
        self.changed.emit()

    def edit(self, action: Action, paths: Sequence[str] = (), label: str = "") -> None:
        """Note another class for some Images, leave them out, or take the last such change back."""
        if self._handle is not None:  # else the change would wait for the check, which is made anew after it anyway
            self._handle.is_replaced = True
            self._handle.cancel()
        handle = self._lanes["data"].submit(EditLabels(self.path, action, tuple(paths), label))
        handle.succeeded.connect(self._on_edited)
        handle.failed.connect(self._on_edit_failed)

    def _submit(self, *, is_quick: bool) -> None:
        handle = self._lanes["data"].submit(CheckDataSet(self._set_up.recipe, is_quick), replaces="check data set")
        self._handle = handle
        self._entry = None  # that of the check before ends with it
        if not is_quick:
            self._entry = self._jobs.add(self.tr("Check the data set"), handle, "data")
        handle.events.connect(self._on_events)
        handle.succeeded.connect(self._on_quick_card if is_quick else self._on_card)
        handle.failed.connect(self._on_failed)
        handle.cancelled.connect(self._on_cancelled)

    def _is_wanted(self) -> bool:
        """Whether the reply that is being handed over is of the newest Request."""
        return self._handle is not None and self.sender() is self._handle

    def _on_events(self, events: list[object]) -> None:
        looked = [event for event in events if isinstance(event, DataSetChecked)]
        if not looked or not self._is_wanted():
            return
        self.done, self.total = looked[-1].done, looked[-1].total
        if self._entry is not None:
            words = self.tr("{0} of {1}").format(count(self.done), count(self.total))
            self._entry.progress(self.done, self.total, words)
        self.progress_changed.emit()

    def _on_quick_card(self, card: DataSetCard) -> None:
        if self._is_wanted():
            self.card = card
            self._submit(is_quick=False)
            self.changed.emit()

    def _on_card(self, card: DataSetCard) -> None:
        if self._is_wanted():
            self.card = card
            self.is_thorough = True
            self._end()

    def _on_failed(self, end: Failed | EngineStopped) -> None:
        if self._is_wanted():
            self.card = None
            self.failure = end
            self._end()

    def _on_cancelled(self) -> None:
        if self._is_wanted():  # stopped by the user, not replaced: what is known already stays
            self._end()

    def _end(self) -> None:
        self._handle = None
        self._entry = None
        self.changed.emit()

    def _on_edited(self, kept: EditsKept) -> None:
        self.edits = kept
        self.check()

    def _on_edit_failed(self, end: Failed | EngineStopped) -> None:
        self._messages.failed(end, self.tr("The labels were not changed."))
        if not self.is_thorough and not self.is_checking:
            self.check()
