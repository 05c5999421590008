"""Which blocks are left out for which Images: drawn for a whole batch, however many pieces it is computed in.

Drawn piece by piece, as timm's `DropPath` does it, memory that runs short would change what a Run learns. Huang et al.,
"Deep Networks with Stochastic Depth" (2016).
"""

from __future__ import annotations

from typing import cast

import torch
from timm.layers import DropPath
from torch import Tensor, nn


class DrawnDropPath(DropPath):  # type: ignore[misc]
    """`DropPath` that takes what was drawn for it: `factors` (n,), one for each Image of the piece under way."""

    factors: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Multiply each Image's part by its factor: 0, or what makes up for the others."""
        if not self.training or self.factors is None:
            return cast(Tensor, super().forward(x))
        return x * self.factors.to(x.dtype).view(-1, *[1] * (x.ndim - 1))


def let_be_drawn(network: nn.Module) -> None:
    """Let every drop path of the network be a `DrawnDropPath`."""
    for module in network.modules():
        if type(module) is DropPath:
            module.__class__ = DrawnDropPath


class Drawn:
    """What is drawn for a batch of `count` Images: a pure function of the seed."""

    def __init__(self, network: nn.Module, count: int, seed: int, device: torch.device) -> None:
        self._paths = [module for module in network.modules() if isinstance(module, DrawnDropPath)]
        if not self._paths:
            return
        kept = torch.tensor([1.0 - path.drop_prob for path in self._paths]).view(-1, 1)
        chance = torch.rand(len(self._paths), count, generator=torch.Generator().manual_seed(seed))
        self._factors = ((chance < kept) / kept.clamp_min(1e-6)).to(device)

    def lay_out(self, first: int, count: int) -> None:
        """Give every drop path what was drawn for the Images `first` to `first` + `count`."""
        for number, path in enumerate(self._paths):
            path.factors = self._factors[number, first : first + count]
