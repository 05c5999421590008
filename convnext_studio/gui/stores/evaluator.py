"""How good a Model is: what is to be judged, the Job that does it, and the Evaluation that is shown."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject, QTimer, Signal

from convnext_studio.core.evaluation.compare import Comparison
from convnext_studio.core.evaluation.report import Evaluation, KeptEvaluation
from convnext_studio.core.events import EngineStopped, Failed, ImagesClassified, ImagesFound, ModelLoaded, ModelLoading
from convnext_studio.core.requests import (
    CompareEvaluations,
    Evaluate,
    FindEvaluations,
    OpenEvaluation,
    SaveEvaluation,
)
from convnext_studio.core.values import DEFAULT_MAX_MEGAPIXELS, Execution, ModelRef
from convnext_studio.gui.jobs import JobHandle, LaneLike
from convnext_studio.gui.language import spoken
from convnext_studio.gui.messages import Messages
from convnext_studio.gui.stores.job_list import JobEntry, JobList
from convnext_studio.gui.stores.pace import Pace
from convnext_studio.gui.widgets.numbers import count, rate, time_left

Split = Literal["train", "validation", "test", "all"]
SPLITS: tuple[Split, ...] = ("test", "validation", "train", "all")
SHOWN_MS = 250  # numbers change four times a second at most
SILENCE_S = 180.0  # longer than any batch of any Model


@dataclass(frozen=True)
class Wish:
    """What is to be judged: a Model (None: the one in use), labelled Images ("": none yet), and which of them."""

    model: ModelRef | None = None
    data: str = ""
    split: Split = "test"


class Evaluator(QObject):
    """`evaluation` always belongs to `wish`: it was kept, or computed now; None where neither is so."""

    wish_changed = Signal()
    shown_changed = Signal()  # another Evaluation, or none
    state_changed = Signal()  # begun, ended
    progress_changed = Signal()
    kept_changed = Signal()
    comparison_changed = Signal()
    saved = Signal(object)  # the path

    def __init__(self, lanes: Mapping[str, LaneLike], jobs: JobList, messages: Messages, folder: Path) -> None:
        super().__init__()
        self.wish = Wish()
        self.model_in_use = ModelRef()
        self.execution = Execution()
        self.max_megapixels = DEFAULT_MAX_MEGAPIXELS
        self.evaluation: Evaluation | None = None
        self.failure: Failed | EngineStopped | None = None
        self.kept: tuple[KeptEvaluation, ...] = ()
        self.comparison: Comparison | None = None
        self.done = self.total = 0
        self.stage = ""  # what is done to the Model while it loads
        self.stopped_at: tuple[int, int] | None = None
        self._lanes = lanes
        self._jobs = jobs
        self._messages = messages
        self._folder = folder
        self._handle: JobHandle | None = None
        self._opening: JobHandle | None = None
        self._comparing: JobHandle | None = None
        self._entry: JobEntry | None = None
        self._pace = Pace()
        self._showing = QTimer(self, interval=SHOWN_MS, singleShot=True)
        self._showing.timeout.connect(self._show_progress)

    # --- what is wanted

    @property
    def is_running(self) -> bool:
        """True while Images are judged."""
        return self._handle is not None

    @property
    def is_opening(self) -> bool:
        """True while a kept Evaluation is looked for."""
        return self._opening is not None

    @property
    def can_start(self) -> bool:
        """Whether there is something to judge."""
        return bool(self.wish.data) and not self.is_running

    @property
    def words(self) -> str:
        """How far it is: Images, images/s, time left."""
        if not self.done:
            return self.stage or self.tr("reading the data set")
        said = [self.tr("{0} of {1}").format(count(self.done), count(self.total))]
        if self._pace.images_per_s > 0:
            said += [rate(self._pace.images_per_s), time_left(self._pace.seconds_left(self.total - self.done))]
        return " · ".join(filter(None, said))

    def want(self, wish: Wish) -> None:
        """Take another wish; what was kept of it is shown."""
        if wish != self.wish:
            self.wish = wish
            self._put(None)
            self.wish_changed.emit()
            self._open()

    def set_model_in_use(self, ref: ModelRef) -> None:
        """Another Model classifies now."""
        if ref != self.model_in_use:
            self.model_in_use = ref
            if self.wish.model is None:
                self._put(None)
                self.wish_changed.emit()
                self._open()

    def look(self) -> None:
        """List anew what is kept, and show what was kept of the wish in the meantime."""
        handle = self._lanes["places"].submit(FindEvaluations(str(self._folder)), replaces="find evaluations")
        handle.succeeded.connect(self._on_kept)
        if self.evaluation is None:
            self._open()

    def show(self, kept: KeptEvaluation) -> None:
        """Show an Evaluation of before."""
        self._opening = self._lanes["places"].submit(OpenEvaluation(kept.path), replaces="open evaluation")
        self._opening.succeeded.connect(self._on_shown)
        self._opening.failed.connect(self._on_show_failed)
        self.state_changed.emit()

    # --- judging

    def start(self) -> None:
        """Judge; what is shown stays until the new figures are there."""
        if not self.can_start:
            return
        self.failure = self.stopped_at = None
        self.done = self.total = 0
        self.stage = ""
        self._pace = Pace()
        handle = self._lanes["evaluate"].submit(self._request(), replaces="evaluate", deadline_s=SILENCE_S)
        self._handle = handle
        self._entry = self._jobs.add(self.tr("Evaluate"), handle, "evaluate")
        handle.events.connect(self._on_events)
        handle.succeeded.connect(self._on_succeeded)
        handle.failed.connect(self._on_failed)
        handle.cancelled.connect(self._on_cancelled)
        self.state_changed.emit()

    def stop(self) -> None:
        """Ask it to stop; a part of the Images is not counted, for they come class by class."""
        if self._entry is not None:
            self._entry.stop()

    def save(self, path: str) -> None:
        """Write what is shown as the ending of `path` says: .html, .csv or .json."""
        if self.evaluation is None or not self.evaluation.kept_at:
            return
        handle = self._lanes["files"].submit(SaveEvaluation(self.evaluation.kept_at, path))
        self._jobs.add(self.tr("Save report"), handle, "export")
        handle.succeeded.connect(self.saved)
        handle.failed.connect(self._on_save_failed)

    def compare(self, other: KeptEvaluation | None) -> None:
        """Set another Evaluation of the same Images beside the one that is shown; None: no longer."""
        self.comparison = self._comparing = None
        if other is not None and self.evaluation is not None and self.evaluation.kept_at:
            request = CompareEvaluations(self.evaluation.kept_at, other.path)
            self._comparing = self._lanes["places"].submit(request, replaces="compare")
            self._comparing.succeeded.connect(self._on_compared)
            self._comparing.failed.connect(self._on_compare_failed)
        self.comparison_changed.emit()

    @property
    def comparable(self) -> tuple[KeptEvaluation, ...]:
        """Kept Evaluations on the same data and split as the one that is shown."""
        shown = self.evaluation
        if shown is None:
            return ()
        same = (shown.data, shown.split)
        return tuple(one for one in self.kept if (one.data, one.split) == same and one.path != shown.kept_at)

    # --- replies

    def _request(self) -> Evaluate:
        model = self.wish.model or self.model_in_use
        wish, folder = self.wish, str(self._folder)
        # As the Model itself sees Images: what is kept does not say how else they were fitted.
        return Evaluate(model, wish.data, wish.split, self.execution, None, folder, self.max_megapixels)

    def _open(self) -> None:
        self._opening = None
        if not self.wish.data:
            return
        handle = self._lanes["places"].submit(OpenEvaluation(wanted=self._request()), replaces="open evaluation")
        self._opening = handle
        handle.succeeded.connect(self._on_opened)
        handle.closed.connect(self._on_opening_closed)
        self.state_changed.emit()

    def _on_opened(self, found: Evaluation | None) -> None:
        if self.sender() is self._opening and found is not None:
            self._put(found)

    def _on_opening_closed(self) -> None:
        if self.sender() is self._opening:
            self._opening = None
            self.state_changed.emit()

    def _on_shown(self, found: Evaluation) -> None:
        if self.sender() is self._opening:
            self._opening = None
            split: Split = next((one for one in SPLITS if one == found.split), "all")
            self.wish = Wish(found.ref, found.data, split)
            self._put(found)
            self.wish_changed.emit()

    def _on_show_failed(self, end: Failed | EngineStopped) -> None:
        if self.sender() is self._opening:
            self._opening = None
            self._messages.failed(end, self.tr("This evaluation cannot be shown."))
            self.state_changed.emit()

    def _on_kept(self, kept: tuple[KeptEvaluation, ...]) -> None:
        if kept != self.kept:
            self.kept = kept
            self.kept_changed.emit()

    def _on_events(self, events: list[object]) -> None:
        if self.sender() is not self._handle:
            return
        for event in events:
            if isinstance(event, ImagesFound):
                self.total += len(event.images)
            elif isinstance(event, ImagesClassified):
                self.done += len(event.predictions)
                self._pace.add(time.monotonic(), self.done)
            elif isinstance(event, ModelLoading):
                self.stage = spoken(event.stage)
            elif isinstance(event, ModelLoaded):
                self.stage = ""
                self._pace.start(time.monotonic())
        if not self._showing.isActive():
            self._showing.start()

    def _show_progress(self) -> None:
        if self._entry is not None:
            self._entry.progress(self.done, self.total, self.words)
        self.progress_changed.emit()

    def _on_succeeded(self, found: Evaluation) -> None:
        if self.sender() is not self._handle:
            return
        is_wanted = self._handle.request == self._request()
        self._end()
        if is_wanted:
            self._put(found)
        else:
            fact = self.tr("“{0}” has been evaluated.").format(found.model)
            self._messages.success(fact, self.tr("Choose it again on the page Evaluate to see the figures."))
        self.look()

    def _on_failed(self, end: Failed | EngineStopped) -> None:
        if self.sender() is self._handle:
            self.failure = end
            self._end()
            if isinstance(end, EngineStopped) or end.is_bug:
                self._messages.failed(end, self.tr("The evaluation did not come to its end."))

    def _on_cancelled(self) -> None:
        if self.sender() is self._handle:
            self.stopped_at = (self.done, self.total)
            self._end()

    def _on_save_failed(self, end: Failed | EngineStopped) -> None:
        self._messages.failed(end, self.tr("The report was not saved."))

    def _on_compared(self, found: Comparison) -> None:
        if self.sender() is self._comparing:
            self.comparison = found
            self.comparison_changed.emit()

    def _on_compare_failed(self, end: Failed | EngineStopped) -> None:
        if self.sender() is self._comparing:
            self._messages.failed(end, self.tr("The evaluations cannot be compared."))

    def _end(self) -> None:
        self._showing.stop()
        self._handle = None
        self._entry = None
        self.state_changed.emit()

    def _put(self, found: Evaluation | None) -> None:
        self.failure = self.stopped_at = None
        self.comparison = self._comparing = None
        if found is not self.evaluation:
            self.evaluation = found
            self.shown_changed.emit()
