"""A small Model with a few classes, some generated photos, and an empty memory for every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from convnext_studio.core.models.architecture import build
from convnext_studio.core.models.card import Card
from convnext_studio.core.models.model_file import save_model_file
from convnext_studio.core.predict import calibrate, ready
from convnext_studio.core.values import ImageRef, ModelRef, Preprocessing

CLASSES = ("good", "scratch", "pit")
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


@pytest.fixture(scope="session")
def features_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Model file without a head."""
    path = tmp_path_factory.mktemp("model") / "features.safetensors"
    save_model_file(path, build("test_convnext", 0), Card("test_convnext", (), PREPROCESSING, title="Features"))
    return path


@pytest.fixture
def model(model_file: Path) -> ModelRef:
    """The small Model."""
    return ModelRef(str(model_file))


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> tuple[ImageRef, ...]:
    """Twenty pictures of different sizes and kinds."""
    folder = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(0)
    refs = []
    for number in range(20):
        size = (int(random.integers(40, 300)), int(random.integers(40, 300)))
        coarse = random.integers(0, 256, (4, 5, 3), dtype=np.uint8)
        path = folder / f"{number}{'.jpg' if number % 2 else '.png'}"
        Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(path)
        refs.append(ImageRef(str(path)))
    return tuple(refs)
