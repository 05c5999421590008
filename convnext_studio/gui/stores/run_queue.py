"""What waits to be trained: shown, changed, and begun by the window where nobody else could do so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from convnext_studio.core.events import EngineStopped, Failed
from convnext_studio.core.recipe import Recipe
from convnext_studio.core.run_requests import ChangeQueue, ReadQueue, StartNext
from convnext_studio.gui.jobs import JobHandle, LaneLike
from convnext_studio.gui.messages import Messages
from convnext_studio.gui.stores.training import Training

if TYPE_CHECKING:  # read when the first Run is: the window is on the screen sooner
    from convnext_studio.core.runs.queue import Queue, Queued


class RunQueue(QObject):
    """Follows the file in the Runs folder whenever the Runs are looked for; a child of `training`."""

    changed = Signal()

    def __init__(self, lanes: Mapping[str, LaneLike], messages: Messages, training: Training) -> None:
        super().__init__(training)
        self.queue: Queue | None = None  # None until it was read
        self._lanes = lanes
        self._messages = messages
        self._training = training
        self._reading: JobHandle | None = None
        self._starting: JobHandle | None = None
        training.looked.connect(self._read)

    @property
    def items(self) -> tuple[Queued, ...]:
        """What waits, the next one first."""
        return self.queue.items if self.queue is not None else ()

    @property
    def is_held(self) -> bool:
        """Whether none is started."""
        return self.queue is not None and self.queue.is_held

    @property
    def trouble(self) -> str:
        """Why it holds by itself, "" if it does not."""
        return self.queue.trouble if self.queue is not None else ""

    def add(self, recipes: Sequence[tuple[str, Recipe]], race: str = "") -> JobHandle:
        """Let these wait, after all others: names ("" = the data set's) and Recipes."""
        return self._change(add=tuple(recipes), race=race)

    def remove(self, key: str) -> None:
        """Take one off."""
        self._change(remove=(key,))

    def move(self, key: str, by: int) -> None:
        """Put one further to the front (-1) or to the back (1)."""
        keys = [one.key for one in self.items]
        if key in keys and 0 <= (place := keys.index(key)) + by < len(keys):
            keys.insert(place + by, keys.pop(place))
            self._change(order=tuple(keys))

    def hold(self, is_held: bool) -> JobHandle:
        """Start none until this is taken back."""
        return self._change(is_held=is_held)

    def _change(self, **change: object) -> JobHandle:
        handle = self._lanes["train"].submit(ChangeQueue(self._training.folder, **change))  # type: ignore[arg-type]
        handle.succeeded.connect(self._take)
        handle.failed.connect(self._on_change_failed)
        return handle

    def _read(self) -> None:
        if self._reading is None or self._reading.is_closed:
            self._reading = self._lanes["places"].submit(ReadQueue(self._training.folder))
            self._reading.succeeded.connect(self._take)

    def _take(self, queue: Queue) -> None:
        if queue != self.queue:
            self.queue = queue
            self.changed.emit()
        self._training.set_queue_waiting(bool(queue.items) and not queue.is_held)
        self._start_next()

    def _start_next(self) -> None:
        training = self._training
        is_busy = training.is_starting or not training.has_looked or bool(training.running)
        is_asked = self._starting is not None and not self._starting.is_closed
        if not self.items or self.is_held or is_busy or is_asked:
            return
        self._starting = self._lanes["train"].submit(StartNext(training.folder))
        self._starting.succeeded.connect(self._on_started)
        self._starting.failed.connect(self._on_start_failed)

    def _on_started(self, folder: str) -> None:
        if folder:
            self._training.note_begun(folder)

    def _on_start_failed(self, end: Failed | EngineStopped) -> None:
        self._messages.failed(end, self.tr("The next Run of the queue was not started; the queue waits."))
        self._training.look()

    def _on_change_failed(self, end: Failed | EngineStopped) -> None:
        self._messages.failed(end, self.tr("The queue was not changed."))
