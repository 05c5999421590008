"""Reads a Run's lines as they are written, by whatever process on whatever host."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path

import psutil

from convnext_studio.core.context import JobContext
from convnext_studio.core.errors import RunError
from convnext_studio.core.requests import FollowRun
from convnext_studio.core.run_events import Line, from_line
from convnext_studio.core.run_requests import ReadHistories
from convnext_studio.core.runs.history import History
from convnext_studio.core.runs.run import Run
from convnext_studio.core.runs.summary import RunSummary, summarise

POLL_S = 0.42  # a little more than the window waits between two drawings: then it draws as soon as something comes
BESIDE_POLL_S = 1.0  # where all cores compute: whoever stops one thread of a training holds up the others too
_BUSY = 85  # % of all cores
MOST_LINES = 500  # in one Event: a long Run must not hold up whoever unpacks it
_BLOCK_BYTES = 1 << 20
_NOTE_S = 0.5  # what whoever started a process gets to note how it ended


class LineReader:
    """Reads what was added to a file of lines; a half-written line is left for the next time.

    A file that became shorter or another one is read anew; a line that was known by its number is not told again.
    """

    def __init__(self, path: Path, after: int = 0) -> None:
        self._path = path
        self._number = after
        self._offset = 0
        self._inode = 0
        self.has_more = False  # of a long file only the next part was read

    def read(self) -> tuple[Line, ...]:
        """The next lines, a megabyte of them at the most; none where there is nothing new, or no file."""
        return tuple(self._new(self._whole()))

    def gather(self, history: History) -> None:
        """Let `history` take in all that is written by now."""
        while whole := self._whole():
            history.gather(whole)
        self._number = history.last

    def _whole(self) -> bytes:
        """The next whole lines."""
        self.has_more = False
        try:
            with self._path.open("rb") as file:
                status = os.fstat(file.fileno())
                if status.st_ino != self._inode or status.st_size < self._offset:
                    self._inode, self._offset = status.st_ino, 0
                if status.st_size == self._offset:
                    return b""
                file.seek(self._offset)
                block = file.read(_BLOCK_BYTES)
                while b"\n" not in block and (more := file.read(_BLOCK_BYTES)):  # one very long line
                    block += more
        except OSError:
            return b""
        whole = block[: block.rfind(b"\n") + 1]
        self._offset += len(whole)
        self.has_more = bool(whole) and len(block) >= _BLOCK_BYTES
        return whole

    def _new(self, whole: bytes) -> list[Line]:
        lines = []
        for text in whole.split(b"\n"):
            line = from_line(text.decode("utf-8", "replace")) if text else None
            if line is not None and line.number > self._number:
                self._number = line.number
                lines.append(line)
        return lines


def follow_run(request: FollowRun, ctx: JobContext) -> RunSummary:
    """Relay a Run's lines until it has ended or its process is gone, which is noticed within a second.

    Emits tuples of `run_events.Line`, after a `History` of what was written before if that is asked for. Raises
    `RunError` if there is no such Run.
    """
    run = Run.open(request.run)
    reader = LineReader(run.events_path, request.after)
    if request.is_gathered and not request.after:
        history = History()
        reader.gather(history)
        ctx.emit(history)
    while True:
        ctx.check()
        was_alive = run.is_alive  # asked first: what a process wrote before its end is read all the same
        lines = reader.read()
        rest = iter(lines)
        while part := tuple(islice(rest, MOST_LINES)):
            ctx.check()
            ctx.emit(part)
        if not lines and not was_alive and not reader.has_more:  # a whole megabyte may be known
            return _summarised(run, ctx)
        if not reader.has_more:
            ctx.cancel.wait(BESIDE_POLL_S if psutil.cpu_percent() > _BUSY else POLL_S)


def read_histories(request: ReadHistories, ctx: JobContext) -> tuple[History | None, ...]:
    """Serve `ReadHistories`: None for what is no Run."""
    found: list[History | None] = []
    for folder in request.runs:
        ctx.check()
        history = History()
        try:
            LineReader(Run.open(folder).events_path).gather(history)
        except RunError:
            found.append(None)
        else:
            found.append(history)
    return tuple(found)


def _summarised(run: Run, ctx: JobContext) -> RunSummary:
    found = summarise(run)
    if found.state == "interrupted" and not run.exit_path.exists():
        ctx.cancel.wait(_NOTE_S)
        found = summarise(run)
    return found
