"""What a Run begins with."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from convnext_studio.core.recipe import from_preset
from convnext_studio.core.run_events import EpochEnded, PhaseStarted
from convnext_studio.core.runs.run import Run
from convnext_studio.core.training.network import head_of, start_network
from tests.training_runs import of, worked


def test_random_weights_change_what_goes_through_each_layer_and_are_the_same_for_a_seed() -> None:
    recipe = from_preset("balanced", model="convnext_zepto_rms", weights="random", seed=3)
    network = start_network(recipe, ("bad", "good")).network
    layers = [module for module in network.modules() if isinstance(module, nn.Conv2d)]

    for layer in layers:
        inputs = layer.weight[0].numel()
        spread = float(layer.weight.detach().std()) * math.sqrt(inputs / 2)
        assert abs(spread - 1) < 5 / math.sqrt(layer.weight.numel())
    again = start_network(recipe, ("bad", "good")).network
    assert all(torch.equal(one, other) for one, other in zip(network.parameters(), again.parameters(), strict=True))


def test_the_head_of_learned_weights_begins_as_the_seed_says(own_model: Path) -> None:
    def head(seed: int, chance: int) -> torch.Tensor:
        torch.manual_seed(chance)
        recipe = from_preset("balanced", model=str(own_model), seed=seed)
        return head_of(start_network(recipe, ("a", "b", "c")).network)[0]

    assert torch.equal(head(1, 0), head(1, 5))
    assert not torch.equal(head(1, 0), head(2, 0))


def test_a_head_is_fitted_to_random_features_too(begin: Callable[..., Run]) -> None:
    ended, events = worked(begin(weights="random", is_head_first=True))
    phases = [event.phase for event in of(PhaseStarted, events)]  # type: ignore[union-attr]

    assert ended.ending == "finished"
    assert phases[:3] == ["features", "head", "full"]
    assert [event.epoch for event in of(EpochEnded, events)] == [0, 1, 2]  # type: ignore[union-attr]
