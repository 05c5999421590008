"""The Jobs that feed the screen: one Image, what the network sees, thumbnails."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convnext_studio.core.context import Cancelled, JobContext
from convnext_studio.core.errors import ImageError
from convnext_studio.core.events import ThumbnailMade
from convnext_studio.core.images.preprocess import load_input
from convnext_studio.core.images.show import open_image, show_model_input
from convnext_studio.core.images.thumbnails import make_thumbnails
from convnext_studio.core.requests import MakeThumbnails, OpenImage, ShowModelInput
from convnext_studio.core.values import ImageRef, Preprocessing

CROP = Preprocessing(64, 64, "crop", "bicubic", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), 0.875)


@pytest.fixture
def image(tmp_path: Path) -> ImageRef:
    path = tmp_path / "a.png"
    Image.linear_gradient("L").resize((120, 80)).convert("RGB").save(path)
    return ImageRef(str(path))


def test_an_opened_image_carries_its_facts(image: ImageRef) -> None:
    opened = open_image(OpenImage(image), JobContext())
    assert (opened.width, opened.height, opened.scale, opened.frames, opened.format) == (120, 80, 1.0, 1, "PNG")
    assert opened.file_bytes == Path(image.path).stat().st_size
    assert opened.modified == Path(image.path).stat().st_mtime
    assert opened.notes == ()


def test_an_image_that_is_gone_is_refused_with_a_reason(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="not there"):
        open_image(OpenImage(ImageRef(str(tmp_path / "a.png"))), JobContext())


def test_what_the_network_sees_is_what_it_is_given(image: ImageRef) -> None:
    shown = show_model_input(ShowModelInput(image, CROP), JobContext())
    assert (shown.pixels == load_input(image.path, 0, CROP).input).all()
    assert shown.region[1] > 0
    assert shown.region[3] < 80


def thumbnails(images: list[ImageRef], side: int = 32) -> list[ThumbnailMade]:
    made: list[ThumbnailMade] = []
    assert make_thumbnails(MakeThumbnails(tuple(images), side), JobContext(emit=made.append)) == len(images)  # type: ignore[arg-type]
    return made


def test_thumbnails_come_in_the_order_asked_for_and_name_what_is_broken(tmp_path: Path) -> None:
    images = []
    for number in range(20):
        path = tmp_path / f"{number}.jpg"
        path.write_bytes(b"no picture") if number % 5 == 0 else Image.new("RGB", (200, 100), (number, 0, 0)).save(path)
        images.append(ImageRef(str(path)))
    made = thumbnails(images)
    assert [thumbnail.image for thumbnail in made] == images
    assert [number for number, thumbnail in enumerate(made) if thumbnail.error] == [0, 5, 10, 15]
    assert made[0].error == "This is a text file."
    good = made[1]
    assert good.pixels is not None
    assert good.pixels.shape == (16, 32, 3)
    assert (good.width, good.height) == (200, 100)


def test_a_thumbnail_shows_the_picture_and_not_the_preview_stored_in_it(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.new("RGB", (640, 480), (255, 0, 0)).save(path, exif=Image.Exif(), quality=95)
    (made,) = thumbnails([ImageRef(str(path))], 64)
    assert made.pixels is not None
    assert np.abs(made.pixels.astype(int) - (255, 0, 0)).max() < 10


def test_a_small_picture_is_not_enlarged(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (5, 3)).save(path)
    (made,) = thumbnails([ImageRef(str(path))])
    assert made.pixels is not None
    assert made.pixels.shape == (3, 5, 3)


def test_a_stop_ends_the_thumbnails_and_leaves_no_thread(image: ImageRef) -> None:
    cancel = threading.Event()
    made: list[object] = []

    def emit(event: object) -> None:
        made.append(event)
        cancel.set()

    with pytest.raises(Cancelled):
        make_thumbnails(MakeThumbnails((image,) * 100, 32), JobContext(emit, cancel))
    assert len(made) == 1
