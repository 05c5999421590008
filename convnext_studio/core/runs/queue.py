"""What waits to be trained: Recipes in `queue.json` in the Runs folder, so that they survive any restart.

Whoever has worked on a Run that was started here starts the next one; the window does so too, for when nobody could.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from convnext_studio.core.context import JobContext
from convnext_studio.core.errors import RunError, StudioError, UsageError
from convnext_studio.core.files import replacing, storage_error
from convnext_studio.core.recipe import Recipe, from_toml, to_toml
from convnext_studio.core.run_requests import ChangeQueue, ReadQueue
from convnext_studio.core.runs.about import About, write_about
from convnext_studio.core.runs.run import Run, with_whole_paths

FILE, LOCK = "queue.json", ".queue.lock"
LOCK_S = 10.0  # so long one waits for another who changes it
MOST_ITEMS = 200


@dataclass(frozen=True)
class Queued:
    """One that waits; `key` names it."""

    key: str
    recipe: Recipe
    name: str = ""
    race: str = ""

    @property
    def title(self) -> str:
        """What to call it before it has a folder."""
        return self.name or Path(self.recipe.data).stem


@dataclass(frozen=True)
class Queue:
    """All that wait, the next one first. Held: none is started. `trouble` says why it holds by itself."""

    items: tuple[Queued, ...] = ()
    is_held: bool = False
    trouble: str = ""


def read_queue(request: ReadQueue, ctx: JobContext) -> Queue:
    """Serve `ReadQueue`."""
    ctx.check()
    return read(Path(request.runs))


def change_queue(request: ChangeQueue, ctx: JobContext) -> Queue:
    """Serve `ChangeQueue`. Raises `StorageError`, `RunError`, and `UsageError` for a Recipe without data."""
    ctx.check()
    runs = Path(request.runs).absolute()
    if any(not recipe.data for _name, recipe in request.add):
        raise UsageError("There is no data set to train on.", "Choose a folder of class folders, or a CSV.")
    added = [(name, with_whole_paths(recipe)) for name, recipe in request.add]
    with _alone(runs):
        queue, strange = _read_to_change(runs)
        items = [one for one in queue.items if one.key not in request.remove]
        if request.order:
            places = {key: place for place, key in enumerate(request.order)}
            items.sort(key=lambda one: places.get(one.key, len(places)))
        items += [Queued(secrets.token_hex(6), recipe, name, request.race) for name, recipe in added]
        if len(items) > MOST_ITEMS:
            raise UsageError(f"The queue takes {MOST_ITEMS} Runs at the most.", "Wait until some have ended.")
        queue = replace(queue, items=tuple(items))
        if request.is_held is not None:
            queue = replace(queue, is_held=request.is_held, trouble="")
        _write(runs, queue, strange)
    return queue


@contextlib.contextmanager
def next_run(runs: Path, is_idle: Callable[[], bool]) -> Iterator[Run | None]:
    """Make the first that waits a Run and take it off; None if there is none, or not now. Nobody else does so within.

    Raises what `Run.create` does, and whatever is raised within: then it waits on, and the queue holds and says why,
    for the others would meet the same.
    """
    if not read(runs).items:
        yield None
        return
    with _alone(runs):
        queue, strange = _read_to_change(runs)
        if queue.is_held or not queue.items or not is_idle():
            yield None
            return
        first, run = queue.items[0], None
        try:
            run = Run.create(runs, first.name, first.recipe)
            if first.race:
                write_about(run.folder, About(race=first.race))
            _write(runs, replace(queue, items=queue.items[1:]), strange)
            yield run
        except StudioError as error:
            if run is not None:
                shutil.rmtree(run.folder, ignore_errors=True)  # nothing has been learned in it
            _write(runs, replace(queue, is_held=True, trouble=str(error)), strange)
            raise


def read(runs: Path) -> Queue:
    """What waits; a file that is not legible counts as empty, and what is not legible in it is left out."""
    try:
        return _read_to_change(runs)[0]
    except RunError:
        return Queue()


def _read_to_change(runs: Path) -> tuple[Queue, list[Any]]:
    """What waits, and the rows of it that are not legible, of a later version say: they shall not get lost.

    Raises `RunError` where nothing is.
    """
    try:
        row = json.loads((runs / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Queue(), []
    except (OSError, ValueError, RecursionError):
        row = None
    if not isinstance(row, dict) or not isinstance(row.get("items"), list):
        raise RunError(f"“{runs / FILE}”, the queue, cannot be read.", "Mend it, or move it to another place.")
    items = [(_item(one), one) for one in row["items"]]
    waiting = tuple(item for item, _ in items if item is not None)
    strange = [one for item, one in items if item is None]
    return Queue(waiting, bool(row.get("is_held")), str(row.get("trouble", ""))), strange


def _item(row: Any) -> Queued | None:
    try:
        recipe = from_toml(str(row["recipe"]))
        return Queued(str(row["key"]), recipe, str(row.get("name", "")), str(row.get("race", "")))
    except (StudioError, KeyError, TypeError, AttributeError):
        return None


def _write(runs: Path, queue: Queue, strange: list[Any]) -> None:
    items: list[Any] = [
        {"key": one.key, "name": one.name, "race": one.race, "recipe": to_toml(one.recipe)} for one in queue.items
    ]
    document = {"is_held": queue.is_held, "trouble": queue.trouble, "items": items + strange}
    with replacing(runs / FILE) as part:
        part.write_text(json.dumps(document, indent=1), encoding="ascii")


@contextlib.contextmanager
def _alone(runs: Path) -> Iterator[None]:
    """Change the queue alone; a share without locks must do without."""
    from filelock import FileLock, Timeout  # late: the window, which only looks, imports this module

    try:
        runs.mkdir(parents=True, exist_ok=True)
        lock = FileLock(runs / LOCK, timeout=LOCK_S)
        with contextlib.suppress(NotImplementedError):
            lock.acquire()
    except Timeout as error:
        raise UsageError("Another window changes the queue.", "Try again.") from error
    except OSError as error:
        raise storage_error(error, runs / FILE) from error
    try:
        yield
    finally:
        lock.release()
