"""The methods that need many passes: Score-CAM, Ablation-CAM, Integrated Gradients, Occlusion; all in batches.

`forward` maps a normalised batch (n, 3, height, width) to logits; 0 is the mean colour, which the network reads as
nothing. `step` is called before each batch with the share that is done, and may raise. Each function takes one Image,
(1, 3, height, width). Batches begin with one Image and grow while they are quick, so that a slow network on a slow
machine can still be stopped at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.nn import functional

from convnext_studio.core.explain.cams import weighted
from convnext_studio.core.explain.gradient import Target, at_least_float32
from convnext_studio.core.explain.split import SplitNetwork

Forward = Callable[[Tensor], Tensor]
Step = Callable[[float], None]

MOST_CHANNELS = 128  # of Score-CAM, the most varied first: the others hardly mask anything
BATCH = 16
QUICK_S = 0.05  # a batch that takes less may grow, one that takes twice that shrinks
STEPS = 32
GRID = 14  # how many windows Occlusion sets along each side, each two steps wide


def _nothing(_share: float) -> None:
    """Never stop."""


def score_cam(
    network: SplitNetwork,
    image: Tensor,
    cut: int,
    target: Target,
    step: Step = _nothing,
    *,
    most: int = MOST_CHANNELS,
) -> Tensor:
    """Weigh each channel by the score of the Image seen through it (arXiv:1910.01279, algorithm 1); map (1, h, w)."""
    with torch.no_grad():
        features = at_least_float32(network.to_maps(_run(network, image, 0, cut)))
        low, high = features.amin(dim=(2, 3), keepdim=True), features.amax(dim=(2, 3), keepdim=True)
        order = (high - low).flatten().argsort(descending=True)[:most]
        chosen = features[:, order]
        masks = ((features - low) / (high - low).clamp_min(1e-12))[0, order, None]
        masks = functional.interpolate(masks, image.shape[-2:], mode="bilinear", align_corners=False)
        scores = []
        for part in _batches(len(masks), step):
            seen = image * masks[part].to(image.dtype)
            scores.append(target.score(at_least_float32(network.head(_run(network, seen, 0, len(network.steps))))))
        return weighted(chosen, torch.cat(scores).softmax(0)[None])


def ablation_cam(network: SplitNetwork, image: Tensor, cut: int, target: Target, step: Step = _nothing) -> Tensor:
    """Weigh each channel by how far the score falls without it (doi:10.1109/WACV45572.2020.9093360); map (1, h, w).

    Only the second half runs again, which at the last stage is the head alone. The fall is relative to the score's
    size, so a score below zero does not turn the map around.
    """
    with torch.no_grad():
        found = _run(network, image, 0, cut)
        features = at_least_float32(network.to_maps(found))
        whole = target.score(at_least_float32(_second(network, found, cut)))
        falls = []
        every = torch.arange(features.shape[1], device=image.device)
        for part in _batches(len(every), step):
            channels = every[part]
            without = found.repeat(len(channels), *[1] * (found.dim() - 1))
            maps = network.to_maps(without)  # a view: what is switched off in it is off in the features
            maps[torch.arange(len(channels)), channels] = 0
            falls.append(whole - target.score(at_least_float32(_second(network, without, cut))))
        return weighted(features, (torch.cat(falls) / whole.abs().clamp_min(1e-12))[None])


def integrated_gradients(forward: Forward, image: Tensor, target: Target, step: Step = _nothing) -> Tensor:
    """Signed attributions (1, 3, height, width) that add up to score(Image) - score(nothing) (arXiv:1703.01365).

    The integral is a Gauss-Legendre sum over `STEPS` points.
    """
    places, weights = _gauss_legendre(STEPS)
    total = torch.zeros_like(image, dtype=torch.promote_types(image.dtype, torch.float32))
    for part in _batches(STEPS, step):
        share = places[part].to(image).view(-1, 1, 1, 1)
        with torch.enable_grad():
            inputs = (share * image).requires_grad_()
            (gradient,) = torch.autograd.grad(target.score(at_least_float32(forward(inputs))).sum(), inputs)
        weight = weights[part].to(total).view(-1, 1, 1, 1)
        total += (weight * gradient.to(total.dtype)).sum(dim=0, keepdim=True)
    return total * image


def occlusion(forward: Forward, image: Tensor, target: Target, step: Step = _nothing) -> Tensor:
    """How far the score falls on average while windows over a place are covered, signed; map (1, rows, columns).

    Windows of 2/`GRID` of each side move by 1/`GRID` (arXiv:1311.2901, section 4.2).
    """
    height, width = image.shape[-2:]
    rows = torch.linspace(0, height, GRID + 1).round().int().tolist()
    columns = torch.linspace(0, width, GRID + 1).round().int().tolist()
    windows = [(row, column) for row in range(-1, GRID) for column in range(-1, GRID)]
    falls = torch.zeros(GRID + 1, GRID + 1, dtype=torch.promote_types(image.dtype, torch.float32), device=image.device)
    with torch.no_grad():
        whole = target.score(at_least_float32(forward(image)))
        for places in _batches(len(windows), step):
            part = windows[places]
            covered = image.repeat(len(part), 1, 1, 1)
            for one, (row, column) in zip(covered, part, strict=True):
                one[
                    :,
                    rows[max(row, 0)] : rows[min(row + 2, GRID)],
                    columns[max(column, 0)] : columns[min(column + 2, GRID)],
                ] = 0
            found = (whole - target.score(at_least_float32(forward(covered)))).to(falls)
            for fall, (row, column) in zip(found, part, strict=True):
                falls[row + 1, column + 1] = fall
    return functional.avg_pool2d(falls[None, None], 2, 1)[0]


def _batches(count: int, step: Step) -> Iterator[slice]:
    start, size = 0, 1
    while start < count:
        step(start / count)
        began = time.perf_counter()
        yield slice(start, min(count, start + size))
        took = time.perf_counter() - began
        start += size
        if took < QUICK_S:
            size = min(BATCH, 2 * size)
        elif took > 2 * QUICK_S:
            size = max(1, size // 2)


def _second(network: SplitNetwork, features: Tensor, cut: int) -> Tensor:
    return network.head(_run(network, features, cut, len(network.steps)))


def _run(network: SplitNetwork, x: Tensor, first: int, last: int) -> Tensor:
    for step in network.steps[first:last]:
        x = step.call(x)
    return x


def _gauss_legendre(count: int) -> tuple[Tensor, Tensor]:
    """Places and weights on 0..1: eigenvalues of the Jacobi matrix (Golub and Welsch, 1969)."""
    k = torch.arange(1, count, dtype=torch.float64)
    beside = k / (4 * k.square() - 1).sqrt()
    values, vectors = torch.linalg.eigh(torch.diag(beside, 1) + torch.diag(beside, -1))
    return (values + 1) / 2, vectors[0].square()
