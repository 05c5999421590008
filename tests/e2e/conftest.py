"""Folders of small generated pictures, some of them broken."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtWidgets import QApplication

from convnext_studio.gui.stores.places import usual_places

GOOD, BROKEN = 990, 10


@pytest.fixture(scope="session")
def thousand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A nested folder of 990 pictures and 10 that cannot be read, each in its own way."""
    root = tmp_path_factory.mktemp("thousand") / "line 3 – Übung"
    chance = random.Random(0)
    for number in range(GOOD):
        folder = root / f"day {number % 7}" / f"part {number % 5}" if number % 3 else root
        folder.mkdir(parents=True, exist_ok=True)
        ground = tuple(chance.randrange(256) for _ in range(3))
        picture = Image.new("RGB", (48, 40), ground)
        picture.paste((255 - ground[0], ground[1], ground[2]), (8, 8, 8 + chance.randrange(1, 32), 24))
        picture.save(folder / f"img{number}.{'png' if number % 2 else 'jpg'}")
    _break(root)
    return root


def _break(root: Path) -> None:
    """Put the ten broken ones among the others."""
    whole_png = next(root.rglob("*.png")).read_bytes()
    whole_jpeg = next(root.rglob("*.jpg")).read_bytes()
    broken = {
        "empty.png": b"",
        "one byte.jpg": b"\xff",
        "a text.png": b"This is no picture.\n",
        "a page.jpg": b"<!DOCTYPE html><html><body>Not found</body></html>",
        "half.png": whole_png[: len(whole_png) // 2],
        "half.jpg": whole_jpeg[: len(whole_jpeg) // 2],
        "no data.png": whole_png[:33],
        "wrong checksum.png": whole_png[:60] + bytes([whole_png[60] ^ 0xFF]) + whole_png[61:],
        "zeros.bmp": b"BM" + bytes(60),
        "archive.tif": b"PK\x03\x04" + bytes(40),
    }
    assert len(broken) == BROKEN
    for name, content in broken.items():
        (root / "day 1" / name).write_bytes(content)


@pytest.fixture
def quick_settings(own_home: Path) -> Path:
    """Settings that leave little to measure, where what is measured is not the point of the test."""
    path = usual_places().settings
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"format": 1, "settings": {"device": "cpu", "precision": "fp32", "engine": "torch"}}))
    return path


@pytest.fixture(autouse=True)
def no_word_of_the_offscreen_plugin() -> Iterator[None]:
    """The screen of the tests says of itself what it cannot do; the program can do nothing about it."""

    def is_about_us(record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith("This plugin does not support")

    logger = logging.getLogger("qt")
    logger.addFilter(is_about_us)
    yield
    logger.removeFilter(is_about_us)


@pytest.fixture(autouse=True)
def application(qapp: QApplication) -> Iterator[QApplication]:
    """The application object that the program finds when it starts inside the test."""
    yield qapp
