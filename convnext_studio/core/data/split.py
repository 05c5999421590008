"""Divide Images into train, validation and test: by ratio and seed, by class, and never through a bond.

A bond is a set of Images that must stay in one split: one part, one picture under several names. Bonds are dealt out
one by one, the largest first, each to the split that misses its classes most. Nothing depends on the order in which the
Images are listed, or on where on the disk they lie: a bond's turn is drawn from the seed and its Images' own names.
"""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from convnext_studio.core.data.dataset import Given, Split


@dataclass(frozen=True, slots=True)
class Item:
    """An Image as far as the split is concerned: a name below the data set's folder, class, bond, and a given split."""

    name: str
    label: str
    bond: str
    given: Given = ""


@dataclass(frozen=True)
class Shares:
    """What is wanted: shares of all Images for validation and test; or `folds` parts, of which `fold` validates."""

    validation: float
    test: float
    folds: int = 0
    fold: int = 0


@dataclass(frozen=True, slots=True)
class _Bond:
    """Its turn (a number drawn from the seed), its Images' names, and how many of each class it holds."""

    turn: bytes
    names: tuple[str, ...]
    counts: NDArray[np.float64]


def split_items(items: Sequence[Item], shares: Shares, seed: int) -> dict[str, Split]:
    """The split of every Image, by its name.

    Splits that are given are kept: then only what the data set does not give is taken out of the rest. A class with
    one bond is in train alone, one with two in train and validation. What is given for some of a bond is for all of it
    that has no split of its own.
    """
    items = _whole(items)
    result: dict[str, Split] = {item.name: item.given for item in items if item.given in ("validation", "test")}
    pool = [item for item in items if item.name not in result or (shares.folds and item.given == "validation")]
    labels = sorted({item.label for item in items})
    bonds, whole = _bonds(pool, labels, seed), len(pool)
    if "test" not in result.values():
        must_stay = 2 if shares.folds or (shares.validation and not result) else 1
        torn = {item.bond for item in items if item.name in result}  # what train and validation share stays where it is
        held = {item.name for item in pool if item.bond in torn}
        free, tested = _take([bond for bond in bonds if bond.names[0] not in held], shares.test, must_stay=must_stay)
        bonds = [bond for bond in bonds if bond.names[0] in held] + free
        result |= dict.fromkeys(_names(tested), "test")
    if shares.folds:
        parts = _deal(bonds, [1 / shares.folds] * shares.folds)
        for number, part in enumerate(parts):
            result |= dict.fromkeys(_names(part), "validation" if number == shares.fold else "train")
        return result
    left = sum(len(bond.names) for bond in bonds)
    is_wanted = bool(left) and "validation" not in result.values()
    bonds, validating = _take(bonds, min(0.9, shares.validation * whole / left) if is_wanted else 0.0, must_stay=1)
    return result | dict.fromkeys(_names(validating), "validation") | dict.fromkeys(_names(bonds), "train")


def mended(items: Sequence[Item], ties: Iterable[Sequence[int]]) -> Sequence[Item]:
    """Let no given split tear a tie (places that belong together): all of it is for training, if any of it is.

    What is torn between validation and test alone is for validation: the test is to be trusted most.
    """
    together: dict[int, list[int]] = defaultdict(list)
    for place, number in enumerate(joined(len(items), ties)):
        together[number].append(place)
    result = list(items)
    for places in together.values():
        given = {items[at].given for at in places} - {""}
        if len(given) > 1:
            side: Given = "train" if "train" in given else "validation"
            for at in places:
                result[at] = replace(items[at], given=side if items[at].given else "")
    return result


def joined(count: int, sets: Iterable[Sequence[int]]) -> list[int]:
    """Number `count` things so that those that share any of the sets share a number: that of the first of them."""
    parent = list(range(count))

    def top(one: int) -> int:
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    for together in sets:
        for other in together[1:]:
            low, high = sorted((top(together[0]), top(other)))
            parent[high] = low
    return [top(one) for one in range(count)]


