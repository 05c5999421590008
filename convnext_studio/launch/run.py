"""Starts a Run's own process, which outlives the window and the Engine, and notes how it ended while we live."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import convnext_studio
from convnext_studio.core.context import Cancelled, JobContext
from convnext_studio.core.errors import RunError, StorageError, StudioError
from convnext_studio.core.files import storage_error
from convnext_studio.core.requests import ResumeRun, StartRun
from convnext_studio.core.run_requests import StartNext
from convnext_studio.core.runs import lock, queue
from convnext_studio.core.runs.ending import last_refusal, note_exit
from convnext_studio.core.runs.run import Run
from convnext_studio.core.runs.summary import working_here
from convnext_studio.core.training.resume import ChangedSince, changes_since, read_begun

CONFIRM_S = 4.0  # after so long alive a start counts as one: someone waits; what goes wrong later, the Run tells
_POLL_S = 0.05
_LONGEST_REASON = 600


def start_run(request: StartRun, ctx: JobContext) -> str:
    """Make a Run folder and start its process. Raises `RunError`, if another Run works here, and what `create` does.

    One at a time: two would each take more than twice as long, and the memory of both.
    """
    _refuse_second(Path(request.runs))
    run = Run.create(request.runs, request.name, request.recipe)
    _start(run, ctx)
    return str(run.folder)


def start_next(request: StartNext, ctx: JobContext) -> str:
    """Start the first Run of the queue, unless one works here; returns its folder, or "".

    Nobody waits to see it live: what goes wrong, the Run tells, and its process starts the next one all the same.
    Raises what `create` does.
    """
    ctx.check()
    runs = Path(request.runs).absolute()
    with queue.next_run(runs, lambda: not working_here(runs)) as run:
        if run is None:
            return ""
        _begin(run)
    return str(run.folder)


def resume_run(request: ResumeRun, ctx: JobContext) -> str:
    """Start a process that goes on with a Run. Raises `RunError` if it, or another Run beside it, is worked on.

    `ChangedSince` is raised here already, so that the differences can be shown before anything is started.
    """
    run = Run.open(request.run)
    _refuse_second(run.folder.parent)
    begun = read_begun(run)
    if begun is not None and not request.accepts_changes and (changes := changes_since(run, begun)):
        raise ChangedSince(changes)
    _start(run, ctx, *(["--accept-changes"] if request.accepts_changes else []))
    return str(run.folder)


def _refuse_second(runs: Path) -> None:
    for one in working_here(runs):
        raise RunError(
            f"“{one.name}” is training on this machine already.",
            "Stop it, wait until it has ended, or add this one to the queue.",
        )


def _start(run: Run, ctx: JobContext, *options: str) -> None:
    """Start the process and see it live; raises `RunError` with its last words if it ends at once."""
    ctx.check()
    before, said = _size(run.events_path), _size(run.log_path)
    process = _begin(run, *options)
    give_up_at = time.monotonic() + CONFIRM_S
    while _size(run.events_path) <= before and time.monotonic() < give_up_at:
        if ctx.cancel.wait(_POLL_S):
            process.terminate()
            raise Cancelled
        code = process.poll()
        if code == 0:
            return
        if code is not None:
            raise _refused(run, said)


def _begin(run: Run, *options: str) -> subprocess.Popen[bytes]:
    """Start the process, and have noted how it ends."""
    with contextlib.suppress(OSError):
        run.exit_path.unlink(missing_ok=True)
    process = _spawn(run, *options)
    # Written down for it, so that nobody takes the Run for idle before the process has got so far itself.
    owner = lock.owner_of(process.pid)
    if owner is not None:
        with contextlib.suppress(StorageError):  # it lives, and will say so itself
            lock.write_owner(run.folder, owner)
    threading.Thread(target=_note_end, args=(process, run), name=f"end of {run.name}", daemon=True).start()
    return process


def _command(run: Run, *options: str) -> list[str]:
    """What is started. `-P`: nothing in the folder that the process begins in is taken for a module."""
    program = [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-P", "-m", "convnext_studio"]
    return [*program, "resume", "--then-next", *options, "--", str(run.folder)]


def _spawn(run: Run, *options: str) -> subprocess.Popen[bytes]:
    here = str(Path(convnext_studio.__file__).parents[1])
    paths = os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")])])
    detached = 0x00000208 if os.name == "nt" else 0  # DETACHED_PROCESS, CREATE_NEW_PROCESS_GROUP
    try:
        with run.log_path.open("ab") as log:
            return subprocess.Popen(  # noqa: S603  this very program
                _command(run, *options),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=run.folder,
                env=os.environ | {"PYTHONPATH": paths, "PYTHONUNBUFFERED": "1"},
                start_new_session=os.name == "posix",
                creationflags=detached,
            )
    except OSError as error:
        raise storage_error(error, run.log_path) from error


def _note_end(process: subprocess.Popen[bytes], run: Run) -> None:
    """Wait for the process, so that it is no zombie, and keep how it ended."""
    code = process.wait()
    if code:
        note_exit(run, process.pid, code)


def _refused(run: Run, said: int) -> StudioError:
    """What the process said before it ended at once."""
    noted = last_refusal(run)
    if noted is None:
        return RunError(f"“{run.name}” could not be started: {_last_words(run, said)}")
    return RunError(noted.message, noted.hint)


def _last_words(run: Run, said: int) -> str:
    """The last sentence of its log after the first `said` bytes; but a bug's words are for the details only."""
    try:
        lines = run.log_path.read_bytes()[said:].decode("utf-8", "replace").splitlines()
    except OSError:
        return "its log cannot be read."
    if any(line.startswith("Traceback") for line in lines):
        return f"something unexpected happened. {run.log_path.name} in its folder has the details."
    words = next((line for line in reversed(lines) if line.strip()), "it said nothing.")
    return words[-_LONGEST_REASON:]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
