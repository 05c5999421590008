"""A small Model with a few classes, some generated photos, and an empty memory for every test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convnext_studio.core.models.architecture import build
from convnext_studio.core.models.card import Card
from convnext_studio.core.models.model_file import save_model_file
from convnext_studio.core.values import ImageRef, ModelRef
from tests.small_model import CLASSES, PREPROCESSING, model_file, no_model_is_kept

__all__ = ["CLASSES", "PREPROCESSING", "model_file", "no_model_is_kept"]


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
