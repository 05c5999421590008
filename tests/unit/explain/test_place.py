"""Maps come back to the Image's own pixels, within one, whatever was done to make the Image fit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from convnext_studio.core.explain.colours import COLOURS, colour_table, oklab, overlaid
from convnext_studio.core.explain.gradient import Target
from convnext_studio.core.explain.maps import RawMap, heatmap
from convnext_studio.core.explain.place import image_map, resampled, share_inside, value_at
from convnext_studio.core.explain.split import Geometry
from convnext_studio.core.explanations import Heatmap
from convnext_studio.core.images.preprocess import load_input
from convnext_studio.core.values import Fit, Preprocessing


def marked(width: int, height: int, x: int, y: int) -> Image.Image:
    """A black picture with one white square around (x, y)."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[y - 8 : y + 8, x - 8 : x + 8] = 255
    return Image.fromarray(pixels)


def brightness_map(path: str, preprocessing: Preprocessing, cell: int) -> Heatmap:
    """A "network" whose cells are the mean brightness of what they cover."""
    prepared = load_input(path, 0, preprocessing)
    grey = torch.from_numpy(prepared.input[..., 0].astype(np.float32))
    values = torch.nn.functional.avg_pool2d(grey[None, None], cell)[0, 0]
    geometry = Geometry().after(cell, cell, 0)
    return heatmap(
        RawMap(Target(0), "stage1", values, geometry, geometry), "gradcam", ("a",), (prepared, preprocessing)
    )


@pytest.mark.parametrize("fit", ["squash", "letterbox", "crop"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("size", [(300, 300), (600, 200), (210, 430)])
def test_the_centre_of_heat_is_that_of_what_caused_it(
    tmp_path: object, fit: Fit, orientation: int, size: tuple[int, int]
) -> None:
    path = f"{tmp_path}/one.png"
    picture = marked(*size, size[0] // 2 + 20, size[1] // 2 - 30)
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture.save(path, exif=exif)
    upright = np.asarray(picture.transpose(_TURN[orientation]) if orientation in _TURN else picture)[..., 0] > 0
    preprocessing = Preprocessing(200, 168, fit, "bilinear", (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    one = brightness_map(path, preprocessing, 4)
    height, width = upright.shape
    values = image_map(one, width, height)

    assert values.shape == upright.shape
    for axis, places in ((0, np.arange(height)), (1, np.arange(width))):
        heat = values.sum(axis=1 - axis)
        cause = upright.sum(axis=1 - axis)
        found, expected = (float((weights * places).sum() / weights.sum()) for weights in (heat, cause))
        assert abs(found - expected) <= 1.0


_TURN = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_270, 8: Image.Transpose.ROTATE_90}
CELLS = Heatmap(
    "a", "", "gradcam", "stage4", np.array([[0, 1], [0.5, 0]], np.float32), (0, 0, 64, 64), (0, 0, 80, 64), 2.0
)


def test_values_meet_the_cells_at_their_centres_and_are_bilinear_between() -> None:
    assert value_at(CELLS, 48, 16) == pytest.approx(1.0)
    assert value_at(CELLS, 16, 48) == pytest.approx(0.5)
    assert value_at(CELLS, 32, 16) == pytest.approx(0.5)


def test_values_go_on_to_the_edge_of_what_was_seen_and_end_there() -> None:
    assert value_at(CELLS, 79, 1) == pytest.approx(1.0)
    assert value_at(CELLS, 81, 1) == 0.0


def test_any_window_at_any_zoom_shows_the_same_values() -> None:
    whole = resampled(CELLS, (0, 0, 64, 64), 640, 640)
    part = resampled(CELLS, (32, 0, 64, 32), 320, 320)
    assert np.allclose(whole[:320, 320:], part, atol=1e-6)


def test_a_share_of_the_heat_lies_in_a_box() -> None:
    assert share_inside(CELLS, (0, 0, 64, 64), 64, 64) == pytest.approx(1.0)
    assert share_inside(CELLS, (32, 0, 64, 32), 64, 64) > 0.4
    assert share_inside(CELLS, (70, 70, 90, 90), 64, 64) == 0.0


@pytest.mark.parametrize("name", COLOURS)
def test_colours_get_lighter_in_even_steps(name: str) -> None:
    lab = oklab(colour_table(name).astype(np.float64))
    steps = np.linalg.norm(np.diff(lab[::16], axis=0), axis=1)
    assert (np.diff(lab[::16, 0]) > 0).all()
    assert steps.max() / steps.min() < 1.35


def test_an_overlay_leaves_cold_areas_untouched() -> None:
    pixels = np.full((2, 2, 3), 77, np.uint8)
    painted = overlaid(pixels, np.array([[0, 0], [0, 1]], np.float32), "inferno", 0.6)
    assert (painted[0] == 77).all()
    assert (painted[1, 1] != 77).any()
