"""How sure a figure is: 95 % intervals for shares and for the balanced accuracy; numpy alone."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convnext_studio.core.evaluation import metrics

Interval = tuple[float, float]

_Z = 1.959963984540054  # of the normal distribution, two-sided 95 %
_ALPHA = 0.05
_REPLICATES = 1000
_HALVINGS = 60
_ROUNDING = 1e-9
UNKNOWN: Interval = (0.0, 1.0)


def wilson(count: int, n: int) -> Interval:
    """Interval of a share (Wilson 1927); all of 0..1 for none of none."""
    if not n:
        return UNKNOWN
    share, z2 = count / n, _Z * _Z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return (0.0 if not count else max(0.0, middle - half), 1.0 if count == n else min(1.0, middle + half))


def at_most(count: int, n: int) -> float:
    """What share it may be at the most, one-sided and with 95 % certainty: after "0 of n escaped" about 3 / n."""
    return _upper(count, n, _ALPHA)


def missed_at_most(is_missed: ArrayLike, groups: ArrayLike | None = None) -> float:
    """What share of a class may be missed at the most, one-sided and with 95 % certainty.

    Each group counts as one that was missed by as much of it as was: Images of one part are no independent evidence,
    and of shares between 0 and 1 the whole ones say least. Never less than what the Images by themselves say. Seen in
    drawn data with 4 to 60 groups of 1 to 40 Images and more: 96 % of such bounds or more lie above the truth, where
    27 to 96 % do that count Images alone.
    """
    missed = np.asarray(is_missed, bool)
    alone = at_most(int(missed.sum()), len(missed))
    if groups is None or not len(missed):
        return alone
    rows = np.unique(np.asarray(groups), return_inverse=True)[1].reshape(-1)
    shares = np.bincount(rows, missed) / np.bincount(rows)
    count = len(shares) * max(float(shares.mean()), float(missed.mean()))
    whole = min(math.floor(count + _ROUNDING), len(shares))
    beyond = at_most(min(whole + 1, len(shares)), len(shares))
    bound = at_most(whole, len(shares))
    return max(alone, bound + max(0.0, count - whole) * (beyond - bound))


def of_share(is_so: ArrayLike, groups: ArrayLike | None = None) -> Interval:
    """Interval of the share of Images that are so: Wilson's, or by how much the groups differ where that is wider."""
    so = np.asarray(is_so, bool)
    low, high = wilson(int(so.sum()), len(so))
    if groups is None or not len(so):
        return (low, high)
    of_parts = _of_parts(*_kinds(np.zeros(len(so), np.int64), (~so).astype(np.int64), 1, groups), 1)[0]
    return (min(low, float(of_parts[0])), max(high, float(of_parts[1])))


def of_accuracy(labels: ArrayLike, found: ArrayLike, groups: ArrayLike | None = None) -> Interval:
    """Interval of the accuracy: Wilson's, and with groups never narrower than what as many groups can tell."""
    is_wrong = np.asarray(labels, np.int64) != np.asarray(found, np.int64)
    if groups is None:
        return wilson(int((~is_wrong).sum()), len(is_wrong))
    return of_balanced_accuracy(np.zeros(len(is_wrong), np.int64), is_wrong.astype(np.int64), 2, groups)


def of_balanced_accuracy(
    labels: ArrayLike, found: ArrayLike, n: int, groups: ArrayLike | None = None, *, seed: int = 0
) -> Interval:
    """Interval of the balanced accuracy of `n` classes; `groups` name what must be drawn together, such as a part.

    At each end the more careful of two: a bootstrap by group (percentiles; Images of one part are no independent
    evidence), and the classes' intervals combined (MOVER, Zou and Donner 2008, doi:10.1002/sim.3095), for the bootstrap
    of a few right answers shows no doubt at all. A class's interval is Wilson's, or `_of_parts` where that is wider.
    """
    matrix = metrics.confusion(labels, found, n)
    if not matrix.sum():
        return UNKNOWN
    kinds, times = _kinds(np.asarray(labels, np.int64), np.asarray(found, np.int64), n, groups)
    low, high = _combined(matrix, None if groups is None else _of_parts(kinds, times, n))
    drawn = _bootstrap(kinds, times, n, seed)
    return (max(0.0, min(low, drawn[0])), min(1.0, max(high, drawn[1])))


