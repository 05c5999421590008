"""The Image on the canvas: opened by the Engine, the newest wish wins, the next one fetched ahead."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from PySide6.QtCore import QObject, QTimer, Signal

from convnext_studio.core.events import EngineStopped, Failed, ModelInput, OpenedImage
from convnext_studio.core.requests import OpenImage, ShowModelInput
from convnext_studio.core.values import DEFAULT_MAX_MEGAPIXELS, ImageRef
from convnext_studio.gui.jobs import JobHandle, LaneLike
from convnext_studio.gui.language import spoken
from convnext_studio.gui.stores.classifier import Classifier
from convnext_studio.gui.stores.library import Library
from convnext_studio.gui.stores.look import Look

KEPT_BYTES = 192 << 20  # Images fetched ahead and just left
SLOW_MS = 400  # after this the old picture goes and "Opening" is said
LOOK_MS = 1000  # whether the file changed is asked this often: a network drive would not tell by itself
REREAD_MS = 300  # a file that is being written changes many times
SILENCE_S = 30.0


class Viewer(QObject):
    """What the canvas shows: an opened Image, or why not; and on demand what the network sees of it."""

    opened_changed = Signal()
    input_changed = Signal()
    reread = Signal(object)  # an ImageRef whose file changed on disk

    def __init__(
        self, lanes: Mapping[str, LaneLike], library: Library, classifier: Classifier, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.max_megapixels = DEFAULT_MAX_MEGAPIXELS
        self.opened: OpenedImage | None = None
        self.error = ""
        self.is_opening = False
        self.shows_input = False
        self.model_input: ModelInput | None = None
        self.input_error = ""
        self._lane = lanes["interactive"]
        self._library = library
        self._classifier = classifier
        self._image: ImageRef | None = None
        self._kept: OrderedDict[ImageRef, OpenedImage] = OrderedDict()
        self._retried: ImageRef | None = None
        self._slow = QTimer(self, interval=SLOW_MS, singleShot=True)
        self._slow.timeout.connect(self._on_slow)
        self._rereading = QTimer(self, interval=REREAD_MS, singleShot=True)
        self._rereading.timeout.connect(self._on_reread)
        self._look = Look(lanes, "image", self)
        self._look.changed.connect(self._on_looked)
        self._stamp: float | None = None  # mtime of the current Image's file, once it is known
        self._looking = QTimer(self, interval=LOOK_MS)
        self._looking.timeout.connect(self._look_again)
        library.current_changed.connect(self._on_current_changed)
        classifier.info_changed.connect(self._ask_input)

    def set_shows_input(self, is_on: bool) -> None:
        """Show what the network sees, or stop to."""
        self.shows_input = is_on
        self._ask_input()

    def stop(self) -> None:
        """The program ends: no file is looked at any more."""
        for timer in (self._looking, self._slow, self._rereading):
            timer.stop()

    # --- the Image

    def _on_current_changed(self) -> None:
        image = self._library.current_image
        if image == self._image:
            return
        self._image = image
        self._retried = None
        self._stamp = None
        self._rereading.stop()
        if image is None:
            self._looking.stop()
            self._slow.stop()
            self.is_opening = False
            self._kept.clear()
            self._show(None, "")
            return
        kept = self._kept.get(image)
        self._looking.start()
        if kept is not None:
            self._take(kept)
            self._look_again()  # it may have changed since it was fetched
        else:
            self._open(image)

    def _open(self, image: ImageRef) -> None:
        self.is_opening = True
        self._slow.start()
        self._submit(image, "open image")

    def _submit(self, image: ImageRef, word: str) -> None:
        handle = self._lane.submit(OpenImage(image, self.max_megapixels), replaces=word, deadline_s=SILENCE_S)
        handle.succeeded.connect(self._on_opened)
        handle.failed.connect(_Refusal(handle, image, self).tell)

    def _on_opened(self, opened: OpenedImage) -> None:
        self._keep(opened)
        if opened.image == self._image and self.is_opening:
            self._take(opened)

    def _take(self, opened: OpenedImage) -> None:
        self._slow.stop()
        self.is_opening = False
        self._stamp = opened.modified
        self._show(opened, "")
        following = self._library.neighbour(1)
        if following is not None and following not in self._kept:
            self._submit(following, "prefetch")

    def refused(self, image: ImageRef, end: Failed | EngineStopped) -> None:
        """An Image could not be opened. What was fetched ahead is not missed yet."""
        if image != self._image or not self.is_opening:
            return
        if isinstance(end, EngineStopped) and self._retried != image:
            self._retried = image  # perhaps another Job ended the Engine
            self._open(image)
            return
        self._slow.stop()
        self.is_opening = False
        if isinstance(end, EngineStopped):
            self._show(None, self.tr("The Engine crashed on this picture."))
        else:
            self._show(None, spoken(f"{end.message} {end.hint}".strip()))

    def _show(self, opened: OpenedImage | None, error: str) -> None:
        self.opened, self.error = opened, error
        self.opened_changed.emit()
        self._ask_input()

    def _on_slow(self) -> None:
        self.opened, self.error = None, ""
        self.opened_changed.emit()

    def _keep(self, opened: OpenedImage) -> None:
        self._kept[opened.image] = opened
        self._kept.move_to_end(opened.image)
        while len(self._kept) > 1 and sum(kept.pixels.nbytes for kept in self._kept.values()) > KEPT_BYTES:
            self._kept.popitem(last=False)

    # --- the file on disk

    def _look_again(self) -> None:
        if self._image is not None and not self.is_opening:
            self._look.ask((self._image.path,))

    def _on_looked(self) -> None:
        seen = None if self._image is None else self._look.at(self._image.path)
        if seen is None or self.is_opening or seen.modified == self._stamp:
            return
        if self._stamp is not None:
            self._rereading.start()  # once more each time it changes, so that it is read when it is whole
        self._stamp = seen.modified

    def _on_reread(self) -> None:
        image = self._image
        if image is not None:
            self._kept.pop(image, None)
            self._open(image)
            self.reread.emit(image)

    # --- what the network sees

    def _ask_input(self) -> None:
        self.model_input, self.input_error = None, ""
        info = self._classifier.info
        if self.shows_input and self.opened is not None and info is not None:
            request = ShowModelInput(self.opened.image, info.preprocessing, self.max_megapixels)
            handle = self._lane.submit(request, replaces="model input", deadline_s=SILENCE_S)
            handle.succeeded.connect(self._on_input)
            handle.failed.connect(self._on_input_failed)
        self.input_changed.emit()

    def _on_input(self, found: ModelInput) -> None:
        if self.shows_input and found.image == self._image:
            self.model_input = found
            self.input_changed.emit()

    def _on_input_failed(self, end: Failed | EngineStopped) -> None:
        self.input_error = spoken(end.message)
        self.input_changed.emit()


class _Refusal(QObject):
    """Remembers which Image a Job was to open; a child of its handle, so that it ends with it."""

    def __init__(self, handle: JobHandle, image: ImageRef, viewer: Viewer) -> None:
        super().__init__(handle)
        self._image = image
        self._viewer = viewer

    def tell(self, end: Failed | EngineStopped) -> None:
        """Pass it on with the name."""
        self._viewer.refused(self._image, end)
