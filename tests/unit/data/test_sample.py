"""The generated data set: the same everywhere, whole or not there, and never in somebody else's folder."""

from __future__ import annotations

import csv
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from convnext_studio.core.context import Cancelled, JobContext
from convnext_studio.core.data import sample
from convnext_studio.core.data.sample import CLASSES, draw, make_sample, plans
from convnext_studio.core.errors import UsageError
from convnext_studio.core.events import SampleWritten
from convnext_studio.core.requests import MakeSample


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_data_set_holds_images_masks_and_a_manifest_that_agree(tmp_path: Path) -> None:
    folder = tmp_path / "sample"
    events: list[object] = []
    result = make_sample(MakeSample(str(folder), count=24, size=64, seed=3), JobContext(events.append))

    assert result == str(folder / "images")
    assert events[-1] == SampleWritten(24, 24)
    rows = rows_of(folder)
    assert len(rows) == 24
    assert {row["label"] for row in rows} == set(CLASSES)
    for row in rows:
        with Image.open(folder / row["path"]) as image:
            assert (image.mode, image.size) == ("RGB", (64, 64))
        assert Path(row["path"]).parent.name == row["label"]
        assert (row["label"] == "good") == (row["mask"] == "") == (row["severity"] == "0.000")
        if row["left"]:
            box = tuple(int(row[side]) for side in ("left", "top", "right", "bottom"))
            with Image.open(folder / row["mask"]) as mask:
                assert mask.getbbox() == box


def test_the_same_seed_gives_the_same_files_whatever_the_number_of_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_sample(MakeSample(str(tmp_path / "a"), count=10, size=64), JobContext())
    monkeypatch.setattr(sample.os, "cpu_count", lambda: 1)
    make_sample(MakeSample(str(tmp_path / "b"), count=10, size=64), JobContext())
    make_sample(MakeSample(str(tmp_path / "c"), count=10, size=64, seed=1), JobContext())
    assert files_of(tmp_path / "a") == files_of(tmp_path / "b")
    assert files_of(tmp_path / "a") != files_of(tmp_path / "c")


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000), index=st.integers(0, 60))
def test_an_image_depends_on_its_plan_and_the_seed_alone(seed: int, index: int) -> None:
    plan = next(islice(plans(seed), index, None))
    first, second = (draw(plan, size=64, seed=seed) for _ in range(2))
    assert np.array_equal(first.pixels, second.pixels)
    assert np.array_equal(first.mask, second.mask)


def test_a_smaller_data_set_is_the_beginning_of_a_larger_one() -> None:
    assert list(islice(plans(5), 20)) == list(islice(plans(5), 200))[:20]


def test_a_part_has_one_class_and_several_shots_that_differ() -> None:
    first = list(islice(plans(0), 300))
    labels: dict[int, set[str]] = {}
    for plan in first:
        labels.setdefault(plan.part, set()).add(plan.label)
    assert all(len(found) == 1 for found in labels.values())
    assert 2 <= len(first) / len(labels) <= 4
    one, other = (draw(plan, size=64, seed=0) for plan in first[:2])
    assert one.plan.part == other.plan.part
    assert not np.array_equal(one.pixels, other.pixels)


def test_nearly_every_defect_can_be_seen_and_no_good_part_has_one() -> None:
    images = [draw(plan, size=128, seed=11) for plan in islice(plans(11), 150)]
    assert all((image.box is None) == (image.severity == 0) for image in images if image.plan.label == "good")
    defective = [image for image in images if image.plan.label != "good"]
    assert sum(image.box is not None for image in defective) / len(defective) > 0.9


def test_a_folder_with_other_files_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "holiday.txt").write_text("mine")
    with pytest.raises(UsageError, match="already holds other files") as caught:
        make_sample(MakeSample(str(tmp_path), count=4, size=64), JobContext())
    assert "new or an empty folder" in caught.value.hint
    assert files_of(tmp_path) == {"holiday.txt": b"mine"}


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UsageError, match="is a file"):
        make_sample(MakeSample(str(tmp_path / "file"), count=4, size=64), JobContext())


def test_a_data_set_with_other_settings_is_not_mixed_into(tmp_path: Path) -> None:
    make_sample(MakeSample(str(tmp_path), count=3, size=64), JobContext())
    with pytest.raises(UsageError, match="another count, size or seed"):
        make_sample(MakeSample(str(tmp_path), count=3, size=64, seed=9), JobContext())


@pytest.mark.parametrize(("count", "size", "seed"), [(0, 64, 0), (5, 63, 0), (5, 5000, 0), (5, 64, -1)])
def test_nonsense_is_refused_before_anything_is_written(tmp_path: Path, count: int, size: int, seed: int) -> None:
    with pytest.raises(UsageError):
        make_sample(MakeSample(str(tmp_path / "x"), count=count, size=size, seed=seed), JobContext())
    assert not (tmp_path / "x").exists()


def test_a_stopped_data_set_has_only_whole_files_and_is_finished_next_time(tmp_path: Path) -> None:
    ctx: JobContext
    ctx = JobContext(lambda event: ctx.cancel.set() if event.done >= 3 else None)  # type: ignore[attr-defined]
    request = MakeSample(str(tmp_path), count=40, size=64)
    with pytest.raises(Cancelled):
        make_sample(request, ctx)
    done = [name for name in files_of(tmp_path) if name.endswith(".png")]
    assert 3 <= len(done) < 60
    assert not [name for name in files_of(tmp_path) if name.endswith(".part")]
    assert not (tmp_path / "manifest.csv").exists()
    for name in done:
        with Image.open(tmp_path / name) as image:
            image.load()

    make_sample(request, JobContext())
    assert len(rows_of(tmp_path)) == 40


def test_a_whole_data_set_is_not_written_again(tmp_path: Path) -> None:
    request = MakeSample(str(tmp_path), count=5, size=64)
    make_sample(request, JobContext())
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    events: list[object] = []
    make_sample(request, JobContext(events.append))
    assert events == [SampleWritten(5, 5)]
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
