"""Networks to explain, small and with weights whose maps are not flat; and a Model that one patch decides."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import nn

from convnext_studio.core.explain import lens
from convnext_studio.core.models.architecture import build
from convnext_studio.core.predict import ready
from tests.unit.explain.planted import Planted, planted_model


@pytest.fixture(autouse=True)
def no_model_is_kept() -> Iterator[None]:
    """Forget Models between tests."""
    yield
    ready.forget_models()
    lens.forget_lenses()


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small networks gain nothing from more, and wait for each other where the cores are busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def lively(architecture: str, outputs: int = 5) -> nn.Module:
    """A network whose blocks do something: fresh ConvNeXt blocks add next to nothing."""
    torch.manual_seed(3)
    network = build(architecture, outputs)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("gamma"):
                parameter.fill_(0.5)
            elif "grn" in name:
                parameter.normal_(std=0.5)
            elif name.endswith("bias"):
                parameter.normal_(std=0.1)
            elif parameter.dim() > 1:
                parameter.mul_(4)
    return network.eval()


@pytest.fixture(scope="session")
def planted() -> Planted:
    """A Model trained on pictures where one patch decides."""
    return planted_model()
