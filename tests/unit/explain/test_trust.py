"""The badge is right where the truth is known: one patch decides, or nothing was learned."""

from __future__ import annotations

import copy
import itertools
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from convnext_studio.core.explain.chance import examine
from convnext_studio.core.explain.gradient import Target
from convnext_studio.core.explain.judge import other_way
from convnext_studio.core.explain.lens import Lens
from convnext_studio.core.explain.maps import Question, answer, heatmap
from convnext_studio.core.explain.place import image_map
from convnext_studio.core.explain.trust import (
    Scene,
    Witness,
    _sentence,
    agreement,
    correlation,
    hot_areas,
    log_odds,
    measure,
    scene_of,
)
from convnext_studio.core.explanations import Heatmap, Trust
from convnext_studio.core.images.preprocess import PreparedImage, prepare
from convnext_studio.core.values import Preprocessing
from tests.unit.explain.planted import CLASSES, PREPROCESSING, Planted, planted_picture

IMAGES = 20
PATCHES = 3  # the classes that have one


def look(lens: Lens, prepared: PreparedImage, question: Question, preprocessing: Preprocessing) -> Heatmap:
    found = answer(lens, lens.input(prepared.input[None]), CLASSES, question, lambda: None)
    return heatmap(found.maps[0], question.method, CLASSES, (prepared, preprocessing))


