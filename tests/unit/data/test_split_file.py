"""The split on disk: every name survives, no spreadsheet runs a cell, and the fingerprint notices every change."""

from __future__ import annotations

import csv
import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convnext_studio.core.data.dataset import LabelledImage
from convnext_studio.core.data.split_file import fingerprint, read_split, write_split
from convnext_studio.core.errors import DataError, StorageError

texts = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=12)
names = st.binary(min_size=1, max_size=12).map(lambda raw: os.fsdecode(raw.replace(b"\0", b"x")))
images = st.builds(
    LabelledImage,
    names.map(lambda name: f"/data/{name}"),
    texts,
    texts,
    st.sampled_from(("train", "validation", "test", "")),
)
IMAGE = LabelledImage("/data/ok/a.png", "ok", "part1", "train")


@given(st.lists(images, max_size=6))
def test_a_split_comes_back_as_it_was_written(rows: list[LabelledImage]) -> None:
    path = Path.cwd() / "split.csv"
    write_split(path, rows)
    assert read_split(path) == tuple(rows)


def test_columns_are_those_of_the_contract_and_no_cell_is_a_formula(tmp_path: Path) -> None:
    path = tmp_path / "split.csv"
    write_split(path, [LabelledImage("/d/a.png", "=1+1", "@x", "test")])
    with path.open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [["path", "label", "split", "group"], ["/d/a.png", "'=1+1", "test", "'@x"]]


@pytest.mark.parametrize(
    "text", ["", "path,label\n", "path,label,split,group\na,b,never,c\n", "path,label,split,group\na\n"]
)
def test_what_is_no_split_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "split.csv"
    path.write_text(text)
    with pytest.raises(DataError, match="split"):
        read_split(path)


def test_a_split_that_is_gone_or_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_split(tmp_path / "gone.csv")
    with pytest.raises(StorageError):
        write_split(tmp_path / "gone" / "split.csv", [IMAGE])


def test_the_fingerprint_is_the_same_in_any_order_and_at_any_place() -> None:
    rows = [IMAGE, LabelledImage("/data/dent/b.png", "dent", "", "test")]
    moved = [replace(one, path=one.path.replace("/data", "/elsewhere"), group="x") for one in reversed(rows)]
    hashes = {rows[0].path: "aa", rows[1].path: "bb"}
    other = {moved[1].path: "aa", moved[0].path: "bb"}
    assert fingerprint(rows, hashes, "/data") == fingerprint(moved, other, "/elsewhere")


@pytest.mark.parametrize("change", [{"label": "dent"}, {"split": "test"}, {"path": "/data/ok/b.png"}])
def test_the_fingerprint_notices_every_change(change: dict[str, str]) -> None:
    before = fingerprint([IMAGE], {IMAGE.path: "aa"}, "/data")
    changed = replace(IMAGE, **change)  # type: ignore[arg-type]
    assert fingerprint([changed], {changed.path: "aa"}, "/data") != before
    assert fingerprint([IMAGE], {IMAGE.path: "ab"}, "/data") != before
    assert fingerprint([IMAGE, IMAGE], {IMAGE.path: "aa"}, "/data") != before
