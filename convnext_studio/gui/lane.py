"""The only threads of the window.

A `Lane` is one long-lived QThread that hands Requests to the Engine one at a time and puts what comes back in the
ticket's outbox, which the GUI thread drains a little after something came, in one batch.
"""

from __future__ import annotations

import math
import os
import pickle
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from queue import SimpleQueue

from PySide6.QtCore import QObject, Qt, QThread, QTimer, Signal, Slot

from convnext_studio.core.events import End, EngineStopped
from convnext_studio.core.jobs import failed_by
from convnext_studio.gui.jobs import JobHandle, Ticket
from convnext_studio.launch.parcel import Received

DRAIN_MS = 50
TAKE_S = 1.0  # a Lane should see within this that its Engine has ended, and take the next


@dataclass(frozen=True)
class Patience:
    """How long the window bears with an Engine, in seconds, before it ends it and starts another."""

    stop_s: float = 3.0  # a Job that was cancelled and goes on
    replaced_s: float = 60.0  # the same, where nobody pressed Stop: a newer Job waits, and killing costs it more
    beat_s: float = 20.0  # an Engine that gives no sign of life
    start_s: float = 60.0  # the same while it starts


@dataclass(frozen=True)
class _Offer:
    connection: Connection | None  # None: there will be no other Engine
    why: str  # why the one before ended
    guilty: int  # the ticket that is known to be the cause; 0: unknown


class _Relay(QObject):
    """Lives in the Lane's thread; blocks there on the Engine, never in the window."""

    attached = Signal()
    came = Signal()  # something is in an outbox, for the first time since `is_expected` was taken back
    told = Signal()  # what shall not wait for the timer: an end, or an urgent Event

    def __init__(self) -> None:
        super().__init__()
        self.offers: SimpleQueue[_Offer] = SimpleQueue()
        self.serving: Ticket | None = None  # these three are read by the GUI thread
        self.words = 0
        self.is_stranded = False
        self.is_expected = False  # the GUI thread knows that something waits, and has not looked yet
        self._connection: Connection | None = None
        self._is_over = False

    @Slot()
    def attach(self) -> None:
        """Take the newest Engine on offer, if any."""
        while not self.offers.empty():
            self._take_offer()

    @Slot(object)
    def run(self, ticket: Ticket) -> None:
        """Have the Engine serve one ticket, and relay all it says about it."""
        self.attach()
        if ticket.claim():
            ticket.outbox.put(self._serve(ticket))
            self.told.emit()  # one signal a Job, so that a click need not wait for the timer

    def hang_up(self) -> None:
        """Wake the thread from a read that may not end: a child that a dead Engine left can hold its connection."""
        connection = self._connection
        if os.name == "nt" or connection is None:
            return
        with suppress(OSError, ValueError), socket.socket(fileno=os.dup(connection.fileno())) as end:
            end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close what is left, once the thread has ended."""
        while not self.offers.empty():
            if (connection := self.offers.get().connection) is not None:
                connection.close()
        if self._connection is not None:
            self._connection.close()

    def _serve(self, ticket: Ticket) -> End:
        try:
            data = pickle.dumps(ticket.request)
        except Exception as error:
            return failed_by(error)
        while not self._is_over:
            if self._send((ticket.number, data)):
                self.serving = ticket
                end = self._relay(ticket)
                self.serving = None
                return end or self._stopped(ticket, self._take_offer())
            self._take_offer()  # the Engine was gone before it got this Request, so the next one does it
        return EngineStopped(self.tr("The Engine does not start."), is_suspect=False)

    def _stopped(self, ticket: Ticket, offer: _Offer) -> EngineStopped:
        return EngineStopped(offer.why, is_suspect=offer.guilty in (0, ticket.number))

    def _send(self, message: tuple[int, bytes]) -> bool:
        with suppress(OSError):
            if self._connection is not None:
                self._connection.send(message)
                return True
        return False

    def _relay(self, ticket: Ticket) -> End | None:
        """Fill the outbox until the Job ends; None if the Engine ended first."""
        assert self._connection is not None
        while True:
            try:
                received = Received(self._connection)
            except (EOFError, OSError):
                return None
            self.words += 1
            try:
                number, item = received.open()
            except Exception as error:  # a fault of this Job, not of the Engine: keep the two apart
                return failed_by(error)
            if number != ticket.number:
                continue  # a late word from a thread of an earlier Job
            if isinstance(item, End):
                return item
            ticket.outbox.put(item)
            if getattr(item, "is_urgent", False):
                self.told.emit()
            elif not self.is_expected:
                self.is_expected = True
                self.came.emit()

    def _take_offer(self) -> _Offer:
        """Wait for the next Engine to get up; return what came with it."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None
        self.is_stranded = self.offers.empty()
        offer = self.offers.get()
        self.is_stranded = False
        self._is_over = offer.connection is None
        if offer.connection is not None:
            self._connection = offer.connection
            with suppress(EOFError, OSError):
                self._connection.recv_bytes()
                self.attached.emit()
        return offer


