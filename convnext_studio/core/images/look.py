"""Look whether files and folders are there, without ever waiting long for a disk: a network drive may be dead."""

from __future__ import annotations

import os
import stat
import threading
import time
from queue import Empty, SimpleQueue

from convnext_studio.core.context import JobContext
from convnext_studio.core.events import PlaceSeen
from convnext_studio.core.requests import LookAtPlaces, ReadDates

_PATIENCE_S = 1.0  # a disk that wakes up takes longer, and is asked again

_unanswered: set[str] = set()  # a look that never comes back holds one thread, and is not begun twice
_guard = threading.Lock()


def look_at_places(request: LookAtPlaces, ctx: JobContext) -> tuple[PlaceSeen, ...]:
    """Serve `LookAtPlaces`."""
    give_up_at = time.monotonic() + request.seconds
    seen = []
    for path in request.paths:
        ctx.check()
        seen.append(_look(path, min(_PATIENCE_S, give_up_at - time.monotonic())))
    return tuple(seen)


def read_dates(request: ReadDates, ctx: JobContext) -> tuple[float, ...]:
    """Serve `ReadDates`."""
    dates = []
    for path in request.paths:
        ctx.check()
        dates.append(_seen(path).modified)
    return tuple(dates)


def _look(path: str, patience_s: float) -> PlaceSeen:
    """What lies at `path`, or that nobody can say within `patience_s`."""
    with _guard:
        if patience_s <= 0 or path in _unanswered:
            return PlaceSeen(path, "unknown")
        _unanswered.add(path)
    answer: SimpleQueue[PlaceSeen] = SimpleQueue()
    threading.Thread(target=_ask, args=(path, answer), name="look", daemon=True).start()
    try:
        return answer.get(timeout=patience_s)
    except Empty:
        return PlaceSeen(path, "unknown")


def _ask(path: str, answer: SimpleQueue[PlaceSeen]) -> None:
    try:
        answer.put(_seen(path))
    finally:
        with _guard:
            _unanswered.discard(path)


def _seen(path: str) -> PlaceSeen:
    try:
        found = os.stat(path)  # noqa: PTH116 - any file name, its bytes untouched
    except (OSError, ValueError):
        return PlaceSeen(path, "missing")
    return PlaceSeen(path, "folder" if stat.S_ISDIR(found.st_mode) else "file", found.st_mtime)
