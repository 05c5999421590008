"""What several test files use: Jobs that misbehave on purpose, and ways to listen to a Job's handle.

No Qt is imported here: the Engine imports this module for the Jobs.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from convnext_studio.core.context import JobContext
from convnext_studio.core.errors import ImageError

# --- Requests and Jobs for tests; `EXTRA_JOBS` is what `EngineHost(extra_jobs=...)` takes


@dataclass(frozen=True)
class Counted:
    number: int


@dataclass(frozen=True)
class Count:
    """Emit `Counted` n times, with pauses that a cancel cuts short."""

    n: int
    pause_s: float = 0.0


@dataclass(frozen=True)
class Fail:
    message: str
    is_mendable: bool = False


@dataclass(frozen=True)
class Crash:
    signal: int


@dataclass(frozen=True)
class Hang:
    """Sleep without looking at the cancel."""

    seconds: float = 600.0


@dataclass(frozen=True)
class HoldGil:
    """Sleep in C without letting any other thread run Python."""

    seconds: int = 600


@dataclass(frozen=True)
class Burn:
    """Keep `threads` threads busy with work that holds no GIL and some that does."""

    seconds: float
    threads: int


@dataclass(frozen=True)
class ForkAndCrash:
    """Leave a child behind that holds all our connections, then crash."""

    seconds: float = 5.0


@dataclass(frozen=True)
class MakeArray:
    shape: tuple[int, ...]


@dataclass(frozen=True)
class ReturnTensor:
    """Return what the window must never see."""


@dataclass(frozen=True)
class ImportTorch:
    """Import what takes a second, and return nothing."""


@dataclass(frozen=True)
class ListModules:
    """Return the top-level names of all that the Engine has imported."""


@dataclass(frozen=True)
class Report:
    """Log `text` as a warning."""

    text: str


@dataclass(frozen=True)
class AskNiceness:
    """Return the Engine's niceness."""


def count(request: Count, ctx: JobContext) -> int:
    for number in range(request.n):
        ctx.check()
        ctx.emit(Counted(number))
        if request.pause_s:
            ctx.cancel.wait(request.pause_s)
    ctx.check()
    return request.n


def fail(request: Fail, ctx: JobContext) -> None:
    if request.is_mendable:
        raise ImageError(request.message, "Choose another one.")
    raise ValueError(request.message)


def crash(request: Crash, ctx: JobContext) -> None:
    os.kill(os.getpid(), request.signal)
    time.sleep(600)


def hang(request: Hang, ctx: JobContext) -> None:
    time.sleep(request.seconds)


def hold_gil(request: HoldGil, ctx: JobContext) -> None:
    ctypes.PyDLL(None).sleep(request.seconds)


def burn(request: Burn, ctx: JobContext) -> int:
    from concurrent.futures import ThreadPoolExecutor

    import numpy as np

    end = time.monotonic() + request.seconds

    def work(seed: int) -> int:
        matrix = np.random.default_rng(seed).random((400, 400))
        rounds = 0
        while time.monotonic() < end:
            ctx.check()
            matrix = np.tanh(matrix @ matrix)
            ctx.emit(Counted(sum(range(2000))))
            rounds += 1
        return rounds

    with ThreadPoolExecutor(request.threads) as pool:
        return sum(pool.map(work, range(request.threads)))


def fork_and_crash(request: ForkAndCrash, ctx: JobContext) -> None:
    if os.fork() == 0:
        time.sleep(request.seconds)
        os._exit(0)
    os.kill(os.getpid(), signal.SIGKILL)


def make_array(request: MakeArray, ctx: JobContext) -> Any:
    import numpy as np

    size = int(np.prod(request.shape))
    return (np.arange(size, dtype=np.uint32) % 251).astype(np.uint8).reshape(request.shape)


def return_tensor(request: ReturnTensor, ctx: JobContext) -> Any:
    import torch

    return torch.zeros(2)


def import_torch(request: ImportTorch, ctx: JobContext) -> None:
    import torch  # noqa: F401


def list_modules(request: ListModules, ctx: JobContext) -> frozenset[str]:
    return frozenset(name.partition(".")[0] for name in list(sys.modules))


def report(request: Report, ctx: JobContext) -> None:
    logging.getLogger("engine.test").warning(request.text)


def ask_niceness(request: AskNiceness, ctx: JobContext) -> int:
    return os.nice(0)


EXTRA_JOBS: Mapping[type, str] = {
    kind: f"{__name__}:{job.__name__}"
    for kind, job in (
        (Count, count),
        (Fail, fail),
        (Crash, crash),
        (Hang, hang),
        (HoldGil, hold_gil),
        (Burn, burn),
        (ForkAndCrash, fork_and_crash),
        (MakeArray, make_array),
        (ReturnTensor, return_tensor),
        (ImportTorch, import_torch),
        (ListModules, list_modules),
        (Report, report),
        (AskNiceness, ask_niceness),
    )
}
EXTRA_FUNCTIONS: Mapping[type, Callable[[Any, JobContext], object]] = {
    kind: globals()[place.partition(":")[2]] for kind, place in EXTRA_JOBS.items()
}


def quit_at_once(*_: object) -> None:
    """Stand in for an Engine's `serve` that never gets up."""
    os._exit(3)


# --- listening


def log_of(handle: Any) -> list[object]:
    """Everything a `JobHandle` says from now on, in order."""
    said: list[object] = []
    handle.events.connect(said.extend)
    handle.succeeded.connect(lambda result: said.append(("succeeded", result)))
    handle.failed.connect(lambda failure: said.append(("failed", failure)))
    handle.cancelled.connect(lambda: said.append("cancelled"))
    handle.closed.connect(lambda: said.append("closed"))
    return said
