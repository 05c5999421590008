"""A data set as values: labelled Images, their split, and the card that says what was found. No torch, no decoder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Split = Literal["train", "validation", "test"]
Given = Split | Literal[""]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """One Image of a data set: absolute path, class, the group that must stay in one split, and that split.

    `group` and `split` are "" where nothing is known yet.
    """

    path: str
    label: str
    group: str = ""
    split: Given = ""


@dataclass(frozen=True)
class DataWarning:
    """Something to know before training, in plain words: what, what to do, and the Images it is about.

    `kind` is one of "broken", "damaged", "unread" (a folder), "duplicate", "conflict" (alike, but of two classes),
    "alike", "leak", "imbalance", "few", "size", "channels", "ungrouped", "empty", "names" (class names that some
    systems take for one), "ignored". `repair` is what would mend it, if there is such a thing, as pairs of a Recipe
    field and value.
    """

    kind: str
    message: str
    hint: str = ""
    images: tuple[str, ...] = ()
    repair: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class DataSetCard:
    """What is in a data set and how it was split.

    `images` hold the usable Images with group and split; `counts[split][class]` are the realised numbers. `unreadable`
    are pairs of path and reason. `grouping` says in words what was kept together; `suggestion` is a better way, if one
    was found, as a Recipe field's value. `fingerprint` is a SHA-256 over labels, splits and the files' content, hex.
    `moved` and `excluded` are paths whose label was changed or that were taken out by hand. `ignored` counts what lies
    among the Images and is none: the litter of other programs, texts, hidden files.
    `refusal` says why nothing can be trained on this and `refusal_hint` what to do; both are empty where it can.
    """

    source: str
    classes: tuple[str, ...]
    images: tuple[LabelledImage, ...]
    counts: Mapping[Split, Mapping[str, int]]
    unreadable: tuple[tuple[str, str], ...] = ()
    warnings: tuple[DataWarning, ...] = ()
    grouping: str = ""
    groups: int = 0
    suggestion: Mapping[str, str] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)  # "640 x 480" -> how many
    channels: Mapping[str, int] = field(default_factory=dict)  # "grey", "colour" -> how many
    fingerprint: str = ""
    moved: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    ignored: int = 0
    refusal: str = ""
    refusal_hint: str = ""

    def of(self, split: Split) -> tuple[LabelledImage, ...]:
        """The Images of one split."""
        return tuple(image for image in self.images if image.split == split)
