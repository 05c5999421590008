"""A small Model that tells three classes apart, and a labelled data set for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.small_model import CLASSES, model_file, no_model_is_kept

__all__ = ["CLASSES", "model_file", "no_model_is_kept"]


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
