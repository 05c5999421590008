"""Is a map faithful? Hide the hot area, or keep nothing else, and compare with areas of the same shape elsewhere.

The hot area is what lies within the contour that the window draws: at least half of the peak, bounded in size. Where
hiding it does not change the answer it grows by what is hottest next, as along a deletion curve, until it does: much of
what speaks for a class is there more than once, and the corner of a defect is as good as the whole. Hiding means to
leave what a strong blur leaves. Scores are compared as log-odds, which do not saturate as probabilities do. Whatever
these figures say, a map is no evidence where a head that learned nothing hangs on its area as much: that is tested by
`chance.py` for each map.

Seen on fresh seeds where one patch decides (`tests/bench/RESULTS.md`): of random heads' own maps 98 % are refused, of
trained networks' own ones 95 % are faithful, with what `judge.py` looks for where the usual map is not. A random head's
map that lies on the patch is accepted when the trained network is asked about it: that network does rely on the patch,
whoever drew the map.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from convnext_studio.core.explain.chance import LEVEL
from convnext_studio.core.explain.place import resampled
from convnext_studio.core.explanations import Heatmap, Region, Trust, TrustVerdict
from convnext_studio.core.images.preprocess import PreparedImage, region
from convnext_studio.core.predict.runners.base import Batch, Logits
from convnext_studio.core.values import Preprocessing

_SPEAKS = float(np.finfo(np.float32).tiny)  # the least heat that speaks for anything
RANDOM = 12  # areas elsewhere
SMALLEST, LARGEST = 0.02, 0.30  # share of the seen Image that the hot area takes
GROWN = (0.05, 0.10, 0.20, LARGEST)  # to which it grows, in steps of a quarter of its size at least
BLUR = 2  # cells a side that are left of the whole input: more would still show large defects
AGREEMENT = 0.0  # at or below it another map is no hotter in the hot area than elsewhere: the two contradict each other

Run = Callable[[Batch], Logits]
Score = Callable[[Logits], NDArray[np.float64]]  # log-odds of each row
Check = Callable[[], None]
Examine = Callable[[Batch, Check], tuple[Logits, float]]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Limits:
    """From where on a map is faithful, or weak: shares of beaten areas, and nats more than a random area does."""

    deletion: float
    insertion: float
    effect: float


FAITHFUL = Limits(0.9, 0.75, 0.5)
WEAK = Limits(0.75, 0.5, 0.25)


@dataclass(frozen=True)
class Scene:
    """An Image as the network gets it: uint8 (height, width, 3), which of it is Image, and the part it covers."""

    pixels: NDArray[np.uint8]
    seen: tuple[slice, slice]
    window: Region

    def lay(self, heatmap: Heatmap) -> NDArray[np.float32]:
        """The values of a Heatmap over `pixels`."""
        return resampled(heatmap, self.window, self.pixels.shape[1], self.pixels.shape[0])


@dataclass(frozen=True)
class Witness:
    """Who is asked: logits of at most `batch` inputs, and the score of the class and what it is against, by name.

    `examine` answers for the whole input and those with areas hidden, and gives the share of heads that learned nothing
    that hang on the first of these areas as much.
    """

    run: Run
    batch: int
    score: Score
    examine: Examine
    class_name: str
    versus: str = ""


def scene_of(prepared: PreparedImage, preprocessing: Preprocessing) -> Scene:
    """The scene of a prepared Image."""
    height, width = prepared.input.shape[:2]
    left, top, right, bottom = window = region(preprocessing, prepared.width, prepared.height)
    across, down = width / (right - left), height / (bottom - top)
    rows = slice(max(0, round(-top * down)), min(height, round((prepared.height - top) * down)))
    columns = slice(max(0, round(-left * across)), min(width, round((prepared.width - left) * across)))
    return Scene(prepared.input, (rows, columns), window)


def measure(scene: Scene, heatmap: Heatmap, other: tuple[Heatmap, str], witness: Witness, check: Check) -> Trust:
    """Judge a Heatmap by what the Model answers; `other` is a second map of the same, and its name."""
    heat = scene.lay(heatmap)
    blank = _blurred(scene)
    hot = _deciding(hot_areas(heat, scene.seen), scene, blank, witness, check)
    masks = [hot, *_elsewhere(hot, scene.seen)]
    hidden = [scene.pixels, *(np.where(mask[..., None], blank, scene.pixels) for mask in masks)]
    kept = [blank, *(np.where(mask[..., None], scene.pixels, blank) for mask in masks)]
    logits, chance = witness.examine(np.stack(hidden), check)
    found = _Found(
        hidden=witness.score(logits),
        kept=_odds(witness, kept, check),
        area=float(hot[scene.seen].mean()),
        agreement=agreement(scene.lay(other[0])[scene.seen], hot[scene.seen]),
        chance=chance if hot.any() else 1.0,
    )
    return _judged(found, witness, other[1])


def hangs_on(scene: Scene, heatmap: Heatmap, witness: Witness, check: Check) -> bool:
    """Whether the answer loses enough without some hot area of a Heatmap to be worth a judgement."""
    areas = hot_areas(scene.lay(heatmap), scene.seen)
    blank = _blurred(scene)
    hidden = [scene.pixels, *(np.where(area[..., None], blank, scene.pixels) for area in areas)]
    odds = _odds(witness, hidden, check)
    return bool(odds[0] - odds[1:].min() >= FAITHFUL.effect)


def hot_area(heat: NDArray[np.float32], seen: tuple[slice, slice]) -> Mask:
    """At least half of the peak, but at least `SMALLEST` and at most `LARGEST` of what is seen of the Image."""
    inside = heat[seen]
    hot = np.zeros(heat.shape, bool)
    peak = float(inside.max(initial=0))
    if peak <= 0:
        return hot
    low, high = np.quantile(inside, [1 - LARGEST, 1 - SMALLEST])
    limit = float(np.clip(peak / 2, low, high))
    hot[seen] = inside >= limit if limit > low else inside > limit
    return hot


def hot_areas(heat: NDArray[np.float32], seen: tuple[slice, slice]) -> list[Mask]:
    """The hot area, and what it grows to: each holds the one before, none takes in what speaks for nothing."""
    areas, inside = [hot_area(heat, seen)], heat[seen]
    for share in GROWN:
        taken = float(areas[-1][seen].mean())
        if not taken or share <= 1.25 * taken:
            continue
        grown = np.zeros_like(areas[-1])
        grown[seen] = inside >= max(float(np.quantile(inside, 1 - share)), _SPEAKS)
        if grown[seen].mean() > 1.1 * taken:
            areas.append(grown)
    return areas


def correlation(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Rank correlation of two maps over a coarse grid; 0 where one of them is flat."""
    first, second = (_ranks(_coarse(values)) for values in (one, other))
    if first.std() == 0 or second.std() == 0:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])


