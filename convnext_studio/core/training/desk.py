"""What all processes of a Run need at hand: its folder, who reports, what was asked of it, and patience with disks."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from convnext_studio.core.context import Cancelled, JobContext
from convnext_studio.core.errors import StorageError
from convnext_studio.core.run_events import Paused, RunEvent, RunNoticed, WentOn
from convnext_studio.core.runs.control import Control, Wanted
from convnext_studio.core.runs.recorder import Recorder
from convnext_studio.core.runs.run import Run
from convnext_studio.core.training.distributed import World

T = TypeVar("T")

_AGAIN_S = 2.0  # between two tries to write
_LOOK_S = 0.1  # between two looks for a wish while the Run waits
_WISHES: tuple[Wanted, ...] = ("stop", "finish epoch", "lower rate")


@dataclass(frozen=True)
class Agreed:
    """What all processes agreed on before a step: how many Images it has, and what was asked for."""

    count: int
    is_failing: bool = False
    wanted: tuple[Wanted, ...] = ()


@dataclass
class Desk:
    """`recorder` and `control` are the first process's; the others are silent."""

    run: Run
    world: World
    ctx: JobContext
    recorder: Recorder | None = None
    control: Control | None = None
    _later: list[Wanted] = field(default_factory=list)

    def emit(self, event: RunEvent) -> None:
        """Write the Event into the Run and tell whoever listens."""
        if self.recorder is not None:
            self.recorder.emit(event)
            self.ctx.emit(event)

    def notice(self, message: str, hint: str = "", images: tuple[str, ...] = ()) -> None:
        """Say something the user should know."""
        self.emit(RunNoticed(message, hint, images))

    @property
    def seconds(self) -> float:
        """How long the Run has been worked on, all parts together; the same in all processes."""
        return self.world.shared(lambda: self.recorder.seconds if self.recorder else 0.0)

    @property
    def reading(self) -> JobContext:
        """For those who read Images: of several processes none may stop alone."""
        return self.ctx if self.world.size == 1 else JobContext(self.ctx.emit)

    def check(self) -> None:
        """Raise `Cancelled` in all processes once a stop was asked of one of them."""
        if self.world.any_of(is_so=self.ctx.cancel.is_set()):
            raise Cancelled

    def agree(self, count: int, *, is_failing: bool, on_pause: Callable[[], None]) -> Agreed:
        """Before each step: add up the Images, obey a pause, and learn what was asked. Raises `Cancelled`."""
        wanted = self._read(on_pause) if self.control is not None else []
        is_stopped = self.ctx.cancel.is_set() or "stop" in wanted
        flags = [float(wish in wanted) for wish in _WISHES[1:]]
        stop, failing, total, *wishes = self.world.total([is_stopped, is_failing, count, *flags])
        if stop:
            raise Cancelled
        return Agreed(
            int(total), failing > 0, tuple(wish for wish, one in zip(_WISHES[1:], wishes, strict=True) if one)
        )

    def patiently(self, write: Callable[[], T], needed_bytes: int) -> T:
        """Write in the first process; while the disk is full or gone, wait and try again. Raises `Cancelled`."""
        if not self.world.is_first:
            raise AssertionError("only the first process writes")
        is_waiting = False
        while True:
            try:
                result = write()
            except StorageError as error:
                if not is_waiting:
                    self.emit(Paused(f"{error.message} {_room(self.run.folder, needed_bytes)}".strip(), _HINT))
                is_waiting = True
                if self._asked_to_stop_within(_AGAIN_S):
                    raise Cancelled from error
                continue
            if is_waiting:
                self.emit(WentOn())
            return result

    def _read(self, on_pause: Callable[[], None]) -> list[Wanted]:
        assert self.control is not None
        wanted, self._later = [*self._later, *self.control.read()], []
        if "pause" in wanted:
            on_pause()
            self.emit(Paused("Paused, as asked.", "Choose Go on when you are ready; all is saved."))
            while not {"go on", "stop"} & set(wanted[wanted.index("pause") :]) and not self.ctx.cancel.wait(_LOOK_S):
                wanted += self.control.read()
            self.emit(WentOn())
        return wanted

    def _asked_to_stop_within(self, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.control is not None:
                wanted = self.control.read()
                self._later += [one for one in wanted if one != "stop"]
                if "stop" in wanted:
                    return True
            if self.ctx.cancel.wait(_LOOK_S):
                return True
        return False


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
