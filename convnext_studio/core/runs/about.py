"""What the user says of a Run, beside what it says itself: `about.json` with a name, tags, notes and its race."""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from convnext_studio.core.context import JobContext
from convnext_studio.core.errors import RunError, StudioError, UsageError
from convnext_studio.core.files import ILLEGIBLE, replacing, storage_error
from convnext_studio.core.recipe import Recipe
from convnext_studio.core.run_requests import DescribeRun, ReadRecipes, RestoreRun
from convnext_studio.core.runs.run import Run

FILE = "about.json"
MOST_LETTERS = {"name": 120, "tag": 40, "notes": 20_000}
MOST_TAGS = 20


@dataclass(frozen=True)
class About:
    """`name` "" is the folder's. `race` is what the Runs of one race share, "" outside of any."""

    name: str = ""
    tags: tuple[str, ...] = ()
    notes: str = ""
    race: str = ""


def read_about(folder: Path) -> About:
    """What was kept of the Run in `folder`; whatever is not legible counts as not said."""
    try:
        row = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except ILLEGIBLE:
        return About()
    if not isinstance(row, dict):
        return About()
    texts = {name: row[name] for name in ("name", "notes", "race") if isinstance(row.get(name), str)}
    tags = row.get("tags")
    return About(**texts, tags=tuple(one for one in tags if isinstance(one, str)) if isinstance(tags, list) else ())


def _read_to_change(folder: Path) -> About:
    """As `read_about`, but what is there and not legible is not written over. Raises `RunError`."""
    try:
        if isinstance(json.loads((folder / FILE).read_text(encoding="utf-8")), dict):
            return read_about(folder)
    except FileNotFoundError:
        return About()
    except ILLEGIBLE:
        pass
    raise RunError(f"“{folder / FILE}” cannot be read.", "Mend it, or move it to another place.")


def write_about(folder: Path, about: About) -> None:
    """Keep it. Raises `StorageError`."""
    with replacing(folder / FILE) as part:
        part.write_text(json.dumps(asdict(about), indent=1), encoding="utf-8")


def describe_run(request: DescribeRun, ctx: JobContext) -> About:
    """Serve `DescribeRun`. Raises `RunError`, `StorageError`, and `UsageError` for what is too long."""
    ctx.check()
    run = Run.open(request.run)
    about = _read_to_change(run.folder)
    if request.name is not None:
        about = replace(about, name=_fitting("name", " ".join(request.name.split())))
    if request.tags is not None:
        tags = dict.fromkeys(_fitting("tag", " ".join(one.split())) for one in request.tags if one.strip())
        if len(tags) > MOST_TAGS:
            raise UsageError(f"A Run can have {MOST_TAGS} tags at the most.", "Leave some out.")
        about = replace(about, tags=tuple(tags))
    if request.notes is not None:
        about = replace(about, notes=_fitting("notes", request.notes.strip()))
    write_about(run.folder, about)
    return about


def restore_run(request: RestoreRun, ctx: JobContext) -> str:
    """Serve `RestoreRun`: out of the trash, and out of the trash's own book. Raises `RunError` and `StorageError`."""
    ctx.check()
    trashed, folder = Path(request.trashed), Path(request.folder)
    if folder.exists():
        raise RunError(f"“{folder}” is there again.", "Take the Run out of the trash by hand, to another place.")
    if not trashed.is_dir():
        raise RunError(f"“{folder.name}” is not in the trash any more.")
    try:
        trashed.rename(folder)
    except OSError as error:
        raise storage_error(error, folder) from error
    with contextlib.suppress(OSError):  # freedesktop's trash notes where each thing came from
        (trashed.parent.parent / "info" / f"{trashed.name}.trashinfo").unlink()
    return str(folder)


def read_recipes(request: ReadRecipes, ctx: JobContext) -> tuple[Recipe | None, ...]:
    """Serve `ReadRecipes`."""
    found: list[Recipe | None] = []
    for run in request.runs:
        ctx.check()
        try:
            found.append(Run.open(run).recipe)
        except StudioError:
            found.append(None)
    return tuple(found)


def _fitting(what: str, text: str) -> str:
    """The text, if it is one and not too long."""
    if any(0xD800 <= ord(letter) < 0xE000 for letter in text):
        raise UsageError("Parts of it are no text.", "Type it anew.")
    if len(text) > MOST_LETTERS[what]:
        names = {"name": "name of a Run", "tag": "tag of a Run", "notes": "notes of a Run"}
        raise UsageError(f"The {names[what]} can have {MOST_LETTERS[what]:,} letters at the most.", "Shorten it.")
    return text
