"""A data set made ready for a Recipe: read, looked at, grouped and split, with a card that says what was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from convnext_studio.core.context import JobContext
from convnext_studio.core.data.dataset import DataSetCard, LabelledImage
from convnext_studio.core.data.look import Seen, look_at
from convnext_studio.core.data.names import relative
from convnext_studio.core.data.read import Listing, name_warnings, natural, read_data_set
from convnext_studio.core.data.split import Item, Shares, count_splits, split_items
from convnext_studio.core.data.split_file import fingerprint
from convnext_studio.core.errors import DataError
from convnext_studio.core.recipe import Recipe


def prepare_data(recipe: Recipe, ctx: JobContext, *, is_quick: bool = False) -> DataSetCard:
    """Read, check, group and split the data set of `recipe`. Raises `DataError` when nothing can be trained on it.

    `is_quick` leaves out what needs every Image decoded.
    """
    card = describe_data(recipe, ctx, is_quick=is_quick)
    if card.refusal:
        raise DataError(card.refusal, card.refusal_hint)
    return card


def describe_data(recipe: Recipe, ctx: JobContext, *, is_quick: bool = False) -> DataSetCard:
    """Like `prepare_data`, but a data set that cannot be trained on has a card too, with `refusal`."""
    listing = read_data_set(recipe.data, ctx)
    seen = look_at([image.path for image in listing.images], ctx, is_quick=is_quick)
    usable = [image for image in listing.images if not seen[image.path].error]
    groups = {image.path: image.group or seen[image.path].content for image in usable}
    images = _split(listing, usable, groups, recipe)
    classes = natural(image.label for image in images)
    return DataSetCard(
        source=listing.source,
        classes=classes,
        images=images,
        counts=count_splits(((image.label, image.split) for image in images), classes),
        unreadable=tuple((path, one.error) for path, one in seen.items() if one.error),
        warnings=(*listing.warnings, *name_warnings(classes)),
        groups=len(set(groups.values())),
        sizes=_most_common(f"{seen[one.path].width} x {seen[one.path].height}" for one in images if not is_quick),
        channels=_most_common("grey" if seen[one.path].is_grey else "colour" for one in images if not is_quick),
        fingerprint=fingerprint(images, _contents(seen), listing.root),
        refusal="" if len(classes) > 1 else "Training needs Images of two classes at least.",
    )


def _split(
    listing: Listing, usable: list[LabelledImage], bonds: Mapping[str, str], recipe: Recipe
) -> tuple[LabelledImage, ...]:
    names = {image.path: relative(image.path, listing.root) for image in usable}
    items = [Item(names[image.path], image.label, bonds[image.path], image.split) for image in usable]
    splits = split_items(items, Shares(recipe.validation, recipe.test, recipe.folds, recipe.fold), recipe.seed)
    return tuple(replace(image, group=bonds[image.path], split=splits[names[image.path]]) for image in usable)


def _contents(seen: Mapping[str, Seen]) -> dict[str, str]:
    return {path: one.content for path, one in seen.items()}


def _most_common(words: object) -> dict[str, int]:
    return dict(Counter(words).most_common())  # type: ignore[call-overload]
