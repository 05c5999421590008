"""What all processes of a Run need at hand: its folder, who reports, what was asked of it, and patience with disks."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from convnext_studio.core.context import Cancelled, JobContext
from convnext_studio.core.errors import DataError, StorageError
from convnext_studio.core.run_events import Paused, RunEvent, RunNoticed, WentOn
from convnext_studio.core.runs.control import Control, Wanted
from convnext_studio.core.runs.recorder import Recorder
from convnext_studio.core.runs.run import Run
from convnext_studio.core.training.distributed import World

T = TypeVar("T")

_AGAIN_S = 2.0  # between two tries to write
_GONE_S = 3600.0  # a folder may be away: longer, and it was thrown away, and nobody would ever end the process
_LOOK_S = 0.1  # between two looks for a wish
_WISHES: tuple[Wanted, ...] = ("finish epoch", "lower rate")


@dataclass(frozen=True)
class Agreed:
    """What all processes agreed on before a step: how many Images it has, and what was asked for."""

    count: int
    wanted: tuple[Wanted, ...] = ()


def _nothing() -> None:
    """Do nothing."""


@dataclass
class Desk:
    """`recorder` and `control` are the first process's; the others are silent. `on_pause` saves, once there is what."""

    run: Run
    world: World
    outside: JobContext
    recorder: Recorder | None = None
    control: Control | None = None
    on_pause: Callable[[], None] = _nothing
    _is_stopped: bool = False
    _is_paused: bool = False
    _later: list[Wanted] = field(default_factory=list)
    _unread: dict[str, str] = field(default_factory=dict)
    _named: set[str] = field(default_factory=set)
    _looked_at: float = field(default_factory=time.monotonic)

    @property
    def ctx(self) -> JobContext:
        """For everything that this process does alone: where it looks for a stop, what was asked of the Run counts."""
        return _Heeding(self.outside.emit, self.outside.cancel, desk=self)

    def emit(self, event: RunEvent) -> None:
        """Write the Event into the Run and tell whoever listens."""
        if self.recorder is not None:
            self.recorder.emit(event)
            self.outside.emit(event)

    def notice(self, message: str, hint: str = "", images: tuple[str, ...] = ()) -> None:
        """Say something the user should know."""
        self.emit(RunNoticed(message, hint, images))

    def leave_out(self, path: str, why: str) -> None:
        """Say that an Image is left out, once; of several processes the first one says so when they meet."""
        if not self.world.is_first:
            self._unread[path] = why
        elif path not in self._named:
            self._named.add(path)
            self.notice(f"“{path}” is left out: {why}", images=(path,))

    @property
    def seconds(self) -> float:
        """How long the Run has been worked on, all parts together; the same in all processes."""
        return self.world.shared(lambda: self.recorder.seconds if self.recorder else 0.0)

    @property
    def reading(self) -> JobContext:
        """For those who read Images: of several processes none may stop alone."""
        return self.ctx if self.world.size == 1 else JobContext(self.outside.emit)

    def check(self, failure: DataError | None = None) -> None:
        """Obey a pause; raise in all processes `Cancelled` once a stop was asked of one, or what one failed at."""
        self._look()
        self._meet(failure, ())

    def heed(self) -> None:
        """Raise `Cancelled` once a stop was asked for, and obey a pause: cheap enough for every unit of work."""
        if self.outside.cancel.is_set() or time.monotonic() - self._looked_at >= _LOOK_S:
            self._look()
        if self._is_stopped:
            raise Cancelled

    def agree(self, count: int, failure: DataError | None) -> Agreed:
        """Before each step: add up the Images, obey a pause, and learn what was asked. Raises as `check` does."""
        self._look()
        wanted, self._later = self._later, []
        total, *wishes = self._meet(failure, [count, *(float(wish in wanted) for wish in _WISHES)])
        return Agreed(int(total), tuple(wish for wish, one in zip(_WISHES, wishes, strict=True) if one))

    def patiently(self, write: Callable[[], T], needed_bytes: int) -> T:
        """Write in the first process; while the disk is full or gone, wait and try again. Raises `Cancelled`.

        Raises `StorageError` where the Run's folder itself stays away: what was saved before is wherever it is now.
        """
        if not self.world.is_first:
            raise AssertionError("only the first process writes")
        is_waiting, seen_at = False, time.monotonic()
        while True:
            try:
                result = write()
            except StorageError as error:
                if self.run.folder.is_dir():
                    seen_at = time.monotonic()
                elif time.monotonic() - seen_at >= _GONE_S:
                    raise
                if not is_waiting:
                    self.emit(Paused(f"{error.message} {_room(self.run.folder, needed_bytes)}".strip(), _HINT))
                is_waiting = True
                again_at = time.monotonic() + _AGAIN_S
                self._wait_while(lambda at=again_at: time.monotonic() < at)  # type: ignore[misc]
                if self._is_stopped:
                    raise Cancelled from error
                continue
            if is_waiting:
                self.emit(WentOn())
            return result

    def _meet(self, failure: DataError | None, numbers: Sequence[float]) -> list[float]:
        """Sum numbers over all processes; what one of them could not read is told, what one failed at raised in all."""
        flags = [float(self._is_stopped), float(failure is not None), float(len(self._unread))]
        stop, failing, unread, *sums = self.world.total([*flags, *numbers])
        if unread:
            parts, self._unread = self.world.gathered(self._unread), {}
            if self.world.is_first:
                for path, why in (one for part in parts for one in part.items()):
                    self.leave_out(path, why)
        if stop:
            raise Cancelled
        if failing:
            raise next(one for one in self.world.gathered(failure) if one is not None)
        return sums

    def _look(self) -> None:
        """Take in what was asked since the last time; a pause is obeyed here."""
        self._take_in()
        if self._is_paused and not self._is_stopped:
            self.on_pause()
            self.emit(Paused("Paused, as asked.", "Choose Go on when you are ready; all is saved."))
            self._wait_while(lambda: self._is_paused)
            self.emit(WentOn())
            self._take_in()

    def _take_in(self) -> None:
        self._looked_at = time.monotonic()
        for wish in self.control.read() if self.control is not None else ():
            if wish == "stop":
                self._is_stopped = True
            elif wish in ("pause", "go on"):
                self._is_paused = wish == "pause"
            else:
                self._later.append(wish)
        self._is_stopped = self._is_stopped or self.outside.cancel.is_set()

    def _wait_while(self, is_so: Callable[[], bool]) -> None:
        """Let time go by; a stop ends it."""
        while is_so() and not self._is_stopped:
            self.outside.cancel.wait(_LOOK_S)
            self._take_in()


@dataclass(frozen=True)
class _Heeding(JobContext):
    desk: Desk = field(kw_only=True)

    def check(self) -> None:
        """Raise `Cancelled` if a stop was asked for, of the Job or of the Run."""
        self.desk.heed()


_HINT = "Free some space or bring the folder back: the Run then goes on by itself. What was saved before is kept."


@contextlib.contextmanager
def desk_for(run: Run, world: World, ctx: JobContext) -> Iterator[Desk]:
    """Take the Run's lock and open its files, in the first process. Raises `RunError` where another one has it."""
    with contextlib.ExitStack() as stack:
        world.shared(lambda: stack.enter_context(run.lock()) if world.is_first else None)
        if world.is_first:
            recorder = stack.enter_context(Recorder(run))
            yield Desk(run, world, ctx, recorder, Control(run))
        else:
            yield Desk(run, world, ctx)


def _room(folder: Path, needed_bytes: int) -> str:
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return ""
    return f"Needed are {_size(needed_bytes)}, free are {_size(free)}."


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 100_000 else f"{count:,} bytes"
