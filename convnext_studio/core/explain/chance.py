"""Would a head that learned nothing hang on the same area? A permutation test of each map (after arXiv:1810.03292).

Features that were learned stand out at what matters, so a random head answers by the right place too, and its map
points there; no figure of one map alone tells it from a map of what was learned. So the head is compared with heads
like it that learned nothing: its own weights, given to features that are not theirs. Were the head itself a random one,
it would be one of them, and it ends among the strongest `LEVEL` of them in that share of cases and no more, whatever
the features, the Image and the size of the weights. At least 95 % of a random head's maps shall be refused, in any
hundred of them and not on average only, so the level leaves room below 5 %; a head that learned is the first of all.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor

from convnext_studio.core.explain.gradient import Target
from convnext_studio.core.explain.lens import Lens
from convnext_studio.core.predict.runners.base import Batch, Logits

Check = Callable[[], None]

HEADS = 199
LEVEL = 0.03  # the share of random heads that may pass
_SEED = 0  # the same figure whenever the same map is judged
_TINY = 1e-9


def examine(lens: Lens, target: Target, batch: int, inputs: Batch, check: Check) -> tuple[Logits, float]:
    """The logits of `inputs`, and the share of heads that learned nothing that hang on the hot area as the Model does.

    `inputs` are the whole input, the same with the hot area hidden, and with areas elsewhere hidden, uint8
    (n, height, width, 3); `batch` of them are looked at together. The Model's own map chose the hot area; so that the
    others have a choice too, the area that counts for each of them is the one that it hangs on most. Each is asked
    about the class that has for it the rank that `target` has for the Model. An answer may hang on an area in two ways:
    the log-odds fall far, or a large share of the class's lead is lost; for each head the better of both counts.
    """
    with torch.no_grad():
        pooled = []
        for start in range(0, len(inputs), batch):
            check()
            pooled.append(lens.pooled(lens.input(inputs[start : start + batch])))
        features = torch.cat(pooled)
        orders = _orders(features.shape[1]).to(features.device)

        def heads(one: Tensor) -> Tensor:  # input by input: 200 heads of 20,000 classes are 35 MB
            check()
            return lens.decided(one[orders]).double().cpu()

        whole = heads(features[0])
        asked = _of_same_rank(whole, target)
        odds, lead = _odds(whole, asked, target), _lead(whole, asked, target)
        logits, falls, lost = [whole[0]], [], []
        for one in features[1:]:
            hidden = heads(one)
            logits.append(hidden[0])
            falls.append(odds - _odds(hidden, asked, target))
            lost.append(lead - _lead(hidden, asked, target))
    shares = torch.stack(lost) / lead.abs().clamp_min(_TINY)
    best = torch.minimum(_places(torch.stack(falls)), _places(shares))
    return torch.stack(logits).float().numpy(), float((best <= best[0]).double().mean())


def _places(losses: Tensor) -> Tensor:
    """The place of each head, 1 first, by what it loses with its area; equal ones share the last; (areas, heads)."""
    most = losses.amax(dim=0)
    most[0] = losses[0, 0]
    return (most >= most[:, None]).sum(dim=1)


@lru_cache(maxsize=4)
def _orders(channels: int) -> Tensor:
    """Which feature each weight is given: its own in the first row, any in the others."""
    generator = torch.Generator().manual_seed(_SEED)
    mixed = [torch.randperm(channels, generator=generator) for _ in range(HEADS)]
    return torch.stack([torch.arange(channels), *mixed])


def _of_same_rank(logits: Tensor, target: Target) -> Tensor:
    """For each head the class that stands where the target stands in the first one; the rival stands nowhere."""
    rivals = logits.clone()
    if target.versus is not None:
        rivals[:, target.versus] = -torch.inf
    order = rivals.argsort(dim=1, descending=True, stable=True)
    rank = int((order[0] == target.index).nonzero()[0])
    asked = order[:, rank]
    asked[0] = target.index
    return asked


def _odds(logits: Tensor, asked: Tensor, target: Target) -> Tensor:
    """Log-odds of the class against all others, or against the rival."""
    if target.versus is not None or logits.shape[1] == 1:
        return _lead(logits, asked, target)
    own = logits.gather(1, asked[:, None])
    others = logits.scatter(1, asked[:, None], -torch.inf)
    return own[:, 0] - others.logsumexp(dim=1)


def _lead(logits: Tensor, asked: Tensor, target: Target) -> Tensor:
    """How far the class is above the mean of all, or above the rival."""
    own = logits.gather(1, asked[:, None])[:, 0]
    if logits.shape[1] == 1:
        return own
    return own - (logits.mean(dim=1) if target.versus is None else logits[:, target.versus])