def _of_parts(kinds: NDArray[np.float64], times: NDArray[np.int64], n: int) -> NDArray[np.float64]:
    """Interval of each class's recall, (n, 2), by how much the groups differ: as of a mean over groups.

    Before that, a group of the usual size is added whose Images are all right, and one whose are all wrong, as Agresti
    and Caffo (2000, doi:10.1080/00031305.2000.10474560) add single answers: twelve parts without a mistake are no proof
    of hundreds, however many Images there are of each. The usual size is that of the group of an Image drawn at random:
    a large group decides more. Seen in drawn data with 4 to 100 groups of 1 to 40 Images, or of one Image to hundreds,
    that are all right or all wrong at worst: 92 to 100 % of such intervals hold the truth (with 4 groups of which half
    are wrong, 87 %), where 22 to 97 % did without this, and 67 % of the most uneven with the mean size.
    """
    size, right = kinds[:, :n], kinds[:, n:]
    groups = np.maximum(times @ (size > 0), 1)
    usual = np.maximum((times @ size**2) / np.maximum(times @ size, 1), 1.0)
    images = times @ size + 2 * usual
    share = (times @ right + usual) / images
    apart = times @ (right - share * size) ** 2 + usual**2 * (share**2 + (1 - share) ** 2)
    half = _Z * np.sqrt(apart * (groups + 2) / (groups + 1)) / images
    return np.asarray(np.clip(np.stack([share - half, share + half], axis=1), 0.0, 1.0))


def _combined(matrix: metrics.Confusion, of_parts: NDArray[np.float64] | None) -> Interval:
    """The mean of the recalls' intervals, as of independent figures."""
    counts = [(index, int(row[index]), int(row.sum())) for index, row in enumerate(matrix) if row.sum()]
    limits = []
    for index, count, total in counts:
        low, high = wilson(count, total)
        if of_parts is not None:
            low, high = min(low, float(of_parts[index, 0])), max(high, float(of_parts[index, 1]))
        limits.append((count / total, low, high))
    middle = metrics.balanced_accuracy(matrix)
    below = math.sqrt(sum((share - low) ** 2 for share, low, _ in limits)) / len(limits)
    above = math.sqrt(sum((high - share) ** 2 for share, _, high in limits)) / len(limits)
    return (middle - below, middle + above)


def _bootstrap(kinds: NDArray[np.float64], times: NDArray[np.int64], n: int, seed: int) -> Interval:
    """2.5 % and 97.5 % of the balanced accuracies of samples of groups, drawn with replacement.

    Groups that hold the same counts are interchangeable, so that only how often each kind is drawn needs drawing.
    """
    drawn = np.random.default_rng(seed).multinomial(times.sum(), times / times.sum(), _REPLICATES)
    totals = drawn.astype(np.float64) @ kinds
    support, right = totals[:, :n], totals[:, n:]
    occurs = support > 0
    recall = np.divide(right, support, out=np.zeros_like(right), where=occurs)
    ends = np.quantile(recall.sum(axis=1) / occurs.sum(axis=1), [_ALPHA / 2, 1 - _ALPHA / 2])
    return (float(ends[0]), float(ends[1]))


def _kinds(
    labels: NDArray[np.int64], found: NDArray[np.int64], n: int, groups: ArrayLike | None
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Kinds of groups (Images of each class, then right answers of each), and how many there are of each kind."""
    if groups is None:
        pairs, times = np.unique(2 * labels + (labels == found), return_counts=True)
        kinds = np.zeros((len(pairs), 2 * n))
        kinds[np.arange(len(pairs)), pairs // 2] = 1
        kinds[np.arange(len(pairs)), n + pairs // 2] = pairs % 2
        return kinds, times
    rows = np.unique(np.asarray(groups), return_inverse=True)[1].reshape(-1)
    counts = np.zeros((int(rows.max()) + 1, 2 * n))
    np.add.at(counts, (rows, labels), 1)
    np.add.at(counts, (rows, n + labels), labels == found)
    return np.unique(counts, axis=0, return_counts=True)


def _upper(count: int, n: int, alpha: float) -> float:
    """The share at which `count` or fewer of `n` happen with the chance `alpha`."""
    if count >= n:
        return 1.0
    if not count:
        return float(-math.expm1(math.log(alpha) / n))
    some = np.arange(count + 1)
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])  # of the factorials
    ways = logs[n] - logs[some] - logs[n - some]
    low, high = count / n, 1.0
    for _ in range(_HALVINGS):
        share = (low + high) / 2
        terms = ways + some * math.log(share) + (n - some) * math.log1p(-share) if share < 1.0 else ways - math.inf
        if float(np.exp(terms).sum()) > alpha:
            low = share
        else:
            high = share
    return (low + high) / 2
