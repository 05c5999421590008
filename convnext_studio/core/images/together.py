"""Reads a few Images side by side, and waits for none of them for ever: a drive that is gone does not say so."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from convnext_studio.core.errors import ImageError

T = TypeVar("T")

LIMIT_S = 8.0
_LOOK_S = 0.1


def read_together(
    paths: Sequence[str],
    read: Callable[[str], T],
    check: Callable[[], None],
    *,
    readers: int = 4,
    limit_s: float = LIMIT_S,
) -> list[T | ImageError]:
    """Read each of `paths`, in order; an `ImageError` takes the place of what it kept from being read.

    Where nothing came for `limit_s`, what is missing is given up, and its threads are left behind. `check` is called
    all the while; what it raises, and whatever else `read` raises, is raised at once.
    """
    reading = _Reading(paths, read)
    for _ in range(min(readers, len(paths))):
        threading.Thread(target=reading.work, name="read together", daemon=True).start()
    try:
        reading.wait(check, limit_s)
    finally:
        reading.waiting.clear()
    missing = ImageError(f"It took longer than {limit_s:g} seconds to decode.")
    found = dict(reading.found)
    return [found.get(place, missing) for place in range(len(paths))]


class _Reading(Generic[T]):
    """What is being read: `waiting` are the places not begun, the next one first."""

    def __init__(self, paths: Sequence[str], read: Callable[[str], T]) -> None:
        self.found: dict[int, T | ImageError] = {}
        self.waiting = deque(range(len(paths)))
        self._paths = paths
        self._read = read
        self._errors: list[BaseException] = []
        self._has_news = threading.Event()

    def work(self) -> None:
        """Read one after the other."""
        try:
            while True:
                try:
                    place = self.waiting.popleft()
                except IndexError:
                    return
                try:
                    self.found[place] = self._read(self._paths[place])
                except ImageError as error:
                    self.found[place] = error
                self._has_news.set()
        except BaseException as error:  # raised again below, in the thread that asked
            self._errors.append(error)
            self._has_news.set()

    def wait(self, check: Callable[[], None], limit_s: float) -> None:
        """Wait for all of it, but for nothing longer than `limit_s`; time spent in `check` does not count."""
        known, left_s = 0, limit_s
        while len(self.found) < len(self._paths) and left_s > 0:
            began = time.monotonic()
            self._has_news.wait(_LOOK_S)
            self._has_news.clear()
            left_s -= min(time.monotonic() - began, 4 * _LOOK_S)  # while all of us was halted, nobody was slow
            check()
            if self._errors:
                raise self._errors[0]
            if len(self.found) > known:
                known, left_s = len(self.found), limit_s
