"""A tiny Model for tests, and how its kind is kept out of the next test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from convnext_studio.core.models.architecture import build
from convnext_studio.core.models.card import Card
from convnext_studio.core.models.model_file import save_model_file
from convnext_studio.core.predict import calibrate, ready
from convnext_studio.core.values import Preprocessing

__all__ = ["CLASSES", "PREPROCESSING", "model_file", "no_model_is_kept"]
CLASSES = ("good", "pit", "scratch")
PREPROCESSING = Preprocessing(64, 64, "squash", "bicubic", (0.5, 0.4, 0.3), (0.2, 0.25, 0.3))


@pytest.fixture(autouse=True)
def no_model_is_kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Forget Models between tests, and measure briefly."""
    monkeypatch.setattr(calibrate, "_SLICE_S", 0.01)
    ready.forget_models()
    yield
    ready.forget_models()


@pytest.fixture(scope="session")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Model file of a tiny network whose answers differ clearly from Image to Image."""
    torch.manual_seed(1)
    network = build("test_convnext", len(CLASSES))
    with torch.no_grad():
        network.get_parameter("head.fc.weight").normal_(std=0.6)
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    save_model_file(path, network, Card("test_convnext", CLASSES, PREPROCESSING, title="Tiny"))
    return path
