"""AdamW with layer-wise learning rates, and the cosine with warm-up that drives it: timm's parts, set up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from timm.optim import create_optimizer_v2
from timm.scheduler import CosineLRScheduler
from torch import Tensor, nn

from convnext_studio.core.recipe import Recipe

_MOMENTS = ("exp_avg", "exp_avg_sq")
_GENTLE_STEPS = 30  # a short Run's warm-up is a step or two, and Adam's first steps are as large as the rate allows
_SPAN = 1_000_000  # the schedule's length in its own units: steps may be planned anew, its shape stays


def build_optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """AdamW over groups of layers, each slower than the next; no weight decay for norms, biases and layer scale.

    Random weights have nothing to keep: all of their layers learn at the full rate.
    """
    optimizer: torch.optim.Optimizer = create_optimizer_v2(
        network,
        opt="adamw",
        lr=recipe.learning_rate,
        weight_decay=recipe.weight_decay,
        layer_decay=recipe.layer_decay if recipe.weights == "pretrained" else 1.0,
        fused=True,
    )
    return optimizer


class Schedule:
    """The learning rate as a function of how much of the planned steps is done: a warm-up, then half a cosine."""

    def __init__(self, optimizer: torch.optim.Optimizer, warmup: float) -> None:
        self._optimizer = optimizer
        self._cosine = CosineLRScheduler(
            optimizer, t_initial=_SPAN, warmup_t=round(warmup * _SPAN), t_in_epochs=False, warmup_lr_init=0.0
        )

    def set(self, share: float, factor: float = 1.0) -> float:
        """Set the rate for the step that begins when `share` (0..1) is done; returns that of the last layers."""
        self._cosine.step_update(min(round(share * _SPAN), _SPAN - 1))
        for group in self._optimizer.param_groups:
            group["lr"] *= factor
        return max(float(group["lr"]) for group in self._optimizer.param_groups)


def gentleness(step: int, steps: int) -> float:
    """The factor (0..1] for the step numbered `step` from 0: the first of `steps` must not undo what is known.

    It rises over `_GENTLE_STEPS`, or over half of a Run that has fewer than twice as many.
    """
    return min(1.0, (step + 1) / max(1.0, min(_GENTLE_STEPS, steps / 2)))


def moments_of(network: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """What the optimizer remembers, by the weights' names; empty before its first step."""
    return {
        f"{moment}.{name}": optimizer.state[weight][moment]
        for name, weight in _trained(network)
        if weight in optimizer.state
        for moment in _MOMENTS
    }


def restore_moments(
    network: nn.Module, optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor], steps: int
) -> None:
    """Give the optimizer back what `moments_of` took after `steps` steps; each tensor laid out as its weight is."""
    for name, weight in _trained(network):
        if f"{_MOMENTS[0]}.{name}" not in tensors:
            continue
        # on the weight's device: the fused optimizer counts there
        state: dict[str, Tensor] = {"step": torch.tensor(float(steps), device=weight.device)}
        for moment in _MOMENTS:
            state[moment] = torch.empty_like(weight, memory_format=torch.preserve_format).requires_grad_(False)
            state[moment].copy_(tensors[f"{moment}.{name}"])
        optimizer.state[weight] = state


def _trained(network: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    return ((name, weight) for name, weight in network.named_parameters() if weight.requires_grad)
