"""Writes what a Run reports: `events.jsonl`, and after it the tables of losses and epochs."""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from convnext_studio.core.errors import StorageError
from convnext_studio.core.files import storage_error
from convnext_studio.core.run_events import (
    EpochEnded,
    Line,
    Resumed,
    RunEnded,
    RunEvent,
    RunStarted,
    Saved,
    StepEnded,
    from_line,
    to_line,
)
from convnext_studio.core.runs.board import Board
from convnext_studio.core.runs.run import Run

_RESERVE_BYTES = 64 * 1024
_TAIL_BYTES = 256 * 1024
_MOST_BYTES = 16 * 1024 * 1024
_EPOCH_COLUMNS = (
    "epoch,step,train_loss,loss,accuracy,balanced_accuracy,interval_low,interval_high,train_balanced_accuracy,is_best"
)


class Recorder:
    """Appends to the Run's files, one line at once; use it inside `run.lock()`, and close it.

    A disk that is full or gone does not end the Run here: lines wait in memory and go out with a later one; `trouble`
    says what is wrong meanwhile. A little space is kept in reserve, so that a full disk can still be reported.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._events = _Appended(run.events_path, run.folder / ".reserve")
        last = _last_line(self._events)
        self._number = last.number if last else 0
        self._begun = time.monotonic() - (last.seconds if last else 0.0)
        self._losses = _Appended(run.loss_path, header="step,loss")
        self._epochs = _Appended(run.epochs_path, header=_EPOCH_COLUMNS)
        self._board = Board.for_run(run)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @property
    def trouble(self) -> StorageError | None:
        """Why lines wait in memory, if some do."""
        for file in (self._events, self._losses, self._epochs):
            if file.trouble is not None:
                return storage_error(file.trouble, file.path)
        return None

    @property
    def seconds(self) -> float:
        """How long the Run has been worked on, all parts together."""
        return time.monotonic() - self._begun

    def emit(self, event: RunEvent) -> Line:
        """Write the next line and return it; nothing is raised for a disk in trouble. `Resumed` rewinds."""
        if isinstance(event, Resumed):
            self.rewind(event.step)
        for file in (self._losses, self._epochs):
            file.write()
        self._number += 1
        line = Line(self._number, datetime.now(UTC).isoformat(timespec="microseconds"), self.seconds, event)
        self._events.append(to_line(line))
        if isinstance(event, StepEnded):
            self._losses.append(f"{event.step},{event.loss!r}")
        elif isinstance(event, EpochEnded):
            self._epochs.append(_epoch_row(event))
        if isinstance(event, (RunStarted, Saved, RunEnded)):
            self._events.flush()
        if self._board is not None:
            self._board.add(line)
        return line

    def rewind(self, step: int) -> None:
        """Take back what came after `step` from the tables, so that they hold each step in effect once."""
        self._losses.keep_while(lambda row: _number(row, 0) <= step)
        self._epochs.keep_while(lambda row: _number(row, 1) <= step)

    def close(self) -> None:
        """Try once more to write what waits, and close the files."""
        for file in (self._events, self._losses, self._epochs):
            file.close()
        if self._board is not None:
            self._board.close()


class _Appended:
    """A file of lines that is only appended to; it ends with a whole line at any time but within one write."""

    def __init__(self, path: Path, reserve: Path | None = None, *, header: str = "") -> None:
        self.path = path
        self.trouble: OSError | None = None
        self._reserve = reserve
        self._waiting = b""
        try:
            self._open()
        except OSError as error:
            raise storage_error(error, path) from error
        self._keep_reserve()
        if header and not self._end:
            self.append(header)

    def append(self, line: str) -> None:
        """Add a line, now or as soon as the disk takes it."""
        self._waiting += line.encode("utf-8", "backslashreplace") + b"\n"
        self.write()

    def write(self) -> None:
        """Write what waits, if anything does and the disk takes it."""
        if not self._waiting:
            return
        try:
            self._find_again()
            self._write()
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT) and self._reserve and self._reserve.exists():
                self._reserve.unlink(missing_ok=True)
                with contextlib.suppress(OSError):
                    self._write()
            self.trouble = error if self._waiting else None
        else:
            if self.trouble is not None:
                self.trouble = None
                self._keep_reserve()

    def tail(self, most: int) -> bytes:
        """The last lines, in so many bytes."""
        begin = max(0, self._end - most)
        return os.pread(self._handle, self._end - begin, begin) if hasattr(os, "pread") else self._read(begin)

    def keep_while(self, is_kept: Callable[[str], bool]) -> None:
        """Cut the file at the first row after the header for which `is_kept` is false."""
        end = 0
        for number, row in enumerate(self._read(0).splitlines(keepends=True)):
            if number and not is_kept(row.decode("utf-8", "replace")):
                break
            end += len(row)
        with contextlib.suppress(OSError):
            os.ftruncate(self._handle, end)
        self._end = end
        self._waiting = b""

    def flush(self) -> None:
        """See to it that what is written is on the disk."""
        with contextlib.suppress(OSError):
            os.fsync(self._handle)

    def close(self) -> None:
        if self._waiting:
            with contextlib.suppress(OSError):
                self._write()
        if self._reserve:
            with contextlib.suppress(OSError):
                self._reserve.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            os.close(self._handle)

    def _open(self) -> None:
        self._handle = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        self._end = self._whole_bytes()
        os.ftruncate(self._handle, self._end)

    def _find_again(self) -> None:
        """Raise `OSError` while the file is gone with its drive; open it anew once that is back."""
        if not os.path.samestat(self.path.stat(), os.fstat(self._handle)):
            old = self._handle
            self._open()
            with contextlib.suppress(OSError):
                os.close(old)

    def _write(self) -> None:
        os.lseek(self._handle, self._end, os.SEEK_SET)
        try:
            written, data = 0, self._waiting
            while written < len(data):
                written += os.write(self._handle, data[written:])
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._handle, self._end)
            raise
        self._end += len(data)
        self._waiting = b""

    def _whole_bytes(self) -> int:
        """Where the last whole line ends; a torn one is what a dying process left."""
        end = os.fstat(self._handle).st_size
        while end:
            begin = max(0, end - _TAIL_BYTES)
            found = self._read(begin)[: end - begin].rfind(b"\n")
            if found >= 0:
                return begin + found + 1
            end = begin
        return 0

    def _read(self, begin: int) -> bytes:
        os.lseek(self._handle, begin, os.SEEK_SET)
        parts = []
        while part := os.read(self._handle, 1 << 20):
            parts.append(part)
        return b"".join(parts)

    def _keep_reserve(self) -> None:
        if self._reserve is not None:
            with contextlib.suppress(OSError):
                self._reserve.write_bytes(b"\0" * _RESERVE_BYTES)


def _last_line(file: _Appended) -> Line | None:
    for most in (_TAIL_BYTES, _MOST_BYTES):  # with hundreds of classes a single line is megabytes long
        for text in reversed(file.tail(most).split(b"\n")):
            line = from_line(text.decode("utf-8", "replace"))
            if line is not None:
                return line
    return None


def _epoch_row(event: EpochEnded) -> str:
    found = (event.loss, event.accuracy, event.balanced_accuracy, *event.interval)
    judged = found if event.is_validated else (None,) * len(found)
    values = (event.epoch, event.step, event.train_loss, *judged, event.train_balanced_accuracy)
    return ",".join("" if value is None else repr(value) for value in values) + f",{int(event.is_best)}"


def _number(row: str, column: int) -> int:
    cells = row.split(",")
    return int(cells[column]) if len(cells) > column and cells[column].isdigit() else 0
