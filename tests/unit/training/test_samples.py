"""The samples of a Run: always the same Images, told after each validation, and nothing of the training changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from convnext_studio.core.context import JobContext
from convnext_studio.core.data.dataset import LabelledImage
from convnext_studio.core.errors import RunError
from convnext_studio.core.requests import FindAnswered
from convnext_studio.core.run_events import EpochEnded, RunStarted, SamplesShown, StepEnded
from convnext_studio.core.runs.answers import find_answered
from convnext_studio.core.runs.run import Run
from convnext_studio.core.training import samples
from tests.training_runs import losses, of, same_weights, worked


def test_samples_are_told_after_each_validation_and_change_no_bit_of_the_training(
    begin: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = {"mixup": 0.2, "drop_path": 0.2}
    run = begin("with", **chance)
    ended, events = worked(run)
    shown = of(SamplesShown, events)
    assert ended.ending == "finished"
    assert [one.epoch for one in shown] == [one.epoch for one in of(EpochEnded, events)]
    paths = [[sample[0] for sample in one.samples] for one in shown]
    assert paths[0] and all(one == paths[0] for one in paths)
    for path, true, predicted, share, (width, height), _covered, seen, cells in shown[-1].samples:
        assert Path(path).parent.name == true and predicted in ("bad", "good") and 0.5 <= share <= 1.0
        assert (width, height) == (40, 40) and seen == (0.0, 0.0, 40.0, 40.0)
        assert len(cells) <= 16 and {len(row) for row in cells} == {2 * len(cells)}
        assert max(max(bytes.fromhex(row)) for row in cells) in (0, 255)

    monkeypatch.setattr(samples.Samples, "show", lambda _self, _network: None)
    without = begin("without", **chance)
    assert not of(SamplesShown, worked(without)[1])
    assert losses(run) == losses(without) and same_weights(run, without)


def test_samples_that_would_cost_too_much_are_left_out(
    begin: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(samples, "_UNNOTICED_S", 0.0)
    monkeypatch.setattr(samples, "_SHARE", 1e-9)
    _ended, events = worked(begin(epochs=4))
    assert len(of(SamplesShown, events)) == 2  # the first look is not counted: it reads the Images


@pytest.mark.parametrize("words", ["out of memory", "DefaultCPUAllocator: can't allocate memory"])
def test_a_run_goes_on_where_there_is_no_memory_for_samples(
    begin: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    def short(*_rest: object) -> None:
        raise RuntimeError(words)

    monkeypatch.setattr(samples, "sensitivity", short)
    ended, events = worked(begin(epochs=1))
    assert ended.ending == "finished" and not of(SamplesShown, events)


def test_every_class_is_among_the_samples_and_they_come_from_all_over_it() -> None:
    images = [LabelledImage(f"/{name}/{n}.png", name) for name, total in (("a", 30), ("b", 4), ("c", 1)) for n in
              range(total)]  # fmt: skip
    picked = [image.path for image in samples.chosen(images, ("a", "b", "c", "none"), 6)]
    assert picked == ["/a/4.png", "/a/14.png", "/a/24.png", "/b/0.png", "/b/2.png", "/c/0.png"]
    assert [image.label for image in samples.chosen(images, ("a", "b", "c"), 3)] == ["a", "b", "c"]
    assert samples.count_for(10_000, 6) == 12
    assert samples.count_for(200, 2) == 6
    assert samples.count_for(60, 4) == 4
    assert samples.count_for(60, 40) == 6


def test_a_cell_of_the_confusion_matrix_names_its_images(begin: Callable[..., Run]) -> None:
    run = begin()
    _ended, events = worked(run)
    last = of(EpochEnded, events)[-1]
    (started,) = of(RunStarted, events)
    ctx = JobContext(lambda event: None)
    for true, row in zip(started.classes, last.confusion, strict=True):
        for found, count in zip(started.classes, row, strict=True):
            paths = find_answered(FindAnswered(str(run.folder), true, found), ctx)
            assert len(paths) == count and all(Path(path).parent.name == true for path in paths)
    (run.folder / "answers.json").unlink()
    with pytest.raises(RunError, match="did not keep"):
        find_answered(FindAnswered(str(run.folder), "bad", "good"), ctx)


def test_steps_tell_how_busy_the_machine_is(begin: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    from convnext_studio.core.training import load

    monkeypatch.setattr(load, "_LOOK_S", 0.0)
    _ended, events = worked(begin(epochs=1))
    assert all(0.0 <= step.load <= 1.0 for step in of(StepEnded, events))
