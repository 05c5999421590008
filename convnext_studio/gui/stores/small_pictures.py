"""Thumbnails for a handful of named Images, beside those of the list."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QPixmap

from convnext_studio.core.events import ThumbnailMade
from convnext_studio.core.requests import MakeThumbnails
from convnext_studio.core.values import ImageRef
from convnext_studio.gui.convert import image_from_array
from convnext_studio.gui.jobs import LaneLike
from convnext_studio.gui.language import spoken

LIMIT_BYTES = 48 << 20  # kept beside those that are wanted now; the ones wanted longest ago go first
SILENCE_S = 20.0


class SmallPictures(QObject):
    """`made` says that more are there; `word` keeps several such stores from taking each other's place."""

    made = Signal()

    def __init__(self, lanes: Mapping[str, LaneLike], word: str, side: int, parent: QObject) -> None:
        super().__init__(parent)
        self._lanes = lanes
        self._word = word
        self._side = side
        self._pixmaps: OrderedDict[ImageRef, QPixmap] = OrderedDict()
        self._bytes = 0
        self._errors: dict[ImageRef, str] = {}
        self._wanted: dict[ImageRef, None] = {}

    def pixmap(self, image: ImageRef) -> QPixmap | None:
        """The thumbnail, None while it is not there or if there can be none."""
        return self._pixmaps.get(image)

    def error(self, image: ImageRef) -> str:
        """Why there can be none, "" if that is not known."""
        return self._errors.get(image, "")

    def want(self, images: Sequence[ImageRef]) -> None:
        """Make those that are missing, in place of what was wanted before."""
        self._wanted = dict.fromkeys(images)
        for image in self._wanted.keys() & self._pixmaps.keys():
            self._pixmaps.move_to_end(image)
        missing = tuple(one for one in self._wanted if one not in self._pixmaps and one not in self._errors)
        if missing:
            request = MakeThumbnails(missing, self._side)
            handle = self._lanes["thumbnails"].submit(request, replaces=self._word, deadline_s=SILENCE_S)
            handle.events.connect(self._on_events)

    def _on_events(self, events: list[object]) -> None:
        for event in events:
            if isinstance(event, ThumbnailMade):
                self._keep(event)
        self.made.emit()

    def _keep(self, event: ThumbnailMade) -> None:
        if event.pixels is None:
            self._errors[event.image] = spoken(event.error)
            return
        if (old := self._pixmaps.pop(event.image, None)) is not None:
            self._bytes -= _size(old)
        pixmap = self._pixmaps[event.image] = QPixmap.fromImage(image_from_array(event.pixels))
        self._bytes += _size(pixmap)
        while self._bytes > LIMIT_BYTES and next(iter(self._pixmaps)) not in self._wanted:
            self._bytes -= _size(self._pixmaps.popitem(last=False)[1])


def _size(pixmap: QPixmap) -> int:
    return 4 * pixmap.width() * pixmap.height()
