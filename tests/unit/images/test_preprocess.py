"""Preprocessing: equal to timm's own, mapped back within a pixel, one door for all."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from timm.data.transforms_factory import create_transform

from convnext_studio.core.images import preprocess
from convnext_studio.core.values import Fit, Preprocessing

CROP = Preprocessing(64, 64, "crop", "bicubic", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), 0.875)
SIZES = [(100, 140), (140, 100), (64, 64), (73, 73), (74, 75), (40, 30), (30, 400), (500, 31), (333, 257)]


def picture(width: int, height: int) -> Image.Image:
    """Something like a photo: smooth, with edges."""
    small = Image.frombytes("RGB", (17, 13), random.Random(width * height).randbytes(17 * 13 * 3))
    result = small.resize((width, height), Image.Resampling.BICUBIC)
    result.paste((0, 0, 0), (width // 3, height // 3, width // 2, height // 2))
    return result


def timms(image: Image.Image, preprocessing: Preprocessing) -> np.ndarray:
    mode = "squash" if preprocessing.fit == "squash" else "center"
    transform = create_transform(
        (3, preprocessing.height, preprocessing.width),
        interpolation=preprocessing.interpolation,
        mean=preprocessing.mean,
        std=preprocessing.std,
        crop_pct=preprocessing.crop_pct,
        crop_mode=mode,
        normalize=False,
    )
    return np.asarray(transform(image).permute(1, 2, 0))


@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear", "lanczos", "nearest"])
def test_crop_is_timms_bit_by_bit(interpolation: str) -> None:
    for size, crop_pct in itertools.product(SIZES, (0.875, 0.95, 1.0)):
        image = picture(*size)
        preprocessing = replace(CROP, interpolation=interpolation, crop_pct=crop_pct)
        same = preprocess.prepare(np.asarray(image), preprocessing) == timms(image, preprocessing)
        assert same.all(), (size, crop_pct)


@pytest.mark.parametrize("size", [(400, 533), (533, 400), (640, 480), (300, 2000), (1999, 301), (1000, 1001)])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear", "lanczos"])
def test_crop_of_a_photo_is_timms_bit_by_bit(size: tuple[int, int], interpolation: str) -> None:
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))
    preprocessing = replace(CROP, interpolation=interpolation, height=224, width=224)
    assert (preprocess.prepare(np.asarray(image), preprocessing) == timms(image, preprocessing)).all()


def test_the_middle_of_an_enormous_resized_picture_is_computed_alone() -> None:
    image = picture(100, 20_000)
    mine = preprocess.prepare(np.asarray(image), replace(CROP, height=330, width=330))
    difference = np.abs(mine.astype(int) - timms(image, replace(CROP, height=330, width=330)))
    assert difference.max() <= 1
    assert (difference > 0).mean() <= 1e-3


@pytest.mark.parametrize("size", SIZES)
def test_squash_is_timms_bit_by_bit(size: tuple[int, int]) -> None:
    preprocessing = replace(CROP, fit="squash", crop_pct=1.0)
    mine = preprocess.prepare(np.asarray(picture(*size)), preprocessing)
    assert (mine == timms(picture(*size), preprocessing)).all()


def test_crop_for_an_input_that_is_not_square_is_timms(tmp_path: Path) -> None:
    preprocessing = replace(CROP, height=48, width=80)
    difference = np.abs(
        preprocess.prepare(np.asarray(picture(200, 150)), preprocessing).astype(int)
        - timms(picture(200, 150), preprocessing)
    )
    assert difference.max() <= 1


def test_to_float_is_torchvisions_normalisation() -> None:
    batch = np.asarray(picture(64, 64))[None]
    transform = create_transform((3, 64, 64), mean=CROP.mean, std=CROP.std, crop_pct=1.0)
    wanted = transform(picture(64, 64))
    assert torch.allclose(torch.from_numpy(preprocess.to_float(batch, CROP))[0], wanted, atol=1e-6)


def test_letterbox_keeps_all_of_the_image_and_pads_with_the_mean() -> None:
    preprocessing = replace(CROP, fit="letterbox")
    white = np.full((50, 100, 3), 255, np.uint8)
    result = preprocess.prepare(white, preprocessing)
    assert (result[16:48] == 255).all()
    assert (result[:16] == (124, 116, 104)).all()
    assert (result[48:] == (124, 116, 104)).all()


@pytest.mark.parametrize("fit", ["squash", "letterbox", "crop"])
@pytest.mark.parametrize("size", [(1, 1), (1, 10_000), (20_000, 2), (333, 7), (3, 64)])
def test_extreme_shapes_are_prepared_in_little_memory(fit: Fit, size: tuple[int, int]) -> None:
    result = preprocess.prepare(np.full((size[1], size[0], 3), 9, np.uint8), replace(CROP, fit=fit))
    assert result.shape == (64, 64, 3)
    assert (result == 9).all(axis=-1).any()


@pytest.mark.parametrize("fit", ["squash", "letterbox", "crop"])
@pytest.mark.parametrize("size", [(300, 200), (200, 300), (257, 258)])
def test_a_mark_in_the_image_is_found_where_the_mapping_says(fit: Fit, size: tuple[int, int]) -> None:
    preprocessing = replace(CROP, fit=fit)
    width, height = size
    pixels = np.zeros((height, width, 3), np.uint8)
    x, y = width * 0.55, height * 0.4
    pixels[int(y) - 6 : int(y) + 6, int(x) - 6 : int(x) + 6] = 255
    mass = preprocess.prepare(pixels, replace(preprocessing, mean=(0, 0, 0)))[..., 0].astype(float)
    rows, columns = np.mgrid[0:64, 0:64] + 0.5
    centre = np.array([[(columns * mass).sum() / mass.sum(), (rows * mass).sum() / mass.sum()]])
    wanted = np.array([[int(x), int(y)]], float)
    assert np.abs(preprocess.to_image(centre, preprocessing, width, height) - wanted).max() <= 1
    there = preprocess.to_input(wanted, preprocessing, width, height)
    assert np.abs(there - centre).max() <= 1


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 3000), st.integers(1, 3000), st.sampled_from(["squash", "letterbox", "crop"]))
def test_mapping_there_and_back_is_the_identity(width: int, height: int, fit: Fit) -> None:
    preprocessing = replace(CROP, fit=fit, height=48)
    points = np.array([[0.0, 0.0], [width / 2, height / 3], [width, height]])
    there = preprocess.to_input(points, preprocessing, width, height)
    assert np.allclose(preprocess.to_image(there, preprocessing, width, height), points, atol=1e-6 * max(width, height))


def test_letterbox_covers_the_whole_image_and_crop_stays_inside() -> None:
    left, top, right, bottom = preprocess.region(replace(CROP, fit="letterbox"), 200, 100)
    assert (left, right) == (0, 200)
    assert top < 0 < 100 < bottom
    left, top, right, bottom = preprocess.region(CROP, 200, 100)
    assert left > 0
    assert top > 0
    assert right < 200
    assert bottom < 100


def test_load_input_is_what_decoding_and_preparing_give(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    picture(300, 200).save(path)
    loaded = preprocess.load_input(str(path), 0, CROP)
    assert (loaded.input == preprocess.prepare(np.asarray(picture(300, 200)), CROP)).all()
    assert (loaded.width, loaded.height, loaded.note) == (300, 200, "")
    assert loaded.input.flags.writeable


def test_a_reduced_jpeg_gives_nearly_the_same_input(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    picture(3200, 2400).save(path, quality=95)
    loaded = preprocess.load_input(str(path), 0, CROP)
    with Image.open(path) as whole:
        plain = preprocess.prepare(np.asarray(whole.convert("RGB")), CROP)
    assert np.abs(loaded.input.astype(int) - plain).mean() < 1.5


def test_a_jpeg_of_less_than_32_times_the_input_is_prepared_to_the_last_bit(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    grain = np.random.default_rng(0).integers(-20, 20, (1800, 1900, 1))
    Image.fromarray((np.asarray(picture(1900, 1800)) + grain).clip(0, 255).astype(np.uint8)).save(path, quality=90)
    loaded = preprocess.load_input(str(path), 0, CROP)
    with Image.open(path) as whole:
        plain = preprocess.prepare(np.asarray(whole.convert("RGB")), CROP)
    assert (loaded.input == plain).all()
