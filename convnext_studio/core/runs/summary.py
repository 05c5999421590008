"""One Run in a line, from the ends of its files: cheap also for long Runs and many of them."""

from __future__ import annotations

import csv
import functools
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

from convnext_studio.core.context import JobContext
from convnext_studio.core.errors import RunError, StudioError
from convnext_studio.core.events import Noticed
from convnext_studio.core.files import ILLEGIBLE
from convnext_studio.core.recipe import Recipe
from convnext_studio.core.requests import FindRuns
from convnext_studio.core.run_events import (
    EpochEnded,
    Line,
    Paused,
    RunEnded,
    RunStarted,
    StepEnded,
    TestEnded,
    WentOn,
    from_line,
)
from convnext_studio.core.runs import about, lock
from convnext_studio.core.runs.ending import death, last_refusal
from convnext_studio.core.runs.run import Run

State = Literal["running", "finished", "stopped", "failed", "interrupted"]
_HEAD_BYTES = 64 * 1024
_TAIL_BYTES = 128 * 1024
_MOST_STEPS = 10**12
_MOST_BYTES = 16 * 1024 * 1024  # with hundreds of classes a single line is megabytes long


@dataclass(frozen=True)
class RunSummary:
    """What a list of Runs shows. `folder` is absolute; `interrupted` means that its process died without a word.

    `epochs` and `seconds_left` are planned ones; `best_balanced_accuracy` is None before the first validation.
    `started` is UTC in ISO form, "" if it did not begin. `message` and `hint` say how it ended, or why it waits.
    `refusal` is the name of the error ("ChangedSince") for which the last attempt to go on was refused. `interval` is
    the 95 % one of the best balanced accuracy, of the validation split; `test_...` are of the test split.
    `memory_bytes` and `images_per_s` are of a late step of the training, 0 where there was none. `weights` are those it
    began with, `begun_with` the Recipe's name of that Model. `name`, `tags`, `notes` and `race` are as the user says:
    see `about.py`.
    """

    folder: str
    name: str
    state: State
    model: str = ""
    data: str = ""
    preset: str = ""
    epoch: int = 0
    epochs: int = 0
    best_balanced_accuracy: float | None = None
    best_epoch: int = 0
    started: str = ""
    seconds: float = 0.0
    seconds_left: float | None = None
    message: str = ""
    hint: str = ""
    can_go_on: bool = False
    refusal: str = ""
    interval: tuple[float, float] | None = None
    test_balanced_accuracy: float | None = None
    test_interval: tuple[float, float] | None = None
    memory_bytes: int = 0
    images_per_s: float = 0.0
    licence: str = ""
    weights: str = ""
    begun_with: str = ""
    tags: tuple[str, ...] = ()
    notes: str = ""
    race: str = ""


def find_runs(request: FindRuns, ctx: JobContext) -> tuple[RunSummary, ...]:
    """All Runs in a folder, newest first. Emits `Noticed` for each folder that is none, with the reason.

    Raises `RunError` if the folder cannot be read; one that is not there holds no Runs.
    """
    place = Path(request.runs).absolute()
    found = []
    for folder in _folders(place):
        ctx.check()
        try:
            found.append(_looked_at(Run.open(folder)))
        except StudioError as error:
            said = error.message if str(folder) in error.message else f"“{folder.name}”: {error.message}"
            ctx.emit(Noticed(said, error.hint))
    return tuple(sorted(found, key=lambda one: (one.started or Path(one.folder).name, one.folder), reverse=True))


def working_here(runs: Path) -> tuple[RunSummary, ...]:
    """Those Runs in a folder that a process of this machine works on."""
    found = find_runs(FindRuns(str(runs)), JobContext())
    owners = ((one, lock.living_owner(Path(one.folder))) for one in found if one.state == "running")
    return tuple(one for one, owner in owners if owner is not None and owner.host == lock.host())


def _looked_at(run: Run) -> RunSummary:
    """As `summarise`; of one that nobody works on only what has changed since it was looked at is read again."""
    if run.is_alive:
        return summarise(run)
    files = (run.recipe_path, run.events_path, run.epochs_path, run.exit_path, run.folder / about.FILE)
    return _known(run, tuple(_stamp(path) for path in files))


