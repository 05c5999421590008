"""The cache of what was seen: where it cannot be kept, nothing of it is held either."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from convnext_studio.core.data import seen
from convnext_studio.core.data.seen import Seen, SeenBefore


@pytest.fixture
def images(tmp_path: Path) -> list[str]:
    """Ten files that have not changed for long."""
    paths = [tmp_path / f"{number}.png" for number in range(10)]
    for path in paths:
        path.write_bytes(b"x")
        os.utime(path, (1e9, 1e9))
    return [str(path) for path in paths]


def _look_at(images: list[str], cache: SeenBefore) -> None:
    for path in images:
        assert cache.recall(path) is None
        cache.remember(path, Seen("content"))


def test_what_was_seen_is_recalled_until_the_file_changes(images: list[str], tmp_path: Path) -> None:
    with SeenBefore(tmp_path / "seen.sqlite") as cache:
        _look_at(images, cache)
    with SeenBefore(tmp_path / "seen.sqlite") as cache:
        assert cache.recall(images[0]) == Seen("content")
        os.utime(images[0], (2e9, 1e9 + 1))
        assert cache.recall(images[0]) is None


def test_without_a_place_to_keep_it_nothing_is_held_in_memory(images: list[str], tmp_path: Path) -> None:
    (tmp_path / "seen.sqlite").mkdir()
    with SeenBefore(tmp_path / "seen.sqlite") as cache:
        _look_at(images, cache)
        assert not cache._waiting and not cache._facts


def test_once_it_cannot_be_written_nothing_is_held_any_more(
    images: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seen, "_WRITTEN_AT_ONCE", 4)
    with SeenBefore(tmp_path / "seen.sqlite") as cache:
        for path in images:
            cache.recall(path)
        cache._base.execute("DROP TABLE seen")  # type: ignore[union-attr]
        for path in images:
            cache.remember(path, Seen("content"))
        assert not cache._waiting and not cache._facts
