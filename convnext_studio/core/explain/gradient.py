"""First half without gradient, second half with, then `torch.autograd.grad`: all layers and all classes share both.

Nothing of the network is touched: not its parameters' `grad` or `requires_grad`, not its modes, no hooks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from convnext_studio.core.explain.split import SplitNetwork


@dataclass(frozen=True)
class Target:
    """What is explained: the score of a class, or how far it is above that of another one (logits)."""

    index: int
    versus: int | None = None

    def score(self, logits: Tensor) -> Tensor:
        """One score for each row of `logits` (n, classes)."""
        if self.versus is None:
            return logits[:, self.index]
        return logits[:, self.index] - logits[:, self.versus]


@dataclass(frozen=True)
class Sensitivity:
    """Features (n, c, h, w) of each wanted layer, and for each target their gradients in the same order; float32 up."""

    logits: Tensor
    features: tuple[Tensor, ...]
    gradients: tuple[tuple[Tensor, ...], ...]


def sensitivity(
    network: SplitNetwork, batch: Tensor, cuts: Sequence[int], choose: Callable[[Tensor], Sequence[Target]]
) -> Sensitivity:
    """Run `batch` through `network` once and back once for each target that `choose` picks from the logits.

    Images of a batch do not see each other, so the gradient of the summed score is each Image's own.
    """
    first = min(cuts)
    with torch.no_grad():
        x = batch
        for step in network.steps[:first]:
            x = step.call(x)
    with torch.enable_grad():
        kept = {first: x.detach().requires_grad_()}
        x = kept[first]
        for number, step in enumerate(network.steps[first:], start=first + 1):
            x = step.call(x)
            if number in cuts:
                kept[number] = x
        logits = at_least_float32(network.head(x))
        wanted = [kept[cut] for cut in cuts]
        targets = choose(logits.detach())
        gradients = []
        for number, target in enumerate(targets, start=1):
            found = torch.autograd.grad(target.score(logits).sum(), wanted, retain_graph=number < len(targets))
            gradients.append(tuple(_laid_out(network, one) for one in found))
    features = tuple(_laid_out(network, one.detach()) for one in wanted)
    return Sensitivity(logits.detach(), features, tuple(gradients))


def _laid_out(network: SplitNetwork, tensor: Tensor) -> Tensor:
    return at_least_float32(network.to_maps(tensor))


def at_least_float32(tensor: Tensor) -> Tensor:
    """Half precisions as float32, everything else as it is."""
    return tensor.float() if tensor.dtype in (torch.bfloat16, torch.float16) else tensor
