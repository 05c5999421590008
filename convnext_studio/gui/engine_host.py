"""Owns the Engine: starts it, watches it, starts another when it dies or hangs, ends it."""

from __future__ import annotations

import atexit
import logging
import signal
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import wait

from PySide6.QtCore import QCoreApplication, QObject, QTimer, Signal, Slot

from convnext_studio.gui.jobs import LANES
from convnext_studio.gui.lane import Lane, Patience
from convnext_studio.launch import engine

log = logging.getLogger(__name__)

WATCH_MS = 250  # a look at every Lane costs what a training beside it lacks
LONGEST_WATCH_S = 0.5  # what one turn of the watch may count for; the rest was the window's own sleep
STARTS_IN_A_ROW = 3  # an Engine that never gets up is not started for ever
LEAVE_S = 1.5  # more than engine.GRACE_S; then the Engine is killed


class EngineHost(QObject):
    """The Engine and its Lanes, by name.

    Jobs may be submitted before `start`; they wait. `shutdown` ends everything and is called at the latest when Python
    ends. Arguments but the first two are for tests.
    """

    ready_changed = Signal(bool)
    restarted = Signal(str)  # why the Engine before it ended, one sentence
    given_up = Signal(str)  # there is no Engine any more; `start` tries again

    def __init__(
        self,
        lanes: Sequence[str] = LANES,
        parent: QObject | None = None,
        *,
        extra_jobs: Mapping[type, str] | None = None,
        patience: Patience | None = None,
    ) -> None:
        super().__init__(parent)
        self._plan = engine.EnginePlan(tuple(lanes), dict(extra_jobs or {}))
        self._patience = patience or Patience()
        self.lanes = {name: Lane(name, self._send_cancel, self._patience, self) for name in lanes}
        for lane in self.lanes.values():
            lane.attached.connect(self._on_attached)
        self.is_ready = False
        self._link: engine.EngineLink | None = None
        self._starts = 0
        self._silent_s = 0.0
        self._verdict = ("", 0)  # why we are ending the Engine, and the ticket that is the cause
        self._watched_at = 0.0
        self._is_over = False
        self._watch = QTimer(self, interval=WATCH_MS)
        self._watch.timeout.connect(self._on_watch)
        self._at_exit = _weakly(weakref.WeakMethod(self.shutdown))
        atexit.register(self._at_exit)

    @property
    def pid(self) -> int | None:
        """Process id of the present Engine."""
        return self._link.process.pid if self._link else None

    def start(self) -> None:
        """Start the Engine, for the first time or after it was given up; returns at once."""
        if self._link is None and not self._is_over:
            self._starts = 0
            self._start_one("", 0)
            self._watched_at = time.monotonic()
            self._watch.start()

    def shutdown(self) -> None:
        """Cancel everything, end the Engine (killed if it will not) and join the threads."""
        if self._is_over:
            return
        self._is_over = True
        atexit.unregister(self._at_exit)
        self._watch.stop()
        for lane in self.lanes.values():
            lane.cancel_all()
        if self._link:
            self._link.control.close()
            self._link.process.join(LEAVE_S)
            self._reap()
        for lane in self.lanes.values():
            lane.join()

    def _start_one(self, why: str, guilty: int) -> None:
        self._starts += 1
        self._silent_s = 0.0
        self._verdict = ("", 0)
        self._link = engine.start(self._plan)
        for name, lane in self.lanes.items():
            lane.offer(self._link.lanes[name], why, guilty)

    def _reap(self) -> int | None:
        """Make sure that the Engine has ended; return its exit code."""
        assert self._link
        link, self._link = self._link, None
        link.control.close()
        link.process.kill()
        link.process.join()
        code = link.process.exitcode
        with suppress(ValueError):  # who else reaped our child left it "running"
            link.process.close()
        return code

    def _send_cancel(self, lane: str, number: int) -> None:
        if self._link:
            with suppress(OSError):  # an Engine that is gone has stopped already
                self._link.control.send((lane, number))

    @Slot()
    def _on_attached(self) -> None:
        if not self.is_ready:  # every Lane says so; the first one counts
            self._starts = 0
            self.is_ready = True
            self.ready_changed.emit(True)

    @Slot()
    def _on_watch(self) -> None:
        now = time.monotonic()
        elapsed_s = min(now - self._watched_at, LONGEST_WATCH_S)
        self._watched_at = now
        self._listen(elapsed_s)
        if self._has_ended():
            self._replace()
        elif not self._verdict[0]:
            self._verdict = self._complaint(elapsed_s)
            if self._verdict[0] and self._link:
                self._link.process.kill()  # its end is met in a later turn: to free gigabytes takes time

    def _listen(self, elapsed_s: float) -> None:
        """Take the Engine's signs of life, and its log lines into our log."""
        assert self._link
        self._silent_s += elapsed_s
        with suppress(EOFError, OSError):
            while self._link.control.poll():
                self._silent_s = 0.0
                if isinstance(line := self._link.control.recv(), engine.LogLine):
                    logging.getLogger(line.name).log(line.level, "%s", line.text)

    def _complaint(self, elapsed_s: float) -> tuple[str, int]:
        complaints = [lane.complaint(elapsed_s) for lane in self.lanes.values()]
        if self._silent_s > (self._patience.beat_s if self.is_ready else self._patience.start_s):
            return self.tr("The Engine stopped answering."), 0
        return next((c for c in complaints if c[0]), ("", 0))

    def _has_ended(self) -> bool:
        # The sentinel as well as is_alive(): each of them errs where someone else reaped or inherited.
        assert self._link
        process = self._link.process
        return bool(wait([process.sentinel], timeout=0)) or not process.is_alive()

    def _replace(self) -> None:
        code = self._reap()
        why, guilty = self._verdict if self._verdict[0] else (_fate(code), 0)
        log.warning("%s", why)
        if self.is_ready:
            self.is_ready = False
            self.ready_changed.emit(False)
        if self._starts < STARTS_IN_A_ROW:
            self._start_one(why, guilty)
            self.restarted.emit(why)
            return
        self._watch.stop()
        why = self.tr("The Engine could not be started, {0} times in a row. {1}").format(STARTS_IN_A_ROW, why)
        for lane in self.lanes.values():
            lane.offer(None, why)
        self.given_up.emit(why)


def _weakly(method: weakref.WeakMethod[Callable[[], None]]) -> Callable[[], None]:
    """Return a function that calls `method` if its object still lives."""

    def call() -> None:
        if (bound := method()) is not None:
            bound()

    return call


def _fate(code: int | None) -> str:
    """Say in plain words how a process ended, from its exit code."""
    if code is None or code >= 0:
        return _tr("The Engine ended unexpectedly (exit code {0}).").format(code)
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    if name == "SIGKILL":
        return _tr("The Engine was killed, perhaps because the computer ran out of memory.")
    return _tr("The Engine crashed ({0}).").format(name)


def _tr(text: str) -> str:
    return QCoreApplication.translate("engine", text)
