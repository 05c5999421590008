"""Names in a data set: which folders mean a split, which hold no Images to learn from, and short paths."""

from __future__ import annotations

import os
from collections.abc import Mapping

from convnext_studio.core.data.dataset import Split

SPLIT_NAMES: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
}
PICTURE_FOLDERS = frozenset(("images", "image", "imgs", "img", "pictures", "photos"))
SIDE_FOLDERS = frozenset(
    ("masks", "mask", "annotations", "annotation", "labels", "ground_truth", "groundtruth", "gt", "boxes", "heatmaps")
)


def relative(path: str, root: str) -> str:
    """The path below `root` with forward slashes, the same on every machine; the whole path where it lies elsewhere."""
    start = root if root.endswith(os.sep) else root + os.sep
    inside = path[len(start) :] if path.startswith(start) else path
    return inside.replace(os.sep, "/") if os.sep != "/" else inside


def shown(path: str, longest: int = 200) -> str:
    """The path as text that any output can take; the end of a very long one."""
    text = os.fsencode(path).decode("utf-8", "replace")
    return text if len(text) <= longest else f"…{text[-longest:]}"


def commonest(counts: Mapping[str, int], most: int = 3) -> str:
    """ "640 x 480 (106), 640 x 512 (8), …": what there is most of, with how many; alone, without."""
    if len(counts) == 1:
        return next(iter(counts))
    ordered = sorted(counts.items(), key=lambda one: -one[1])
    return ", ".join([*(f"{name} ({count:,})" for name, count in ordered[:most]), *["…"] * (len(counts) > most)])


def counted(number: int, what: str, more: str = "") -> str:
    """ "1 Image", "2,000 Images": a number with its word; `more` where the plural is not made by an s."""
    return f"{number:,} {what if number == 1 else more or what + 's'}"
