"""Read what belongs to a data set: class folders, with or without split folders, or a CSV. Nothing is decoded here.

Folders, tried in this order; names of splits are train, val, valid, validation, dev, test and the like, in any case:

* `images/…` beside folders of masks or annotations: the `images` folder is the data set;
* `SPLIT/CLASS/…`: every folder that holds Images is named after a split, or train and another split are there; folders
  of masks beside them are passed over;
* `CLASS/SPLIT/…`: every class folder holds nothing but folders named after splits;
* `CLASS/…`: Images at any depth below a class folder belong to it.

A `manifest.csv` in the data set's folder, or beside its `images` folder, that names the part an Image shows in a column
`group` or `part` is taken for the grouping column.
"""

from __future__ import annotations

import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from convnext_studio.core.context import JobContext
from convnext_studio.core.data.dataset import DataWarning, LabelledImage, Split
from convnext_studio.core.data.names import PICTURE_FOLDERS, SIDE_FOLDERS, SPLIT_NAMES, counted, relative, shown
from convnext_studio.core.data.table import TableRow, read_manifest_groups, read_table
from convnext_studio.core.errors import DataError
from convnext_studio.core.events import ImagesFound
from convnext_studio.core.images.find import find_images, is_litter, natural_key
from convnext_studio.core.requests import FindImages

_RUN_FILE = "recipe.toml"  # see runs/run.py
_LAYOUT_HINT = "Make one folder for each class and put its Images there, such as ok/ and scratch/, or name a CSV."
_SPLIT_HINT = "Put a folder for each class into each of them, such as train/ok and train/scratch."


@dataclass(frozen=True)
class Listing:
    """What was found before anything was decoded. `root` is the folder that paths are shown and hashed below.

    `images` have the group of a CSV's column (`has_groups`) and the split that was given, if any. `empty` are class
    folders without Images. `ignored` counts what was passed over as no Image.
    """

    source: str
    root: str
    images: tuple[LabelledImage, ...]
    has_groups: bool = False
    empty: tuple[str, ...] = ()
    warnings: tuple[DataWarning, ...] = ()
    ignored: int = 0

    @property
    def is_split_given(self) -> bool:
        """Whether the data set says itself what is for training and what for testing."""
        return any(image.split for image in self.images)

    @property
    def is_split_whole(self) -> bool:
        """Whether nothing is left for the program to split: validation and test are given too."""
        return {"validation", "test"} <= {image.split for image in self.images}


def read_data_set(source: str, ctx: JobContext) -> Listing:
    """List the Images of the data set at `source`, a folder or a CSV. Raises `DataError`."""
    if not source.strip():
        raise DataError("No data set was named.", "Choose a folder of class folders, or a CSV.")
    path = os.path.abspath(os.path.expanduser(source))  # noqa: PTH100, PTH111  pathlib would resolve what ".." means
    if os.path.isdir(path):  # noqa: PTH112
        return _with_order(_read_folder(path, ctx))
    if not os.path.lexists(path):
        raise DataError(f"The data set “{shown(path)}” is not there.", "Was it moved, or is a drive gone?")
    if path.lower().endswith((".csv", ".tsv", ".txt")):
        return _with_order(_from_table(path, read_table(path, ctx)))
    raise DataError(f"“{shown(path)}” is neither a folder nor a CSV.", "Choose a folder of class folders, or a CSV.")


def root_of(source: str) -> str:
    """The folder that the paths of a data set are meant from: of class folders their own, of a CSV the one it is in."""
    path = os.path.abspath(os.path.expanduser(source))  # noqa: PTH100, PTH111
    return _picture_folder(path) if os.path.isdir(path) else os.path.dirname(path)  # noqa: PTH112, PTH120


def _with_order(listing: Listing) -> Listing:
    """Put the Images in natural order, so that nothing depends on how a disk lists them."""

    def key(image: LabelledImage) -> tuple[str, str]:
        name = relative(image.path, listing.root)
        return natural_key(name), name

    return replace(listing, images=tuple(sorted(listing.images, key=key)))


def natural(labels: Iterable[str]) -> tuple[str, ...]:
    """Class names, each once, 2 before 10."""
    return tuple(sorted(set(labels), key=lambda name: (natural_key(name), name)))


def name_warnings(classes: Sequence[str]) -> tuple[DataWarning, ...]:
    """Warn of class names that some systems take for one and the same."""
    alike: dict[str, list[str]] = defaultdict(list)
    for name in classes:
        seen = "".join(one for one in unicodedata.normalize("NFKC", name) if unicodedata.category(one) != "Cf")
        alike[seen.casefold().strip()].append(name)
    return tuple(
        DataWarning(
            "names",
            f"The classes {' and '.join(f'“{shown(name)}”' for name in names)} have names that are hard to tell apart.",
            "On Windows and macOS their folders would be one. Rename one, or move its Images to the other class.",
        )
        for names in alike.values()
        if len(names) > 1
    )


# --- a CSV


def _from_table(path: str, rows: Sequence[TableRow]) -> Listing:
    missing = [row.path for row in rows if not os.path.lexists(row.path)]
    if len(missing) == len(rows):
        raise DataError(
            f"None of the {counted(len(rows), 'file')} that “{shown(Path(path).name)}” names is there; "
            f"the first is “{shown(missing[0])}”.",
            "Paths in a CSV are meant from the folder it lies in.",
        )
    images = tuple(LabelledImage(row.path, row.label, row.group, row.split) for row in rows)
    return Listing(path, str(Path(path).parent), images, has_groups=any(row.group for row in rows))


