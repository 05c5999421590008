"""Small pictures of the Images: made for what is in sight first, kept within a bound of memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QPixmap

from convnext_studio.core.events import EngineStopped, Failed, ThumbnailMade
from convnext_studio.core.requests import MakeThumbnails
from convnext_studio.core.values import DEFAULT_MAX_MEGAPIXELS, ImageRef
from convnext_studio.gui.convert import image_from_array
from convnext_studio.gui.jobs import JobHandle, LaneLike
from convnext_studio.gui.language import spoken
from convnext_studio.gui.stores.library import Library

LIMIT_BYTES = 128 << 20
AT_ONCE = 24  # Images in one Request: short, so that a scrolled view is soon served
SILENCE_S = 20.0


class Thumbnails(QObject):
    """`pixmap` gives what is there; `want` says what is in sight, the newest call counts."""

    made = Signal()

    def __init__(self, lanes: Mapping[str, LaneLike], library: Library, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.max_megapixels = DEFAULT_MAX_MEGAPIXELS
        self._lanes = lanes
        self._side = 0
        self._pixmaps: OrderedDict[ImageRef, QPixmap] = OrderedDict()
        self._bytes = 0
        self._errors: dict[ImageRef, str] = {}
        self._wanted: list[ImageRef] = []
        self._handle: JobHandle | None = None
        self._asked: dict[ImageRef, None] = {}  # at the Engine now, in order
        self._suspects: dict[ImageRef, None] = {}  # asked for alone, for one of them ended the Engine
        library.emptied.connect(self._on_emptied)
        library.errors_dropped.connect(self._errors.clear)

    def set_side(self, side: int) -> None:
        """The longest side in device pixels; another one than before makes all anew."""
        if side != self._side:
            self._side = side
            self._drop_all()

    def pixmap(self, image: ImageRef) -> QPixmap | None:
        """The thumbnail, if it is there."""
        found = self._pixmaps.get(image)
        if found is not None:
            self._pixmaps.move_to_end(image)
        return found

    def error(self, image: ImageRef) -> str:
        """Why there is none; empty if that is not known."""
        return self._errors.get(image, "")

    def want(self, images: Sequence[ImageRef]) -> None:
        """Make these, the first ones first; what was wanted before and not begun is left."""
        self._wanted = [ref for ref in images if ref not in self._pixmaps and ref not in self._errors]
        is_served = self._handle is not None and any(ref in self._asked for ref in self._wanted[:AT_ONCE])
        if self._wanted and not is_served:
            self._ask()

    def forget(self, image: ImageRef) -> None:
        """The file changed: its thumbnail is made anew when it is next in sight."""
        self._errors.pop(image, None)
        if (old := self._pixmaps.pop(image, None)) is not None:
            self._bytes -= _size(old)
        self.made.emit()

    def _ask(self) -> None:
        if not self._side:
            return
        images = [ref for ref in self._wanted if ref not in self._pixmaps and ref not in self._errors][:AT_ONCE]
        alone = [ref for ref in images if ref in self._suspects]
        if alone:
            images = alone[:1]
        if not images:
            return
        self._asked = dict.fromkeys(images)
        # Once asked for, they are not wanted again, or a view larger than the bound would be made for ever.
        self._wanted = [ref for ref in self._wanted if ref not in self._asked]
        request = MakeThumbnails(tuple(images), self._side, self.max_megapixels)
        if self._handle is not None:
            self._leave(self._handle)
        handle = self._handle = self._lanes["thumbnails"].submit(request, replaces="thumbnails", deadline_s=SILENCE_S)
        handle.events.connect(self._on_events)
        handle.succeeded.connect(self._on_succeeded)
        handle.failed.connect(self._on_failed)

    def _leave(self, handle: JobHandle) -> None:
        if not handle.is_closed:
            handle.events.disconnect(self._on_events)
            handle.succeeded.disconnect(self._on_succeeded)
            handle.failed.disconnect(self._on_failed)

    def _on_events(self, events: list[object]) -> None:
        for event in events:
            if isinstance(event, ThumbnailMade) and event.image in self._asked:
                del self._asked[event.image]
                self._suspects.pop(event.image, None)
                self._keep(event)
        self.made.emit()

    def _keep(self, event: ThumbnailMade) -> None:
        if event.pixels is None:
            self._errors[event.image] = spoken(event.error)
            return
        pixmap = QPixmap.fromImage(image_from_array(event.pixels))
        self._pixmaps[event.image] = pixmap
        self._bytes += _size(pixmap)
        while self._bytes > LIMIT_BYTES:
            self._bytes -= _size(self._pixmaps.popitem(last=False)[1])

    def _on_succeeded(self, _count: object) -> None:
        self._handle = None
        for image in self._asked:  # never ask for ever
            self._errors.setdefault(image, self.tr("No thumbnail could be made."))
        self._asked = {}
        self._ask()

    def _on_failed(self, end: Failed | EngineStopped) -> None:
        """One Image may have ended the Engine: each goes alone once, and the one that does it again is left out."""
        self._handle = None
        asked, self._asked = list(self._asked), {}
        if isinstance(end, Failed):
            self._errors.update(dict.fromkeys(asked, spoken(end.message)))
        elif end.is_suspect and len(asked) == 1 and asked[0] in self._suspects:
            self._errors[asked[0]] = self.tr("The Engine crashed on this picture.")
        else:
            self._wanted = [*asked, *self._wanted]
            self._suspects.update(dict.fromkeys(asked) if end.is_suspect else {})
        self.made.emit()
        self._ask()

    def _on_emptied(self) -> None:
        self._wanted = []
        self._errors.clear()
        self._suspects.clear()
        self._drop_all()

    def _drop_all(self) -> None:
        if self._handle is not None:
            self._leave(self._handle)
            self._handle.cancel()
        self._handle = None
        self._asked = {}
        self._pixmaps.clear()
        self._bytes = 0
        self.made.emit()


def _size(pixmap: QPixmap) -> int:
    return 4 * pixmap.width() * pixmap.height()
