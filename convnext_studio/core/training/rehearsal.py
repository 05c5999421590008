"""A training's parts put together without a Run: to try a few steps that nobody keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from convnext_studio.core.recipe import Recipe
from convnext_studio.core.training.batches import Normalise
from convnext_studio.core.training.distributed import World
from convnext_studio.core.training.loss import Loss
from convnext_studio.core.training.network import Start, needs_checkpointing
from convnext_studio.core.training.optimizer import build_optimizer
from convnext_studio.core.training.sampler import SettledBalance, class_weights, settle_balance
from convnext_studio.core.training.step import Stepper, Way
from convnext_studio.core.values import DeviceName


@dataclass(frozen=True)
class Rehearsal:
    """A network on its device, ready to learn, with what a step needs."""

    recipe: Recipe
    classes: int
    network: nn.Module
    optimizer: torch.optim.Optimizer
    normalise: Normalise
    loss: Loss
    balance: SettledBalance
    place: torch.device

    def stepper(self, *, is_bf16: bool) -> Stepper:
        """What takes the steps, in one precision."""
        way = Way(self.place, is_bf16, self.recipe.clip_norm, self.recipe.seed)
        stepper = Stepper(self.network, self.normalise, self.loss, way, World())
        stepper.accumulation = self.recipe.accumulation
        return stepper


def rehearse(recipe: Recipe, start: Start, labels: Sequence[int], device: DeviceName) -> Rehearsal:
    """Make `start` ready to learn from Images of these class numbers."""
    place = torch.device(device)
    network = start.network.to(place).to(memory_format=torch.channels_last).train()
    if needs_checkpointing(recipe, start.card.preprocessing):
        network.set_grad_checkpointing(True)  # type: ignore[operator]
    balance = settle_balance(labels, recipe.balance)
    return Rehearsal(
        recipe=recipe,
        classes=len(start.card.classes),
        network=network,
        optimizer=build_optimizer(network, recipe),
        normalise=Normalise(start.card.preprocessing).to(place),
        loss=Loss(recipe, class_weights(labels, len(start.card.classes), balance), place),
        balance=balance,
        place=place,
    )
