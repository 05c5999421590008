"""Models to measure the speed of: an architecture whose weights are all alike, made in no time."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from convnext_studio.core.models.architecture import (
    build,
    count_parameters,
    outputs_of,
    preprocessing_of,
    without_numbers,
)
from convnext_studio.core.models.card import Card
from convnext_studio.core.models.labels import numbered_names
from convnext_studio.core.models.network import LoadedModel

_WEIGHT = 0.01


def blank_model(name: str) -> LoadedModel:
    """Build what the catalogue calls `name` without drawing random weights, which takes seconds in a large network.

    It has no numbers at all yet, where that is possible: see `filled`.
    """
    with without_numbers():
        network = build(name)
    wanted = dict(network.named_buffers())
    if any(buffer not in network.state_dict() for buffer in wanted):
        network = build(name)  # some buffers are computed, and a blank would be no index
    card = Card(
        architecture=name.partition(".")[0],
        classes=numbered_names(outputs_of(network)),
        preprocessing=preprocessing_of(name, fit=None if "." in name else "squash"),
    )
    return LoadedModel(network.eval(), card, f"blank {name}", count_parameters(network), is_meaningless=True)


def is_hollow(model: LoadedModel) -> bool:
    """Whether it has shapes alone."""
    return any(parameter.is_meta for parameter in model.network.parameters())


def filled(model: LoadedModel) -> LoadedModel:
    """The same with numbers, so that it can be run."""
    return replace(model, network=filled_network(model.network)) if is_hollow(model) else model


def filled_network(network: nn.Module) -> nn.Module:
    """Give a network of shapes alone its memory on the processor, in the precision and layout that it has."""
    network = network.to_empty(device="cpu")
    with torch.no_grad():
        for tensor in network.state_dict().values():
            tensor.fill_(_WEIGHT) if tensor.is_floating_point() else tensor.zero_()
    return network
