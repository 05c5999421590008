"""The hottest point lies in the patch that decides, in the Image's own pixels, whatever made the Image fit.

A map knows places by cells: a patch that covers whole cells, wherever it lies, is two cells a side or more, and of a
smaller one the hottest point may be half a cell beside it. So patches are measured in cells of the layer, not in shares
of the Image: letterbox makes a long Image small, and with it what a cell covers of it large. A patch that the crop cuts
off was never seen; here it lies where the network looks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convnext_studio.core.explain.lens import Lens
from convnext_studio.core.explain.maps import Question, answer, heatmap
from convnext_studio.core.explain.place import image_map
from convnext_studio.core.explanations import Region
from convnext_studio.core.images.preprocess import load_input, region
from convnext_studio.core.values import Fit, Preprocessing
from tests.unit.explain.planted import CLASSES, COLOURS, PREPROCESSING, Planted

IMAGES = 23  # nine times: 207 in all
CELL = 16  # input pixels a side, at stage 3
PATCH = 2.5 * CELL
_STORED = {6: Image.Transpose.ROTATE_90, 1: None}  # how a picture lies in a file with that EXIF orientation


@dataclass(frozen=True)
class Case:
    """How an Image is: its upright size, its EXIF orientation, and what makes it fit."""

    fit: Fit
    size: tuple[int, int]
    orientation: int

    @property
    def preprocessing(self) -> Preprocessing:
        return replace(PREPROCESSING, fit=self.fit)

    @property
    def scale(self) -> tuple[float, float]:
        """Image pixels in one input pixel, across and down."""
        left, top, right, bottom = region(self.preprocessing, *self.size)
        return (right - left) / PREPROCESSING.width, (bottom - top) / PREPROCESSING.height

    def save(self, path: Path, rng: np.random.Generator, label: int) -> Region:
        """Write a grey picture with a patch of the class's colour where the network looks; returns its box."""
        (width, height), (across, down) = self.size, self.scale
        left, top, right, bottom = region(self.preprocessing, width, height)
        columns, rows = min(width, round(PATCH * across)), min(height, round(PATCH * down))
        x = int(rng.integers(max(0, left), min(width, right) - columns + 1))
        y = int(rng.integers(max(0, top), min(height, bottom) - rows + 1))
        pixels = np.clip(rng.normal(170, 4, (height, width, 1)) + rng.normal(0, 3, 3), 0, 255).astype(np.uint8)
        pixels[y : y + rows, x : x + columns] = COLOURS[label]
        turn, exif = _STORED[self.orientation], Image.Exif()
        exif[0x0112] = self.orientation
        picture = Image.fromarray(pixels)
        (picture if turn is None else picture.transpose(turn)).save(path, exif=exif)
        return x, y, x + columns, y + rows


CASES = [
    Case(fit, *how)
    for fit in ("squash", "letterbox", "crop")
    for how in (((160, 160), 1), ((480, 160), 1), ((160, 480), 6))
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.fit}-{case.size[0]}x{case.size[1]}")
def test_the_hottest_point_of_a_file_lies_in_the_patch_and_never_half_a_cell_beside_it(
    planted: Planted, case: Case, tmp_path: Path
) -> None:
    lens, rng, inside, near = Lens(planted.model.network, case.preprocessing), np.random.default_rng(2), 0, 0
    path = tmp_path / "one.png"
    for number in range(IMAGES):
        label = number % len(COLOURS)
        left, top, right, bottom = case.save(path, rng, label)
        prepared = load_input(str(path), 0, case.preprocessing)
        question = Question(classes=(CLASSES[label],))
        found = answer(lens, lens.input(prepared.input[None]), CLASSES, question, lambda: None)
        one = heatmap(found.maps[0], question.method, CLASSES, (prepared, case.preprocessing))
        values = image_map(one, *case.size)
        assert values.shape == (case.size[1], case.size[0])
        y, x = np.unravel_index(int(values.argmax()), values.shape)
        across, down = (CELL / 2 * scale for scale in case.scale)
        inside += bool(left <= x < right and top <= y < bottom)
        near += bool(left - across <= x < right + across and top - down <= y < bottom + down)
    assert near == IMAGES
    assert inside >= 0.95 * IMAGES
