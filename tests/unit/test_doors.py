"""One decoder behind every door: the screen, the folder run, the data check and the training see the same of a file."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from convnext_studio.core import jobs
from convnext_studio.core.context import JobContext
from convnext_studio.core.data.dataset import LabelledImage
from convnext_studio.core.data.look import look_at
from convnext_studio.core.errors import ImageError
from convnext_studio.core.events import FindSummary, ImagesClassified, ImagesFound, ModelLoaded, ThumbnailMade
from convnext_studio.core.predict.classify import _Steps
from convnext_studio.core.requests import Classify, FindImages, MakeThumbnails, OpenImage, ShowModelInput
from convnext_studio.core.training.batches import Batches, Reading
from convnext_studio.core.values import Execution, ImageRef, ModelRef, Prediction, Preprocessing

GOOD = ("ramp16.png", "ramp16.tif", "float.tif", "turned.jpg", "glass.png", "cmyk.jpg", "strip.png", "high.png", "name")
BAD = ("empty.png", "text.jpg", "page.png", "drawing.svg.png", "half.png", "half.jpg", "ended.jpg", "checksum.png")
LOST = "lost.png"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures that naive decoders get wrong, files that are none, and a link to nowhere."""
    chance = np.random.default_rng(0)
    ramp = np.tile(np.arange(256, dtype=np.uint16) * 257, (40, 1))
    noise = Image.fromarray(chance.integers(0, 256, (90, 120, 3), np.uint8))
    turn = Image.Exif()
    turn[0x0112] = 6
    Image.fromarray(ramp).save(tmp_path / "ramp16.png")
    Image.fromarray(ramp).save(tmp_path / "ramp16.tif")
    Image.fromarray((ramp / 65535).astype(np.float32)).save(tmp_path / "float.tif")
    noise.save(tmp_path / "turned.jpg", exif=turn)
    Image.fromarray(np.dstack([np.asarray(noise), np.asarray(noise)[..., :1]])).save(tmp_path / "glass.png")
    noise.convert("CMYK").save(tmp_path / "cmyk.jpg")
    noise.resize((9000, 2)).save(tmp_path / "strip.png")
    noise.resize((1, 5000)).save(tmp_path / "high.png")
    noise.save(tmp_path / "name", "JPEG")
    png, jpeg = (tmp_path / "glass.png").read_bytes(), (tmp_path / "name").read_bytes()
    at = png.index(b"IDAT") + 40
    written = {
        "empty.png": b"",
        "text.jpg": b"part 4711\n",
        "page.png": b"<!doctype html><p>Not found",
        "drawing.svg.png": b"<svg xmlns='x'><image href='http://x/y'/></svg>",
        "half.png": png[: len(png) // 2],
        "half.jpg": jpeg[: len(jpeg) // 2],
        "ended.jpg": jpeg[: len(jpeg) // 2].rstrip(b"\xff") + b"\xff\xd9",
        "checksum.png": png[:at] + bytes([png[at] ^ 1]) + png[at + 1 :],
    }
    for name, content in written.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / LOST).symlink_to(tmp_path / "nothing.png")
    return tmp_path


def _hash(pixels: NDArray[np.uint8]) -> str:
    return hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()


def _heard(request: Any) -> tuple[object, list[object]]:
    events: list[object] = []
    return jobs.run(request, JobContext(events.append)), events


def _classified(
    images: list[ImageRef], monkeypatch: pytest.MonkeyPatch
) -> tuple[dict[str, Prediction], dict[str, str], Preprocessing]:
    """The answers, what the network was given for each, and the way there."""
    given, answer = {}, _Steps.answer

    def noted(self: Any, decoded: Any) -> list[Prediction]:
        given.update({Path(self._request.images[one.number].path).name: _hash(one.pixels) for one in decoded})
        return answer(self, decoded)

    with monkeypatch.context() as patch:
        patch.setattr(_Steps, "answer", noted)
        _, events = _heard(
            Classify(tuple(images), ModelRef("test_convnext", "random"), Execution("cpu", "fp32", "torch"))
        )
    answers = [one for event in events if isinstance(event, ImagesClassified) for one in event.predictions]
    (way_in,) = (event.info.preprocessing for event in events if isinstance(event, ModelLoaded))
    return {Path(one.image.path).name: one for one in answers}, given, way_in


def _refused(request: OpenImage | ShowModelInput) -> str:
    with pytest.raises(ImageError) as caught:
        _heard(request)
    return caught.value.message


def test_every_door_gives_the_same_input_and_the_same_reason(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    summary, events = _heard(FindImages((str(folder),)))
    images = [one for event in events if isinstance(event, ImagesFound) for one in event.images]
    paths = {Path(image.path).name: image.path for image in images}
    assert isinstance(summary, FindSummary) and not summary.problems
    assert set(paths) == {*GOOD, *BAD, LOST}

    answers, given, way_in = _classified(images, monkeypatch)
    seen = look_at(list(paths.values()), JobContext())
    labelled = [LabelledImage(path, "part") for path in paths.values()]
    batches = Batches(labelled, ("part", "other"), way_in, Reading(4, workers=2))
    learned = {
        Path(path).name: _hash(pixels.permute(1, 2, 0).numpy())
        for batch in batches.in_order(JobContext())
        for path, pixels in zip(batch.paths, batch.pixels, strict=True)
    }
    batches.close()
    small = {
        Path(one.image.path).name: one
        for one in _heard(MakeThumbnails(tuple(images), 64))[1]
        if isinstance(one, ThumbnailMade)
    }

    assert set(given) == set(learned) == set(GOOD)
    for name in GOOD:
        shown, _ = _heard(ShowModelInput(ImageRef(paths[name]), way_in))
        assert given[name] == learned[name] == _hash(shown.pixels), name  # type: ignore[attr-defined]
        assert not answers[name].error and not seen[paths[name]].error and small[name].pixels is not None
    for name in (*BAD, LOST):
        reason = answers[name].error
        assert reason.endswith(".") and not answers[name].classes
        told = {reason, seen[paths[name]].error, batches.unreadable[paths[name]], small[name].error}
        told |= {_refused(OpenImage(ImageRef(paths[name]))), _refused(ShowModelInput(ImageRef(paths[name]), way_in))}
        assert told == {reason}, name


def test_a_ramp_of_16_bits_stays_a_ramp_on_the_screen(folder: Path) -> None:
    for name in ("ramp16.png", "ramp16.tif", "float.tif"):
        shown, _ = _heard(OpenImage(ImageRef(str(folder / name))))
        row = shown.pixels[20, :, 0].astype(int)  # type: ignore[attr-defined]
        assert (np.diff(row) >= 0).all() and len(set(row.tolist())) >= 200, name


def test_files_that_change_after_they_were_found_are_named_and_the_totals_add_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = np.random.default_rng(0)
    (tmp_path / "ok" / "picture.png").mkdir(parents=True)  # a folder, whatever it is called
    for number in range(12):
        place = tmp_path / "ok" / ("picture.png" if number % 2 else "")
        Image.fromarray(chance.integers(0, 256, (30, 30, 3), np.uint8)).save(place / f"{number}.png")
    _, events = _heard(FindImages((str(tmp_path),)))
    images = [one for event in events if isinstance(event, ImagesFound) for one in event.images]
    assert len(images) == 12
    gone, moved, cut, grown = (Path(image.path) for image in images[:4])
    gone.unlink()
    moved.rename(moved.with_name("moved.png"))
    cut.write_bytes(cut.read_bytes()[:100])
    with grown.open("ab") as file:
        file.write(b"\0" * 100)

    answers, given, _ = _classified(images, monkeypatch)

    refused = {name: one.error for name, one in answers.items() if one.error}
    assert (len(answers), len(given), len(refused)) == (12, 9, 3)
    assert refused[gone.name] == refused[moved.name] == "The file is not there any more."
    assert "cut off" in refused[cut.name]
    assert answers[grown.name].note == "Extra bytes after the end of the picture were ignored."
