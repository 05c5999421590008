"""The end of a Run: its own Model is tested, on Images that are there; anything else ends with a sentence."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from convnext_studio.core.context import JobContext
from convnext_studio.core.requests import Train
from convnext_studio.core.run_events import RunEnded
from convnext_studio.core.runs.run import Run
from convnext_studio.core.training import fit
from tests.exam_train import draw_data_set, recipe_for

Make = Callable[..., Run]


@pytest.fixture
def nearly_done(tmp_path: Path) -> Make:
    """Make a Run that died after its last test, before it said so."""
    data = draw_data_set(tmp_path / "data", 6)

    def make(name: str, **changes: object) -> Run:
        run = Run.create_in(tmp_path / name, recipe_for(data, **{"epochs": 1, "batch_size": 4, **changes}))
        assert work_on(run).ending == "finished"
        lines = run.events_path.read_bytes().splitlines(keepends=True)
        run.events_path.write_bytes(b"".join(lines[:-1]))
        return run

    return make


def work_on(run: Run) -> RunEnded:
    return fit.train(Train(str(run.folder), accepts_changes=True), JobContext())


def test_a_run_tests_its_own_model_again_where_it_died_before_its_end(nearly_done: Make) -> None:
    assert work_on(nearly_done("one")).ending == "finished"


def test_another_model_in_the_place_of_the_runs_own_does_not_get_its_figures(nearly_done: Make) -> None:
    one, other = nearly_done("one"), nearly_done("other", seed=5)
    shutil.copy(other.model_path, one.model_path)
    before = one.model_path.read_bytes()
    ended = work_on(one)
    assert (ended.ending, ended.can_go_on) == ("failed", True)
    assert "is not the Model of this Run" in ended.message
    assert one.model_path.read_bytes() == before


def test_a_lost_model_file_is_named_and_can_be_put_back(nearly_done: Make) -> None:
    run = nearly_done("one")
    aside = run.model_path.rename(run.folder / "aside.safetensors")
    ended = work_on(run)
    assert (ended.ending, ended.can_go_on) == ("failed", True)
    assert "model.safetensors" in ended.message and "Put the Model file" in ended.hint
    aside.rename(run.model_path)
    assert work_on(run).ending == "finished"


def test_no_figures_are_given_where_not_one_image_can_be_read(nearly_done: Make, tmp_path: Path) -> None:
    run = nearly_done("one")
    (tmp_path / "data").rename(tmp_path / "elsewhere")
    ended = work_on(run)
    assert (ended.ending, ended.why, ended.can_go_on) == ("failed", "data", True)
    assert "Not one Image of the test split can be read" in ended.message
