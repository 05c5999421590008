"""What one look at an Image told, and the cache that keeps it, by path, size and time of change.

The cache is one SQLite file that may be deleted at any time; where it cannot be read or written, one looks again.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

import numpy as np
import platformdirs
from numpy.typing import NDArray

SMALL = 64  # pixels on each side of the small picture
_VERSION = 2  # another number forgets all that was seen
_MOST_KEPT = 500_000
_MOST_SETS = 50
_WRITTEN_AT_ONCE = 500
_SETTLED_S = 2.0  # a file changed just now may change again without its time showing it
_COLUMNS = (
    "path BLOB PRIMARY KEY, size INT, changed INT, "
    "content TEXT, width INT, height INT, grey INT, damaged INT, small BLOB"
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Seen:
    """One Image after a look: SHA-256 of the file (hex), its own pixels, and uint8 grey (SMALL, SMALL); or `error`.

    `is_damaged`: it can be read, but a part of it may be wrong. A quick look knows the content only: then `small` is
    None and the sizes are 0.
    """

    content: str = ""
    width: int = 0
    height: int = 0
    is_grey: bool = False
    is_damaged: bool = False
    small: NDArray[np.uint8] | None = None
    error: str = ""


class SeenBefore:
    """The cache, for one thread; a context manager that writes what is left at its end."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or Path(platformdirs.user_cache_dir("convnext-studio", appauthor=False)) / "seen.sqlite"
        self._base: sqlite3.Connection | None = None
        self._facts: dict[str, tuple[int, int]] = {}
        self._waiting: list[tuple[object, ...]] = []

    def __enter__(self) -> SeenBefore:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._base = sqlite3.connect(self._path, timeout=5)
            if self._base.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
                self._base.execute("DROP TABLE IF EXISTS seen")
                self._base.execute(f"PRAGMA user_version = {_VERSION}")
                self._base.execute("DROP TABLE IF EXISTS alike")
            self._base.execute(f"CREATE TABLE IF NOT EXISTS seen ({_COLUMNS})")
            self._base.execute("CREATE TABLE IF NOT EXISTS alike (key TEXT PRIMARY KEY, clusters BLOB)")
        except (sqlite3.Error, OSError) as error:
            self._give_up(error)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._write()
        if self._base is not None:
            self._base.close()

    def recall(self, path: str) -> Seen | None:
        """What was seen of the file as it is now; None if nothing was."""
        if self._base is None:
            return None
        try:
            facts = os.stat(path)  # noqa: PTH116
        except (OSError, ValueError):
            return None
        self._facts[path] = (facts.st_size, facts.st_mtime_ns)
        try:
            question = "SELECT content, width, height, grey, damaged, small FROM seen WHERE path = ? AND size = ?"
            question += " AND changed = ?"
            row = self._base.execute(question, (os.fsencode(path), *self._facts[path])).fetchone()
        except sqlite3.Error as error:
            self._give_up(error)
            return None
        if row is None or (row[5] is not None and len(row[5]) != SMALL * SMALL):
            return None
        small = None if row[5] is None else np.frombuffer(row[5], np.uint8).reshape(SMALL, SMALL)
        return Seen(row[0], row[1], row[2], bool(row[3]), bool(row[4]), small)

    def remember(self, path: str, seen: Seen) -> None:
        """Keep what was seen of a file that `recall` was asked for; errors are not kept, they may pass."""
        facts = self._facts.get(path)
        if facts is None or seen.error or time.time() - facts[1] / 1e9 < _SETTLED_S:
            return
        small = None if seen.small is None else seen.small.tobytes()
        one = replace(seen, small=None)
        known = (one.content, one.width, one.height, int(one.is_grey), int(one.is_damaged), small)
        self._waiting.append((os.fsencode(path), *facts, *known))
        if len(self._waiting) >= _WRITTEN_AT_ONCE:
            self._write()

    def recall_clusters(self, key: str) -> list[int] | None:
        """What `remember_clusters` kept under `key`."""
        if self._base is None:
            return None
        try:
            row = self._base.execute("SELECT clusters FROM alike WHERE key = ?", (key,)).fetchone()
        except sqlite3.Error as error:
            self._give_up(error)
            return None
        return None if row is None else np.frombuffer(row[0], np.int64).tolist()

    def remember_clusters(self, key: str, clusters: Sequence[int]) -> None:
        """Keep which Images of a data set are alike, under a key that says which Images they are."""
        if self._base is None:
            return
        try:
            with self._base:
                row = (key, np.asarray(clusters, np.int64).tobytes())
                self._base.execute("INSERT OR REPLACE INTO alike VALUES (?, ?)", row)
                oldest = "DELETE FROM alike WHERE rowid <= (SELECT max(rowid) FROM alike) - ?"
                self._base.execute(oldest, (_MOST_SETS,))
        except sqlite3.Error as error:
            self._give_up(error)

    def _write(self) -> None:
        if self._base is None or not self._waiting:
            return
        try:
            with self._base:
                self._base.executemany("INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", self._waiting)
                oldest = "DELETE FROM seen WHERE rowid <= (SELECT max(rowid) FROM seen) - ?"
                self._base.execute(oldest, (_MOST_KEPT,))
        except sqlite3.Error as error:
            self._give_up(error)
        self._waiting = []

    def _give_up(self, error: Exception) -> None:
        _log.info("What was seen of Images is not kept: %s", error)
        if self._base is not None:
            self._base.close()
        self._base = None
        self._waiting, self._facts = [], {}