# --- folders


def _read_folder(folder: str, ctx: JobContext) -> Listing:
    root = _picture_folder(folder)
    found: list[str] = []
    quiet = JobContext(lambda event: _collect(event, found), ctx.cancel)
    summary = find_images(FindImages((root,)), quiet)
    parts = [(path, tuple(relative(path, root).split("/"))) for path in found]
    inside = [(path, names) for path, names in parts if len(names) > 1]
    loose = [path for path, names in parts if len(names) == 1]
    if not inside:
        raise _no_classes(folder, loose, summary.problems)
    count = len(inside)
    if any(_split(names[0]) for _, names in inside):
        inside = [(path, names) for path, names in inside if names[0].casefold() not in SIDE_FOLDERS]
    images = _by_layout(inside)
    if all(_split(image.label) for image in images) and len({image.label for image in images}) > 1:
        raise DataError(
            f"“{shown(folder)}” holds only folders named after splits, and no classes in them.", _SPLIT_HINT
        )
    warnings = [DataWarning("unread", problem) for problem in summary.problems]
    used = {image.path for image in images}
    loose += [path for path, _ in inside if path not in used]
    if loose:
        warnings.append(
            DataWarning(
                "ignored",
                counted(
                    len(loose),
                    "Image beside the class folders belongs to no class and will not be used.",
                    "Images beside the class folders belong to no class and will not be used.",
                ),
                "Put them into a class folder if they should be.",
                tuple(loose),
            )
        )
    groups = read_manifest_groups(folder, root)
    if groups:
        images = [replace(image, group=groups.get(image.path, "")) for image in images]
    has_groups = any(image.group for image in images)
    empty = _empty_classes(root, images, is_split_first=_is_split_first(inside))
    ignored = summary.ignored + count - len(inside)
    return Listing(folder, root, tuple(images), has_groups, empty, tuple(warnings), ignored)


def _collect(event: object, found: list[str]) -> None:
    if isinstance(event, ImagesFound):
        found += [image.path for image in event.images]


def _picture_folder(folder: str) -> str:
    """Step into `images` where the other folders beside it hold masks and the like."""
    names = _folders(folder)
    pictures = [name for name in names if name.casefold() in PICTURE_FOLDERS]
    others = [name for name in names if name not in pictures and name.casefold() not in SIDE_FOLDERS]
    if len(pictures) == 1 and not others and _folders(inner := f"{folder}{os.sep}{pictures[0]}"):
        return inner
    return folder


def _by_layout(inside: Sequence[tuple[str, tuple[str, ...]]]) -> list[LabelledImage]:
    """Give each Image its class, and its split where folders say so."""
    if _is_split_first(inside):
        return [LabelledImage(path, names[1], split=split) for path, names in inside if (split := _split_above(names))]
    if all(len(names) > 2 and _split(names[1]) for _, names in inside):
        return [LabelledImage(path, names[0], split=_split(names[1]) or "") for path, names in inside]
    return [LabelledImage(path, names[0]) for path, names in inside]


def _is_split_first(inside: Sequence[tuple[str, tuple[str, ...]]]) -> bool:
    splits = {split for _, names in inside if (split := _split_above(names))}
    return bool(splits) and (all(_split(names[0]) for _, names in inside) or ("train" in splits and len(splits) > 1))


def _split_above(names: Sequence[str]) -> Split | None:
    """The split whose folder holds the class folder of an Image."""
    return _split(names[0]) if len(names) > 2 else None


def _split(name: str) -> Split | None:
    return SPLIT_NAMES.get(name.casefold())


def _no_classes(folder: str, loose: Sequence[str], problems: Sequence[str]) -> DataError:
    if loose:
        return DataError(
            f"“{shown(folder)}” holds {counted(len(loose), 'Image')} but no class folders.",
            f"{_LAYOUT_HINT} To only look at these Images, open the folder on the Inspect page.",
        )
    if problems:
        return DataError(problems[0], _LAYOUT_HINT)
    return DataError(f"No Images were found in “{shown(folder)}”.", _LAYOUT_HINT)


def _empty_classes(root: str, images: Sequence[LabelledImage], *, is_split_first: bool) -> tuple[str, ...]:
    """Folders where a class would be, without a single Image."""
    labels = {image.label for image in images}
    folders = [name for name in _folders(root) if not _holds_runs(f"{root}{os.sep}{name}")]
    if is_split_first:
        splits = [name for name in folders if _split(name)]
        folders = [name for split in splits for name in _folders(f"{root}{os.sep}{split}")]
    return natural(name for name in folders if name not in labels)


def _holds_runs(folder: str) -> bool:
    """Whether a folder is a Run or holds Runs: no class, though it lies among them."""
    places = [folder, *(f"{folder}{os.sep}{name}" for name in _folders(folder))]
    return any(os.path.isfile(f"{place}{os.sep}{_RUN_FILE}") for place in places)  # noqa: PTH113


def _folders(folder: str) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if not is_litter(entry.name) and _is_folder(entry))
    except OSError:
        return []


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
