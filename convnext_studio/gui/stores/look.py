"""What is known of places on disk. The Engine looks: the window would stand still before a dead network drive."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from PySide6.QtCore import QObject, Signal

from convnext_studio.core.events import PlaceSeen
from convnext_studio.core.requests import LookAtPlaces
from convnext_studio.gui.jobs import LaneLike


class Look(QObject):
    """One user's view of some places: what was last heard of them, and nothing until then."""

    changed = Signal()

    def __init__(self, lanes: Mapping[str, LaneLike], word: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lane = lanes["places"]
        self._word = f"look {word}"  # the newest of these wins
        self._wanted: tuple[str, ...] = ()
        self._seen: dict[str, PlaceSeen] = {}

    def ask(self, paths: Iterable[str]) -> None:
        """Have these looked at; `changed` follows the answer. What was known of them holds until then."""
        wanted = tuple(paths)
        self._wanted = wanted
        self._seen = {path: self._seen[path] for path in wanted if path in self._seen}
        if wanted:
            handle = self._lane.submit(LookAtPlaces(wanted), replaces=self._word)
            handle.succeeded.connect(self._on_seen)

    def at(self, path: str) -> PlaceSeen | None:
        """What is known of `path`; None while nothing is."""
        return self._seen.get(path)

    def is_missing(self, path: str) -> bool:
        """True if `path` is known to be gone."""
        seen = self._seen.get(path)
        return seen is not None and seen.kind == "missing"

    def is_folder(self, path: str) -> bool | None:
        """Whether `path` is a folder; None if that is not known."""
        seen = self._seen.get(path)
        return seen.kind == "folder" if seen is not None and seen.kind in ("folder", "file") else None

    def _on_seen(self, seen: tuple[PlaceSeen, ...]) -> None:
        answers = {place.path: place for place in seen if place.kind != "unknown"}
        self._seen |= {path: answers[path] for path in self._wanted if path in answers}
        self.changed.emit()
