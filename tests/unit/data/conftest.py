"""Pictures to make data sets from: grainy parts, each of its own, and photographs of them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Draw = Callable[..., Path]


def part(number: int, side: int = 96) -> np.ndarray:
    """What one part looks like, float 0..1 (side, side): blots and grain, the same for the same number."""
    rng = np.random.default_rng([7, number])
    coarse = Image.fromarray(rng.integers(0, 256, (12, 12), np.uint8)).resize((side, side), Image.Resampling.BICUBIC)
    fine = Image.fromarray(rng.integers(0, 256, (40, 40), np.uint8)).resize((side, side), Image.Resampling.BICUBIC)
    return (0.6 * np.asarray(coarse, np.float32) + 0.4 * np.asarray(fine, np.float32)) / 255


def photograph(pixels: np.ndarray, shot: int) -> np.ndarray:
    """uint8 RGB of the part in another light, moved a little, with another lamp and other noise each time."""
    rng = np.random.default_rng([11, shot, int(pixels.sum())])
    moved = np.roll(pixels, rng.integers(-3, 4, 2), (0, 1)) ** rng.uniform(0.7, 1.5) * rng.uniform(0.5, 1.2)
    lamp = 1 + rng.uniform(-0.2, 0.2) * np.linspace(-1, 1, pixels.shape[0])[:, None]
    grey = np.clip(moved * lamp + rng.normal(0, 0.02, pixels.shape), 0, 1) * 255
    return np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2)


@pytest.fixture
def draw() -> Draw:
    """Write a photograph of a part: `draw(path, part_number, shot)`; files are old enough to be remembered."""

    def write(path: Path, number: int, shot: int = 0) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photograph(part(number), shot)).save(path)
        os.utime(path, (1_700_000_000, 1_700_000_000))
        return path

    return write


@pytest.fixture
def two_classes(tmp_path: Path, draw: Draw) -> Path:
    """A sound data set: 12 good and 12 bad parts, each once."""
    for number in range(24):
        draw(tmp_path / "set" / ("good" if number % 2 else "bad") / f"{number:02}.png", number)
    return tmp_path / "set"
