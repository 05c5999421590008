"""What is asked of a Run while it works, whoever hosts it: one line each in `wanted.jsonl`.

Every line names the owner it is meant for, so that a Run that is resumed does not obey what an earlier part was asked.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from typing import Any, Literal, cast, get_args

from convnext_studio.core.context import JobContext
from convnext_studio.core.errors import RunError
from convnext_studio.core.files import storage_error
from convnext_studio.core.requests import SteerRun
from convnext_studio.core.runs import lock
from convnext_studio.core.runs.run import Run

Wanted = Literal["stop", "pause", "go on", "finish epoch", "lower rate"]
WANTED: tuple[Wanted, ...] = get_args(Wanted)


class Control:
    """Reads what is asked of a Run by those outside; for the process that works on it."""

    def __init__(self, run: Run) -> None:
        self._path = run.wanted_path
        me = lock.owner_of(os.getpid())
        self._me = asdict(me) if me else {}
        self._read = 0

    def read(self) -> tuple[Wanted, ...]:
        """What was asked since the last time, in order; cheap enough for every step."""
        try:
            size = self._path.stat().st_size
            if size == self._read:
                return ()
            if size < self._read:  # another file by now
                self._read = 0
            with self._path.open("rb") as file:
                file.seek(self._read)
                text = file.read()
        except OSError:
            return ()
        whole = text[: text.rfind(b"\n") + 1]
        self._read += len(whole)
        rows = (_row(line) for line in whole.splitlines())
        return tuple(row["wanted"] for row in rows if row.get("owner") == self._me and row.get("wanted") in WANTED)


def steer_run(request: SteerRun, ctx: JobContext) -> None:
    """Ask a Run for something. Raises `RunError` if nobody works on it, and `StorageError`."""
    ctx.check()
    run = Run.open(request.run)
    owner = lock.living_owner(run.folder)
    if owner is None:
        raise RunError(f"“{run.name}” is not running.", "Go on with it first.")
    # A line of its own even where the disk took only a part of the one before.
    line = "\n" + json.dumps({"wanted": request.wanted, "owner": asdict(owner)}) + "\n"
    try:
        with run.wanted_path.open("a", encoding="utf-8") as file:
            file.write(line)
    except OSError as error:
        raise storage_error(error, run.wanted_path) from error


def _row(line: bytes) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError:
        return {}
    return cast(dict[str, Any], row) if isinstance(row, dict) else {}
