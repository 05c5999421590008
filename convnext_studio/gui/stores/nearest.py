"""The training Images that the Model finds most like the current one, and the index they are found in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QObject, QTimer, Signal

from convnext_studio.core.events import EngineStopped, Failed, OpenedImage
from convnext_studio.core.explanations import FeaturesIndexed, Neighbour
from convnext_studio.core.requests import FindNearest, IndexFeatures, OpenImage
from convnext_studio.core.values import ImageRef
from convnext_studio.gui.jobs import JobHandle, LaneLike
from convnext_studio.gui.language import spoken
from convnext_studio.gui.messages import Messages
from convnext_studio.gui.stores.again import Again
from convnext_studio.gui.stores.classifier import Classifier
from convnext_studio.gui.stores.job_list import JobEntry, JobList
from convnext_studio.gui.stores.library import Library
from convnext_studio.gui.stores.small_pictures import SmallPictures
from convnext_studio.gui.stores.viewer import Viewer
from convnext_studio.gui.widgets.numbers import count

MOST = 6
SIDE = 184  # pixels of the longer side of a small picture: sharp on a screen of twice the pixels
SILENCE_S = 120.0
AFTER_MS = 150  # the Heatmap comes first, and whoever scrubs through Images needs none of this

State = Literal["loading", "no Model", "no file", "no image", "looking", "no index", "error", "found"]


@dataclass(frozen=True)
class _Key:
    image: ImageRef
    identity: str
    fit: str


class Nearest(QObject):
    """Follows the current Image and the Model while somebody watches; the newest Image wins."""

    changed = Signal()
    opened_changed = Signal()  # the one that is looked at closely

    def __init__(
        self,
        lanes: Mapping[str, LaneLike],
        viewing: tuple[Library, Classifier, Viewer],
        jobs: JobList,
        messages: Messages,
    ) -> None:
        super().__init__()
        self.found: tuple[Neighbour, ...] = ()
        self.error = ""
        self.opened: OpenedImage | None = None
        self.open_error = ""
        self.pictures = SmallPictures(lanes, "nearest pictures", SIDE, self)
        self._lanes = lanes
        self._library, self._classifier, self._viewer = viewing
        self._jobs = jobs
        self._messages = messages
        self._is_watched = False
        self._asked: _Key | None = None
        self._again = Again()
        self._has_answer = False
        self._handle: JobHandle | None = None
        self._indexing: JobEntry | None = None
        self._asking = QTimer(self, interval=AFTER_MS, singleShot=True)
        self._asking.timeout.connect(self._ask)
        self._library.current_changed.connect(self._follow)
        self._viewer.reread.connect(self._on_reread)
        self._classifier.info_changed.connect(self._follow)
        self._classifier.state_changed.connect(self._follow)

    # --- what there is

    @property
    def state(self) -> State:
        """What can be said now."""
        info = self._classifier.info
        if info is None or not info.classes:
            return "loading" if self._classifier.state == "loading" else "no Model"
        if not self._is_model_file:
            return "no file"
        if self._library.current_image is None:
            return "no image"
        if self.error:
            return "error"
        if not self._has_answer:
            return "looking"
        return "found" if self.found else "no index"

    @property
    def is_indexing(self) -> bool:
        """Whether an index is being made."""
        return self._indexing is not None

    @property
    def can_index(self) -> bool:
        """True if the Model in use is a Model file with classes."""
        info = self._classifier.info
        return self._is_model_file and info is not None and bool(info.classes) and not self.is_indexing

    @property
    def _is_model_file(self) -> bool:
        info = self._classifier.info
        return info is not None and info.ref.name.endswith(".safetensors")

    # --- following

    def set_watched(self, is_watched: bool) -> None:
        """Somebody looks at them, or nobody does: then nothing is computed."""
        self._is_watched = is_watched
        self._follow()

    def _key(self) -> _Key | None:
        info, image = self._classifier.info, self._library.current_image
        is_ready = self._is_watched and self._classifier.state != "loading"
        if not is_ready or info is None or not info.classes or not self._is_model_file or image is None:
            return None
        return _Key(image, info.identity, info.preprocessing.fit)

    def _follow(self) -> None:
        key = self._key()
        if key == self._asked and key is not None:
            return
        self._asked = key
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        self.found, self.error, self._has_answer = (), "", False
        if key is not None:
            self._asking.start()
        else:
            self._asking.stop()
        self.changed.emit()

    def _ask(self) -> None:
        key, classifier = self._asked, self._classifier
        if key is None or classifier.info is None:
            return
        request = FindNearest(
            key.image,
            classifier.info.ref,
            classifier.execution,
            classifier.fit,
            MOST,
            classifier.max_megapixels,
        )
        handle = self._handle = self._lanes["network"].submit(request, replaces="nearest", deadline_s=SILENCE_S)
        handle.succeeded.connect(self._on_found)
        handle.failed.connect(self._on_failed)

    def _on_found(self, found: tuple[Neighbour, ...]) -> None:
        self._handle = None
        self.found, self._has_answer = found, True
        self.pictures.want([ImageRef(one.path) for one in found])
        self.changed.emit()

    def _on_failed(self, end: Failed | EngineStopped) -> None:
        self._handle = None
        if self._again.allows(end, self._asked):
            self._ask()
            return
        self.error = spoken(f"{end.message} {end.hint}".strip() if isinstance(end, Failed) else end.message)
        self.changed.emit()

    def _on_reread(self, image: ImageRef) -> None:
        if self._asked is not None and self._asked.image == image:
            self._asked = None
            self._follow()

    # --- one of them closely

    def open(self, number: int) -> None:
        """Fetch one of those found as large as it is."""
        self.opened, self.open_error = None, ""
        request = OpenImage(ImageRef(self.found[number].path), self._classifier.max_megapixels)
        handle = self._lanes["interactive"].submit(request, replaces="open neighbour", deadline_s=SILENCE_S)
        handle.succeeded.connect(self._on_opened)
        handle.failed.connect(self._on_open_failed)
        self.opened_changed.emit()

    def _on_opened(self, opened: OpenedImage) -> None:
        self.opened = opened
        self.opened_changed.emit()

    def _on_open_failed(self, end: Failed | EngineStopped) -> None:
        self.open_error = spoken(f"{end.message} {end.hint}".strip() if isinstance(end, Failed) else end.message)
        self.opened_changed.emit()

    # --- the index

    def index(self) -> None:
        """Index what the Model in use was trained on, as its Run lists it."""
        info = self._classifier.info
        if not self.can_index or info is None:
            return
        request = IndexFeatures((), (), info.ref, self._classifier.execution, self._classifier.max_megapixels)
        handle = self._lanes["explain all"].submit(request)
        self._indexing = self._jobs.add(self.tr("Index training images"), handle, "data")
        handle.events.connect(self._on_index_events)
        handle.succeeded.connect(self._on_indexed)
        handle.failed.connect(self._on_index_failed)
        handle.closed.connect(self._on_index_closed)
        self.changed.emit()

    def _on_index_events(self, events: list[object]) -> None:
        done = [event for event in events if isinstance(event, FeaturesIndexed)]
        if done and self._indexing is not None:
            last = done[-1]
            words = self.tr("{0} of {1}").format(count(last.done), count(last.total))
            self._indexing.progress(last.done, last.total, words)

    def _on_indexed(self, _path: str) -> None:
        self._asked = None

    def _on_index_failed(self, end: Failed | EngineStopped) -> None:
        self._messages.failed(end, self.tr("The training images were not indexed."))

    def _on_index_closed(self) -> None:
        self._indexing = None
        self._follow()
        self.changed.emit()
