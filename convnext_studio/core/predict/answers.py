"""From logits to ranked classes, and whether two ways of computing them agree."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from convnext_studio.core.predict.runners.base import Logits

TOLERANCE = 1e-2  # how far a probability may be from the fp32 one, whatever the engine
Probabilities = NDArray[np.float64]


def softmax(logits: Logits) -> Probabilities:
    """Probabilities over the last axis, in float64 and shifted by the largest, so that nothing overflows."""
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    powers = np.exp(shifted)
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def ranked(probabilities: Probabilities, top: int) -> tuple[tuple[int, ...], float]:
    """Indices of the `top` most probable classes of one Image, and the first probability minus the second."""
    order = np.argsort(-probabilities, kind="stable")[: max(top, 2)]
    second = probabilities[order[1]] if len(order) > 1 else 0.0
    return tuple(int(index) for index in order[:top]), float(probabilities[order[0]] - second)


def agree(found: Logits, reference: Logits) -> bool:
    """Whether `found` says what `reference` says: the same classes, probabilities within `TOLERANCE`.

    Two classes that are nearer to each other than the tolerance may change places.
    """
    if found.shape != reference.shape or not np.isfinite(found).all():
        return False
    ours, theirs = softmax(found), softmax(reference)
    if np.abs(ours - theirs).max() > TOLERANCE:
        return False
    rows = np.arange(len(ours))
    return bool((theirs.max(axis=-1) - theirs[rows, ours.argmax(axis=-1)] <= TOLERANCE).all())
