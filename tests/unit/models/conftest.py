"""A small Model of our own, shared by the tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest
import timm
import torch
from torch import nn

from convnext_studio.core.models.card import Card, Metric, Provenance
from convnext_studio.core.models.model_file import save_model_file
from convnext_studio.core.values import Preprocessing

CARD = Card(
    architecture="test_convnext",
    classes=("dent", "good", "scratch"),
    preprocessing=Preprocessing(96, 128, "squash", "bilinear", (0.5, 0.4, 0.3), (0.2, 0.2, 0.3)),
    title="Metal surfaces",
    licence="Apache-2.0",
    commercial_use=True,
    training_data="generated metal surfaces",
    provenance=Provenance(data="sample, 600 images", seed=3, command="make_sample_model.py"),
    metrics=(Metric("accuracy", 0.925, "test", 200, 0.88, 0.95),),
)


@pytest.fixture
def card() -> Card:
    return CARD


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    built: nn.Module = timm.create_model("test_convnext", num_classes=3).eval()
    return built


@pytest.fixture
def model_file(tmp_path: Path, network: nn.Module) -> Path:
    path = tmp_path / "metal.safetensors"
    save_model_file(path, network, CARD)
    return path
