"""A small Model that tells three classes apart, and a labelled data set for it."""

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
from convnext_studio.core.values import Preprocessing

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


@pytest.fixture
def data_set(tmp_path: Path) -> Path:
    """Eight pictures of each class in class folders."""
    folder = tmp_path / "parts"
    random = np.random.default_rng(0)
    for name in CLASSES:
        (folder / name).mkdir(parents=True)
        for number in range(8):
            coarse = random.integers(0, 256, (4, 5, 3), dtype=np.uint8)
            Image.fromarray(coarse).resize((80, 60), Image.Resampling.BICUBIC).save(folder / name / f"{number}.png")
    return folder
