"""Changes of labels: kept outside the user's folder, all of them undoable, whole after any crash."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from convnext_studio.core.context import JobContext
from convnext_studio.core.data.journal import apply_edits, edit_labels, edits_kept
from convnext_studio.core.data.read import read_data_set
from convnext_studio.core.errors import DataError, StorageError, UsageError
from convnext_studio.core.events import EditsKept
from convnext_studio.core.requests import EditLabels


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "set"
    for name in ("ok/a.png", "ok/b.png", "dent/c.png", os.fsdecode(b"dent/\xff.png")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def edit(data: Path, action: str, *names: str, label: str = "") -> EditsKept:
    paths = tuple(str(data / name) for name in names)
    return edit_labels(EditLabels(str(data), action, paths, label), JobContext())  # type: ignore[arg-type]


def labels(data: Path) -> dict[str, str]:
    images = read_data_set(str(data), JobContext()).images
    return {Path(image.path).name: image.label for image in apply_edits(images, str(data)).images}


def journal(own_home: Path) -> Path:
    (path,) = (own_home / "d" / "convnext-studio" / "labels").glob("*.jsonl")
    return path


def test_moving_excluding_and_including_change_what_is_read_and_not_the_folder(data: Path) -> None:
    before = sorted(path for path in data.rglob("*"))
    assert edit(data, "move", "ok/a.png", label="dent") == EditsKept(1, 0, "Move 1 Image to “dent”")
    assert edit(data, "exclude", "ok/b.png", "dent/c.png").next_undo == "Exclude 2 Images"
    assert labels(data) == {"a.png": "dent", os.fsdecode(b"\xff.png"): "dent"}
    edit(data, "include", "dent/c.png")
    assert labels(data)["c.png"] == "dent"
    assert sorted(path for path in data.rglob("*")) == before
    images = read_data_set(str(data), JobContext()).images
    edited = apply_edits(images, str(data))
    assert edited.moved == (str(data / "ok/a.png"),)
    assert edited.excluded == (str(data / "ok/b.png"),)


def test_a_hundred_and_twenty_edits_can_be_undone_and_redone_one_by_one(data: Path) -> None:
    for number in range(120):
        edit(data, "move", "ok/a.png", label=f"class{number}")
    for number in range(119, 0, -1):
        assert edit(data, "undo") == EditsKept(number, 120 - number, f"Move 1 Image to “class{number - 1}”")
    assert labels(data)["a.png"] == "class0"
    assert edit(data, "undo") == EditsKept(0, 120, "")
    assert labels(data)["a.png"] == "ok"
    assert edit(data, "redo").undoable == 1
    assert edit(data, "exclude", "ok/b.png") == EditsKept(2, 0, "Exclude 1 Image")


def test_file_names_that_are_no_text_can_be_edited(data: Path) -> None:
    name = os.fsdecode(b"dent/\xff.png")
    edit(data, "move", name, label="ok")
    assert labels(data)[Path(name).name] == "ok"


def test_a_line_cut_off_by_a_crash_costs_that_line_only(data: Path, own_home: Path) -> None:
    edit(data, "move", "ok/a.png", label="dent")
    whole = journal(own_home).read_bytes()
    edit(data, "exclude", "ok/b.png")
    every = journal(own_home).read_bytes()
    for length in range(len(whole), len(every)):
        journal(own_home).write_bytes(every[:length])
        assert edits_kept(str(data)).undoable == 1
    assert edit(data, "exclude", "dent/c.png").undoable == 2
    assert labels(data) == {"a.png": "dent", "b.png": "ok", os.fsdecode(b"\xff.png"): "dent"}


def test_a_journal_damaged_elsewhere_is_named_and_not_guessed_at(data: Path, own_home: Path) -> None:
    edit(data, "move", "ok/a.png", label="dent")
    journal(own_home).write_bytes(b"{nonsense\n" + journal(own_home).read_bytes())
    with pytest.raises(DataError, match="damaged in line 1"):
        labels(data)


@pytest.mark.parametrize(
    ("action", "names", "label"),
    [("undo", (), ""), ("redo", (), ""), ("move", ("ok/a.png",), " "), ("exclude", (), "")],
)
def test_an_edit_that_makes_no_sense_is_refused(data: Path, action: str, names: tuple[str, ...], label: str) -> None:
    with pytest.raises(UsageError):
        edit(data, action, *names, label=label)
    assert edits_kept(str(data)) == EditsKept(0, 0, "")


def test_a_place_where_nothing_can_be_written_is_a_sentence(data: Path, own_home: Path) -> None:
    (own_home / "d").write_text("in the way")
    with pytest.raises(StorageError):
        edit(data, "exclude", "ok/a.png")


def test_each_data_set_has_its_own_journal(data: Path, tmp_path: Path) -> None:
    edit(data, "exclude", "ok/a.png")
    assert edits_kept(str(tmp_path)) == EditsKept(0, 0, "")
    assert edits_kept(f"{data}/../set/").undoable == 1


@pytest.mark.parametrize("label", ["../up", "~", "\udcff", "a\\b", "a\nb", "x" * 201])
def test_images_are_not_moved_to_a_class_no_model_file_may_name(data: Path, label: str) -> None:
    with pytest.raises(UsageError, match="A class cannot be called"):
        edit(data, "move", "ok/a.png", label=label)
    assert edits_kept(str(data)).undoable == 0
