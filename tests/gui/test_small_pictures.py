"""Thumbnails of a handful of named Images."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from convnext_studio.core.context import JobContext
from convnext_studio.core.events import ThumbnailMade
from convnext_studio.core.requests import MakeThumbnails
from convnext_studio.core.values import ImageRef
from convnext_studio.gui.stores import small_pictures
from convnext_studio.gui.stores.small_pictures import SmallPictures

SIDE = 16
IMAGES = [ImageRef(f"/parts/{number}.png") for number in range(8)]


@pytest.fixture
def asked(lanes: dict[str, Any]) -> list[ImageRef]:
    asked: list[ImageRef] = []

    def make(request: MakeThumbnails, ctx: JobContext) -> int:
        asked.extend(request.images)
        for image in request.images:
            ctx.emit(ThumbnailMade(image, np.zeros((SIDE, SIDE, 3), np.uint8)))
        return len(request.images)

    lanes["thumbnails"].served_by[MakeThumbnails] = make
    return asked


@pytest.fixture
def pictures(lanes: dict[str, Any], qapp: Any, monkeypatch: pytest.MonkeyPatch) -> SmallPictures:
    monkeypatch.setattr(small_pictures, "LIMIT_BYTES", 3 * 4 * SIDE * SIDE)
    return SmallPictures(lanes, "some", SIDE, qapp)


def test_those_wanted_longest_ago_make_room_and_are_made_again_when_wanted(
    pictures: SmallPictures, asked: list[ImageRef], qtbot: Any
) -> None:
    for first in range(0, 6, 2):
        wanted = IMAGES[first : first + 2]
        pictures.want(wanted)
        qtbot.waitUntil(lambda wanted=wanted: all(pictures.pixmap(image) for image in wanted))
    kept = [image for image in IMAGES if pictures.pixmap(image)]
    assert kept == IMAGES[3:6]

    pictures.want(IMAGES[:1])
    qtbot.waitUntil(lambda: pictures.pixmap(IMAGES[0]) is not None)
    assert asked.count(IMAGES[0]) == 2


def test_a_view_larger_than_the_bound_is_made_once_and_kept_whole(
    pictures: SmallPictures, asked: list[ImageRef], qtbot: Any
) -> None:
    pictures.want(IMAGES)
    qtbot.waitUntil(lambda: all(pictures.pixmap(image) for image in IMAGES))
    pictures.want(IMAGES)
    assert asked == IMAGES