def count_splits(pairs: Iterable[tuple[str, Given]], classes: Sequence[str]) -> dict[Split, dict[str, int]]:
    """How many Images of each class are in each split, from pairs of class and split."""
    counts: dict[Split, dict[str, int]] = {
        "train": dict.fromkeys(classes, 0),
        "validation": dict.fromkeys(classes, 0),
        "test": dict.fromkeys(classes, 0),
    }
    for label, split in pairs:
        if split:
            counts[split][label] += 1
    return counts


def _whole(items: Sequence[Item]) -> Sequence[Item]:
    """Let Images without a split follow those of their bond that have one, rather than tear it."""
    given: dict[str, Given] = {}
    for wanted in ("test", "validation", "train"):  # a bond that is torn already: where it leaks the least anew
        given |= {item.bond: item.given for item in items if item.given == wanted}
    return [replace(item, given=given.get(item.bond, "")) if not item.given else item for item in items]


def _bonds(items: Sequence[Item], labels: Sequence[str], seed: int) -> list[_Bond]:
    """The bonds in the order of their turns."""
    members: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        members[item.bond].append(item)
    column = {label: number for number, label in enumerate(labels)}
    bonds = []
    for together in members.values():
        names = tuple(sorted(item.name for item in together))
        counts = np.bincount([column[item.label] for item in together], minlength=len(labels)).astype(np.float64)
        turn = hashlib.sha256(f"{seed}\0".encode() + os.fsencode(names[0])).digest()
        bonds.append(_Bond(turn, names, counts))
    return sorted(bonds, key=lambda bond: (-bond.counts.sum(), bond.turn))


def _take(bonds: list[_Bond], share: float, *, must_stay: int) -> tuple[list[_Bond], list[_Bond]]:
    """Divide into what stays and what is taken, about `share`; of each class `must_stay` bonds at least stay.

    A class that has bonds to spare gives one, however small the share.
    """
    if share <= 0 or not bonds:
        return bonds, []
    stays, taken = _deal(bonds, [1 - share, share])
    for column in range(len(bonds[0].counts)):
        while _holding(stays, column) < must_stay and (bond := _smallest(taken, column)):
            _move(bond, taken, stays)
    for column in range(len(bonds[0].counts)):
        if not _holding(taken, column):
            bond = _smallest(stays, column)
            if bond and all(_holding(stays, other) > must_stay for other in np.flatnonzero(bond.counts).tolist()):
                _move(bond, stays, taken)
    return stays, taken


def _deal(bonds: Iterable[_Bond], shares: Sequence[float]) -> list[list[_Bond]]:
    """Deal the bonds out so that each class is divided by `shares`, as far as bonds allow."""
    ordered = list(bonds)
    parts: list[list[_Bond]] = [[] for _ in shares]
    if not ordered:
        return parts
    total = np.sum([bond.counts for bond in ordered], axis=0)
    wanted = np.outer(shares, total)
    weights = 1 / np.maximum(wanted, 1e-9)
    have = np.zeros_like(wanted)
    for bond in ordered:
        # by how much the squared distance to what is wanted, relative to it, grows in each part
        cost = (weights * bond.counts * (2 * (have - wanted) + bond.counts)).sum(axis=1)
        best = int(np.argmin(cost))
        parts[best].append(bond)
        have[best] += bond.counts
    return parts


def _holding(bonds: Sequence[_Bond], column: int) -> int:
    return sum(1 for bond in bonds if bond.counts[column])


def _smallest(bonds: Sequence[_Bond], column: int) -> _Bond | None:
    holding = [bond for bond in bonds if bond.counts[column]]
    return min(holding, key=lambda bond: (bond.counts.sum(), bond.turn)) if holding else None


def _move(bond: _Bond, old: list[_Bond], new: list[_Bond]) -> None:
    old[:] = [one for one in old if one is not bond]
    new.append(bond)


def _names(bonds: Iterable[_Bond]) -> list[str]:
    return [name for bond in bonds for name in bond.names]