class _Lasting:
    """How long something has been so, without a break and about the same thing."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._about: object = None

    def count(self, elapsed_s: float, is_so: bool, about: object = None) -> None:
        """Add the time since the last look, if it is still so."""
        self.seconds = self.seconds + elapsed_s if is_so and about == self._about else 0.0
        self._about = about


class Lane(QObject):
    """Has the Engine run Jobs one after the other; made by `EngineHost`."""

    attached = Signal()  # an Engine is up and listens
    _wanted = Signal(object)
    _offered = Signal()

    def __init__(self, name: str, stop: Callable[[str, int], None], patience: Patience, parent: QObject) -> None:
        super().__init__(parent)
        self._stop: Callable[[int], None] = lambda number: stop(name, number)
        self._patience = patience
        self._handles: list[JobHandle] = []
        self._stranded, self._untaken, self._silent, self._unheeded = (_Lasting() for _ in range(4))
        self._thread = QThread(self)
        self._thread.setObjectName(name)
        self._relay = _Relay()
        self._relay.moveToThread(self._thread)
        self._wanted.connect(self._relay.run, Qt.ConnectionType.QueuedConnection)
        self._offered.connect(self._relay.attach, Qt.ConnectionType.QueuedConnection)
        self._relay.attached.connect(self.attached)
        self._relay.told.connect(self._drain)
        self._relay.came.connect(self._on_came)
        self._timer = QTimer(self, singleShot=True, interval=DRAIN_MS)
        self._timer.timeout.connect(self._drain)
        self._thread.start()

    @property
    def under_way(self) -> tuple[JobHandle, ...]:
        """Jobs that have not ended, the oldest first."""
        return tuple(self._handles)

    def submit(self, request: object, *, replaces: str | None = None, deadline_s: float = math.inf) -> JobHandle:
        """Queue a Request; with `replaces`, cancel unfinished Jobs of the same key."""
        for handle in self._handles:
            if replaces is not None and handle.replaces == replaces and not handle.is_cancelled:
                handle.is_replaced = True
                handle.cancel()
        ticket = Ticket(request, deadline_s)
        handle = JobHandle(ticket, replaces, self._stop, self)
        self._handles.append(handle)
        handle.never_began.connect(self._on_came)
        self._wanted.emit(ticket)
        return handle

    def offer(self, connection: Connection | None, why: str, guilty: int = 0) -> None:
        """Give the Lane a new Engine, or None when there will be no other."""
        self._relay.offers.put(_Offer(connection, why, guilty))
        self._offered.emit()

    def complaint(self, elapsed_s: float) -> tuple[str, int]:
        """Say why the Engine should be ended, and which ticket is the cause; ("", 0) while all is well.

        Called again and again with the time since the last call, as far as the window was awake: what a laptop slept
        through is nobody's fault.
        """
        ticket = self._relay.serving
        handle = next((h for h in self._handles if ticket and h.number == ticket.number), None)
        self._stranded.count(elapsed_s, self._relay.is_stranded)
        self._untaken.count(elapsed_s, not self._relay.offers.empty())
        self._silent.count(elapsed_s, handle is not None, (handle, self._relay.words))
        self._unheeded.count(elapsed_s, handle is not None and handle.is_cancelled, handle)
        if self._untaken.seconds > TAKE_S:
            self._relay.hang_up()
        if self._stranded.seconds > TAKE_S:
            return self.tr("The Engine lost touch with the window."), 0
        if ticket is None or handle is None:
            return "", 0
        if self._unheeded.seconds > (self._patience.replaced_s if handle.is_replaced else self._patience.stop_s):
            return self.tr("A Job did not stop when it was asked to, so the Engine was ended."), ticket.number
        if self._silent.seconds > ticket.deadline_s:
            words = self.tr("A Job said nothing for {0} s, so the Engine was ended.")
            return words.format(f"{ticket.deadline_s:g}"), ticket.number
        return "", 0

    def cancel_all(self) -> None:
        """Ask everything to stop."""
        for handle in self._handles:
            handle.cancel()

    def join(self) -> None:
        """End the thread; only after the Engine has ended, for that is what wakes it."""
        self._timer.stop()
        self.offer(None, self.tr("The window is closing."))
        self._thread.quit()
        while not self._thread.wait(int(TAKE_S * 500)):
            self._relay.hang_up()
        self._relay.close()

    @Slot()
    def _on_came(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    @Slot()
    def _drain(self) -> None:
        self._relay.is_expected = False  # first of all: what comes from now on is told anew
        for handle in list(self._handles):
            if handle.drain():
                self._handles.remove(handle)
                handle.deleteLater()
        if any(handle.has_more for handle in self._handles):
            self._timer.start()
        else:
            self._timer.stop()
