"""Changes of labels by hand: a journal beside the program's own data, never in the user's folder.

A line of JSON for each edit, undo and redo; nothing is ever rewritten. A line that was cut off by a crash was never
promised to anybody: it is left out, and taken off before the next one is written. All edits can be undone.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import platformdirs
from filelock import FileLock

from convnext_studio.core.context import JobContext
from convnext_studio.core.data.dataset import LabelledImage
from convnext_studio.core.data.names import counted, relative, shown
from convnext_studio.core.data.read import root_of
from convnext_studio.core.errors import DataError, UsageError
from convnext_studio.core.events import EditsKept
from convnext_studio.core.files import storage_error
from convnext_studio.core.requests import EditLabels
from convnext_studio.core.values import class_name_fault

_EDITS = ("move", "exclude", "include")


@dataclass(frozen=True)
class Edited:
    """A data set's Images after its edits; `moved` and `excluded` are paths."""

    images: tuple[LabelledImage, ...]
    moved: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Edit:
    """One edit; `names` are paths below the data set's folder."""

    action: str
    names: tuple[str, ...]
    label: str = ""

    @property
    def words(self) -> str:
        """What undoing takes back."""
        number = len(self.names)
        if self.action == "move":
            return f"Move {counted(number, 'Image')} to “{shown(self.label)}”"
        is_excluding = self.action == "exclude"
        return f"{'Exclude' if is_excluding else 'Include'} {counted(number, 'Image')}"


@dataclass
class _History:
    """Edits that hold, and those that were undone, the last at the end. `bytes` is the length of all whole lines."""

    done: list[_Edit] = field(default_factory=list)
    undone: list[_Edit] = field(default_factory=list)
    bytes: int = 0

    def take(self, row: Mapping[str, Any]) -> None:
        """Let one line have its effect; one that makes no sense (any more) has none."""
        action = row.get("do")
        if action == "undo" and self.done:
            self.undone.append(self.done.pop())
        elif action == "redo" and self.undone:
            self.done.append(self.undone.pop())
        elif action in _EDITS:
            names = tuple(str(name) for name in row.get("names", ()))
            self.done.append(_Edit(str(action), names, str(row.get("label", ""))))
            self.undone.clear()

    @property
    def kept(self) -> EditsKept:
        """What the front ends show."""
        return EditsKept(len(self.done), len(self.undone), self.done[-1].words if self.done else "")


def edit_labels(request: EditLabels, ctx: JobContext) -> EditsKept:
    """Note an edit. Raises `UsageError` for one that makes no sense, and `StorageError`."""
    ctx.check()
    path = _journal(request.data)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with FileLock(f"{path}.lock"):
            history = _read(path)
            row = _row(request, history)
            _append(path, row, history.bytes, request.data)
            history.take(row)
            return history.kept
    except OSError as error:
        raise storage_error(error, path) from error


def edits_kept(data: str) -> EditsKept:
    """What can be undone and redone in the data set `data`."""
    return _read(_journal(data)).kept


def apply_edits(images: Sequence[LabelledImage], data: str) -> Edited:
    """Give the Images of the data set `data` the labels they were moved to, and leave out the excluded ones."""
    history = _read(_journal(data))
    if not history.done:
        return Edited(tuple(images))
    labels: dict[str, str] = {}
    excluded: set[str] = set()
    for edit in history.done:
        if edit.action == "move":
            labels |= dict.fromkeys(edit.names, edit.label)
        elif edit.action == "exclude":
            excluded.update(edit.names)
        else:
            excluded.difference_update(edit.names)
    root = root_of(data)
    names = [relative(image.path, root) for image in images]
    pairs = [(name, image) for name, image in zip(names, images, strict=True) if name not in excluded]
    return Edited(
        tuple(replace(image, label=labels.get(name, image.label)) for name, image in pairs),
        tuple(image.path for name, image in pairs if labels.get(name, image.label) != image.label),
        tuple(image.path for name, image in zip(names, images, strict=True) if name in excluded),
    )


def _journal(data: str) -> Path:
    """The journal of a data set: by the folder its Images lie in, or by its CSV."""
    path = os.path.abspath(os.path.expanduser(data))  # noqa: PTH100, PTH111
    place = root_of(data) if os.path.isdir(path) else path  # noqa: PTH112
    name = hashlib.sha256(os.fsencode(place)).hexdigest()[:32]
    return Path(platformdirs.user_data_dir("convnext-studio", appauthor=False)) / "labels" / f"{name}.jsonl"


def _row(request: EditLabels, history: _History) -> dict[str, Any]:
    if request.action == "undo" and not history.done:
        raise UsageError("There is no change of labels to undo.")
    if request.action == "redo" and not history.undone:
        raise UsageError("There is no change of labels to redo.")
    if request.action in ("undo", "redo"):
        return {"do": request.action}
    if not request.paths:
        raise UsageError("No Images were named.", "Choose the Images first.")
    if request.action == "move" and not request.label.strip():
        raise UsageError("The class has no name.", "Name the class that the Images belong to.")
    if request.action == "move" and (fault := class_name_fault(request.label)):
        raise UsageError(f"A class cannot be called “{shown(request.label)}”: {fault}.", "Choose another name.")
    root = root_of(request.data)
    paths = (os.path.abspath(path) for path in request.paths)  # noqa: PTH100
    names = list(dict.fromkeys(relative(path, root) for path in paths))
    return {"do": request.action, "names": names} | ({"label": request.label} if request.action == "move" else {})


def _read(path: Path) -> _History:
    """Raises `DataError` for a journal that is damaged before its last line."""
    history = _History()
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return history
    except OSError as error:
        raise DataError(f"The changes of labels in “{path}” cannot be read: {error.strerror}.") from error
    for number, line in enumerate(data.splitlines(keepends=True), start=1):
        if not line.endswith(b"\n"):
            break
        try:
            row = json.loads(line)
        except ValueError as error:
            raise DataError(
                f"The changes of labels in “{path}” are damaged in line {number}.",
                "Mend the line, or move the file away to begin without changes.",
            ) from error
        history.bytes += len(line)
        if isinstance(row, dict):
            history.take(row)
    return history


def _append(path: Path, row: Mapping[str, Any], length: int, data: str) -> None:
    """Write one line behind the whole ones and flush it to the disk. Raises `OSError`."""
    with path.open("r+b" if path.exists() else "w+b") as file:
        file.truncate(length)
        file.seek(length)
        head = {"data": data}  # for whoever finds the file
        text = "" if length else json.dumps(head) + "\n"
        file.write((text + json.dumps(row) + "\n").encode())
        file.flush()
        os.fsync(file.fileno())
