"""Predictions on disk: every name survives, and nothing in them acts."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import os
import sys
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convnext_studio.core import jobs
from convnext_studio.core.context import Cancelled, JobContext
from convnext_studio.core.errors import StorageError, UsageError
from convnext_studio.core.events import CopySummary, FilesCopied
from convnext_studio.core.predict import results
from convnext_studio.core.predict.results import read_results, write_csv
from convnext_studio.core.requests import CopyByClass, SaveResults
from convnext_studio.core.values import ImageRef, Prediction

HOSTILE = (
    "=cmd|' /C calc'!A0.png",
    "+1.png",
    "-rf.png",
    "@SUM(A1).png",
    "'quoted.png",
    "''twice.png",
    "＝wide.png",
    "\ttab.png",
    "\rreturn.png",
    "line\nbreak.png",
    'comma, "quote".png',
    "<b>bold</b>.png",
    "naïve 图 🙂.png",
    os.fsdecode(b"bytes\xff\xfe.png"),
    "a\\udc80b.png",
)
PARQUET = importlib.util.find_spec("pyarrow") is not None
FORMATS = [".csv", ".json", pytest.param(".parquet", marks=pytest.mark.skipif(not PARQUET, reason="no pyarrow"))]


def _predictions(names: tuple[str, ...] = HOSTILE) -> tuple[Prediction, ...]:
    good = [Prediction(ImageRef(n), ("=a", "b, c"), (0.75, 1.5e-7), 0.7499999, 12.25) for n in names]
    return (*good, Prediction(ImageRef("/broken.png"), error="-This file is cut off."))


def _save(predictions: tuple[Prediction, ...], path: Path, top: int = 2) -> Path:
    assert jobs.run(SaveResults(predictions, str(path), top), JobContext()) == str(path)
    return path


@pytest.mark.parametrize("suffix", FORMATS)
def test_everything_comes_back_as_it_went(tmp_path: Path, suffix: str) -> None:
    path = _save(_predictions(), tmp_path / f"out{suffix}")
    assert read_results(path) == _predictions()
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@given(st.text(st.characters(exclude_characters="\0/", exclude_categories=()), min_size=1))
def test_any_name_survives_a_csv(name: str) -> None:
    try:
        name = os.fsdecode(os.fsencode(name))
    except UnicodeEncodeError:
        return  # no file can be called that
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding="utf-8", errors="surrogateescape", newline="") as file:
        write_csv(file, [Prediction(ImageRef(name), ("a",), (1.0,))], 1)
        file.flush()
        text = raw.getvalue().decode("utf-8", "surrogateescape")
    (_, row) = csv.reader(io.StringIO(text, newline=""))
    assert row[0].removeprefix("'") == name if row[0].startswith("'") else row[0] == name


def test_a_spreadsheet_runs_nothing_and_the_checkers_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _save(_predictions(), tmp_path / "out.csv")
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["path", "class_1", "probability_1", "class_2", "probability_2", "margin", "milliseconds", "error"]
    for row in rows:
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "＝")) for cell in row)
    kit = Path(os.environ.get("CONVNEXT_STUDIO_SHARED", Path(__file__).parents[4] / "shared")) / "bad-input"
    if not kit.is_dir():
        return
    monkeypatch.syspath_prepend(str(kit))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    checks = importlib.import_module("injection_checks")
    assert checks.check_csv(path) == []
    assert checks.check_roundtrip(path, HOSTILE) == []


def test_json_has_the_agreed_fields(tmp_path: Path) -> None:
    rows = json.loads(_save(_predictions(), tmp_path / "out.json").read_text(encoding="utf-8"))
    assert set(rows[0]) == {"path", "predictions", "margin", "milliseconds", "error"}
    assert rows[0]["predictions"][0] == {"class": "=a", "probability": 0.75}
    assert rows[-1]["predictions"] == [] and rows[-1]["margin"] is None


def test_numbers_have_a_point_and_missing_ranks_are_empty(tmp_path: Path) -> None:
    one = (Prediction(ImageRef("a"), ("x",), (0.5,), 0.5, 1.5),)
    assert _save(one, tmp_path / "a.csv", top=2).read_text().splitlines()[1] == "a,x,0.5,,,0.5,1.500,"


def test_another_suffix_and_a_missing_folder_are_refused_with_advice(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.csv"):
        _save((), tmp_path / "out.xls")
    with pytest.raises(StorageError, match="does not exist"):
        _save((), tmp_path / "no" / "out.csv")


# --- copies by class


def _images(folder: Path, names: list[str]) -> list[Path]:
    paths = []
    for number, name in enumerate(names):
        path = folder / str(number) / name
        path.parent.mkdir(parents=True)
        path.write_bytes(f"{number}".encode())
        paths.append(path)
    return paths


def _copy(paths: list[Path], classes: list[str], folder: Path) -> CopySummary:
    predictions = tuple(Prediction(ImageRef(str(p)), (c,), (1.0,)) for p, c in zip(paths, classes, strict=True))
    summary = jobs.run(CopyByClass(predictions, str(folder)), JobContext())
    assert isinstance(summary, CopySummary)
    return summary


def test_hostile_class_names_stay_below_the_folder_and_apart(tmp_path: Path) -> None:
    classes = ["../../evil", "/abs", "a\\b", "...", "CON", "a/b", "~", "Dent", "dent", "", "x" * 300]
    paths = _images(tmp_path / "in", ["same.png"] * len(classes))
    summary = _copy(paths, classes, tmp_path / "out")
    assert summary.copied == len(classes) and not summary.problems
    assert {path.name for path in tmp_path.iterdir()} == {"in", "out"}
    folders = [path.name for path in (tmp_path / "out").iterdir()]
    assert len({name.casefold() for name in folders}) == len(classes)
    assert all((path.read_bytes()) for path in paths)
    assert sum(1 for path in (tmp_path / "out").rglob("*") if path.is_file()) == len(classes)


def test_images_of_one_name_are_all_copied_and_nothing_is_overwritten(tmp_path: Path) -> None:
    long = "n" * 250 + ".png"
    paths = _images(tmp_path / "in", ["a.png", "a.png", long, long])
    for _ in range(2):
        _copy(paths, ["c"] * 4, tmp_path / "out")
    copies = sorted((tmp_path / "out" / "c").iterdir())
    assert len(copies) == 8
    assert sorted(copy.read_bytes() for copy in copies) == [b"0", b"0", b"1", b"1", b"2", b"2", b"3", b"3"]


def test_a_link_in_the_way_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "c").symlink_to(tmp_path / "elsewhere")
    _copy(_images(tmp_path / "in", ["a.png"]), ["c"], tmp_path / "out")
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert (tmp_path / "out" / "c (2)" / "a.png").is_file()


def test_a_vanished_image_is_a_problem_and_the_others_are_copied(tmp_path: Path) -> None:
    paths = _images(tmp_path / "in", ["a.png", "b.png"])
    paths[0].unlink()
    summary = _copy(paths, ["c", "c"], tmp_path / "out")
    assert summary.copied == 1
    assert "a.png" in summary.problems[0]


def test_an_image_that_its_drive_cannot_read_is_a_problem_and_leaves_no_half_file(tmp_path: Path) -> None:
    """The first bytes of a process's memory stand for a bad sector: both are EIO."""
    (good,) = _images(tmp_path / "in", ["b.png"])
    summary = _copy([Path("/proc/self/mem"), good], ["c", "c"], tmp_path / "out")
    assert summary.copied == 1
    assert summary.problems == ("“mem” could not be copied: The drive could not read the file.",)
    assert [path.name for path in (tmp_path / "out" / "c").iterdir()] == ["b.png"]


def test_a_full_disk_is_said_and_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def on_a_full_disk(name: str, folder: Path) -> tuple[Path, BinaryIO]:
        (folder / name).touch()
        return folder / name, Path("/dev/full").open("wb")

    monkeypatch.setattr(results, "_create", on_a_full_disk)
    with pytest.raises(StorageError, match="disk is full"):
        _copy(_images(tmp_path / "in", ["a.png"]), ["c"], tmp_path / "out")
    assert list((tmp_path / "out" / "c").iterdir()) == []


def test_copying_can_be_stopped_and_reports_how_far_it_is(tmp_path: Path) -> None:
    seen: list[object] = []
    paths = _images(tmp_path / "in", ["a.png"])
    predictions = (Prediction(ImageRef(str(paths[0])), ("c",), (1.0,)),)
    jobs.run(CopyByClass(predictions, str(tmp_path / "out")), JobContext(seen.append))
    assert seen[-1] == FilesCopied(1, 1)
    ctx = JobContext()
    ctx.cancel.set()
    with pytest.raises(Cancelled):
        jobs.run(CopyByClass(predictions, str(tmp_path / "out")), ctx)
