"""The Engine: the process that holds torch and the decoders and runs Jobs for the window.

One thread for each Lane, fed by a connection of its own. The main thread hears which ticket to cancel, says every
second that it is alive, relays the log, and learns by the end of its connection that the window is gone.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
import types
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from convnext_studio.core import jobs
from convnext_studio.core.context import JobContext
from convnext_studio.launch.parcel import Parcel

log = logging.getLogger(__name__)

GRACE_S = 0.5  # what a cancelled Job gets to leave its `finally` blocks when the window goes
BEAT_S = 1.0
NICENESS = 5  # the window's thread shall be served first when every core is busy
LONGEST_LOG = 4000
GREETING = b"ready"

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class LogLine:
    """A log record of the Engine, on its way to the window's log."""

    level: int
    name: str
    text: str


@dataclass(frozen=True)
class EngineLink:
    """The window's ends: who runs, where to cancel and listen, one connection a Lane."""

    process: SpawnProcess
    control: Connection
    lanes: dict[str, Connection]


@dataclass(frozen=True)
class EnginePlan:
    """What an Engine is started with.

    `extra_jobs` adds rows to the table of Jobs ("module:function" by kind of Request).
    """

    lanes: Sequence[str]
    extra_jobs: Mapping[type, str] = field(default_factory=dict)


def start(plan: EnginePlan) -> EngineLink:
    """Start an Engine and return at once; each lane says `GREETING` when it is up."""
    # spawn, never fork: a fork would copy Qt's threads' locks, and Windows has nothing else.
    context = multiprocessing.get_context("spawn")
    ours, theirs = zip(*(context.Pipe() for _ in ["control", *plan.lanes]), strict=True)
    # Not daemonic: that would forbid the Engine children of its own. `EngineHost` sees to its end.
    process = context.Process(target=serve, args=(plan, os.getpid(), *theirs), name="engine", daemon=False)
    with _main_hidden():
        process.start()
    for connection in theirs:
        connection.close()  # or we would never see the end of ours
    return EngineLink(process, ours[0], dict(zip(plan.lanes, ours[1:], strict=True)))


@contextlib.contextmanager
def _main_hidden() -> Iterator[None]:
    """Keep a spawned child from importing whatever program we are part of, and Qt with it."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def serve(plan: EnginePlan, window: int, control: Connection, *connections: Connection) -> None:
    """Be the Engine until the window closes `control`, on purpose or by dying."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C reaches us too, but it is the window's to answer
    _die_with(window)
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    voice = _Voice(control)
    logging.getLogger().addHandler(voice)
    jobs.JOBS.update(plan.extra_jobs)
    lanes = {name: _LaneServer(connection) for name, connection in zip(plan.lanes, connections, strict=True)}
    for name, lane in lanes.items():
        threading.Thread(target=lane.serve, name=name, daemon=True).start()
    with suppress(EOFError, OSError):
        _listen(control, lanes, voice)
    give_up_at = time.monotonic() + GRACE_S
    for lane in lanes.values():
        lane.leave(give_up_at)
    os._exit(0)  # a thread may sit in C code for ever, and torch's own threads dislike a slow goodbye


def _listen(control: Connection, lanes: Mapping[str, _LaneServer], voice: _Voice) -> None:
    """Pass on cancels and give signs of life; raises `EOFError` or `OSError` once the window is gone."""
    beat_at = 0.0
    while True:
        if time.monotonic() >= beat_at:
            beat_at = time.monotonic() + BEAT_S
            voice.say(None)
        if control.poll(max(0.0, beat_at - time.monotonic())):
            name, ticket = control.recv()
            lanes[name].cancel(ticket)


def _die_with(window: int) -> None:
    """Ask the system to end us with the window, for the case that our own threads cannot notice any more."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != window:
            os._exit(0)  # it went before we asked


class _Voice(logging.Handler):
    """Says over the control connection that we live, and what was logged."""

    def __init__(self, control: Connection) -> None:
        super().__init__(logging.WARNING)
        self._control = control
        self._sending = threading.Lock()

    def say(self, item: LogLine | None) -> None:
        """Send a log line, or None as a sign of life."""
        with self._sending:
            self._control.send(item)

    def emit(self, record: logging.LogRecord) -> None:
        """Send the record; there is nobody to tell if that fails."""
        with suppress(OSError):
            self.say(LogLine(record.levelno, record.name, self.format(record)[:LONGEST_LOG]))


class _LaneServer:
    """Runs one Job after the other in its thread; `cancel` and `leave` come from the main thread."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sending = threading.Lock()  # a Job may emit from threads of its own
        self._cancels: dict[int, threading.Event] = {}
        self._idle = threading.Event()
        self._idle.set()

    @property
    def is_idle(self) -> bool:
        """True while no Job runs here."""
        return self._idle.is_set()

    def serve(self) -> None:
        """Serve until the window is gone."""
        # Closed however this thread ends, so that the window never waits for a lane that is gone.
        with suppress(EOFError, OSError), self._connection:
            self._connection.send_bytes(GREETING)
            while True:
                ticket, data = self._connection.recv()
                self._idle.clear()
                self._serve_one(ticket, data)
                self._idle.set()

    def cancel(self, ticket: int) -> None:
        """Ask `ticket` to stop, even if its Request is still on the way."""
        self._cancels.setdefault(ticket, threading.Event()).set()

    def leave(self, give_up_at: float) -> None:
        """Cancel what runs and wait for it, but not for long."""
        for event in list(self._cancels.values()):
            event.set()
        self._idle.wait(max(0.0, give_up_at - time.monotonic()))

    def _serve_one(self, ticket: int, data: bytes) -> None:
        for old in [t for t in list(self._cancels) if t < ticket]:
            del self._cancels[old]  # tickets only grow, so cancels that came too late go here
        cancel = self._cancels.setdefault(ticket, threading.Event())
        ctx = JobContext(lambda event: self._send(Parcel((ticket, event))), cancel)
        self._send(_run(ticket, data, ctx))

    def _send(self, parcel: Parcel) -> None:
        with self._sending:
            parcel.send(self._connection)


def _run(ticket: int, data: bytes, ctx: JobContext) -> Parcel:
    """Run the Job and pack how it ended; neither the Request nor the result may be picklable."""
    try:
        request = pickle.loads(data)  # noqa: S301 - from the window that started us
        return Parcel((ticket, jobs.run_to_end(request, ctx)))
    except Exception as error:
        return Parcel((ticket, jobs.failed_by(error)))
