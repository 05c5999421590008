"""Files are there whole or not at all, also where somebody looks at them just when they are replaced."""

from __future__ import annotations

from pathlib import Path

import pytest

from convnext_studio.core import files
from convnext_studio.core.errors import StorageError
from convnext_studio.core.files import replacing


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let a file be held open by another program for so many attempts, as on Windows; the list's number counts down."""
    left, replace = [0], Path.replace

    def held_open(part: Path, target: Path) -> Path:
        if left[0]:
            left[0] -= 1
            raise PermissionError(13, "The process cannot access the file because it is being used by another process")
        return replace(part, target)

    monkeypatch.setattr(Path, "replace", held_open)
    monkeypatch.setattr(files, "_WAITS_S", (0.001, 0.001, 0.001))
    return left


def test_a_file_that_is_looked_at_just_now_is_replaced_a_moment_later(held: list[int], tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text("old")
    held[0] = 3
    with replacing(path) as part:
        part.write_text("new")
    assert path.read_text() == "new" and list(tmp_path.iterdir()) == [path]


def test_a_file_that_stays_held_is_left_as_it_was_and_that_is_said(held: list[int], tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text("old")
    held[0] = 4
    with pytest.raises(StorageError, match="you may not write there"), replacing(path) as part:
        part.write_text("new")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]
