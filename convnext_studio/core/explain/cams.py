"""The methods that need features and gradient only: tensors in, maps out, always in at least float32.

`features` and `gradient` are (n, c, h, w); a map is (n, h, w), without negative values.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

_TINY = 1e-12


def grad_cam(features: Tensor, gradient: Tensor) -> Tensor:
    """Weigh each channel by its mean gradient (arXiv:1610.02391, equations 1 and 2)."""
    return weighted(features, gradient.mean(dim=(2, 3)))


def hires_cam(features: Tensor, gradient: Tensor) -> Tensor:
    """Features times gradient, place by place (arXiv:2011.08891, equation 5)."""
    return (features * gradient).sum(dim=1).relu()


def layer_cam(features: Tensor, gradient: Tensor) -> Tensor:
    """Features times what is positive of the gradient (doi:10.1109/TIP.2021.3089943, equations 6 and 7)."""
    return (features * gradient.relu()).sum(dim=1).relu()


def grad_cam_plus_plus(features: Tensor, gradient: Tensor) -> Tensor:
    """Weigh each place's gradient by its share (arXiv:1710.11063, equations 10 and 19)."""
    square = gradient.square()
    sums = features.sum(dim=(2, 3), keepdim=True)
    below = 2 * square + sums * square * gradient
    share = torch.where(gradient != 0, square / torch.where(below != 0, below, torch.ones_like(below)), 0)
    return weighted(features, (share * gradient.relu()).sum(dim=(2, 3)))


def eigen_cam(features: Tensor) -> Tensor:
    """What the first principal component of the features sees (arXiv:2008.00299).

    A component has no sign of its own; it is turned so that strong features count as warm.
    """
    flat = features.flatten(2).transpose(1, 2)  # (n, places, c)
    centred = flat - flat.mean(dim=1, keepdim=True)
    _, _, axes = torch.linalg.svd(centred, full_matrices=False)
    seen = (flat @ axes[:, 0, :, None])[..., 0]
    energy = flat.norm(dim=2)
    turn = ((seen - seen.mean(1, keepdim=True)) * (energy - energy.mean(1, keepdim=True))).sum(1, keepdim=True)
    seen = torch.where(turn < 0, -seen, seen)
    return seen.relu().reshape(len(features), *features.shape[2:])


def weighted(features: Tensor, weights: Tensor) -> Tensor:
    """The positive part of the sum of all channels, each times its weight (n, c)."""
    return (features * weights[:, :, None, None]).sum(dim=1).relu()


FROM_GRADIENT: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "gradcam": grad_cam,
    "hirescam": hires_cam,
    "layercam": layer_cam,
    "gradcam++": grad_cam_plus_plus,
    "eigencam": lambda features, _: eigen_cam(features),
}


def scaled(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Divide each map by its largest value: maps 0..1 and (n,) peaks; a map without anything stays 0."""
    peaks = maps.amax(dim=(1, 2))
    return maps / peaks.clamp_min(_TINY)[:, None, None], torch.where(peaks > _TINY, peaks, 0)