@functools.lru_cache(maxsize=4096)
def _known(run: Run, _stamps: tuple[tuple[int, int], ...]) -> RunSummary:
    return summarise(run)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return 0, -1
    return status.st_mtime_ns, status.st_size


def summarise(run: Run) -> RunSummary:
    """Look at a Run now. Raises `UsageError` if its Recipe cannot be read."""
    recipe = run.recipe
    is_alive = run.is_alive  # asked first: what a process wrote before its end is seen all the same
    head, tail = _ends(run.events_path)
    started = next((line for line in head if isinstance(line.event, RunStarted)), None)
    last = tail[-1] if tail else None
    best = _best(run.epochs_path)
    said = about.read_about(run.folder)
    epochs, steps = _planned(run, started, recipe)
    ending = _ending(run, last, has_begun=started is not None, is_alive=is_alive)
    if is_alive:
        ending |= {"message": _silence(run) or _waiting(tail), "seconds_left": _seconds_left(tail, steps)}
    return RunSummary(
        folder=str(run.folder),
        name=said.name or run.name,
        model=started.event.model if started and isinstance(started.event, RunStarted) else recipe.model,
        data=recipe.data,
        preset=recipe.preset,
        epoch=next((line.event.epoch for line in reversed(tail) if isinstance(line.event, (StepEnded, EpochEnded))), 0),
        epochs=epochs,
        best_balanced_accuracy=best[1] if best else None,
        best_epoch=best[0] if best else 0,
        started=started.at if started else "",
        seconds=last.seconds if last else 0.0,
        interval=best[2] if best else None,
        **_late_facts(tail),
        licence=started.event.licence if started and isinstance(started.event, RunStarted) else "",
        weights=recipe.weights,
        begun_with=recipe.model,
        tags=said.tags,
        notes=said.notes,
        race=said.race,
        **ending,
    )


def _folders(place: Path) -> list[Path]:
    try:
        return [one for one in place.iterdir() if one.is_dir() and not one.name.startswith(".")]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RunError(f"“{place}” cannot be read: {(error.strerror or str(error)).lower()}.") from error


def _ending(run: Run, last: Line | None, *, has_begun: bool, is_alive: bool) -> dict[str, Any]:
    """Its state and what belongs to it."""
    if is_alive:
        return {"state": "running"}
    refusal = last_refusal(run)
    said = {"message": refusal.message, "hint": refusal.hint, "refusal": refusal.kind} if refusal else {}
    if last is not None and isinstance(last.event, RunEnded):
        end = last.event
        told = {"message": end.message, "hint": end.hint}
        return {"state": end.ending, "can_go_on": end.can_go_on, **(told | said)}
    words = death(run) if has_begun else f"It has not begun. {death(run)}"
    told = {"message": words, "hint": "Resume it: what was saved is kept."}
    return {"state": "interrupted", "can_go_on": True, **(told | said)}


