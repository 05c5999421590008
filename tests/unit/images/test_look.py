"""Looking at places that are there, that are not, and on a disk that never answers."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from convnext_studio.core import jobs
from convnext_studio.core.context import JobContext
from convnext_studio.core.events import PlaceSeen
from convnext_studio.core.images import look
from convnext_studio.core.requests import LookAtPlaces, ReadDates


def test_files_folders_and_what_is_gone_are_told_apart_in_order(tmp_path: Path) -> None:
    part = tmp_path / "part ü.png"
    part.write_bytes(b"x")
    os.utime(part, (7.0, 7.0))
    paths = (str(part), str(tmp_path), str(tmp_path / "gone"), "a\0b")
    seen = jobs.run(LookAtPlaces(paths), JobContext())
    assert isinstance(seen, tuple)
    assert seen[0] == PlaceSeen(str(part), "file", 7.0)
    assert [(place.path, place.kind) for place in seen[1:]] == [
        (paths[1], "folder"),
        (paths[2], "missing"),
        (paths[3], "missing"),
    ]


def test_a_disk_that_never_answers_holds_one_thread_and_not_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    is_back = threading.Event()
    asked: list[str] = []

    def seen(path: str) -> PlaceSeen:
        asked.append(path)
        is_back.wait()
        return PlaceSeen(path, "file")

    monkeypatch.setattr(look, "_seen", seen)
    monkeypatch.setattr(look, "_PATIENCE_S", 0.02)
    for _ in range(2):
        found = jobs.run(LookAtPlaces(("/dead/a", "/dead/b"), seconds=0.03), JobContext())
        assert found == (PlaceSeen("/dead/a", "unknown"), PlaceSeen("/dead/b", "unknown"))
    assert asked == ["/dead/a", "/dead/b"]
    is_back.set()
    for thread in threading.enumerate():
        if thread.name == "look":
            thread.join()
    assert look._unanswered == set()


def test_dates_are_those_of_the_files_and_0_for_one_that_is_gone(tmp_path: Path) -> None:
    there, gone = tmp_path / "there.png", tmp_path / "gone.png"
    there.write_bytes(b"")
    os.utime(there, (1_000.0, 2_000.0))
    assert jobs.run(ReadDates((str(there), str(gone))), JobContext()) == (2_000.0, 0.0)
