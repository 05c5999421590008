"""Folder and file names made from untrusted text: they stay below their folder and work on every system."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import PurePath

_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*\ud800-\udfff]')
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?$", re.IGNORECASE)
_LONGEST_FOLDER_BYTES = 120
_LONGEST_FILE_BYTES = 255


def folder_name(text: str) -> str:
    """Turn a class name into a folder name; different texts may give the same, see `folder_names`."""
    name = _FORBIDDEN.sub("_", text).strip().rstrip(". ")
    name = _cut(name, _LONGEST_FOLDER_BYTES).rstrip(". ")
    if not name.strip("."):
        return "_"
    return f"_{name}" if _RESERVED.match(name) else name


def folder_names(texts: Iterable[str]) -> dict[str, str]:
    """Give each text a folder name of its own, also where upper and lower case are the same."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for text in texts:
        if text not in names:
            names[text] = next(name for name in numbered(folder_name(text)) if name.casefold() not in taken)
            taken.add(names[text].casefold())
    return names


def numbered(name: str) -> Iterable[str]:
    """Yield `name`, then `name (2)`, `name (3)` and so on, the suffix kept and the length within limits."""
    yield name
    stem, suffix = PurePath(name).stem, PurePath(name).suffix
    count = 2
    while True:
        end = f" ({count}){suffix}"
        yield _cut(stem, _LONGEST_FILE_BYTES - len(os.fsencode(end))) + end
        count += 1


def _cut(name: str, longest_bytes: int) -> str:
    while len(name.encode("utf-8", "surrogateescape")) > longest_bytes:
        name = name[:-1]
    return name
