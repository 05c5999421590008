"""Where the labelled Images of an evaluation come from: a Run's split, or a data set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from convnext_studio.core.context import JobContext
from convnext_studio.core.data.dataset import LabelledImage
from convnext_studio.core.data.journal import apply_edits
from convnext_studio.core.data.read import read_data_set
from convnext_studio.core.data.split_file import read_split
from convnext_studio.core.errors import DataError
from convnext_studio.core.runs.run import RECIPE, Run

ALL = "all"
NOT_SPLIT = "The data set is not split, so every Image counts; those that the Model learned from prove nothing."


@dataclass(frozen=True)
class Labelled:
    """Images with their labels, the split that they are, and what the user should know of the choice."""

    images: tuple[LabelledImage, ...]
    split: str
    notes: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()  # what could not be read of it, in sentences


def find_labelled(data: str, split: str, ctx: JobContext) -> Labelled:
    """Return the Images of `split` ("all" = every one) of a Run folder or a data set, labelled as the user edited them.

    A data set that is not split is taken as a whole. What stood in the way of reading it is noted. Raises `DataError`
    where there are none.
    """
    folder = Path(data)
    notes: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    if (folder / RECIPE).is_file():
        images = _of_run(Run(folder.absolute()))
    else:
        listing = read_data_set(data, ctx)
        images = apply_edits(listing.images, listing.source).images
        notes = tuple(warning.message for warning in listing.warnings if warning.kind != "unread")
        unread = tuple(warning.message for warning in listing.warnings if warning.kind == "unread")
        if split != ALL and not any(image.split for image in images):
            return Labelled(images, ALL, (NOT_SPLIT, *notes), unread)
    chosen = tuple(image for image in images if split in (ALL, image.split))
    if not chosen:
        there = ", ".join(sorted({image.split or "none" for image in images}))
        raise DataError(f"The data set has no Images in the split “{split}”; there is: {there}.", "Name another split.")
    return Labelled(chosen, split, notes, unread)


def _of_run(run: Run) -> tuple[LabelledImage, ...]:
    if not run.split_path.is_file():
        raise DataError(f"The Run “{run.name}” has no split yet.", "Wait until it has begun, or name a data set.")
    return read_split(run.split_path)
