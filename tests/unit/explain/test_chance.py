"""Heads that learned nothing are found out, however large their weights, and whichever class is asked about."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from convnext_studio.core.explain.chance import LEVEL, examine
from convnext_studio.core.explain.gradient import Target
from convnext_studio.core.explain.lens import Lens
from convnext_studio.core.models.architecture import build
from convnext_studio.core.predict.runners.base import Batch
from tests.unit.explain.planted import PREPROCESSING, Planted, planted_picture

HEADS = 100


def pair(label: int = 0) -> Batch:
    """A picture with its patch, and without."""
    pixels, (left, top, right, bottom) = planted_picture(np.random.default_rng(7), label)
    hidden = pixels.copy()
    hidden[top:bottom, left:right] = 170
    return np.stack([pixels, hidden])


def chance(lens: Lens, inputs: Batch, target: Target) -> float:
    return examine(lens, target, 2, inputs, lambda: None)[1]


def shuffled(weight: torch.Tensor) -> None:
    weight.copy_(weight.flatten()[torch.randperm(weight.numel())].view_as(weight))


def fresh(weight: torch.Tensor) -> None:
    nn.init.trunc_normal_(weight, std=0.02)


@pytest.mark.parametrize("forget", [shuffled, fresh])
def test_a_random_head_passes_no_more_often_than_it_may(
    planted: Planted, forget: Callable[[torch.Tensor], None]
) -> None:
    lens, passed = Lens(planted.model.network, PREPROCESSING), 0
    torch.manual_seed(0)
    for _ in range(HEADS):
        with torch.no_grad():
            forget(lens.network.get_parameter("head.fc.weight"))
            lens.network.get_parameter("head.fc.bias").zero_()
            named = int(lens.forward(lens.input(pair()[:1])).argmax())
        passed += chance(lens, pair(), Target(named)) <= LEVEL
    assert passed <= 0.05 * HEADS


def test_a_head_that_learned_the_patch_stands_out(planted: Planted) -> None:
    lens = Lens(planted.model.network, PREPROCESSING)
    assert all(chance(lens, pair(label), Target(label)) <= LEVEL for label in range(3))
    assert chance(lens, pair(0), Target(0, versus=3)) <= LEVEL


def test_an_area_that_nothing_hangs_on_does_not_stand_out(planted: Planted) -> None:
    lens = Lens(planted.model.network, PREPROCESSING)
    whole = pair()[0]
    assert chance(lens, np.stack([whole, whole]), Target(0)) == 1.0
    dull = copy.deepcopy(planted.model.network)
    nn.init.zeros_(dull.get_parameter("head.fc.weight"))
    assert chance(Lens(dull, PREPROCESSING), pair(), Target(0)) == 1.0


@pytest.mark.parametrize(
    ("architecture", "classes"), [("test_convnext", 1), ("test_convnext", 2), ("test_vit", 5), ("test_resnet", 3)]
)
def test_any_family_and_number_of_classes_can_be_asked(architecture: str, classes: int) -> None:
    torch.manual_seed(0)
    lens = Lens(build(architecture, classes), PREPROCESSING)
    batch = pair()
    with torch.no_grad():
        asked = lens.input(batch)
        assert torch.allclose(lens.decided(lens.pooled(asked)), lens.forward(asked), atol=1e-5)
    assert 0 < chance(lens, batch, Target(0)) <= 1
