"""What a Run began with: a split that was altered since is told, never taken in silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from convnext_studio.core.data.dataset import LabelledImage
from convnext_studio.core.data.split_file import write_split
from convnext_studio.core.errors import RunError
from convnext_studio.core.recipe import Recipe
from convnext_studio.core.runs.run import Run
from convnext_studio.core.training.resume import changes_since, machine_changes, read_begun, write_begun


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = Run.create(tmp_path, "parts", Recipe(data=str(tmp_path)))
    images = (LabelledImage("/parts/a.png", "ok", "", "train"), LabelledImage("/parts/b.png", "ok", "", "test"))
    write_split(run.split_path, images)
    write_begun(run, images)
    return run


def test_an_untouched_run_has_no_changes(run: Run) -> None:
    begun = read_begun(run)
    assert begun is not None
    assert changes_since(run, begun) == ()


def test_a_split_that_was_edited_by_hand_is_a_change(run: Run) -> None:
    run.split_path.write_text(run.split_path.read_text().replace(",test,", ",train,"))
    begun = read_begun(run)
    assert begun is not None
    (said,) = changes_since(run, begun)
    assert said.startswith("split.csv is not as it was written")


def test_a_run_that_goes_on_is_exact_only_on_a_cpu() -> None:
    same = {"torch": "2", "device": "cpu", "threads": 2, "world_size": 1}
    assert machine_changes([same, same]) == ()
    assert machine_changes([same, {**same, "threads": 4}]) == ("threads was 2, now it is 4.",)
    (said,) = machine_changes([{**same, "device": "cuda"}] * 2)
    assert "not the same every time, to the last digit" in said


def test_a_damaged_record_is_refused_and_never_split_anew(run: Run) -> None:
    (run.folder / "begun.json").write_text("[]")
    with pytest.raises(RunError, match=r"begun\.json cannot be read"):
        read_begun(run)


def test_a_run_that_has_not_got_so_far_has_no_record(tmp_path: Path) -> None:
    assert read_begun(Run.create(tmp_path, "parts", Recipe(data=str(tmp_path)))) is None
