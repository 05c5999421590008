"""Augmentation: chance by (seed, epoch, place) alone, each kind only when allowed, and nothing black in the corners."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from convnext_studio.core.recipe import Recipe
from convnext_studio.core.training.augment import Alteration, Augmentation
from convnext_studio.core.values import Preprocessing

SIDE = 48
PREPROCESSING = Preprocessing(SIDE, SIDE, "squash", "bicubic", (0.5, 0.4, 0.3), (0.2, 0.25, 0.3))
NOTHING = {"is_mirrored": False, "rotation": 0.0, "shift": 0.0, "zoom": 0.0, "light": 0.0}
PICTURE = np.random.default_rng(0).integers(60, 200, (SIDE // 8, SIDE // 8, 3), np.uint8).repeat(8, 0).repeat(8, 1)


def augmentation(**changes: object) -> Augmentation:
    return Augmentation(Recipe(**{**NOTHING, **changes}), PREPROCESSING)  # type: ignore[arg-type]


def altered(**changes: object) -> np.ndarray:
    found = augmentation().altered(PICTURE, Alteration(**changes))  # type: ignore[arg-type]
    return found.permute(1, 2, 0).numpy()


def test_the_same_seed_epoch_and_place_give_the_same_pixels() -> None:
    everything = augmentation(rotation=20.0, light=0.3, colour=0.3, blur=0.5, erasing=0.5, is_mirrored=True)

    first = everything.apply(PICTURE, 1, 2, 3)

    assert torch.equal(first, everything.apply(PICTURE, 1, 2, 3))
    for other in ((2, 2, 3), (1, 3, 3), (1, 2, 4)):
        assert not torch.equal(first, everything.apply(PICTURE, *other))


def test_the_picture_given_stays_as_it_is() -> None:
    before = PICTURE.copy()
    for place in range(20):
        augmentation(rotation=20.0, light=0.5, erasing=1.0, is_upside_down=True).apply(PICTURE, 0, 0, place)
    assert np.array_equal(PICTURE, before)


def test_a_recipe_that_allows_nothing_changes_nothing() -> None:
    for place in range(5):
        assert np.array_equal(augmentation().apply(PICTURE, 0, 1, place).permute(1, 2, 0).numpy(), PICTURE)


@pytest.mark.parametrize(
    ("setting", "fields"),
    [
        ({"is_mirrored": True}, {"is_mirrored"}),
        ({"is_upside_down": True}, {"is_upside_down"}),
        ({"is_quarter_turned": True}, {"quarter_turns"}),
        ({"rotation": 9.0}, {"angle"}),
        ({"shift": 0.2}, {"shift"}),
        ({"zoom": 0.2}, {"zoom"}),
        ({"light": 0.2}, {"brightness", "contrast"}),
        ({"colour": 0.2}, {"saturation", "hue"}),
        ({"blur": 1.0}, {"blur"}),
        ({"erasing": 1.0}, {"box"}),
    ],
)
def test_each_setting_changes_its_own_kind_only(setting: dict[str, object], fields: set[str]) -> None:
    plain = dataclasses.asdict(Alteration())
    seen: set[str] = set()
    for place in range(40):
        drawn = dataclasses.asdict(augmentation(**setting).drawn(0, 0, place))
        seen |= {name for name, value in drawn.items() if value != plain[name]}
    assert seen == fields


def test_switching_one_kind_off_leaves_the_others_as_they_were() -> None:
    both = augmentation(rotation=9.0, light=0.2).drawn(0, 1, 2)
    one = augmentation(light=0.2).drawn(0, 1, 2)

    assert dataclasses.replace(both, angle=0.0) == dataclasses.replace(one, angle=0.0)


def test_flips_and_quarter_turns_are_exact() -> None:
    assert np.array_equal(altered(is_mirrored=True), PICTURE[:, ::-1])
    assert np.array_equal(altered(is_upside_down=True), PICTURE[::-1])
    assert np.array_equal(altered(quarter_turns=1), np.rot90(PICTURE))


def test_an_input_that_is_not_square_is_only_turned_by_half() -> None:
    wide = Augmentation(Recipe(is_quarter_turned=True), dataclasses.replace(PREPROCESSING, width=2 * SIDE))
    assert {wide.drawn(0, 0, place).quarter_turns for place in range(30)} == {0, 2}


def test_a_turn_by_ninety_degrees_is_a_quarter_turn() -> None:
    assert np.array_equal(altered(angle=90.0), altered(quarter_turns=1))


def test_a_shift_moves_the_picture_by_that_share_of_its_sides() -> None:
    moved = altered(shift=(0.25, -0.125))

    assert np.array_equal(moved[: -SIDE // 8, SIDE // 4 :], PICTURE[SIDE // 8 :, : -SIDE // 4])


def test_a_shift_moves_by_the_same_share_when_the_picture_is_also_turned() -> None:
    point = np.zeros((SIDE, 2 * SIDE, 3), np.uint8)
    point[SIDE // 2 - 1 : SIDE // 2 + 1, SIDE - 1 : SIDE + 1] = 255
    found = augmentation().altered(point, Alteration(angle=30.0, shift=(0.25, 0.0)))[0].float()

    rows, columns = torch.nonzero(found == found.max(), as_tuple=True)
    assert abs(float(columns.float().mean()) + 0.5 - 1.5 * SIDE) <= 1
    assert abs(float(rows.float().mean()) + 0.5 - SIDE / 2) <= 1


def test_zoom_enlarges_about_the_middle() -> None:
    point = np.zeros((SIDE, SIDE, 3), np.uint8)
    point[SIDE // 4 : 3 * SIDE // 4, SIDE // 4 : 3 * SIDE // 4] = 255
    large = augmentation().altered(point, Alteration(zoom=1.5))[0]
    assert int((large > 127).sum()) == pytest.approx((SIDE // 2 * 1.5) ** 2, rel=0.05)


@given(st.floats(-180, 180), st.floats(-0.5, 0.5), st.floats(0.6, 1.6))
def test_what_lies_outside_is_mirrored_and_never_black(angle: float, shift: float, zoom: float) -> None:
    found = altered(angle=angle, shift=(shift, shift), zoom=zoom)
    assert found.min() >= PICTURE.min()
    assert found.max() <= PICTURE.max()


def test_brightness_scales_and_contrast_keeps_the_mean() -> None:
    assert altered(brightness=0.5).mean() == pytest.approx(PICTURE.mean() / 2, abs=1)
    soft = altered(contrast=0.5)
    assert soft.std() == pytest.approx(PICTURE.std() / 2, rel=0.05)
    assert soft.mean() == pytest.approx(PICTURE.mean(), abs=4)


def test_colour_changes_leave_grey_pictures_alone() -> None:
    grey = np.repeat(PICTURE[..., :1], 3, axis=2)
    found = augmentation().altered(grey, Alteration(saturation=1.5, hue=0.05)).permute(1, 2, 0).numpy()
    assert np.abs(found.astype(int) - grey).max() <= 1


def test_a_third_of_a_turn_of_hue_swaps_the_channels() -> None:
    assert np.array_equal(altered(hue=1 / 3), PICTURE[..., [2, 0, 1]])


def test_an_erased_patch_has_the_mean_colour_and_a_modest_size() -> None:
    for place in range(20):
        found = augmentation(erasing=1.0).apply(PICTURE, 0, 0, place).permute(1, 2, 0).numpy()
        is_erased = (found == np.array([128, 102, 76], np.uint8)).all(axis=2)
        assert 0.01 <= is_erased.mean() <= 0.15
        assert np.array_equal(found[~is_erased], PICTURE[~is_erased])