def _ends(path: Path) -> tuple[list[Line], list[Line]]:
    """The first lines and the last ones."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            first = _first(file, _HEAD_BYTES)
            if size > _HEAD_BYTES and not any(isinstance(line.event, RunStarted) for line in first):
                first = _first(file, _MOST_BYTES)
            last = _last(file, size, _TAIL_BYTES)
            if size > _TAIL_BYTES and not last:
                last = _last(file, size, _MOST_BYTES)
            if size > _TAIL_BYTES and last and isinstance(last[-1].event, RunEnded):
                last = [*_test_before(file, size, last), *last]
    except OSError:
        return [], []
    return first, last


def _first(file: BinaryIO, most: int) -> list[Line]:
    """The first lines, in so many bytes."""
    file.seek(0)
    return _lines(file.read(most).split(b"\n")[:-1][:20])


def _last(file: BinaryIO, size: int, most: int) -> list[Line]:
    """The last whole lines, in so many bytes."""
    begin = max(0, size - most)
    file.seek(begin)
    return _lines(file.read().split(b"\n")[1 if begin else 0 : -1])


def _test_before(file: BinaryIO, size: int, last: list[Line]) -> list[Line]:
    """The line of the test, where it is too long to be among the last ones."""
    if any(isinstance(line.event, TestEnded) for line in last):
        return []
    file.seek(max(0, size - _MOST_BYTES))
    text = file.read()
    at = text.rfind(b'"event":"TestEnded"')
    return _lines([text[text.rfind(b"\n", 0, at) + 1 : text.find(b"\n", at)]]) if at >= 0 else []


def _lines(texts: list[bytes]) -> list[Line]:
    lines = (from_line(text.decode("utf-8", "replace")) for text in texts)
    return [line for line in lines if line is not None]


def _late_facts(tail: list[Line]) -> dict[str, Any]:
    """What the last lines tell of speed, memory and the test."""
    step = next((line.event for line in reversed(tail) if isinstance(line.event, StepEnded)), None)
    test = next((line.event for line in reversed(tail) if isinstance(line.event, TestEnded)), None)
    facts: dict[str, Any] = {}
    if step is not None:
        facts |= {"memory_bytes": step.memory_bytes, "images_per_s": step.images_per_s}
    if test is not None:
        facts |= {"test_balanced_accuracy": test.balanced_accuracy, "test_interval": test.interval}
    return facts


def _best(path: Path) -> tuple[int, float, tuple[float, float] | None] | None:
    """Epoch, balanced accuracy and its interval of the best epoch in effect."""
    best = None
    try:
        with path.open(encoding="utf-8", errors="replace", newline="") as file:
            for row in csv.DictReader(file):
                if row.get("is_best") == "1":
                    best = int(row["epoch"]), _share(row["balanced_accuracy"]), _interval(row)
    except (*ILLEGIBLE, csv.Error):
        return best
    return best


def _interval(row: dict[str, str]) -> tuple[float, float] | None:
    low, high = row.get("interval_low"), row.get("interval_high")
    return (_share(low), _share(high)) if low and high else None


def _share(text: str) -> float:
    """Raises `ValueError` for what is none."""
    share = float(text)
    if not 0 <= share <= 1:
        raise ValueError(text)
    return share


def _planned(run: Run, started: Line | None, recipe: Recipe) -> tuple[int, int]:
    """Epochs and steps planned in all, as the plan has them now: it may have changed since the Run began."""
    try:
        plan = json.loads(run.plan_path.read_text(encoding="ascii"))
        steps, steps_per_epoch = int(plan["stretches"][-1]["steps"]), int(plan["steps_per_epoch"])
        if not 0 <= steps <= _MOST_STEPS or steps_per_epoch < 0:
            raise ValueError(steps)
        return -(-steps // steps_per_epoch), steps
    except ILLEGIBLE:
        begun = started.event if started and isinstance(started.event, RunStarted) else None
        return (begun.epochs, begun.steps) if begun else (recipe.epochs, 0)


def _seconds_left(tail: list[Line], planned: int) -> float | None:
    steps = [line for line in tail if isinstance(line.event, StepEnded)]
    told = next((line for line in reversed(tail) if isinstance(line.event, EpochEnded)), None)
    if told and isinstance(told.event, EpochEnded) and told.event.seconds_left is not None:
        return max(0.0, told.event.seconds_left - (tail[-1].seconds - told.seconds))
    if not planned or len(steps) < 2:
        return None
    first, last = steps[0], steps[-1]
    assert isinstance(first.event, StepEnded) and isinstance(last.event, StepEnded)
    done = last.event.step - first.event.step
    left = (last.seconds - first.seconds) / done * (planned - last.event.step) if done > 0 else math.nan
    return left if left >= 0 else None


def _silence(run: Run) -> str:
    """Why a process that works on the Run does not answer, if it does not. It may: it is not taken for dead."""
    owner = lock.living_owner(run.folder)
    if owner is not None and lock.is_suspended(owner):
        return "Its process does not answer: it was suspended. It goes on once it is continued; nothing is lost."
    return ""


def _waiting(tail: list[Line]) -> str:
    for line in reversed(tail):
        if isinstance(line.event, Paused):
            return line.event.message
        if isinstance(line.event, (WentOn, StepEnded)):
            break
    return ""
