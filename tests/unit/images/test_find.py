"""Finding Images: order, litter, links, trouble, and that the first come at once."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convnext_studio.core.context import Cancelled, JobContext
from convnext_studio.core.events import FindSummary, ImagesFound
from convnext_studio.core.images import find
from convnext_studio.core.images.find import find_images, natural_key
from convnext_studio.core.requests import FindImages


def found(*paths: Path | str) -> tuple[list[str], FindSummary, list[int]]:
    events: list[ImagesFound] = []
    ctx = JobContext(emit=events.append)  # type: ignore[arg-type]
    summary = find_images(FindImages(tuple(str(path) for path in paths)), ctx)
    names = [image.path for event in events for image in event.images]
    assert summary.found == len(names)
    return names, summary, [len(event.images) for event in events]


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_numbers_in_names_sort_by_value() -> None:
    names = ["img10.png", "img2.png", "IMG1.png", "img02b.png", "img.png"]
    assert sorted(names, key=natural_key) == ["img.png", "IMG1.png", "img2.png", "img02b.png", "img10.png"]


@given(st.integers(0, 10**30), st.integers(0, 10**30))
def test_natural_order_agrees_with_numbers(first: int, second: int) -> None:
    assert (natural_key(f"a{first}b") < natural_key(f"a{second}b")) == (first < second)


def test_a_folder_gives_its_own_files_first_then_its_subfolders_in_natural_order(tmp_path: Path) -> None:
    touch(tmp_path / "b10" / "x.png", tmp_path / "b2" / "x.png", tmp_path / "img10.jpg", tmp_path / "img9.JPG")
    names, summary, _ = found(tmp_path)
    wanted = ["img9.JPG", "img10.jpg", "b2/x.png", "b10/x.png"]
    assert [os.path.relpath(name, tmp_path) for name in names] == wanted
    assert summary == FindSummary(4, 0)


def test_litter_and_hidden_things_are_ignored_and_counted(tmp_path: Path) -> None:
    touch(tmp_path / "a.png", tmp_path / ".hidden" / "b.png", tmp_path / ".ipynb_checkpoints" / "c.png")
    touch(*(tmp_path / name for name in ("Thumbs.db", ".DS_Store", "._a.png", "~$a.png", "notes.txt")))
    names, summary, _ = found(tmp_path)
    assert [Path(name).name for name in names] == ["a.png"]
    assert summary.ignored == 7
    assert summary.problems == ()


def test_a_file_named_by_the_user_is_taken_whatever_it_is_called(tmp_path: Path) -> None:
    touch(tmp_path / "picture.data", tmp_path / ".hidden.png")
    assert found(tmp_path / "picture.data", tmp_path / ".hidden.png")[1].found == 2


def test_a_file_without_an_extension_is_taken_where_its_first_bytes_are_those_of_a_picture(tmp_path: Path) -> None:
    (tmp_path / "0a1b2c").write_bytes(b"\xff\xd8\xff\xe0 and so on")
    (tmp_path / "README").write_bytes(b"BMW, and P1 too")
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "page").write_bytes(b"<html>")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    names, summary, _ = found(tmp_path)
    assert [Path(name).name for name in names] == ["0a1b2c"]
    assert summary.ignored == 4
    assert len(summary.problems) == 1


def test_nothing_is_found_twice_and_loops_end(tmp_path: Path) -> None:
    touch(tmp_path / "a.png", tmp_path / "deep" / "b.png")
    (tmp_path / "deep" / "up").symlink_to(tmp_path)
    (tmp_path / "again.png").symlink_to(tmp_path / "a.png")
    (tmp_path / "me").symlink_to(tmp_path / "me")
    names, _, _ = found(tmp_path, tmp_path / "a.png", tmp_path / "deep", tmp_path)
    assert len(names) == 2


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    touch(tmp_path / "a.png")
    names, summary, _ = found(tmp_path, tmp_path / "absent")
    assert len(names) == 1
    assert "absent" in summary.problems[0]


def test_a_link_to_nowhere_is_an_image_that_says_so_when_it_is_opened(tmp_path: Path) -> None:
    touch(tmp_path / "a.png")
    for name in ("lost.png", "lost too.png"):
        (tmp_path / name).symlink_to(tmp_path / "nothing.png")
    names, summary, _ = found(tmp_path)
    assert [Path(name).name for name in names] == ["a.png", "lost too.png", "lost.png"]
    assert summary.problems == ()


@pytest.mark.parametrize("name", ["class", "type 1.5", "no. 7", "v2.final"])
def test_a_link_to_a_folder_that_is_gone_is_named_and_one_to_a_lost_text_is_not(tmp_path: Path, name: str) -> None:
    touch(tmp_path / "a.png")
    (tmp_path / name).symlink_to(tmp_path / "drive" / "class")
    (tmp_path / "notes.txt").symlink_to(tmp_path / "nothing")
    names, summary, _ = found(tmp_path)
    assert (len(names), summary.ignored) == (1, 1)
    assert summary.problems == (f"“{tmp_path}/{name}” is a link that leads nowhere.",)


def test_an_unreadable_folder_is_named_and_the_walk_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path / "closed" / "a.png", tmp_path / "open" / "b.png")
    scandir = os.scandir

    def guarded(path: str) -> object:
        if path.endswith("closed"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    names, summary, _ = found(tmp_path)
    assert [Path(name).name for name in names] == ["b.png"]
    assert len(summary.problems) == 1
    assert "closed" in summary.problems[0]
    assert "permission denied" in summary.problems[0]


def test_strange_names_and_deep_folders_survive_byte_for_byte(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["d" * 60] * 10, "picture.png")
    deep.mkdir(parents=True)
    names = [b"a b.png", "ä\u202e😀.png".encode(), b"100%#?&.png", b"\xff\xfe.png", b"CON.png", b"x" * 246 + b".png"]
    for name in names:
        Path(os.fsdecode(os.fsencode(deep) + b"/" + name)).touch()
    assert sorted(os.fsencode(path).rsplit(b"/", 1)[1] for path in found(tmp_path)[0]) == sorted(names)


def test_the_first_images_are_reported_early_and_the_rest_in_large_chunks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(find, "_EMIT_EVERY_S", 60.0)  # a busy machine shall not decide what a test sees
    for number in range(3000):
        (tmp_path / f"{number}.png").touch()
    _, _, chunks = found(tmp_path)
    assert chunks[0] == 64
    assert len(chunks) < 50


def test_a_stop_ends_the_walk(tmp_path: Path) -> None:
    touch(tmp_path / "a.png")
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        find_images(FindImages((str(tmp_path),)), JobContext(cancel=cancel))


def test_finding_needs_neither_pillow_nor_numpy() -> None:
    code = "import sys, convnext_studio.core.images.find; sys.exit(bool({'PIL', 'numpy', 'torch'} & set(sys.modules)))"
    root = Path(__file__).parents[3]
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=root).returncode == 0
