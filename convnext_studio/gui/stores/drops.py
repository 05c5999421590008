"""Paths out of drops and the clipboard, cheap at 100,000 of them."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from PySide6.QtCore import QMimeData

from convnext_studio.core.images.find import is_image_name

_BLANK = " \t\r\n\v\f"
LOOK_AT = 2_000  # more names than this are not counted by kind while the pointer is still in the air


@dataclass(frozen=True)
class DropSummary:
    """What a drag carries, as far as its names say."""

    folders: int
    files: int


def has_paths(mime: QMimeData) -> bool:
    """True if something in `mime` names a file; text that is no path or URL does not."""
    if mime.hasFormat("text/uri-list"):
        return b"file:" in bytes(mime.data("text/uri-list").data())
    return bool(mime.hasText() and _paths_of_text(mime.text()))


def paths_of(mime: QMimeData) -> tuple[str, ...]:
    """The local paths that `mime` names, each once, in order.

    Read from the raw list: QUrl objects for 100,000 names would hold the window for an eighth of a second.
    """
    if mime.hasFormat("text/uri-list"):
        lines = os.fsdecode(bytes(mime.data("text/uri-list").data())).split("\n")
        return tuple(dict.fromkeys(path for line in lines if (path := _path_of_url(line.strip(_BLANK)))))
    return _paths_of_text(mime.text()) if mime.hasText() else ()


def data_set_of(mime: QMimeData) -> str:
    """The one path that `mime` names, if it is a folder or a table by its name; "" if it is anything else."""
    paths = paths_of(mime) if has_paths(mime) else ()
    return paths[0] if len(paths) == 1 and not is_image_name(paths[0]) else ""


def summarise(paths: tuple[str, ...], is_folder: Callable[[str], bool | None] = lambda _path: None) -> DropSummary:
    """Count folders and files: as `is_folder` knows, else by the first names. The disk is the Engine's."""
    folders = 0
    for path in paths[:LOOK_AT]:
        known = is_folder(path)
        folders += not os.path.splitext(path)[1] if known is None else known  # noqa: PTH122 - str in, no Path needed
    return DropSummary(folders, len(paths) - folders)


def absolute(path: str) -> str:
    """Make a path absolute as `os.path.abspath` does, which alone would hold the window for 100 ms at 100,000 paths."""
    is_plain = path[:1] == "/" and os.sep == "/" and path[-1] != "/" and "/." not in path and "//" not in path
    return path if is_plain else os.path.abspath(path)  # noqa: PTH100 - as fast as can be


def _path_of_url(line: str) -> str:
    if line.startswith("file:///"):
        path = line[7:]
    elif line.startswith("file://"):  # the host is this machine or nothing we can read
        path = line[max(line.find("/", 7), 0) or len(line) :]
    elif line.startswith("file:"):
        path = line[5:]
    else:
        return ""
    if "%" in path:
        path = os.fsdecode(unquote_to_bytes(os.fsencode(path)))
    if os.name == "nt":
        path = path.lstrip("/")
    return path.rstrip("/") or path


def _paths_of_text(text: str) -> tuple[str, ...]:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    paths = [_path_of_url(line) if line.startswith("file:") else line for line in lines]
    are_paths = bool(paths) and all(os.path.isabs(path) for path in paths)  # noqa: PTH117 - whether they are there: later
    return tuple(dict.fromkeys(paths)) if are_paths else ()
