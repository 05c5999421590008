"""Finding Images of one thing: other exposures and shifts are found, parts of one product are not mixed up."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convnext_studio.core.context import Cancelled, JobContext
from convnext_studio.core.data.alike import clusters, find_alike
from convnext_studio.core.data.look import look_at
from convnext_studio.core.data.read import read_data_set
from tests.unit.data.conftest import part, photograph

REAL = Path(os.environ.get("CONVNEXT_STUDIO_DATA", Path(__file__).parents[4] / "shared" / "data"))


def small(pixels: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).convert("L").resize((64, 64), Image.Resampling.BOX))


def found(pictures: list[np.ndarray]) -> list[int]:
    stack = np.stack(pictures)
    return clusters(len(stack), find_alike(stack, JobContext()))


def test_six_exposures_of_each_tile_come_together_and_no_two_tiles_do() -> None:
    pictures = [small(photograph(part(tile), shot)) for tile in range(25) for shot in range(6)]
    together = found(pictures)
    assert [len(set(together[at : at + 6])) for at in range(0, 150, 6)] == [1] * 25
    assert len(set(together)) == 25


def test_parts_of_one_product_that_look_alike_stay_apart() -> None:
    rows, columns = np.mgrid[0:96, 0:96]
    product = 0.5 + 0.3 * (rows % 24 < 3) - 0.3 * (np.hypot(rows - 48, columns - 48) < 20)
    pictures = [small(photograph(0.85 * product + 0.15 * part(number), number)) for number in range(60)]
    assert max(Counter(found(pictures)).values()) <= 3


def test_empty_pictures_are_alike_to_nothing_and_none_or_one_is_no_trouble() -> None:
    blank = [np.full((64, 64), level, np.uint8) for level in (0, 90, 255)]
    assert found([*blank, small(photograph(part(1), 0))]) == [0, 1, 2, 3]
    assert find_alike(np.zeros((0, 64, 64), np.uint8), JobContext()).pairs.shape == (0, 2)
    assert found(blank[:1]) == [0]


def test_a_stop_is_heeded() -> None:
    ctx = JobContext()
    ctx.cancel.set()
    with pytest.raises(Cancelled):
        find_alike(np.zeros((4, 64, 64), np.uint8), ctx)


@pytest.mark.parametrize(
    ("name", "largest"), [("deeppcb_crops_dev", 20), ("bsd_pitting_crops_dev", 8), ("pv_el_cracks_dev", 20)]
)
def test_real_parts_do_not_all_become_one(name: str, largest: int) -> None:
    if not (REAL / name).is_dir():
        pytest.skip("the real pictures are not here")
    listing = read_data_set(str(REAL / name), JobContext())
    seen = look_at([image.path for image in listing.images][:: len(listing.images) // 300], JobContext())
    together = Counter(found([one.small for one in seen.values() if one.small is not None]))
    assert max(together.values()) <= 20
    assert max(together.values()) > 1
