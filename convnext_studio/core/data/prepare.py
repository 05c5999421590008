"""A data set made ready for a Recipe: read, looked at, grouped and split, with a card that says what was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from convnext_studio.core.context import JobContext
from convnext_studio.core.data.dataset import DataSetCard, DataWarning, LabelledImage
from convnext_studio.core.data.findings import Found, find_warnings
from convnext_studio.core.data.grouping import Grouped, group_images, same
from convnext_studio.core.data.journal import apply_edits
from convnext_studio.core.data.look import look_at
from convnext_studio.core.data.names import counted, relative, shown
from convnext_studio.core.data.read import Listing, name_warnings, natural, read_data_set
from convnext_studio.core.data.seen import Seen
from convnext_studio.core.data.split import Item, Shares, count_splits, mended, split_items
from convnext_studio.core.data.split_file import fingerprint
from convnext_studio.core.errors import DataError
from convnext_studio.core.recipe import Recipe
from convnext_studio.core.values import class_name_fault

_SHOWN_SIZES = 20


def prepare_data(recipe: Recipe, ctx: JobContext, *, is_quick: bool = False) -> DataSetCard:
    """Read, check, group and split the data set of `recipe`. Raises `DataError` when nothing can be trained on it.

    `is_quick` leaves out what needs every Image decoded, but for those that were seen before.
    """
    card = describe_data(recipe, ctx, is_quick=is_quick)
    if card.refusal:
        raise DataError(card.refusal, card.refusal_hint)
    return card


def describe_data(recipe: Recipe, ctx: JobContext, *, is_quick: bool = False) -> DataSetCard:
    """Like `prepare_data`, but a data set that cannot be trained on has a card too, with its `refusal`."""
    listed = read_data_set(recipe.data, ctx)
    edited = apply_edits(listed.images, listed.source)
    listing = replace(listed, images=edited.images)
    paths = [image.path for image in listing.images]
    seen = look_at(paths, ctx, is_quick=is_quick, max_megapixels=recipe.max_megapixels)
    usable = [image for image in listing.images if not seen[image.path].error]
    grouped = group_images(usable, seen, listed, recipe, ctx)
    images, moved = _split(listing, usable, grouped, recipe)
    classes = natural(image.label for image in images)
    counts = count_splits(((image.label, image.split) for image in images), classes)
    found = Found(images, classes, counts, seen, grouped, listing.is_split_given, recipe, moved)
    unreadable = tuple((path, one.error) for path, one in seen.items() if one.error)
    refusal, hint = _refusal(listing, images, unreadable, recipe)
    looked = [seen[image.path] for image in images if seen[image.path].width]
    return DataSetCard(
        source=listing.source,
        classes=classes,
        images=images,
        counts=counts,
        unreadable=unreadable,
        warnings=(
            *listing.warnings,
            *_taken(usable, images),
            *find_warnings(found, [path for path, _ in unreadable], listing.empty),
            *name_warnings(classes),
        ),
        grouping=_GIVEN if listing.is_split_given and listing.is_split_whole else grouped.words,
        groups=len(set(grouped.bonds)),
        suggestion=dict(grouped.suggestion),
        sizes=_most_common(f"{one.width} x {one.height}" for one in looked),
        channels=_most_common("grey" if one.is_grey else "colour" for one in looked),
        fingerprint=fingerprint(images, contents(seen), listing.root),
        moved=edited.moved,
        excluded=edited.excluded,
        ignored=listing.ignored,
        refusal=refusal,
        refusal_hint=hint,
    )


def contents(seen: Mapping[str, Seen]) -> dict[str, str]:
    """The hash of each Image's content, by path."""
    return {path: one.content for path, one in seen.items()}


_GIVEN_HINT = (
    "The data set says itself which Images are for training. Put Images of each class there, or make a folder for each "
    "class without train and test: the program then splits them."
)
_HINT = "Keep fewer Images together, take a smaller share for validation and test, or add Images of other parts."
_GIVEN = "The data set says itself what belongs to which split."


def _split(
    listing: Listing, usable: Sequence[LabelledImage], grouped: Grouped, recipe: Recipe
) -> tuple[tuple[LabelledImage, ...], tuple[str, ...]]:
    """The Images with group and split, and the paths of those that do not stay in the split they were given."""
    names = [relative(image.path, listing.root) for image in usable]
    rows = list(zip(names, usable, grouped.bonds, strict=True))
    items: Sequence[Item] = [Item(name, image.label, bond, image.split) for name, image, bond in rows]
    moved: tuple[str, ...] = ()
    if recipe.on_leak == "move":
        items = mended(items, [*same(grouped.bonds), *same(grouped.clusters)])
        moved = tuple(image.path for image, item in zip(usable, items, strict=True) if image.split != item.given)
    splits = split_items(items, Shares(recipe.validation, recipe.test, recipe.folds, recipe.fold), recipe.seed)
    return tuple(replace(image, group=bond, split=splits[name]) for name, image, bond in rows), moved


def _taken(given: Sequence[LabelledImage], images: Sequence[LabelledImage]) -> Iterator[DataWarning]:
    """What the data set's own split lacks and is taken out of its training Images."""
    for split, name in (("validation", "for validation"), ("test", "for the test")):
        if any(image.split == "train" for image in given) and not any(image.split == split for image in given):
            both = zip(given, images, strict=True)
            paths = tuple(new.path for old, new in both if old.split == "train" and new.split == split)
            if paths:
                yield DataWarning(
                    "few",
                    f"The data set's own split has no Images {name}; "
                    f"{counted(len(paths), 'Image of those for training is', 'Images of those for training are')} "
                    "kept for it.",
                    f"Add a folder or entries {name} if it should be others.",
                    paths,
                )


def _refusal(
    listing: Listing, images: Sequence[LabelledImage], unreadable: Sequence[tuple[str, str]], recipe: Recipe
) -> tuple[str, str]:
    """Why nothing can be trained on this, and what to do; empty where it can."""
    usable = natural(image.label for image in images)
    lost = [label for label in natural(image.label for image in listing.images) if label not in usable]
    if lost:
        reason = dict(unreadable)[next(image.path for image in listing.images if image.label == lost[0])]
        return (
            f"None of the Images of the class “{shown(lost[0])}” can be read. The first: {reason}",
            "Mend them, or take the class out of the data set.",
        )
    if unreadable and recipe.on_unreadable == "stop":
        path, reason = unreadable[0]
        return (
            f"{counted(len(unreadable), 'Image')} cannot be read; the first is “{shown(path)}”: {reason}",
            "Mend them or take them out, or let the Recipe leave out unreadable Images.",
        )
    for label in usable:
        if fault := class_name_fault(label):
            return (
                f"The class “{shown(label)}” has a name that no Model file may hold: {fault}.",
                "Rename its folder, or move its Images to a class of another name.",
            )
    if len(usable) < 2:
        only = f"all are of the class “{shown(usable[0])}”" if usable else "there are none"
        return f"Training needs Images of two classes at least; {only}.", "Add a folder for each further class."
    if len({image.label for image in images if image.split == "train"}) < 2:
        return (
            "Fewer than two classes have Images for training.",
            _GIVEN_HINT if listing.is_split_given else _HINT,
        )
    return "", ""


def _most_common(words: Iterable[str]) -> dict[str, int]:
    return dict(Counter(words).most_common(_SHOWN_SIZES))
