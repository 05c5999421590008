"""A few Images to be compared: each opened by the Engine, or with the reason why not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QObject, Signal

from convnext_studio.core.events import EngineStopped, Failed, OpenedImage
from convnext_studio.core.requests import OpenImage
from convnext_studio.core.values import DEFAULT_MAX_MEGAPIXELS, ImageRef
from convnext_studio.gui.jobs import JobHandle, LaneLike
from convnext_studio.gui.language import spoken

FEWEST, MOST = 2, 4
SILENCE_S = 30.0


class SideBySide(QObject):
    """`shown` follows when others are to be compared; `opened_changed` as each arrives."""

    shown = Signal()
    opened_changed = Signal(object)  # an ImageRef

    def __init__(self, lanes: Mapping[str, LaneLike]) -> None:
        super().__init__()
        self.max_megapixels = DEFAULT_MAX_MEGAPIXELS
        self.images: tuple[ImageRef, ...] = ()
        self.opened: dict[ImageRef, OpenedImage] = {}
        self.errors: dict[ImageRef, str] = {}
        self._lane = lanes["interactive"]

    def show(self, images: Sequence[ImageRef]) -> None:
        """Open these, the first four at the most."""
        self.images = tuple(images[:MOST])
        self.opened, self.errors = {}, {}
        self.shown.emit()
        for image in self.images:
            handle = self._lane.submit(OpenImage(image, self.max_megapixels), deadline_s=SILENCE_S)
            handle.succeeded.connect(self._on_opened)
            handle.failed.connect(_Refusal(handle, image, self).tell)

    def forget(self) -> None:
        """Nothing is compared any more: let the pixels go."""
        self.images, self.opened, self.errors = (), {}, {}

    def refused(self, image: ImageRef, end: Failed | EngineStopped) -> None:
        """An Image could not be opened."""
        if image in self.images:
            self.errors[image] = spoken(end.message)
            self.opened_changed.emit(image)

    def _on_opened(self, opened: OpenedImage) -> None:
        if opened.image in self.images:
            self.opened[opened.image] = opened
            self.opened_changed.emit(opened.image)


class _Refusal(QObject):
    """Remembers which Image a Job was to open; a child of its handle, so that it ends with it."""

    def __init__(self, handle: JobHandle, image: ImageRef, store: SideBySide) -> None:
        super().__init__(handle)
        self._image = image
        self._store = store

    def tell(self, end: Failed | EngineStopped) -> None:
        """Pass it on with the name."""
        self._store.refused(self._image, end)
