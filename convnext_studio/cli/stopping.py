"""Ctrl-C, a request to terminate and a closed terminal stop what runs in good order; what is done is kept."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import threading
from collections.abc import Iterator

from convnext_studio.core.context import Cancelled, JobContext

_SIGNALLED = 128  # plus the signal's number: 130 for Ctrl-C


@dataclasses.dataclass
class Stop:
    """Whether the user asked to stop, and how."""

    asked: threading.Event = dataclasses.field(default_factory=threading.Event)
    signal: int = signal.SIGINT
    is_at_once: bool = False

    @property
    def exit_code(self) -> int:
        """What a stopped command returns."""
        return _SIGNALLED + self.signal

    def context(self, emit: object = None) -> JobContext:
        """Return what a Job is given, so that it notices the stop."""
        return JobContext(emit, self.asked) if callable(emit) else JobContext(cancel=self.asked)

    @contextlib.contextmanager
    def at_once(self) -> Iterator[None]:
        """Within, a stop does not wait until somebody looks: for imports, which take long. Raises `Cancelled`."""
        self.is_at_once = True
        try:
            self.context().check()
            yield
        except KeyboardInterrupt as error:
            raise Cancelled from error
        finally:
            self.is_at_once = False


def _signals() -> tuple[signal.Signals, ...]:
    """Those that ask to stop: also that the terminal was closed, unless that was to be ignored (`nohup`)."""
    hang_up = getattr(signal, "SIGHUP", None)  # not on Windows
    if hang_up is None or signal.getsignal(hang_up) == signal.SIG_IGN:
        return signal.SIGINT, signal.SIGTERM
    return signal.SIGINT, signal.SIGTERM, hang_up


@contextlib.contextmanager
def stop_on_signal() -> Iterator[Stop]:
    """Ctrl-C and a request to terminate stop the Job in good order; a second Ctrl-C ends at once."""
    stop = Stop()

    def on_signal(number: int, frame: object) -> None:  # noqa: ARG001
        if stop.asked.is_set():
            os._exit(_SIGNALLED + number)
        stop.signal = number
        stop.asked.set()
        if stop.is_at_once:
            raise KeyboardInterrupt  # which no library takes for an error of its own

    if threading.current_thread() is not threading.main_thread():  # only there may signals be handled
        yield stop
        return
    before = {number: signal.signal(number, on_signal) for number in _signals()}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