def judged(lens: Lens, prepared: PreparedImage, layer: str = "") -> Trust:
    one = look(lens, prepared, Question(layers=(layer,) if layer else ()), PREPROCESSING)
    method, place = other_way(lens.split, one)
    other = look(lens, prepared, Question(method, (place,), (one.class_name,)), PREPROCESSING)

    def run(batch: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return lens.forward(lens.input(batch)).numpy()

    index = CLASSES.index(one.class_name)
    doubt = partial(examine, lens, Target(index), 16)
    witness = Witness(run, 32, log_odds(index, None), doubt, one.class_name)
    return measure(scene_of(prepared, PREPROCESSING), one, (other, place), witness, lambda: None)


def pictures(count: int) -> list[PreparedImage]:
    rng = np.random.default_rng(5)
    size = (PREPROCESSING.width, PREPROCESSING.height)
    return [PreparedImage(planted_picture(rng, number % PATCHES)[0], "", *size) for number in range(count)]


def test_maps_of_a_model_that_one_patch_decides_are_accepted(planted: Planted) -> None:
    assert planted.accuracy >= 0.98
    lens = Lens(planted.model.network, PREPROCESSING)
    verdicts = [judged(lens, one).verdict for one in pictures(IMAGES)]
    assert verdicts.count("faithful") >= 0.9 * IMAGES


def test_maps_of_a_randomised_head_are_rejected(planted: Planted) -> None:
    network = copy.deepcopy(planted.model.network)
    torch.manual_seed(1)
    nn.init.trunc_normal_(network.get_parameter("head.fc.weight"), std=0.02)
    nn.init.zeros_(network.get_parameter("head.fc.bias"))
    lens = Lens(network, PREPROCESSING)
    verdicts = [judged(lens, one).verdict for one in pictures(IMAGES)]
    assert verdicts.count("not faithful") >= 0.95 * IMAGES


def test_the_sentence_says_what_hiding_does(planted: Planted) -> None:
    trust = judged(Lens(planted.model.network, PREPROCESSING), pictures(1)[0])
    assert trust.sentence.startswith("Hiding the hot area drops “red” from")
    assert trust.hidden < trust.hidden_random <= 1
    assert 0 < trust.area < 0.35


def test_the_sentence_does_not_call_a_change_what_rounds_to_none() -> None:
    witness = Witness(lambda batch: batch, 1, log_odds(0, None), lambda batch, check: (batch, 1.0), "stain")
    assert _sentence(witness, 0.1, 0.9712, 0.9704, 0.97).startswith("Hiding the hot area leaves “stain” at 0.97;")


def test_the_hot_area_grows_by_what_is_hottest_next_and_never_by_what_speaks_for_nothing() -> None:
    seen = (slice(0, 100), slice(0, 100))
    falling = np.linspace(1, 0.001, 10_000, dtype=np.float32).reshape(100, 100)
    areas = hot_areas(falling**4, seen)
    assert [round(float(area.mean()), 2) for area in areas] == [0.16, 0.2, 0.3]
    assert all((small <= large).all() for small, large in itertools.pairwise(areas))
    spot = np.zeros((100, 100), np.float32)
    spot[:20, :20] = 1
    assert [float(area.mean()) for area in hot_areas(spot, seen)] == [0.04]
    assert [int(area.sum()) for area in hot_areas(np.zeros((100, 100), np.float32), seen)] == [0]


def test_where_a_corner_of_the_patch_is_enough_the_area_grows_until_the_answer_changes() -> None:
    """The class is named while at least a third of the patch can be seen; the map is hottest in one corner of it."""
    pixels = np.full((100, 100, 3), 100, np.uint8)
    pixels[20:50, 20:50] = (250, 0, 0)
    rows, columns = np.mgrid[0:100, 0:100]
    heat = np.exp(-np.hypot(rows - 24, columns - 24) / 14).astype(np.float32)

    def run(batch: np.ndarray) -> np.ndarray:
        red = (batch[..., 0].astype(int) - batch[..., 1] > 200).mean(axis=(1, 2))
        return np.stack([np.where(red > 0.03, 4.0, -4.0), np.zeros(len(batch))], axis=1).astype(np.float32)

    def examine(batch: np.ndarray, check: object) -> tuple[np.ndarray, float]:
        return run(batch), 0.0

    whole = (0.0, 0.0, 100.0, 100.0)
    one = Heatmap("red", "", "gradcam", "stage 3", heat, whole, whole, 1.0)
    witness = Witness(run, 8, log_odds(0, None), examine, "red")
    scene = Scene(pixels, (slice(0, 100), slice(0, 100)), (0, 0, 100, 100))
    assert run(np.where(hot_areas(heat, scene.seen)[0][..., None], 100, pixels)[None].astype(np.uint8))[0, 0] == 4.0
    trust = measure(scene, one, (one, "LayerCAM, stage 1"), witness, lambda: None)
    assert (trust.verdict, round(trust.hidden, 2)) == ("faithful", 0.02)
    assert 0.06 < trust.area < 0.25


@pytest.mark.parametrize("size", [(160, 160), (480, 160), (160, 400)])
def test_the_hottest_point_lies_in_the_patch_in_image_pixels(planted: Planted, size: tuple[int, int]) -> None:
    lens, rng, hits, count = Lens(planted.model.network, PREPROCESSING), np.random.default_rng(2), 0, 30
    for number in range(count):
        pixels, (left, top, right, bottom) = planted_picture(rng, number % PATCHES, size, 0.35)
        prepared = PreparedImage(prepare(pixels, PREPROCESSING), "", *size)
        question = Question(classes=(CLASSES[number % PATCHES],))
        values = image_map(look(lens, prepared, question, PREPROCESSING), *size)
        assert values.shape == (size[1], size[0])
        y, x = np.unravel_index(int(values.argmax()), values.shape)
        hits += bool(left <= x < right and top <= y < bottom)
    assert hits >= 0.95 * count


def test_maps_that_mark_the_same_spot_agree_whatever_their_cold_places_do() -> None:
    rng, hot = np.random.default_rng(0), np.zeros((140, 140), bool)
    hot[40:70, 40:70] = True
    noise = rng.random((14, 14)).repeat(10, 0).repeat(10, 1).astype(np.float32)
    assert agreement(np.where(hot, 9, noise).astype(np.float32), hot) > 0.9
    assert abs(agreement(noise, hot)) < 0.35
    assert agreement(np.where(hot, 0, 1 + noise).astype(np.float32), hot) < -0.9
    assert agreement(noise, np.zeros_like(hot)) == agreement(noise, np.ones_like(hot)) == 0.0


def test_rank_correlation_knows_alike_from_opposite() -> None:
    values = np.random.default_rng(0).random((14, 14)).astype(np.float32)
    assert correlation(values, values**3) == pytest.approx(1.0)
    assert correlation(values, -values) == pytest.approx(-1.0)
    assert correlation(values, np.zeros_like(values)) == 0.0


def test_log_odds_do_not_overflow_and_know_a_rival() -> None:
    logits = np.array([[1000.0, 0.0, -1000.0]], np.float32)
    assert log_odds(0, None)(logits)[0] == pytest.approx(1000.0)
    assert log_odds(1, 2)(logits)[0] == pytest.approx(1000.0)
