"""The Model in use, and the run that gives every open Image its Prediction."""

from __future__ import annotations

import dataclasses
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Literal

from PySide6.QtCore import QObject, QTimer, Signal

from convnext_studio.core.events import (
    ClassifySummary,
    EngineStopped,
    Failed,
    FolderLost,
    ImagesClassified,
    ModelLoaded,
    ModelLoading,
    Noticed,
)
from convnext_studio.core.requests import Classify, LoadModel
from convnext_studio.core.values import (
    DEFAULT_MAX_MEGAPIXELS,
    Execution,
    Fit,
    ImageRef,
    ModelInfo,
    ModelRef,
    Prediction,
)
from convnext_studio.gui.jobs import JobHandle, LaneLike
from convnext_studio.gui.language import spoken
from convnext_studio.gui.messages import Message, Messages
from convnext_studio.gui.stores.library import Library
from convnext_studio.gui.stores.pace import Pace

State = Literal["no Model", "loading", "ready", "classifying"]

FIRST_CHUNK = 64  # the first answers come soon ...
CHUNK = 2_000  # ... and the later Requests cost little
CAREFUL_CHUNK = 64
SILENCE_S = 180.0  # longer than any batch of any Model; then the Engine is taken to hang
CAREFUL_SILENCE_S = 60.0
SILENT_CRASHES = 6  # so many Engines in a row that ended without one answer: it is not the Images
SHOWN_MS = 250  # numbers change four times a second at most
STRIKES = 2  # an Image that was in work this often when the Engine ended is skipped; one may be bad luck


@dataclass
class _Chunk:
    """Images that are at the Engine in one Request."""

    handle: JobHandle
    waiting: dict[ImageRef, None]  # in the order of the Request
    is_careful: bool


@dataclass(frozen=True)
class Progress:
    """How far the run is."""

    done: int = 0
    total: int = 0
    failed: int = 0
    images_per_s: float = 0.0
    seconds_left: float = 0.0


@dataclass
class _Run:
    """One stretch of classifying, from the first Image to the last or to Stop."""

    pace: Pace = field(default_factory=Pace)
    done: int = 0
    failed: int = 0
    silent_crashes: int = 0


