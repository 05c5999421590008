"""Reading data sets: every layout of folders, tables as people write them, and refusals that say what to do."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convnext_studio.core.context import Cancelled, JobContext
from convnext_studio.core.data.names import commonest
from convnext_studio.core.data.read import Listing, name_warnings, natural, read_data_set
from convnext_studio.core.data.sample import make_sample
from convnext_studio.core.errors import DataError
from convnext_studio.core.requests import MakeSample


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def read(path: Path | str) -> Listing:
    return read_data_set(str(path), JobContext())


def rows(listing: Listing) -> list[tuple[str, str, str]]:
    return [(os.path.relpath(image.path, listing.root), image.label, image.split) for image in listing.images]


def table(folder: Path, text: str | bytes) -> Path:
    path = folder / "list.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


# --- folders


def test_images_at_any_depth_belong_to_the_class_folder_above(tmp_path: Path) -> None:
    listing = read(touch(tmp_path, "ok/2.png", "ok/10.png", "dent/lot 1/a/b.JPG", "dent/notes.txt", ".x/a.png"))
    assert rows(listing) == [("dent/lot 1/a/b.JPG", "dent", ""), ("ok/2.png", "ok", ""), ("ok/10.png", "ok", "")]
    assert not listing.is_split_given


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (("train/ok/a.png", "Valid/ok/b.png", "TEST/dent/c.png"), ["test", "train", "validation"]),
        (("training/ok/a.png", "dev/dent/b.png", "testing/ok/c.png"), ["validation", "test", "train"]),
        (("ok/train/a.png", "ok/test/b.png", "dent/val/deep/c.png"), ["validation", "test", "train"]),
        (("images/train/ok/a.png", "images/val/ok/b.png", "masks/train/ok/a.png"), ["train", "validation"]),
    ],
)
def test_folders_named_after_splits_are_honoured(tmp_path: Path, names: tuple[str, ...], wanted: list[str]) -> None:
    listing = read(touch(tmp_path, *names))
    assert [image.split for image in listing.images] == wanted
    assert {image.label for image in listing.images} <= {"ok", "dent"}


def test_images_of_a_split_folder_without_a_class_are_named(tmp_path: Path) -> None:
    listing = read(touch(tmp_path, "train/ok/a.png", "train/dent/b.png", "test/1.png"))
    assert len(listing.images) == 2
    assert [(one.kind, one.images) for one in listing.warnings] == [("ignored", (str(tmp_path / "test/1.png"),))]


def test_a_class_may_be_called_train_where_other_classes_are_no_splits(tmp_path: Path) -> None:
    listing = read(touch(tmp_path, "train/a.png", "car/b.png"))
    assert rows(listing) == [("car/b.png", "car", ""), ("train/a.png", "train", "")]


def test_masks_beside_train_and_test_are_not_taken_for_a_class(tmp_path: Path) -> None:
    listing = read(touch(tmp_path, "train/good/a.png", "test/good/b.png", "test/hole/c.png", "ground_truth/hole/c.png"))
    assert rows(listing) == [
        ("test/good/b.png", "good", "test"),
        ("test/hole/c.png", "hole", "test"),
        ("train/good/a.png", "good", "train"),
    ]
    assert (listing.empty, listing.warnings, listing.ignored) == ((), (), 1)


def test_a_folder_beside_train_and_test_holds_no_class_and_is_named(tmp_path: Path) -> None:
    names = [f"{split}/{label}/a.png" for split in ("train", "test") for label in ("ok", "dent")]
    listing = read(touch(tmp_path, *names, "unsorted/1.png"))
    assert natural(image.label for image in listing.images) == ("dent", "ok")
    assert [(one.kind, one.images) for one in listing.warnings] == [("ignored", (str(tmp_path / "unsorted/1.png"),))]


@pytest.mark.parametrize("beside", [(), ("labels/train/a.txt", "labels/val/b.txt")])
def test_splits_without_classes_are_refused_rather_than_learned_as_classes(
    tmp_path: Path, beside: tuple[str, ...]
) -> None:
    with pytest.raises(DataError, match="only folders named after splits") as caught:
        read(touch(tmp_path, "images/train/a.png", "images/val/b.png", *beside) / ("" if beside else "images"))
    assert "for each class" in caught.value.hint


def test_masks_beside_the_images_are_not_taken_for_a_class(tmp_path: Path) -> None:
    listing = read(touch(tmp_path, "images/ok/a.png", "images/dent/b.png", "masks/dent/b.png", "README.txt"))
    assert natural(image.label for image in listing.images) == ("dent", "ok")
    assert listing.root == str(tmp_path / "images")


@pytest.mark.parametrize("inside", ["", "images"])
def test_the_sample_data_set_brings_its_parts_along(tmp_path: Path, inside: str) -> None:
    make_sample(MakeSample(str(tmp_path / "sample"), count=20, size=64), JobContext())
    listing = read(tmp_path / "sample" / inside)
    assert len(listing.images) == 20
    assert all(f"{image.group}_" in image.path for image in listing.images)
    assert listing.has_groups


def test_empty_class_folders_and_images_beside_them_are_named(tmp_path: Path) -> None:
    (tmp_path / "set" / "scratch").mkdir(parents=True)
    listing = read(touch(tmp_path / "set", "ok/a.png", "dent/b.png", "loose.png"))
    assert listing.empty == ("scratch",)
    assert [(one.kind, one.images) for one in listing.warnings] == [("ignored", (str(tmp_path / "set/loose.png"),))]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ((), "No Images were found"),
        (("a.png", "b.png"), "holds 2 Images but no class folders"),
        (("ok/a.txt",), "No Im"),
    ],
)
def test_what_is_no_data_set_is_refused_with_what_to_do(tmp_path: Path, names: tuple[str, ...], said: str) -> None:
    with pytest.raises(DataError, match=said) as error:
        read(touch(tmp_path, *names))
    assert "one folder for each class" in error.value.hint


def test_a_place_that_is_not_there_or_not_named_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "gone", "", touch(tmp_path, "a.png") / "a.png"):
        with pytest.raises(DataError):
            read(path)


def test_a_loop_of_links_ends_and_a_dangling_link_is_named(tmp_path: Path) -> None:
    touch(tmp_path, "ok/a.png", "dent/b.png")
    (tmp_path / "ok" / "loop").symlink_to("..")
    (tmp_path / "gone").symlink_to("nowhere")
    listing = read(tmp_path)
    assert len(listing.images) == 2
    assert [one.message for one in listing.warnings] == [f"“{tmp_path}/gone” is a link that leads nowhere."]


def test_class_names_that_a_system_takes_for_one_are_named() -> None:
    warned = name_warnings(["Dent", "dent", "café", "cafe\u0301", "ok", "o\u200bk"])
    assert len(warned) == 3
    assert "“Dent” and “dent”" in warned[0].message


# --- tables


@pytest.mark.parametrize(
    "text",
    [
        "path,label\na.png,ok\nsub/b.png,dent\n",
        b"\xef\xbb\xbfpath;label\r\na.png;ok\r\nsub\\b.png;dent\r\n",
        'Label,"PATH",x\n\nok,"a.png",1\ndent,sub/b.png,"2"\n\n',
        "file\tclass\na.png\tok\nsub/b.png\tdent",
        "path,label\na.png,ok\nsub/b.png,dent\n".encode("utf-16"),
        "sep=;\r\npath;label\r\na.png;ok\r\nsub\\b.png;dent\r\n",
        "path, label\na.png, ok\nsub/b.png , dent \n",
    ],
)
def test_a_table_is_understood_as_people_write_it(tmp_path: Path, text: str | bytes) -> None:
    touch(tmp_path, "a.png", "sub/b.png")
    assert rows(read(table(tmp_path, text))) == [("a.png", "ok", ""), ("sub/b.png", "dent", "")]


def test_groups_and_splits_of_a_table_are_honoured(tmp_path: Path) -> None:
    touch(tmp_path, "a.png", "b.png", "c.png")
    listing = read(table(tmp_path, "path,label,group,split\na.png,ok,p1,Train\nb.png,ok,p1,dev\nc.png,no,,\n"))
    assert [(image.group, image.split) for image in listing.images] == [("p1", "train"), ("p1", "validation"), ("", "")]


def test_paths_of_a_table_may_begin_in_the_images_folder_beside_it(tmp_path: Path) -> None:
    touch(tmp_path, "images/ok/a.png", "images/dent/b.png")
    for slash in "/\\":
        listing = read(table(tmp_path, f"file,class\nok{slash}a.png,ok\ndent{slash}b.png,dent\n"))
        assert [row[0] for row in rows(listing)] == ["images/dent/b.png", "images/ok/a.png"]


def test_a_table_in_the_letters_of_windows_is_understood(tmp_path: Path) -> None:
    touch(tmp_path, "Prüfung.png", "b.png")
    listing = read(table(tmp_path, "path;label\r\nPrüfung.png;Lötfehler\r\nb.png;gut\r\n".encode("cp1252")))
    assert rows(listing) == [("b.png", "gut", ""), ("Prüfung.png", "Lötfehler", "")]


def test_odd_file_names_are_found_by_a_table(tmp_path: Path) -> None:
    names = ["'quoted.png", "=1+1.png", "a,b.png", 'q"q.png', "back\\slash.png", os.fsdecode(b"\xff.png")]
    touch(tmp_path, *names)
    cells = [names[0], "'" + names[1], '"a,b.png"', '"q""q.png"', names[4], names[5]]
    text = "path,label\n" + "".join(f"{cell},ok\n" for cell in cells)
    listing = read(table(tmp_path, text.encode("utf-8", "surrogateescape")))
    assert Counter(Path(image.path).name for image in listing.images) == Counter(names)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("path,kind\na.png,ok\n", "no column “label”"),
        ("", "no column “path” and “label”"),
        ("path,label\n", "holds no Images"),
        ("path,label\na.png,ok\n,ok\n", "Line 3 of “list.csv” has no path"),
        ("path,label\na.png,\n", "Line 2 of “list.csv” has no label"),
        ("path,label,split\na.png,ok,later\n", "Line 2 of “list.csv” names the split “later”"),
        ("path,label\na.png,ok\n./a.png,dent\n", "Line 3 of “list.csv” names .* again"),
        ('path,label\na.png,"ok\n', "Line 2 of “list.csv” cannot be read"),
        ("path,label\nx.png,ok\ny.png,ok\n", "None of the 2 files"),
        (b"\0\1\2\3", "not a text file"),
    ],
)
def test_a_mistake_in_a_table_is_named_with_its_line(tmp_path: Path, text: str | bytes, said: str) -> None:
    touch(tmp_path, "a.png")
    with pytest.raises(DataError, match=said):
        read(table(tmp_path, text))


@given(st.binary(max_size=300))
def test_no_table_however_odd_is_a_bug(data: bytes) -> None:
    path = Path.cwd() / "list.csv"
    path.write_bytes(b"path,label\n" + data)
    try:
        read(path)
    except DataError as error:
        assert error.message.endswith((".", ":"))


def test_a_stop_is_heeded(tmp_path: Path) -> None:
    ctx = JobContext()
    ctx.cancel.set()
    with pytest.raises(Cancelled):
        read_data_set(str(touch(tmp_path, "ok/a.png")), ctx)


def test_runs_beside_the_classes_are_no_classes_without_images(tmp_path: Path) -> None:
    for run in ("set/runs/one", "set/two"):
        (tmp_path / run).mkdir(parents=True)
        (tmp_path / run / "recipe.toml").touch()
    assert not read(touch(tmp_path / "set", "ok/a.png", "dent/b.png")).empty
    (tmp_path / "nested/runs/one").mkdir(parents=True)
    (tmp_path / "nested/runs/one/recipe.toml").touch()
    (tmp_path / "nested/train/void").mkdir(parents=True)
    assert read(touch(tmp_path / "nested", "train/ok/a.png", "test/dent/b.png")).empty == ("void",)


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({"grey": 24}, "grey"),
        ({"8 x 8": 2, "9 x 9": 1_000}, "9 x 9 (1,000), 8 x 8 (2)"),
        ({"a": 1, "b": 2, "c": 3, "d": 4}, "d (4), c (3), b (2), …"),
    ],
)
def test_what_there_is_most_of_is_said_first(counts: dict[str, int], words: str) -> None:
    assert commonest(counts) == words
