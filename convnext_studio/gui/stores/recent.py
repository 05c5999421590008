"""The last folders and files that were opened, kept over restarts."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from convnext_studio.core.errors import StorageError
from convnext_studio.gui.settings import write_private

log = logging.getLogger(__name__)

MOST = 10


@dataclass(frozen=True)
class RecentPlace:
    """A folder or file, when it was opened (seconds since 1970), and how many images were found there."""

    path: str
    opened: float
    images: int = 0

    @property
    def name(self) -> str:
        """Its last part."""
        return Path(self.path).name or self.path

    @property
    def folder(self) -> str:
        """The name of the folder it is in: many folders are called "images"."""
        return Path(self.path).parent.name


class Recent(QObject):
    """The places, the newest first; `changed` is emitted once a change."""

    changed = Signal()

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._places = _read(path)

    @property
    def places(self) -> tuple[RecentPlace, ...]:
        """At most ten."""
        return tuple(self._places)

    def add(self, path: str, images: int = 0) -> None:
        """Put a place on top, or note how many images were found there."""
        others = [place for place in self._places if place.path != path]
        self._places = [RecentPlace(path, time.time(), images), *others][:MOST]
        self._keep()

    def clear(self) -> None:
        """Forget all."""
        self._places = []
        self._keep()

    def _keep(self) -> None:
        try:
            text = json.dumps([asdict(place) for place in self._places], ensure_ascii=True, indent=1)
            write_private(self._path, text, is_flushed=False)
        except StorageError as error:
            log.info("The list of recent places is not kept: %s", error)
        self.changed.emit()


def _read(path: Path) -> list[RecentPlace]:
    try:
        kept = json.loads(path.read_text("utf-8"))
        return [RecentPlace(str(p["path"]), float(p["opened"]), int(p["images"])) for p in kept][:MOST]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        log.info("The list of recent places could not be read: %s", error)
        return []
