"""How the command line talks: results to stdout to the last byte, all else to stderr; and its exit codes."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from typing import TextIO

from convnext_studio.core.events import ModelLoaded, ModelLoading, Noticed

DONE, PARTLY_DONE, WRONG_USAGE, NOTHING_DONE = 0, 1, 2, 3
_TERMINAL_PAUSE_S, _LOG_PAUSE_S = 0.1, 10.0


class OutputError(Exception):
    """Standard output takes no more: its disk is full, say."""


@contextlib.contextmanager
def writing() -> Iterator[None]:
    """Write to standard output to the last byte. Raises `BrokenPipeError` and `OutputError`."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError((error.strerror or str(error)).lower()) from error


def let_any_name_out() -> None:
    """A file name may hold letters that a terminal has not, and bytes that are no text: a pipe gets the very name."""
    if not isinstance(sys.stdout, io.TextIOWrapper):
        return
    if sys.stdout.isatty():
        sys.stdout.reconfigure(errors="backslashreplace")
    else:
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")


def silence(stream: TextIO) -> None:
    """What is still buffered shall not be tried once more at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


class StatusLine:
    """A line on stderr that renews itself on a terminal, and a line now and then elsewhere."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty()
        self._pause_s = _TERMINAL_PAUSE_S if self._is_terminal else _LOG_PAUSE_S
        self._shown = time.monotonic()
        self._is_open = False

    def show(self, words: Callable[[], str], *, is_last: bool = False) -> None:
        """Say it, if it is time to."""
        now = time.monotonic()
        if now - self._shown < self._pause_s and not is_last:
            return
        self._shown = now
        if self._is_terminal:
            text = plain(words())[: shutil.get_terminal_size().columns - 1]
            _tell(f"\r\x1b[K{text}", end="")
            self._is_open = True
        else:
            say(words())

    def say(self, text: str) -> None:
        """Say something else on a line of its own."""
        self.end()
        say(text)

    def end(self) -> None:
        """Leave the line."""
        if self._is_open:
            _tell("")
            self._is_open = False


class Progress:
    """How many of how many, and how fast."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._line = StatusLine()
        self._started = time.monotonic()

    def show(self, done: int, total: int) -> None:
        """Say how far it is, if it is time to."""
        speed = done / max(time.monotonic() - self._started, 1e-3)
        self._line.show(lambda: f"{done} of {total} {self._what}, {speed:.0f}/s", is_last=done >= total)

    def hear(self, event: object) -> None:
        """Say what every Job with a Model tells: what it waits for, which Model it is, what does not fit."""
        if isinstance(event, ModelLoading):
            self.say(f"{event.stage}…")
        elif isinstance(event, Noticed):
            self.say(f"{event.message} {event.hint}".strip())
        elif isinstance(event, ModelLoaded):
            info = event.info
            self.say(f"{info.title}: {len(info.classes)} classes; {info.device}, {info.engine} {info.precision}")
            for warning in info.warnings:
                self.say(warning)

    def say(self, text: str) -> None:
        """Say something else on a line of its own; the clock starts again."""
        self._line.say(text)
        self._started = time.monotonic()

    def end(self) -> None:
        """Leave the line."""
        self._line.end()


def say(text: str) -> None:
    """Say something to whoever watches."""
    _tell(plain(text))


def _tell(text: str, end: str = "\n") -> None:
    """Nobody may listen any more, and the disk of a log may be full: the work goes on all the same."""
    try:
        print(text, end=end, file=sys.stderr, flush=True)
    except OSError:
        silence(sys.stderr)


def plain(text: str) -> str:
    """File names may hold anything; a terminal obeys some of it."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
