"""How a Run's process ended where its lines do not tell: by a signal, or because it was refused before it began."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from dataclasses import asdict, dataclass

from convnext_studio.core.errors import StudioError
from convnext_studio.core.files import ILLEGIBLE, replacing
from convnext_studio.core.runs import lock
from convnext_studio.core.runs.run import Run

_GONE = "Its process is gone: it crashed, was ended, or the machine went down."


@dataclass(frozen=True)
class Exit:
    """What was noted. `code` is negative for a signal; `kind` is an error's name, where the process noted one."""

    pid: int
    code: int
    kind: str = ""
    message: str = ""
    hint: str = ""


def note_refusal(run: Run, error: StudioError, code: int) -> None:
    """For the process itself: why it does not work on the Run."""
    _write(run, Exit(os.getpid(), code, type(error).__name__, error.message, error.hint))


def note_exit(run: Run, pid: int, code: int) -> None:
    """For whoever started the process: only a parent is told the signal. What the process said itself stays."""
    noted = read_exit(run)
    if noted is None or noted.pid != pid:
        _write(run, Exit(pid, code))


def read_exit(run: Run) -> Exit | None:
    """What was noted last, whichever part of the Run it is about."""
    try:
        row = json.loads(run.exit_path.read_text(encoding="utf-8"))
        texts = (str(row.get(name, "")) for name in ("kind", "message", "hint"))
        return Exit(int(row["pid"]), int(row["code"]), *texts)
    except ILLEGIBLE:
        return None


def last_refusal(run: Run) -> Exit | None:
    """Why the last attempt to work on the Run came to nothing, if it did."""
    noted = read_exit(run)
    if noted is None or not noted.message:
        return None
    try:
        is_last = run.exit_path.stat().st_mtime >= run.events_path.stat().st_mtime
    except FileNotFoundError:
        is_last = True
    except OSError:
        is_last = False
    return noted if is_last else None


def death(run: Run) -> str:
    """In a sentence, how the process of a Run ended that did not say so."""
    noted, owner = read_exit(run), lock.read_owner(run.folder)
    if noted is None or (owner is not None and owner.pid != noted.pid):
        return _GONE
    if noted.code >= 0:
        return f"Its process ended with code {noted.code}; {run.log_path.name} in its folder may say why."
    try:
        name = signal.Signals(-noted.code).name
    except ValueError:
        name = f"signal {-noted.code}"
    if name == "SIGKILL":
        return f"Its process was ended by {name}, as the system does when memory runs out."
    return f"Its process was ended by {name}."


def _write(run: Run, noted: Exit) -> None:
    with contextlib.suppress(StudioError), replacing(run.exit_path, is_flushed=False) as part:
        part.write_text(json.dumps(asdict(noted)), encoding="utf-8")
