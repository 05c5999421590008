"""Which Images an epoch shows, in which order and in which batch: pure functions of labels, seed and epoch.

Nothing is remembered between epochs and no rank needs to know of another: a Run that begins again at any step, on any
number of devices, sees the same global batches.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from convnext_studio.core.recipe import Balance

SettledBalance = Literal["none", "sampler", "loss"]

_NOTABLE = 1.5  # how many times larger than the smallest the largest class is before something is done about it
_MOST_REPEATS = 10  # how often an epoch shows one Image at the most: beyond that a network learns it by heart


def settle_balance(labels: Sequence[int], balance: Balance) -> SettledBalance:
    """What `balance` means for these labels: `auto` shows rare classes more often where sizes differ notably."""
    if balance != "auto":
        return balance
    counts = _counts(np.asarray(labels))
    return "sampler" if len(counts) and counts.max() > _NOTABLE * counts.min() else "none"


def class_weights(labels: Sequence[int], classes: int, balance: SettledBalance) -> list[float]:
    """The weight of each class in the loss; their mean over the Images is 1. All are 1 unless `balance` is "loss"."""
    counts = np.bincount(np.asarray(labels, np.int64), minlength=classes)
    if balance != "loss":
        return [1.0] * classes
    weights = len(labels) / (np.count_nonzero(counts) * np.maximum(counts, 1))
    return [float(weight) for weight in weights]


def epoch_order(labels: Sequence[int], seed: int, epoch: int, balance: SettledBalance = "none") -> list[int]:
    """The numbers of the Images that an epoch shows, in order; always as many as there are labels.

    With "sampler", every class gets an equal share of the epoch, which makes cross-entropy aim at the balanced
    accuracy; only where that would show an Image more than ten times does its class get less. (Shares by the square
    root of the sizes would leave the largest class of a 20:1 data set four times as weighty as the smallest.) Each
    class is an endless line of shuffled rounds, and an epoch takes the next piece of each: no Image comes again before
    all of its class have come.
    """
    members = np.asarray(labels, np.int64)
    if balance == "sampler":
        numbers = np.concatenate([_piece(*part, seed, epoch) for part in _shares(members)] or [members])
    else:
        numbers = np.arange(len(members))
    return [int(number) for number in _random(seed, 0, epoch).permutation(numbers)]


def steps_in(images: int, batch_size: int) -> int:
    """How many batches an epoch of `images` has: as many as show about that many Images, and one at the least."""
    return max(1, (2 * images + batch_size) // (2 * batch_size))


def places_at(step: int, batch_size: int, rank: int = 0, world: int = 1) -> range:
    """The places in the epoch that rank `rank` of `world` works on in batch `step` (from 0).

    The ranks' parts of a batch make up the same batch for any `world`. Every batch is full. Where an epoch's last one
    reaches past the end of the order, the order begins again (place p shows Image `order[p % len(order)]`); where the
    order is a little longer than whole batches, its rest is left out, another one every epoch.
    """
    return range(step * batch_size + rank, (step + 1) * batch_size, world)


def _counts(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.unique(labels, return_counts=True)[1]


def _shares(labels: NDArray[np.int64]) -> list[tuple[int, NDArray[np.int64], int]]:
    """For each class, the rarest first: its label, its members, and how many of them an epoch shows."""
    kinds, counts = np.unique(labels, return_counts=True)
    shares, left = [], len(labels)
    for place, kind in enumerate(np.argsort(counts, kind="stable")):
        share = min(left // (len(kinds) - place), _MOST_REPEATS * int(counts[kind]))
        left -= share
        shares.append((int(kinds[kind]), np.flatnonzero(labels == kinds[kind]), share))
    return shares


def _piece(label: int, members: NDArray[np.int64], share: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """The part of a class's endless line of shuffled rounds that belongs to one epoch."""
    start = epoch * share
    first, last = start // len(members), (start + share - 1) // len(members)
    rounds = [_random(seed, 1 + label, number).permutation(members) for number in range(first, last + 1)]
    offset = start - first * len(members)
    return np.concatenate(rounds)[offset : offset + share]


def _random(seed: int, what: int, number: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(np.random.SeedSequence((seed, what, number))))