def agreement(other: NDArray[np.float32], hot: Mask) -> float:
    """How far another map is hotter in the hot area than elsewhere: a rank-biserial correlation, -1 to 1.

    What a map claims is its hot area. Ranks among cold places are noise, and most places are cold: a correlation over
    all of them called maps different that mark the same spot.
    """
    ranks, inside = _ranks(_coarse(other)), _coarse(hot.astype(np.float32)).ravel()
    if not 0 < inside.sum() < len(inside):
        return 0.0
    lead = np.average(ranks, weights=inside) - np.average(ranks, weights=1 - inside)
    return float(2 * lead / len(ranks))


def log_odds(index: int, versus: int | None) -> Score:
    """The score of a class against all others, or against one."""

    def score(logits: Logits) -> NDArray[np.float64]:
        rows = logits.astype(np.float64)
        if versus is not None:
            return np.asarray(rows[:, index] - rows[:, versus])
        others = np.delete(rows, index, axis=1)
        if not others.shape[1]:
            return rows[:, index]
        top = others.max(axis=1)
        return np.asarray(rows[:, index] - top - np.log(np.exp(others - top[:, None]).sum(axis=1)))

    return score


@dataclass(frozen=True)
class _Found:
    """Log-odds with nothing, the hot area and areas elsewhere hidden, and with these kept; and what else was seen."""

    hidden: NDArray[np.float64]
    kept: NDArray[np.float64]
    area: float
    agreement: float
    chance: float


def _deciding(areas: list[Mask], scene: Scene, blank: NDArray[np.uint8], witness: Witness, check: Check) -> Mask:
    """The smallest area without which the class does not prevail, or else the one that costs it most."""
    if len(areas) == 1:
        return areas[0]
    odds = _odds(witness, [np.where(area[..., None], blank, scene.pixels) for area in areas], check)
    lost = np.flatnonzero(odds < 0)
    return areas[int(lost[0] if len(lost) else odds.argmin())]


def _odds(witness: Witness, inputs: list[NDArray[np.uint8]], check: Check) -> NDArray[np.float64]:
    odds = []
    for start in range(0, len(inputs), witness.batch):
        check()
        odds.append(witness.score(witness.run(np.stack(inputs[start : start + witness.batch]))))
    return np.concatenate(odds)


