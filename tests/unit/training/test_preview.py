"""The preview shows what a Run's network would get."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convnext_studio.core.context import JobContext
from convnext_studio.core.errors import UsageError
from convnext_studio.core.images.preprocess import load_input
from convnext_studio.core.models.network import load
from convnext_studio.core.recipe import from_preset
from convnext_studio.core.requests import PreviewAugmentation
from convnext_studio.core.training.network import start_network
from convnext_studio.core.training.preview import preprocessing_in, preview_augmentation
from convnext_studio.core.values import ImageRef

STILL = {"is_mirrored": False, "rotation": 0.0, "shift": 0.0, "zoom": 0.0, "light": 0.0}


@pytest.fixture
def picture(tmp_path: Path) -> ImageRef:
    path = tmp_path / "picture.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)).save(path)
    return ImageRef(str(path))


def test_each_image_comes_as_often_as_asked_and_each_time_different(picture: ImageRef) -> None:
    request = PreviewAugmentation(from_preset("balanced", input_size=64), (picture, picture), count=3)
    found = preview_augmentation(request, JobContext())

    assert len(found) == 6
    assert all(one.image == picture and one.pixels.shape == (64, 64, 3) for one in found)
    assert len({one.pixels.tobytes() for one in found}) == 6
    again = preview_augmentation(PreviewAugmentation(request.recipe, request.images, 3, roll=1), JobContext())
    assert again[0].pixels.tobytes() != found[0].pixels.tobytes()


def test_with_nothing_allowed_it_shows_the_models_own_input(picture: ImageRef) -> None:
    recipe = from_preset("balanced", **STILL)
    (found,) = preview_augmentation(PreviewAugmentation(recipe, (picture,), count=1), JobContext())

    assert np.array_equal(found.pixels, load_input(picture.path, 0, load(recipe.model_ref).preprocessing).input)


@pytest.mark.parametrize("model", ["sample", "test_convnext"])
def test_images_go_in_as_they_do_in_a_run(model: str) -> None:
    recipe = from_preset("balanced", model=model, weights="random", fit="letterbox", input_size=96)
    assert preprocessing_in(recipe) == start_network(recipe, ("a", "b")).card.preprocessing


def test_an_unknown_model_is_named(picture: ImageRef) -> None:
    with pytest.raises(UsageError, match="no_such_net"):
        preview_augmentation(
            PreviewAugmentation(from_preset("balanced", model="no_such_net"), (picture,)), JobContext()
        )
