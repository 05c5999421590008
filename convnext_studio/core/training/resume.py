"""What a Run was begun with, kept to be compared when it goes on: settings, files, machine."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convnext_studio.core.data.dataset import LabelledImage
from convnext_studio.core.errors import RunError, UsageError
from convnext_studio.core.files import replacing
from convnext_studio.core.recipe import FIELDS, Recipe, differences, from_toml, to_toml
from convnext_studio.core.run_events import RunEnded, from_line
from convnext_studio.core.runs.run import Run

_MOST_NAMED = 3
_TAIL_BYTES = 64 * 1024
_INEXACT = "What a GPU computes is not the same every time, to the last digit."
_OF_THE_MACHINE = ("torch", "device", "threads", "world_size")


class ChangedSince(RunError):
    """The data or the settings are not what the Run began with; `differences` are sentences."""

    def __init__(self, found: tuple[str, ...]) -> None:
        super().__init__(
            "The Run did not begin with what is there now. " + " ".join(found),
            "Go on with the changes, undo them, or begin a new Run.",
        )
        self.differences = found

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.differences,)


@dataclass(frozen=True)
class Begun:
    """What was written down when the Run began: its Recipe, size and time (ns) of each file by path, its split."""

    recipe: Recipe
    files: Mapping[str, tuple[int, int]]
    split: str = ""  # SHA-256 of split.csv


def write_begun(run: Run, images: Iterable[LabelledImage]) -> None:
    """Write down what the Run begins with. Raises `StorageError`."""
    files = {image.path: _stamp(image.path) for image in images}
    begun = {"recipe": to_toml(run.recipe), "files": files, "split": _hash_of(run.split_path)}
    with replacing(_path(run)) as part:
        part.write_text(json.dumps(begun), encoding="ascii")


def read_begun(run: Run) -> Begun | None:
    """What `write_begun` wrote; None where the Run has not got that far.

    Raises `RunError` for a file that was altered: to divide the Images anew would let learned ones into the test.
    """
    if not _path(run).exists():
        return None
    try:
        row = json.loads(_path(run).read_text(encoding="ascii"))
        files = {path: (int(size), int(at)) for path, (size, at) in row["files"].items()}
        return Begun(from_toml(row["recipe"]), files, str(row.get("split", "")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, UsageError) as error:
        raise RunError("The Run's begun.json cannot be read.", "Begin a new Run.") from error


def changes_since(run: Run, begun: Begun) -> tuple[str, ...]:
    """Sentences about what is not as it was; empty if all is."""
    found = []
    for name, (old, new) in differences(begun.recipe, run.recipe).items():
        found.append(f"{FIELDS[name].metadata['label']} ({name}) was {old!r}, now it is {new!r}.")
    now = {path: _stamp(path) for path in begun.files}
    gone = [path for path, stamp in now.items() if stamp == (-1, -1) != begun.files[path]]
    other = [path for path, stamp in now.items() if stamp != begun.files[path] and path not in gone]
    if begun.split and _hash_of(run.split_path) != begun.split:
        found.append("split.csv is not as it was written: Images may have changed between training and test.")
    if gone:
        found.append(f"{_count(gone)} gone: {_named(gone)}.")
    if other:
        found.append(f"{_count(other)} not the same any more: {_named(other)}.")
    return tuple(found)


def machine_changes(parts: list[dict[str, Any]]) -> tuple[str, ...]:
    """What may change the last digit of a number from one part of a Run to the next: the last two and their device."""
    if len(parts) < 2:
        return ()
    old, new = parts[-2], parts[-1]
    inexact = () if new.get("device", "cpu") == "cpu" else (_INEXACT,)
    return inexact + tuple(
        f"{name.replace('_', ' ')} was {old.get(name)}, now it is {new.get(name)}."
        for name in _OF_THE_MACHINE
        if old.get(name) != new.get(name)
    )


def how_it_ended(run: Run) -> RunEnded | None:
    """The last Event, if the Run finished."""
    try:
        with run.events_path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
            lines = file.read().splitlines()
    except OSError:
        return None
    last = next((line for text in reversed(lines) if (line := from_line(text.decode("utf-8", "replace")))), None)
    is_finished = last is not None and isinstance(last.event, RunEnded) and last.event.ending == "finished"
    return last.event if is_finished and last is not None and isinstance(last.event, RunEnded) else None


def _path(run: Run) -> Path:
    return run.folder / "begun.json"


def _hash_of(path: Path) -> str:
    """SHA-256 of a file, "" where there is none."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _stamp(path: str) -> tuple[int, int]:
    try:
        found = os.stat(path)  # noqa: PTH116 - hundreds of thousands of them
        return found.st_size, found.st_mtime_ns
    except OSError:
        return -1, -1


def _count(paths: list[str]) -> str:
    return "1 Image is" if len(paths) == 1 else f"{len(paths):,} Images are"


def _named(paths: list[str]) -> str:
    names = [f"“{Path(path).name}”" for path in paths[:_MOST_NAMED]]
    return ", ".join(names) + (" and others" if len(paths) > _MOST_NAMED else "")
