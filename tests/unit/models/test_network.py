"""Models come into being from a reference, offline."""

from __future__ import annotations

import pytest
import torch

from convnext_studio.core.errors import UsageError
from convnext_studio.core.events import ModelLoading
from convnext_studio.core.models.network import load
from convnext_studio.core.values import ModelRef


def test_random_weights_make_a_ready_network_that_is_labelled_meaningless() -> None:
    model = load(ModelRef("test_convnext", weights="random"))
    size = (1, 3, model.preprocessing.height, model.preprocessing.width)

    assert model.is_meaningless
    assert "random" in model.title
    assert not model.network.training
    assert model.network(torch.zeros(size)).shape == (1, len(model.classes))
    assert model.parameters == sum(p.numel() for p in model.network.parameters())


def test_the_name_that_is_told_while_a_model_loads_stands_in_quotation_marks() -> None:
    told: list[object] = []
    load(ModelRef("test_convnext", weights="random"), emit=told.append)
    assert told == [ModelLoading("Loading “test_convnext”")]


def test_random_weights_are_the_same_every_time_and_leave_the_generator_alone() -> None:
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    first = load(ModelRef("test_convnext", weights="random"))

    assert torch.equal(torch.rand(1), expected)
    assert load(ModelRef("test_convnext", weights="random")).identity == first.identity


def test_a_catalogue_name_keeps_the_preprocessing_of_its_weights_and_a_bare_architecture_squashes() -> None:
    tag = load(ModelRef("convnext_atto.d2_in1k", weights="random")).preprocessing
    bare = load(ModelRef("convnext_atto", weights="random")).preprocessing

    assert (tag.height, tag.fit, tag.crop_pct, tag.interpolation) == (224, "crop", 0.875, "bicubic")
    assert bare.fit == "squash"


def test_an_unknown_name_is_refused_with_the_command_that_lists_the_models() -> None:
    with pytest.raises(UsageError, match="convnext_gigantic"):
        load(ModelRef("convnext_gigantic", weights="random"))
