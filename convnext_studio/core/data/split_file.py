"""A split on disk, `path,label,split,group`, and the fingerprint that says whether a data set is still the same.

UTF-8; bytes of a file name that are no UTF-8 are kept as they are (Python's `surrogateescape`). A cell that a
spreadsheet could take for a formula, and one that begins with an apostrophe, has one apostrophe in front.
"""

from __future__ import annotations

import csv
import hashlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import cast

from convnext_studio.core.data.dataset import SPLITS, LabelledImage, Split
from convnext_studio.core.data.names import relative
from convnext_studio.core.errors import DataError
from convnext_studio.core.files import replacing

COLUMNS = ("path", "label", "split", "group")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "'")
_NEEDS_QUOTES = re.compile('[,"\r\n]')


def write_split(path: Path, images: Iterable[LabelledImage]) -> None:
    """Write the split, whole or not at all. Raises `StorageError`."""
    with replacing(path) as part, part.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        file.write(_line(COLUMNS))
        for image in images:
            file.write(_line([escaped(cell) for cell in (image.path, image.label, image.split, image.group)]))


def read_split(path: Path) -> tuple[LabelledImage, ...]:
    """Read what `write_split` wrote. Raises `DataError`, which names the line."""
    try:
        with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            reader = csv.reader(file, strict=True)
            if tuple(next(reader, ())) != COLUMNS:
                raise DataError(f"“{path.name}” is not a split: its columns are not {','.join(COLUMNS)}.")
            return tuple(_image(cells, path, reader.line_num) for cells in reader)
    except (OSError, csv.Error) as error:
        raise DataError(f"The split “{path}” cannot be read: {error}.", "Begin the Run anew.") from error


def fingerprint(images: Iterable[LabelledImage], hashes: Mapping[str, str], root: str) -> str:
    """SHA-256 (hex) over path below `root`, label, split and content of every Image, in an order of its own.

    `hashes` gives the content's hash by path.
    """
    rows = sorted(
        tuple(os.fsencode(cell) for cell in (relative(one.path, root), one.label, one.split, hashes.get(one.path, "")))
        for one in images
    )
    total = hashlib.sha256()
    for row in rows:
        for cell in row:
            total.update(len(cell).to_bytes(8, "big"))  # so that no two tables read the same
            total.update(cell)
    return total.hexdigest()


def unescaped(cell: str) -> str:
    """Take off the apostrophe that keeps a spreadsheet from running a cell."""
    return cell[1:] if cell.startswith("'") else cell


def escaped(cell: str) -> str:
    """Put an apostrophe before what a spreadsheet could run, and before an apostrophe."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _line(cells: Iterable[str]) -> str:
    """One row. Python's own writer leaves a lone carriage return unquoted unless all its lines end in one."""
    doubled = (cell.replace('"', '""') for cell in cells)
    return ",".join(f'"{cell}"' if _NEEDS_QUOTES.search(cell) else cell for cell in doubled) + "\n"


def _image(cells: Sequence[str], path: Path, line: int) -> LabelledImage:
    if len(cells) != len(COLUMNS) or cells[2] not in (*SPLITS, ""):
        raise DataError(f"Line {line} of “{path.name}” is not one of a split.", "Begin the Run anew.")
    name, label, split, group = (unescaped(cell) for cell in cells)
    return LabelledImage(name, label, group, cast(Split, split))
