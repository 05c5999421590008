"""Find Images of one and the same thing: other exposures, slight shifts, another crop or another compression.

Small grey pictures are compared by phase-only correlation (Kuglin and Hines 1975) after the light was evened out: each
spatial frequency counts the same, so that the bars and edges all parts of a product share do not drown what makes one
part itself, and a gain, a gamma or a lamp in another place changes little. Comparing all with all would take too long:
each picture is compared with those nearest by coarse structure, and by strength of its frequencies, which a shift does
not change. Two are alike if they agree far better than either does with others outside a small circle: pictures that
merely show the same product agree with many equally well. Clusters grow only where several pairs speak for it, so that
a chain of chance likenesses does not tie a whole data set together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convnext_studio.core.context import JobContext

Floats = NDArray[np.float32]
Pairs = NDArray[np.int64]  # (n, 2), the smaller number first

ALIKE_VERSION = "1"  # another one where the same pictures may give other clusters
_EVENED = 6  # pixels around, within which the light is evened out
_FAINT = 3.0  # grey levels: contrast below this is noise
_FINEST = 12  # waves across the picture
_GRID = 48  # steps of shift that make up the whole picture
_FARTHEST = 5  # largest shift in those steps, about a tenth of the picture
_NEAREST = 12  # how many are compared with each picture, by each of two measures
_CIRCLE = 13  # more agreeing partners than this, and agreeing says little
_BLOCK = 512
_PAIR_BLOCK = 2048
_SUPPORT = 0.3  # share of the pairs between two clusters, or between four of each, that must be alike
_SAME = 0.9  # agreeing this well, one pair is enough
_SEEDS = 4000  # pairs drawn to learn how much any two pictures of the set agree


@dataclass(frozen=True)
class Alike:
    """Pairs of pictures that show the same thing, and how well they agree (1 = the same picture)."""

    pairs: Pairs
    scores: Floats


def find_alike(small: NDArray[np.uint8], ctx: JobContext) -> Alike:
    """Compare pictures (n, S, S) and return the pairs that are alike. Raises `Cancelled`."""
    if len(small) < 2:
        return Alike(np.zeros((0, 2), np.int64), np.zeros(0, np.float32))
    phases, coarse, strengths = _described(small, ctx)
    near = [_nearest(vectors, ctx) for vectors in (coarse, strengths)]
    pairs = np.unique(np.concatenate(near), axis=0)
    scores = _agreement(phases, pairs, ctx)
    drawn = np.random.default_rng(0).integers(0, len(small), (_SEEDS, 2))
    usual = float(np.quantile(_agreement(phases, drawn[drawn[:, 0] != drawn[:, 1]], ctx), 0.99))
    certain = min(0.9, max(0.7, usual + 0.1))
    rest = np.maximum(*_outside_circle(pairs, scores, len(small)))
    is_alike = (scores >= certain) | ((scores >= 0.5) & (1 - scores < 0.6 * (1 - rest)))
    return Alike(pairs[is_alike], scores[is_alike])


def clusters(count: int, alike: Alike) -> list[int]:
    """The cluster of each of `count` pictures, named by one of its members.

    The surest pairs come first. Two clusters become one when enough of the pairs between them are alike.
    """
    members = {one: [one] for one in range(count)}
    cluster = list(range(count))
    between: list[dict[int, int]] = [{} for _ in range(count)]
    for at in np.argsort(-alike.scores, kind="stable"):
        first, second = (cluster[one] for one in alike.pairs[at])
        if first == second:
            continue
        seen = between[first].get(second, 0) + 1
        between[first][second] = between[second][first] = seen
        needed = _SUPPORT * min(4, len(members[first])) * min(4, len(members[second]))
        if seen >= needed or alike.scores[at] >= _SAME:
            if len(members[first]) < len(members[second]):
                first, second = second, first
            for one in members[second]:
                cluster[one] = first
            members[first] += members.pop(second)
            _join(between, first, second)
    return cluster


def _join(between: list[dict[int, int]], first: int, second: int) -> None:
    """Count the pairs that spoke for the second cluster with those of the first."""
    for other, seen in between[second].items():
        del between[other][second]
        if other != first:
            total = between[first].get(other, 0) + seen
            between[first][other] = between[other][first] = total
    between[second] = {}


# --- what is compared


def _described(small: NDArray[np.uint8], ctx: JobContext) -> tuple[NDArray[np.complex64], Floats, Floats]:
    """Phases up to the finest wave, to compare by; coarse structure and strengths, as unit vectors, to find near."""
    side = small.shape[1]
    down, across = np.fft.fftfreq(side) * side, np.fft.rfftfreq(side) * side
    waves = np.hypot(down[:, None], across[None])
    kept = np.abs(down) <= _FINEST
    phases, coarse, strengths = [], [], []
    for block in _blocks(len(small), _BLOCK, ctx):
        spectrum = np.fft.rfft2(_evened(small[block]))
        flat = spectrum / (np.abs(spectrum) + 1e-3) * ((waves >= 2) & (waves <= _FINEST))
        phases.append(_unit_waves(flat[:, kept, : _FINEST + 1]))
        low = spectrum[:, (waves >= 1) & (waves <= 6)]
        low = low / np.sqrt(np.abs(low) + 1e-3)
        coarse.append(np.concatenate([low.real, low.imag], axis=1))
        strengths.append(np.log(np.abs(spectrum[:, (waves >= 2) & (waves <= 14)]) + 1))
    strength = np.concatenate(strengths)
    strength = strength - strength.mean(axis=0)  # what all have in common says nothing
    return np.concatenate(phases), _unit(np.concatenate(coarse)), _unit(strength - strength.mean(axis=1, keepdims=True))


def _evened(small: NDArray[np.uint8]) -> Floats:
    """Take the slow changes of light out, bring the contrast to one everywhere, and fade out at the border."""
    pixels = small.astype(np.float32)
    pixels = pixels - _averaged(pixels, _EVENED)
    contrast = np.sqrt(np.maximum(_averaged(pixels * pixels, _EVENED), 0))
    fade = np.minimum(1, 2 * np.hanning(small.shape[1] + 2)[1:-1]).astype(np.float32)
    return (pixels / (contrast + _FAINT) * fade[:, None] * fade[None]).astype(np.float32)


def _averaged(pixels: Floats, radius: int) -> Floats:
    """The mean over a square around each pixel, mirrored at the border."""
    padded = np.pad(pixels.astype(np.float64), ((0, 0), (radius, radius), (radius, radius)), mode="reflect")
    sums = np.pad(padded.cumsum(axis=1).cumsum(axis=2), ((0, 0), (1, 0), (1, 0)))
    side = 2 * radius + 1
    square = sums[:, side:, side:] - sums[:, :-side, side:] - sums[:, side:, :-side] + sums[:, :-side, :-side]
    result: Floats = (square / side**2).astype(np.float32)
    return result


def _unit_waves(half: NDArray[np.complex128]) -> NDArray[np.complex64]:
    """Bring each half spectrum to length 1; waves that stand for two (all but those with none across) count twice."""
    twice = np.where(np.arange(half.shape[2]) == 0, 1.0, 2.0)
    length = np.sqrt((np.abs(half) ** 2 * twice).sum(axis=(1, 2), keepdims=True))
    result: NDArray[np.complex64] = (half / np.maximum(length, 1e-6)).astype(np.complex64)
    return result


def _unit(vectors: NDArray[np.floating]) -> Floats:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    result: Floats = (vectors / np.maximum(length, 1e-6)).astype(np.float32)
    return result


# --- comparing


def _nearest(vectors: Floats, ctx: JobContext) -> Pairs:
    """Each with the few nearest to it, by the cosine."""
    count = min(_NEAREST, len(vectors) - 1)
    found = []
    for block in _blocks(len(vectors), _BLOCK, ctx):
        numbers = np.arange(len(vectors))[block]
        likeness = vectors[block] @ vectors.T
        likeness[np.arange(len(numbers)), numbers] = -2
        nearest = np.argpartition(-likeness, count - 1, axis=1)[:, :count]
        found.append(np.stack([np.repeat(numbers, count), nearest.ravel()], axis=1))
    return np.sort(np.concatenate(found), axis=1).astype(np.int64)


def _agreement(phases: NDArray[np.complex64], pairs: Pairs, ctx: JobContext) -> Floats:
    """The highest correlation of each pair over small shifts."""
    if not len(pairs):
        return np.zeros(0, np.float32)
    return np.concatenate([_peaks(phases, pairs[block]) for block in _blocks(len(pairs), _PAIR_BLOCK, ctx)])


def _peaks(phases: NDArray[np.complex64], pairs: Pairs) -> Floats:
    """Read the correlation off at the few shifts that count: two small products instead of a whole transform."""
    product = phases[pairs[:, 0]] * phases[pairs[:, 1]].conj()
    rows = np.tensordot(product, _DOWN, axes=(1, 0))  # (pairs, waves across, shifts down)
    surface = np.tensordot(rows, _ACROSS, axes=(1, 0)).real
    result: Floats = surface.reshape(len(pairs), -1).max(axis=1).astype(np.float32)
    return result


def _shifted_waves(waves: NDArray[np.int64], weights: NDArray[np.float64]) -> NDArray[np.complex64]:
    """What a shift by each of the steps does to each wave: (waves, shifts)."""
    shifts = np.arange(-_FARTHEST, _FARTHEST + 1) / _GRID
    result: NDArray[np.complex64] = np.exp(2j * np.pi * np.outer(waves, shifts)).astype(np.complex64)
    return result * weights[:, None].astype(np.complex64)


_BOTH_WAYS = np.concatenate([np.arange(_FINEST + 1), np.arange(-_FINEST, 0)])
_ONE_WAY = np.arange(_FINEST + 1)
_DOWN = _shifted_waves(_BOTH_WAYS, np.ones(len(_BOTH_WAYS)))
_ACROSS = _shifted_waves(_ONE_WAY, np.where(_ONE_WAY == 0, 1.0, 2.0))  # each stands for its mirror image too


def _outside_circle(pairs: Pairs, scores: Floats, count: int) -> tuple[Floats, Floats]:
    """For both of each pair: how well it agrees with the best one outside its circle."""
    best = np.zeros(count, np.float32)
    ends, both = pairs.T.ravel(), np.tile(scores, 2)
    order = np.lexsort((-both, ends))
    ends, both = ends[order], both[order]
    starts = np.searchsorted(ends, np.arange(count))
    at = starts + _CIRCLE - 1
    has_more = at < np.searchsorted(ends, np.arange(count), side="right")
    best[has_more] = both[at[has_more]]
    return best[pairs[:, 0]], best[pairs[:, 1]]


def _blocks(count: int, size: int, ctx: JobContext) -> Iterator[slice]:
    for start in range(0, count, size):
        ctx.check()
        yield slice(start, start + size)
