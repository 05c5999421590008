"""Data sets written as a CSV: `path,label[,group,split]`, comma, semicolon or tab, with or without a byte order mark.

A path is meant from the folder the CSV lies in, or from a folder `images` beside it. One apostrophe in front of a cell
that a spreadsheet could take for a formula is taken off, as our own tables have it.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from convnext_studio.core.context import JobContext
from convnext_studio.core.data.dataset import Given
from convnext_studio.core.data.names import PICTURE_FOLDERS, SPLIT_NAMES, shown
from convnext_studio.core.data.sample import MANIFEST
from convnext_studio.core.data.split_file import unescaped
from convnext_studio.core.errors import DataError

_PATH = ("path", "file", "filename", "file_name", "image", "image_path")
_LABEL = ("label", "class", "class_name", "category")
_GROUP = ("group", "part", "part_id", "group_id")
_SPLIT = ("split", "set", "subset", "partition")
_EXCEL = ("sep=", "SEP=")  # a first line such as sep=; tells Excel what parts the cells
_MOST_BYTES = 1 << 30
_CHECK_EVERY = 1000
_LAYOUT_HINT = "The first line must name the columns: path,label and, if wanted, group and split."


@dataclass(frozen=True)
class TableRow:
    """One line of a CSV: absolute path, class, group and split ("" where the CSV does not say)."""

    path: str
    label: str
    group: str
    split: Given


def read_table(path: str, ctx: JobContext) -> tuple[TableRow, ...]:
    """Read the CSV at `path`. Raises `DataError`, which names the line."""
    name = shown(Path(path).name)
    reader, columns = _opened(path)
    if not {"path", "label"} <= columns.keys():
        missing = " and ".join(f"“{column}”" for column in ("path", "label") if column not in columns)
        raise DataError(f"“{name}” has no column {missing}.", _LAYOUT_HINT)
    folder = Path(path).parent
    rows: dict[str, TableRow] = {}
    for number, cells in _lines(reader, name):
        if number % _CHECK_EVERY == 0:
            ctx.check()
        row = _row(cells, columns, folder, f"Line {number} of “{name}”")
        known = rows.setdefault(os.path.normpath(row.path), row)
        if known != row:
            raise DataError(
                f"Line {number} of “{name}” names “{shown(row.path)}” again, with another label, group or split.",
                "Let every Image stand in one line only.",
            )
    if not rows:
        raise DataError(f"“{name}” holds no Images.", _LAYOUT_HINT)
    return tuple(rows.values())


def read_manifest_groups(folder: str, root: str) -> dict[str, str]:
    """Read which part each Image shows from the manifest in `folder` or beside `root`, if there is one: by path."""
    for place in dict.fromkeys((folder, str(Path(root).parent))):
        path = f"{place}{os.sep}{MANIFEST}"
        if os.path.isfile(path):  # noqa: PTH113
            return _manifest_groups(path)
    return {}


def _manifest_groups(path: str) -> dict[str, str]:
    """A manifest that is not one of a data set is no mistake of anybody's: it is passed over."""
    try:
        reader, columns = _opened(path)
        if not {"path", "group"} <= columns.keys():
            return {}
        folder = Path(path).parent
        at_path, at_group = columns["path"], columns["group"]
        lines = [cells for _, cells in _lines(reader, MANIFEST) if len(cells) > max(at_path, at_group)]
        return {_absolute(cells[at_path], folder): cells[at_group] for cells in lines if cells[at_group]}
    except DataError:
        return {}


def _opened(path: str) -> tuple[Iterator[list[str]], dict[str, int]]:
    """Return the lines after the header, and where each known column is."""
    name = shown(Path(path).name)
    try:
        if Path(path).stat().st_size > _MOST_BYTES:
            raise DataError(f"“{name}” is larger than any list of Images.", _LAYOUT_HINT)
        text = _decoded(Path(path).read_bytes())
    except OSError as error:
        raise DataError(
            f"“{name}” cannot be read: {(error.strerror or str(error)).lower()}.", "Check the file."
        ) from error
    if "\0" in text:
        raise DataError(f"“{name}” is not a text file.", _LAYOUT_HINT)
    first = next((line for line in text.splitlines() if line.strip()), "")
    separator = max((",", ";", "\t"), key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    header = _header(reader, name)
    columns: dict[str, int] = {}
    for column, aliases in (("path", _PATH), ("label", _LABEL), ("group", _GROUP), ("split", _SPLIT)):
        at = next((header.index(alias) for alias in aliases if alias in header), None)
        if at is not None:
            columns[column] = at
    return reader, columns


def _header(reader: Iterator[list[str]], name: str) -> list[str]:
    try:
        cells = next((cells for cells in reader if any(cell.strip() for cell in cells) and cells[0] not in _EXCEL), [])
    except csv.Error as error:
        raise DataError(f"Line 1 of “{name}” cannot be read: {error}.", _LAYOUT_HINT) from error
    return [cell.strip().casefold() for cell in cells]


def _decoded(data: bytes) -> str:
    """UTF-8 (odd bytes of file names survive), or what a byte order mark says."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    return data.decode("utf-8", "surrogateescape").removeprefix("\ufeff")


def _lines(reader: Iterator[list[str]], name: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of the line each row ends in and its cells; empty lines are passed over."""
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise DataError(
                f"Line {getattr(reader, 'line_num', 0)} of “{name}” cannot be read: {error}.",
                "Check the quotation marks in it.",
            ) from error
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield getattr(reader, "line_num", 0), cells


def _row(cells: Sequence[str], columns: dict[str, int], folder: Path, where: str) -> TableRow:
    values = {column: _read(unescaped(cells[at])) if at < len(cells) else "" for column, at in columns.items()}
    if not values["path"]:
        raise DataError(f"{where} has no path.", "Name an Image in every line, or take the line out.")
    if not values["label"]:
        raise DataError(f"{where} has no label.", "Name the class of every Image, or take the line out.")
    wanted = values.get("split", "")
    split: Given = SPLIT_NAMES.get(wanted.casefold(), "")
    if wanted and not split:
        raise DataError(f"{where} names the split “{shown(wanted)}”.", "Use train, validation, test or nothing.")
    return TableRow(_found(cells[columns["path"]], folder), values["label"], values.get("group", ""), split)


def _read(cell: str) -> str:
    """The text of a cell; bytes that are no UTF-8 are taken for the letters of Western Windows, as Excel saves them."""
    if any("\udc80" <= letter <= "\udcff" for letter in cell):
        cell = cell.encode("utf-8", "surrogateescape").decode("cp1252", "replace")
    return cell.strip()


def _found(cell: str, folder: Path) -> str:
    """The path that a cell means. A name may begin with an apostrophe, have odd bytes, and spaces at its ends."""
    plain = unescaped(cell)
    found = (_absolute(path, folder) for path in dict.fromkeys((cell, plain, cell.strip(), _read(cell), _read(plain))))
    return next((path for path in found if os.path.lexists(path)), _absolute(_read(plain), folder))


def _absolute(path: str, folder: Path) -> str:
    """From the CSV's folder or that of its pictures; backslashes count as Windows means them, where nothing is there
    as named.
    """
    ways = [path, path.replace("\\", "/")] if os.sep == "/" else [path]
    places = [folder, *(folder / name for name in sorted(PICTURE_FOLDERS))]
    paths = [os.path.normpath(os.path.join(place, way)) for place in places for way in ways]  # noqa: PTH118
    return next((one for one in paths if os.path.lexists(one)), paths[0])
