"""Damaged files by the hundred: each opens or is refused with one sentence, quickly and in little memory."""

from __future__ import annotations

import csv
import io
import os
import random
import resource
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from convnext_studio.core.errors import ImageError
from convnext_studio.core.images.open import open_pixels
from tests.unit.images.test_open import noise, quadrants

ROOT = Path(__file__).parents[3]
ODD = Path(os.environ.get("CONVNEXT_STUDIO_DATA", ROOT.parent / "shared" / "data")) / "odd_images_dev"
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "TGA", "PCX", "SGI", "JPEG2000", "ICO", "AVIF")
MUTANTS = int(os.environ.get("CONVNEXT_STUDIO_MUTANTS", "12"))
MOST_SECONDS = 5.0
MOST_KIB = 400 * 1024


def judged(path: Path) -> str:
    """Open `path`; return why it was refused, "" if it opened. Anything but `ImageError` is a failure."""
    started = time.perf_counter()
    try:
        found = open_pixels(str(path))
    except ImageError as error:
        assert error.message.endswith("."), error.message
        assert len(error.message) < 250, error.message
        reason = error.message
    else:
        assert found.pixels.shape[2] == 3
        assert found.pixels.size
        reason = ""
    assert time.perf_counter() - started < MOST_SECONDS
    return reason


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Flip, cut, repeat, swap or overwrite with extreme numbers."""
    result = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(min(len(result), 400) if chance.random() < 0.6 else len(result))
        kind = chance.randrange(5)
        if kind == 0:
            result[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            result[at : at + 4] = chance.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\0\0\1\0"))
        elif kind == 2:
            del result[at : at + chance.randint(1, 40)]
        elif kind == 3:
            result[at:at] = result[at : at + chance.randint(1, 40)]
        else:
            del result[max(20, at) :]
        if not result:
            break
    return bytes(result)


@pytest.mark.parametrize("kind", FORMATS)
def test_mutants_of_every_format_open_or_are_refused(
    tmp_path: Path, kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(kind)
    for picture in (quadrants(), noise(64, 48)):
        buffer = io.BytesIO()
        picture.save(buffer, kind, **({"compression": "tiff_lzw"} if kind == "TIFF" else {}))
        for number in range(MUTANTS):
            path = tmp_path / f"{number}.{'tga' if kind == 'TGA' else 'dat'}"
            path.write_bytes(mutated(buffer.getvalue(), chance))
            judged(path)


@pytest.mark.skipif(not ODD.is_dir(), reason="the odd images are not on this machine")
def test_every_odd_file_opens_or_is_refused_with_one_sentence(capfd: pytest.CaptureFixture[str]) -> None:
    with (ODD / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused = {row["file"]: judged(ODD / row["file"]) for row in rows}
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MOST_KIB
    sound = {row["file"] for row in rows if row["open"] == row["load"] == row["rgb"] == "ok" and row["format"] != "QOI"}
    wrongly = {name: reason for name, reason in refused.items() if reason and name in sound}
    # 32-bit integers, floats beyond 0..1, wrong checksums: what Pillow opens and we must not trust
    assert len(wrongly) <= 8, wrongly
    accepted = [row["file"] for row in rows if not refused[row["file"]] and row["load"] != "ok"]
    assert len(accepted) <= 1, accepted


def test_threads_may_decode_together(tmp_path: Path) -> None:
    paths = []
    for number in range(24):
        path = tmp_path / f"{number}.jpg"
        Image.new("RGB", (300, 200), (number * 10, 0, 0)).save(path, quality=95)
        paths.append(str(path))
    with ThreadPoolExecutor(4) as pool:
        shades = [int(found.pixels[0, 0, 0]) for found in pool.map(open_pixels, paths)]
    assert all(abs(shade - number * 10) < 4 for number, shade in enumerate(shades))