def _judged(found: _Found, witness: Witness, other: str) -> Trust:
    area = found.area
    (full, hidden), (blank, kept) = ((float(value) for value in odds[:2]) for odds in (found.hidden, found.kept))
    hidden_random, kept_random = found.hidden[2:], found.kept[2:]
    deletion, insertion = _beaten(hidden_random - hidden), _beaten(kept - kept_random)
    effect = float(np.mean(hidden_random)) - hidden if len(hidden_random) else 0.0
    shown = _shown(found, deletion, insertion, effect)
    verdict = shown if found.chance <= LEVEL else "not faithful"
    shares = [_share(value) for value in (full, hidden, kept, blank)]
    random = [float(np.mean(_share(values))) if len(values) else 0.0 for values in (hidden_random, kept_random)]
    sentence = _sentence(witness, area, float(shares[0]), float(shares[1]), random[0])
    if shown != verdict:
        sentence += f" So it would by chance: {found.chance:.0%} of heads that learned nothing hang on it as much."
    return Trust(
        verdict=verdict,
        sentence=sentence,
        score=float(shares[0]),
        area=area,
        hidden=float(shares[1]),
        hidden_random=random[0],
        kept=float(shares[2]),
        kept_random=random[1],
        blank=float(shares[3]),
        deletion=deletion,
        insertion=insertion,
        agreement=found.agreement,
        other=other,
        chance=found.chance,
    )


def _shown(found: _Found, deletion: float, insertion: float, effect: float) -> TrustVerdict:
    """The verdict on how the answer hangs on the hot area, whoever answers."""
    if found.area > 0 and _holds(FAITHFUL, deletion, insertion, effect):
        return "faithful" if found.agreement > AGREEMENT else "weak"
    return "weak" if found.area > 0 and _holds(WEAK, deletion, insertion, effect) else "not faithful"


def _holds(limits: Limits, deletion: float, insertion: float, effect: float) -> bool:
    return deletion >= limits.deletion and insertion >= limits.insertion and effect >= limits.effect


def _sentence(witness: Witness, area: float, score: float, hidden: float, random: float) -> str:
    what = f"“{witness.class_name}”" + (f" against “{witness.versus}”" if witness.versus else "")
    if area == 0:
        return f"No area speaks for {what}."
    if f"{hidden:.2f}" == f"{score:.2f}":
        return f"Hiding the hot area leaves {what} at {hidden:.2f}; hiding random areas: {random:.2f}."
    return (
        f"Hiding the hot area {'drops' if hidden < score else 'raises'} {what} from {score:.2f} to {hidden:.2f}; "
        f"hiding random areas: {random:.2f}."
    )


def _beaten(lead: NDArray[np.float64]) -> float:
    return float((lead > 0).mean()) if len(lead) else 0.0


def _share(odds: float | NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -50, 50))))


def _blurred(scene: Scene) -> NDArray[np.uint8]:
    """What a strong blur leaves of the Image; its padding stays."""
    inside = Image.fromarray(scene.pixels[scene.seen])
    small = inside.resize((BLUR, BLUR), Image.Resampling.BOX)
    blank = scene.pixels.copy()
    blank[scene.seen] = np.asarray(small.resize(inside.size, Image.Resampling.BICUBIC))
    return blank


def _elsewhere(hot: Mask, seen: tuple[slice, slice]) -> list[Mask]:
    """The hot area moved about, around the edges if need be: those of many tries that cover it least."""
    inside = hot[seen]
    if not inside.any() or inside.all():
        return []
    rng = np.random.default_rng(0)  # the same figures whenever the same map is judged
    places = [(int(rng.integers(inside.shape[0])), int(rng.integers(inside.shape[1]))) for _ in range(4 * RANDOM)]
    moved = [np.roll(inside, place, (0, 1)) for place in places]
    moved.sort(key=lambda mask: int((mask & inside).sum()))
    masks = []
    for one in moved[:RANDOM]:
        mask = np.zeros_like(hot)
        mask[seen] = one
        masks.append(mask)
    return masks


def _coarse(values: NDArray[np.float32], cells: int = 14) -> NDArray[np.float64]:
    picture = Image.fromarray(np.ascontiguousarray(values, np.float32))
    return np.asarray(picture.resize((cells, cells), Image.Resampling.BOX), np.float64)


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks, the mean rank where values are equal."""
    _, inverse, counts = np.unique(values.ravel(), return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2)[inverse])
