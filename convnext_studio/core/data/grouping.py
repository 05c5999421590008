"""Decide which Images must stay in one split: by a column, a pattern in the name, the folder, or by likeness.

Exact copies always stay together. Images that are alike do too, unless that is refused (`none`), and then a warning
says what it does to the figures. Where most of a class are alike, as parts are in one fixture before one camera, or the
frames of a film, likeness says nothing of parts, and would leave none of the class to test on: `auto` then keeps
neighbours together, which were mostly taken one after the other, and a warning says so.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from convnext_studio.core.context import JobContext
from convnext_studio.core.data.alike import ALIKE_VERSION, clusters, find_alike
from convnext_studio.core.data.dataset import LabelledImage
from convnext_studio.core.data.names import SPLIT_NAMES, relative, shown
from convnext_studio.core.data.patterns import Pattern, find_folders, find_pattern, key_of
from convnext_studio.core.data.read import Listing
from convnext_studio.core.data.seen import Seen, SeenBefore
from convnext_studio.core.data.split import joined
from convnext_studio.core.errors import DataError
from convnext_studio.core.recipe import Recipe

_MOST_TIED = 0.1  # share of all Images that likeness may tie to one bond where names or columns say otherwise
_MOST_OF_TWO = 0.2  # the same, for two bonds as large as the largest
_MOST_GROWN = 1.25  # times as large as it was, if it was larger than that share by itself
_ALWAYS_TIED = 12  # Images: a bond of so many is no trouble
_MOST_SHOTS = 24  # Images of one part that nobody would wonder at, even if these are most of a class
_MOST_OF_CLASS = 0.5
_RUNS = 20  # that Images of a class which are all alike are cut into
_NO_PAIRS: NDArray[np.int64] = np.zeros((0, 2), np.int64)


@dataclass(frozen=True)
class Grouped:
    """Which Images stay together. All lists are by the Images' places.

    `bonds` are names, one for all that stay together; `copies` and `clusters` number exact copies and Images that are
    alike (copies among them). `uniform` are sets so large and alike that this says nothing of parts: their Images are
    in no cluster. `is_told` is whether names, folders or a column say what belongs together. `words` tell what was
    done, `suggestion` what would be better, as a Recipe's fields.
    """

    bonds: list[str]
    copies: list[int]
    clusters: list[int]
    words: str
    suggestion: Mapping[str, str] = field(default_factory=dict)
    uniform: Sequence[Sequence[int]] = ()
    is_told: bool = False


def group_images(
    images: Sequence[LabelledImage], seen: Mapping[str, Seen], listing: Listing, recipe: Recipe, ctx: JobContext
) -> Grouped:
    """Group `images` as the Recipe says; `listing` is what was read, before any edit: its classes name folders.

    Raises `DataError` where that way of grouping cannot work here, and `Cancelled`.
    """
    names = [relative(image.path, listing.root) for image in images]
    contents = [seen[image.path].content for image in images]
    copies = joined(len(images), same(contents))
    alike = _alike(images, seen, copies, ctx)
    tied = joined(len(images), [*same(copies), *same(alike)])
    uniform = [] if recipe.group == "alike" else _uniform(images, copies, tied)
    if uniform:
        tied = joined(len(images), [*same(copies), *(circle for circle in same(tied) if circle not in uniform)])
    folders = _folder_keys(names, {image.label for image in listing.images})
    keys, words, suggestion = _keys([image.group for image in images], names, folders, tied, recipe)
    if uniform and suggestion == _BY_LIKENESS:
        suggestion = {"group": "auto"}
    runs = []
    if uniform and recipe.group == "auto" and not any(keys):
        runs, words = _runs(images, uniform), _RUN_WORDS
    strict = joined(len(images), [*same(keys), *same(copies), *runs])
    bonds = strict if recipe.group == "none" else _tied_up(strict, tied)
    return Grouped(_named(bonds, keys, names), copies, tied, words, suggestion, uniform, any(keys))


def _uniform(images: Sequence[LabelledImage], copies: Sequence[int], tied: Sequence[int]) -> list[list[int]]:
    """The sets of Images that are alike and hold most of a class, each of several copies counted once."""
    sizes = Counter(images[at].label for at in dict.fromkeys(copies))
    found = []
    for circle in same(tied):
        counts = Counter(images[at].label for at in dict.fromkeys(copies[place] for place in circle))
        if any(count > max(_MOST_SHOTS, _MOST_OF_CLASS * sizes[label]) for label, count in counts.items()):
            found.append(circle)
    return found


def _runs(images: Sequence[LabelledImage], uniform: Sequence[Sequence[int]]) -> list[list[int]]:
    """Cut what is all alike into pieces of neighbours, in the order of names, each of one class and given split."""
    parts: dict[tuple[int, str, str], list[int]] = defaultdict(list)
    for number, circle in enumerate(uniform):
        for at in sorted(circle):
            parts[number, images[at].label, images[at].split].append(at)
    runs = []
    for places in parts.values():
        length = -(-len(places) // _RUNS)
        runs += [places[start : start + length] for start in range(0, len(places), length)]
    return runs


def _tied_up(bonds: Sequence[int], alike: Sequence[int]) -> list[int]:
    """Join bonds that look alike, the smallest circles first, but none that would tie too much to one another.

    A large bond, such as all boards of one kind, may take in a little more, but no other large one: where there are few
    of them, nothing would be left to test on.
    """
    pair = min(2 * _largest(bonds), _MOST_OF_TWO * len(bonds))
    limit = max(_MOST_TIED * len(bonds), _ALWAYS_TIED, _largest(alike), pair)
    number = list(bonds)
    members: dict[int, list[int]] = defaultdict(list)
    for at, bond in enumerate(bonds):
        members[bond].append(at)
    given = {bond: len(places) for bond, places in members.items()}
    for circle in sorted(same(alike), key=lambda places: (len(places), places[0])):
        touched = sorted({number[at] for at in circle}, key=lambda bond: (-len(members[bond]), bond))
        largest = max(given[bond] for bond in touched)
        if sum(len(members[bond]) for bond in touched) <= max(limit, _MOST_GROWN * largest):
            for other in touched[1:]:
                for at in members[other]:
                    number[at] = touched[0]
                members[touched[0]] += members.pop(other)
            given[touched[0]] = largest
    return number


def same(keys: Sequence[object]) -> list[list[int]]:
    """The places that hold the same key, for every key that is there more than once; "" is no key."""
    places: dict[object, list[int]] = defaultdict(list)
    for place, key in enumerate(keys):
        if key != "":
            places[key].append(place)
    return [together for together in places.values() if len(together) > 1]


def _alike(
    images: Sequence[LabelledImage], seen: Mapping[str, Seen], copies: Sequence[int], ctx: JobContext
) -> list[int]:
    """Number the Images by what they show; each of several copies is compared once."""
    places = [at for at, first in enumerate(copies) if at == first and seen[images[at].path].small is not None]
    numbers = list(range(len(images)))
    if len(places) > 1:
        for place, cluster in zip(places, _clusters([seen[images[at].path] for at in places], ctx), strict=True):
            numbers[place] = places[cluster]
    return [numbers[first] for first in copies]


def _clusters(looks: Sequence[Seen], ctx: JobContext) -> list[int]:
    """Compare what was seen; the same pictures are compared once only, however often they are split anew."""
    key = hashlib.sha256("".join([ALIKE_VERSION, *(one.content for one in looks)]).encode()).hexdigest()
    with SeenBefore() as before:
        known = before.recall_clusters(key)
        if known is None or len(known) != len(looks):
            small = np.stack([one.small for one in looks if one.small is not None])
            known = clusters(len(looks), find_alike(small, ctx))
            before.remember_clusters(key, known)
    return known


def _keys(
    columns: Sequence[str], names: Sequence[str], folders: Sequence[str], tied: Sequence[int], recipe: Recipe
) -> tuple[Sequence[str], str, Mapping[str, str]]:
    """The key of each Image ("" = none), in words, and what would be better."""
    nothing = [""] * len(names)
    if recipe.group == "column" or (recipe.group == "auto" and any(columns)):
        if not any(columns):
            raise DataError(
                "The data set has no column that says what belongs together.",
                "Add a column “group” to the CSV, or keep Images together in another way.",
            )
        return columns, "Images with the same entry in the group column stay together.", {}
    if recipe.group == "folder":
        return _checked(folders, "No Image lies in a folder below its class folder."), _FOLDERS, {}
    if recipe.group == "name":
        return _checked(_name_keys(names, recipe), f"No file name fits “{recipe.group_pattern}”."), _NAMES, {}
    found = _found(names, folders, tied)
    if recipe.group == "auto":
        if found is not None:
            return found.keys, _words(found), {}
        if any(count > 1 for count in Counter(tied).values()):
            return nothing, "Images that look alike stay together.", {}
        return nothing, "No Images look as if they showed the same part; each is on its own.", {}
    better = {} if found is None else {"group": "name", "group_pattern": found.regex} if found.regex else _BY_FOLDER
    if recipe.group == "alike":
        return nothing, "Images that look alike stay together.", better
    return nothing, "Only exact copies stay together.", better or _BY_LIKENESS


_RUN_WORDS = (
    "Most Images of a class look alike, so looks do not tell parts apart; Images with neighbouring names stay together."
)
_BY_LIKENESS = {"group": "alike"}
_BY_FOLDER = {"group": "folder"}
_FOLDERS = "Images in folders of the same name below the class folder stay together."
_NAMES = "Images whose names share what the pattern finds stay together."


def _checked(keys: Sequence[str], problem: str) -> Sequence[str]:
    if not any(keys):
        raise DataError(problem, "Keep Images together in another way.")
    return keys


def _folder_keys(names: Sequence[str], labels: Collection[str]) -> list[str]:
    """The folders above each file, without those that are named after a class or a split."""
    keys = []
    for name in names:
        folders = PurePosixPath(name).parts[:-1]
        named = [one for one in folders[:2] if one not in labels and one.casefold() not in SPLIT_NAMES]
        keys.append("/".join([*named, *folders[2:]]))
    return keys


def _name_keys(names: Sequence[str], recipe: Recipe) -> list[str]:
    regex = re.compile(recipe.group_pattern)
    return [key_of(regex, PurePosixPath(name).name) for name in names]


def _found(names: Sequence[str], folders: Sequence[str], tied: Sequence[int]) -> Pattern | None:
    together = [(places[0], other) for places in same(tied) for other in places[1:]]
    pairs = np.array(together, np.int64) if together else _NO_PAIRS
    return find_folders(folders, pairs) or find_pattern([PurePosixPath(name).name for name in names], pairs)


def _words(found: Pattern) -> str:
    example = Counter(key for key in found.keys if key).most_common(1)[0][0]
    place = "names share a part" if found.regex else "folders are the same"
    return f"Images whose {place}, such as “{shown(example)}”{', and look alike' * found.is_seen}, stay together."


def _largest(numbers: Sequence[int]) -> int:
    return max(Counter(numbers).values(), default=0)


def _named(numbers: Sequence[int], keys: Sequence[str], names: Sequence[str]) -> list[str]:
    """Name each bond by its first key, else by its first Image; no two bonds have one name."""
    members: dict[int, list[int]] = defaultdict(list)
    for place, number in enumerate(numbers):
        members[number].append(place)
    result = [""] * len(names)
    taken: set[str] = set()
    for places in members.values():
        name = min((keys[at] for at in places if keys[at]), default="") or min(names[at] for at in places)
        while name in taken:
            name += "'"
        taken.add(name)
        for at in places:
            result[at] = name
    return result