class Classifier(QObject):
    """Keeps a Model ready and the Library classified by it; a Prediction by any other Model is not let in."""

    takes_features = False  # a Model without classes has nothing to say here

    info_changed = Signal()  # another Model, or none
    state_changed = Signal()
    stage_changed = Signal(str)  # what is done to the Model while it loads
    progress_changed = Signal()
    finished = Signal(object)  # the last Progress of a run that came to its end

    def __init__(
        self, lanes: Mapping[str, LaneLike], library: Library, messages: Messages, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.model_ref = ModelRef()
        self.execution = Execution()
        self.fit: Fit | None = None
        self.info: ModelInfo | None = None
        self.state: State = "no Model"
        self.is_automatic = True  # classify what is opened without being asked
        self.max_megapixels = DEFAULT_MAX_MEGAPIXELS
        self.top = 5
        self._lanes = lanes
        self._library = library
        self._messages = messages
        self._loading: JobHandle | None = None
        self._in_use: tuple[Execution, Fit | None] = (self.execution, self.fit)  # of `info`
        self._chunk: _Chunk | None = None
        self._run: _Run | None = None
        self._is_wanted = False  # classify as soon as there is a Model
        self._may_load_again = True
        self._is_stopped = False  # by the user: what is found later of the same folders waits too
        self._queue: deque[ImageRef] = deque()
        self._suspects: deque[ImageRef] = deque()
        self._strikes: dict[ImageRef, int] = {}
        self._missed: set[str] = set()  # folders that were lost, and the user went on
        self._may_pause = True  # an Image was read since the last pause: to go on without a drive takes one press
        self._next = QTimer(self, interval=0, singleShot=True)
        self._next.timeout.connect(self._send_next)
        self._showing = QTimer(self, interval=SHOWN_MS, singleShot=True)
        self._showing.timeout.connect(self.progress_changed)
        library.opening_began.connect(self._on_opening_began)
        library.images_added.connect(self._on_images_added)
        library.emptied.connect(self._on_emptied)

    # --- the Model

    @property
    def identity(self) -> str:
        """What `Prediction.model` must be to be let in."""
        return self.info.identity[:12] if self.info else ""

    @property
    def can_classify(self) -> bool:
        """True if there is a Model with classes and an Image without answer, or one that could not be read."""
        has_model = self.info is None or bool(self.info.classes)
        return has_model and self.state != "classifying" and self._library.classified < self._library.total

    def set_model(self, model: ModelRef) -> None:
        """Take another Model; what was classified is asked anew."""
        self.model_ref = model
        self.load()

    def set_execution(self, execution: Execution) -> None:
        """Run on another device, precision or engine."""
        if execution != self.execution:
            self.execution = execution
            self.load()

    def set_fit(self, fit: Fit | None) -> None:
        """Bring Images to the Model's input in another way; None is the Model's own."""
        if fit != self.fit:
            self.fit = fit
            self.load()

    @property
    def can_measure_again(self) -> bool:
        """True if there is a Model to measure and it is not being loaded."""
        return self.info is not None and self.state != "loading"

    def measure_again(self) -> None:
        """Throw away what was measured of this Model here, and measure anew; classifying goes on afterwards."""
        if self.can_measure_again:
            self.load(is_measured_anew=True)

    def load(self, *, is_measured_anew: bool = False, is_second_try: bool = False) -> None:
        """Load the Model that is wanted now, again if need be."""
        self._may_load_again = not is_second_try
        is_going_on = self.state == "classifying" or self._is_wanted or self._library.classified + self._library.errors
        self._withdraw()
        if self._loading is not None:
            self._forget(self._loading, [self._on_load_events], self._on_loaded, self._on_load_failed)
        self._is_wanted = bool(is_going_on) or self.is_automatic
        self._become("loading")
        # On the batch lane, so that the Image on the canvas need not wait for a Model.
        request = LoadModel(self.model_ref, self.execution, self.fit, is_measured_anew)
        handle = self._loading = self._lanes["batch"].submit(request, replaces="load model")
        handle.events.connect(self._on_load_events)
        handle.succeeded.connect(self._on_loaded)
        handle.failed.connect(self._on_load_failed)

    def _on_load_events(self, events: list[object]) -> None:
        for event in events:
            if isinstance(event, ModelLoading):
                self.stage_changed.emit(spoken(event.stage))
            elif isinstance(event, Noticed):
                self._messages.info(spoken(event.message), spoken(event.hint))

    def _on_loaded(self, info: ModelInfo) -> None:
        self._loading = None
        self._in_use = (self.execution, self.fit)
        before, self.info = self.info, info
        if before is not None and _answers(before) != _answers(info):
            self._library.drop_predictions()
        self.info_changed.emit()
        self._become("ready")
        if self._is_wanted and info.classes:
            self.classify_all()

    def _on_load_failed(self, end: Failed | EngineStopped) -> None:
        """An Engine may have died of something else: try again once. The Model before, if any, stays in use."""
        self._loading = None
        if isinstance(end, EngineStopped) and self._may_load_again:
            self.load(is_second_try=True)
            return
        self._is_wanted = False
        self._messages.failed(end, self.tr("The Model was not loaded."))
        if self.info is not None:
            self.model_ref = self.info.ref
            self.execution, self.fit = self._in_use
        self._become("ready" if self.info else "no Model")
        self.info_changed.emit()

    # --- the run

    @property
    def progress(self) -> Progress:
        """How far the run is; all zero when there is none."""
        run = self._run
        if run is None:
            return Progress()
        left = self._left
        return Progress(run.done, run.done + left, run.failed, run.pace.images_per_s, run.pace.seconds_left(left))

    @property
    def _left(self) -> int:
        return len(self._queue) + len(self._suspects) + (len(self._chunk.waiting) if self._chunk else 0)

    def classify_all(self) -> None:
        """Classify every Image that has no Prediction yet, as soon as there is a Model."""
        self._is_wanted = True
        self._is_stopped = False
        if self.state == "no Model":
            self.load()
        if self.state != "ready" or self.info is None or not self.info.classes:
            return
        library = self._library
        self._begin(library.image_of_record(record) for record in library.unclassified())

    def classify_rest(self) -> None:
        """As `classify_all`; a drive may be back: try thumbnails once more, and where none waits, all not readable."""
        if self._library.waiting:
            self._library.errors_dropped.emit()
        else:
            self._library.drop_errors()
        self.classify_all()

    def classify_again(self, image: ImageRef) -> None:
        """The file changed: what was predicted of it holds no longer. Others that wait go on waiting."""
        self._library.drop_prediction(image)
        if self.state == "classifying":
            self._queue.append(image)
        elif self.is_automatic and self.state == "ready" and self.info is not None and self.info.classes:
            self._begin((image,))

    def stop(self) -> None:
        """Stop; what is done stays, and `classify_all` goes on with the rest."""
        self._is_wanted = False
        self._is_stopped = True
        if self.state == "classifying":
            self._withdraw()
            self._become("ready")
            self._library.counts_changed.emit()

    def _begin(self, images: Iterable[ImageRef]) -> None:
        self._queue = deque(images)
        self._suspects.clear()
        self._strikes.clear()
        if not self._queue:
            return
        self._run = _Run()
        self._run.pace.start(time.monotonic())
        self._become("classifying")
        self._next.start()
        self.progress_changed.emit()

    def _withdraw(self) -> None:
        """Take back what is at the Engine and forget the run; late answers are not listened to."""
        self._next.stop()
        if self._chunk is not None:
            self._chunk.handle.cancel()
            self._let_go(self._chunk)
        self._end_run()
        self._queue.clear()
        self._suspects.clear()

    def _end_run(self) -> None:
        self._chunk = self._run = None
        self._showing.stop()

    def _let_go(self, chunk: _Chunk) -> None:
        self._forget(chunk.handle, [self._on_events], self._on_chunk_done, self._on_chunk_failed)

    @staticmethod
    def _forget(handle: JobHandle, events: list[object], succeeded: object, failed: object) -> None:
        """Listen no more to a Job that may have closed."""
        if not handle.is_closed:
            for slot in events:
                handle.events.disconnect(slot)
            handle.succeeded.disconnect(succeeded)
            handle.failed.disconnect(failed)

    def _on_opening_began(self) -> None:
        self._is_stopped = False

    def _on_images_added(self, records: range) -> None:
        if self._is_stopped:
            return
        if not self._is_wanted:
            if not self.is_automatic:
                return
            self._is_wanted = True
        if self.state == "classifying":
            self._queue.extend(self._library.image_of_record(record) for record in records)
            self.progress_changed.emit()
        elif self.state == "ready":
            self.classify_all()

    def _on_emptied(self) -> None:
        was_classifying = self.state == "classifying"
        self._withdraw()
        self._missed.clear()
        self._may_pause = True
        self._is_wanted = False
        if was_classifying:
            self._become("ready")

    def _send_next(self) -> None:
        if self._chunk is not None or self.state != "classifying":
            return
        if self._suspects:
            self._send([self._suspects.popleft() for _ in range(min(CAREFUL_CHUNK, len(self._suspects)))], True)
        elif self._queue:
            size = CHUNK if self._run and self._run.done >= FIRST_CHUNK else FIRST_CHUNK
            self._send([self._queue.popleft() for _ in range(min(size, len(self._queue)))], False)
        else:
            self._finish()

    def _send(self, images: list[ImageRef], is_careful: bool) -> None:
        request = Classify(
            images=tuple(images),
            model=self.model_ref,
            execution=self.execution,
            fit=self.fit,
            top=self.top,
            is_careful=is_careful,
            max_megapixels=self.max_megapixels,
        )
        silence_s = CAREFUL_SILENCE_S if is_careful else SILENCE_S
        handle = self._lanes["batch"].submit(request, deadline_s=silence_s)
        self._chunk = _Chunk(handle, dict.fromkeys(images), is_careful)
        handle.events.connect(self._on_events)
        handle.succeeded.connect(self._on_chunk_done)
        handle.failed.connect(self._on_chunk_failed)

    def _on_events(self, events: list[object]) -> None:
        done: list[Prediction] = []
        lost: list[str] = []
        for event in events:
            if isinstance(event, ImagesClassified):
                done.extend(event.predictions)
            elif isinstance(event, FolderLost):
                lost += [event.folder] if event.folder not in self._missed else []
            elif isinstance(event, ModelLoaded) and self.info is not None:
                if event.info.identity != self.info.identity:  # its file was replaced: all answers are of another Model
                    self.load()
                    return
            elif isinstance(event, Noticed):
                self._messages.info(spoken(event.message), spoken(event.hint))
        is_paused = bool(lost) and self._may_pause
        if is_paused:  # what could not be read of them waits
            done = [one for one in done if not one.error or not any(_is_in(one.image, folder) for folder in lost)]
        self._take([prediction for prediction in done if prediction.model == self.identity or prediction.error])
        if is_paused:
            self._pause(lost[0])
        else:
            self._missed.update(lost)

    def _pause(self, folder: str) -> None:
        """A drive may have gone: wait for the user. If they go on without it, its Images get their reason."""
        self._missed.add(folder)
        self._may_pause = False
        self.stop()
        self._messages.post(
            Message(
                "warning",
                self.tr("“{0}” cannot be reached any more: classifying is paused.").format(folder),
                self.tr("What is done stays. Bring it back and go on; without it, its images are only listed as lost."),
                action_text=self.tr("Go on"),
                action=self.classify_rest,
            )
        )

    def _take(self, predictions: list[Prediction]) -> None:
        chunk, run = self._chunk, self._run
        if chunk is None or run is None:
            return
        new = [prediction for prediction in predictions if prediction.image in chunk.waiting]
        for prediction in new:
            del chunk.waiting[prediction.image]
        run.done += len(new)
        run.silent_crashes = 0 if new else run.silent_crashes
        run.failed += sum(bool(prediction.error) for prediction in new)
        run.pace.add(time.monotonic(), run.done)
        if self._missed:
            read = [prediction.image for prediction in new if not prediction.error]
            self._may_pause = self._may_pause or bool(read)
            self._missed = {folder for folder in self._missed if not any(_is_in(image, folder) for image in read)}
        self._library.set_predictions(new)
        if not self._showing.isActive():
            self._showing.start()

    def _on_chunk_done(self, _summary: ClassifySummary) -> None:
        chunk = self._chunk
        if chunk is None:
            return
        # Nothing may stay behind unsaid: what the Engine did not answer is asked once more, one by one.
        self._chunk = None
        self._strike(chunk)
        self._next.start()

    def _on_chunk_failed(self, end: Failed | EngineStopped) -> None:
        chunk = self._chunk
        if chunk is None:
            return
        self._chunk = None
        if isinstance(end, EngineStopped) and self._may_go_on():
            if not end.is_suspect:
                self._queue.extendleft(reversed(chunk.waiting))
            elif chunk.is_careful:
                self._strike(chunk)
            else:
                self._suspect(chunk)
            self._next.start()
            return
        self.stop()
        self._messages.failed(end, self.tr("Classifying has stopped; what is done stays."))

    def _may_go_on(self) -> bool:
        if self._run is None:
            return False
        self._run.silent_crashes += 1
        return self._run.silent_crashes < SILENT_CRASHES

    def _suspect(self, chunk: _Chunk) -> None:
        """The guilty one is among the first that were not answered: they go again, one at a time."""
        waiting = list(chunk.waiting)
        self._suspects.extend(waiting[:CAREFUL_CHUNK])
        self._queue.extendleft(reversed(waiting[CAREFUL_CHUNK:]))

    def _strike(self, chunk: _Chunk) -> None:
        """Of what is left of a careful Request, the first was in work when it ended."""
        waiting = list(chunk.waiting)
        if not waiting:
            return
        first = waiting[0]
        self._strikes[first] = self._strikes.get(first, 0) + 1
        if self._strikes[first] >= STRIKES:
            self._skip(first)
            waiting.pop(0)
        self._suspects.extendleft(reversed(waiting))

    def _skip(self, image: ImageRef) -> None:
        assert self._run is not None
        reason = self.tr("The Engine crashed on this picture; it was skipped.")
        self._library.set_predictions([Prediction(image, error=reason, model=self.identity)])
        self._run.done += 1
        self._run.failed += 1
        self._messages.warning(self.tr("“{0}” was skipped.").format(Path(image.path).name), reason, image.path)
        self.progress_changed.emit()

    def _finish(self) -> None:
        progress = dataclasses.replace(self.progress, seconds_left=0.0)
        self._end_run()
        self._become("ready")
        self.progress_changed.emit()
        self.finished.emit(progress)

    def _become(self, state: State) -> None:
        if state != self.state:
            self.state = state
            self.state_changed.emit()


def _is_in(image: ImageRef, folder: str) -> bool:
    return PurePath(folder) in PurePath(image.path).parents


def _answers(info: ModelInfo) -> tuple[object, ...]:
    """What decides the numbers that a Model answers with."""
    return (info.identity, info.preprocessing, info.device, info.engine, info.precision)
