"""How the command line talks: results to stdout to the last byte, all else to stderr; and its exit codes."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator

DONE, PARTLY_DONE, WRONG_USAGE, NOTHING_DONE = 0, 1, 2, 3


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


def silence_stdout() -> None:
    """What is still buffered shall not be tried once more at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Progress:
    """A line on stderr that renews itself on a terminal, and a line now and then elsewhere."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._is_terminal = sys.stderr.isatty()
        self._pause_s = 0.1 if self._is_terminal else 10.0
        self._started = self._shown = time.monotonic()
        self._is_line_open = False

    def show(self, done: int, total: int) -> None:
        """Say how far it is, if it is time to."""
        now = time.monotonic()
        if now - self._shown < self._pause_s and done < total:
            return
        self._shown = now
        speed = done / max(now - self._started, 1e-3)
        text = f"{done} of {total} {self._what}, {speed:.0f}/s"
        if self._is_terminal:
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
            self._is_line_open = True
        else:
            say(text)

    def say(self, text: str) -> None:
        """Say something else on a line of its own; the clock starts again."""
        self.end()
        say(text)
        self._started = time.monotonic()

    def end(self) -> None:
        """Leave the line."""
        if self._is_line_open:
            print(file=sys.stderr)
            self._is_line_open = False


def say(text: str) -> None:
    """Say something to whoever watches."""
    print(plain(text), file=sys.stderr, flush=True)


def plain(text: str) -> str:
    """File names may hold anything; a terminal obeys some of it."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
