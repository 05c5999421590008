"""Thumbnails for a handful of named Images, beside those of the list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QPixmap

from convnext_studio.core.events import ThumbnailMade
from convnext_studio.core.requests import MakeThumbnails
from convnext_studio.core.values import ImageRef
from convnext_studio.gui.convert import image_from_array
from convnext_studio.gui.jobs import LaneLike

MOST = 2_000  # kept; then all are made anew
SILENCE_S = 20.0


class SmallPictures(QObject):
    """`made` says that more are there; `word` keeps several such stores from taking each other's place."""

    made = Signal()

    def __init__(self, lanes: Mapping[str, LaneLike], word: str, side: int, parent: QObject) -> None:
        super().__init__(parent)
        self._lanes = lanes
        self._word = word
        self._side = side
        self._pixmaps: dict[str, QPixmap | None] = {}
        self._errors: dict[str, str] = {}

    def pixmap(self, path: str) -> QPixmap | None:
        """The thumbnail, None while it is not there or if there can be none."""
        return self._pixmaps.get(path)

    def error(self, path: str) -> str:
        """Why there can be none, "" if that is not known."""
        return self._errors.get(path, "")

    def want(self, paths: Sequence[str]) -> None:
        """Make those that are missing, in place of what was wanted before."""
        if len(self._pixmaps) > MOST:
            self._pixmaps.clear()
        missing = tuple(ImageRef(path) for path in dict.fromkeys(paths) if path not in self._pixmaps)
        if missing:
            request = MakeThumbnails(missing, self._side)
            handle = self._lanes["thumbnails"].submit(request, replaces=self._word, deadline_s=SILENCE_S)
            handle.events.connect(self._on_events)

    def _on_events(self, events: list[object]) -> None:
        for event in events:
            if isinstance(event, ThumbnailMade):
                pixels = event.pixels
                if event.error:
                    self._errors[event.image.path] = event.error
                found = None if pixels is None else QPixmap.fromImage(image_from_array(pixels))
                self._pixmaps[event.image.path] = found
        self.made.emit()
