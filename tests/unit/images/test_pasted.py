"""What is pasted becomes a file of its own, and old ones go."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convnext_studio.core.context import JobContext
from convnext_studio.core.errors import StorageError
from convnext_studio.core.images.pasted import KEPT, keep_pasted
from convnext_studio.core.requests import KeepPasted


def kept(folder: Path, *, value: int = 7, has_alpha: bool = False) -> Path:
    pixels = np.full((3, 5, 4), value, np.uint8)
    pixels[..., 2] = 200
    return Path(keep_pasted(KeepPasted(pixels.tobytes(), 5, 3, has_alpha, str(folder)), JobContext()))


@pytest.mark.parametrize(("has_alpha", "pixel"), [(False, (200, 7, 7)), (True, (200, 7, 7, 7))])
def test_every_pixel_is_kept(tmp_path: Path, has_alpha: bool, pixel: tuple[int, ...]) -> None:
    with Image.open(kept(tmp_path / "new", has_alpha=has_alpha)) as image:
        assert (image.size, image.getpixel((4, 2))) == ((5, 3), pixel)


def test_two_of_one_second_are_two_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "strftime", lambda _form: "2026-01-31 12.00.00")
    first, second = kept(tmp_path, value=1), kept(tmp_path, value=2)
    with Image.open(first) as image, Image.open(second) as other:
        assert (image.getpixel((0, 0)), other.getpixel((0, 0))) == ((200, 1, 1), (200, 2, 2))


def test_old_ones_go_and_other_files_stay(tmp_path: Path) -> None:
    (tmp_path / "mine.png").touch()
    newest = [kept(tmp_path) for _ in range(KEPT + 3)][-1]
    assert len(list(tmp_path.glob("pasted *.png"))) == KEPT
    assert newest.exists() and (tmp_path / "mine.png").exists()


def test_a_folder_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="could not be written"):
        kept(tmp_path / "file")
