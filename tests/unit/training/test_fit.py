"""The loop: what a Run leaves behind, and what becomes of it when things go wrong."""

from __future__ import annotations

import os
import resource
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from convnext_studio.core.context import Cancelled, JobContext
from convnext_studio.core.errors import StorageError
from convnext_studio.core.events import DataSetChecked
from convnext_studio.core.models.network import load
from convnext_studio.core.predict.faults import VARIABLE
from convnext_studio.core.recipe import changed, to_toml
from convnext_studio.core.requests import SteerRun
from convnext_studio.core.run_events import (
    EpochEnded,
    Paused,
    Planned,
    Progressed,
    Resumed,
    RunEnded,
    RunEvent,
    RunNoticed,
    RunStarted,
    Saved,
    StepEnded,
    TestEnded,
    WentOn,
    from_line,
)
from convnext_studio.core.runs.control import steer_run
from convnext_studio.core.runs.history import History
from convnext_studio.core.runs.run import Run
from convnext_studio.core.runs.summary import summarise
from convnext_studio.core.training import desk, fit, work
from convnext_studio.core.training.batches import Batch
from convnext_studio.core.training.looking import looking
from convnext_studio.core.training.plan import Plan
from convnext_studio.core.training.resume import ChangedSince
from convnext_studio.core.training.step import Stepper
from convnext_studio.core.values import ModelRef
from tests.exam_train import recipe_for
from tests.training_runs import SMALL, losses, of, same_weights, stop_at, worked


def test_a_run_ends_with_a_model_file_that_says_what_it_can(begin: Callable[..., Run]) -> None:
    run = begin()
    ended, events = worked(run)
    model = load(ModelRef(str(run.model_path)))

    assert (ended.ending, ended.why) == ("finished", "")
    assert [event.step for event in of(StepEnded, events)] == [1, 2, 3, 4]  # type: ignore[union-attr]
    assert len(of(EpochEnded, events)) == 2
    assert model.classes == ("bad", "good")
    assert {metric.split for metric in model.card.metrics} == {"validation", "test"}
    assert all(metric.low is not None for metric in model.card.metrics)
    assert model.preprocessing.width == 32
    assert "SHA-256" in model.card.provenance.data
    (started,) = of(RunStarted, events)
    assert isinstance(started, RunStarted)
    assert started.data == ("Images of 40 x 40 pixels, colour.", "Only exact copies stay together.")


def test_a_finished_run_is_left_as_it_is(begin: Callable[..., Run]) -> None:
    run = begin()
    ended, _ = worked(run)
    before = run.events_path.read_bytes()
    again, events = worked(run)

    assert again == ended
    assert not events
    assert run.events_path.read_bytes() == before


@pytest.mark.parametrize("step", [1, 2, 3])
def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(begin: Callable[..., Run], step: int) -> None:
    more = {"mixup": 0.3, "drop_path": 0.2, "balance": "sampler"}
    alone, stopped = begin("alone", **more), begin("stopped", **more)
    worked(alone)
    ended, _ = worked(stopped, stop_at(step))
    _, events = worked(stopped)

    assert (ended.ending, ended.can_go_on) == ("stopped", True)
    assert of(Resumed, events) == [Resumed(step, events[0].epoch)]  # type: ignore[union-attr]
    assert losses(stopped) == losses(alone)
    assert same_weights(stopped, alone)


def test_whoever_waits_for_a_large_state_to_be_saved_is_told(
    begin: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "_SLOW_BYTES", 0)
    ended, events = worked(begin(), stop_at(2))
    kinds = [type(event) for event in events]
    assert ended.ending == "stopped"
    assert kinds[-3:] == [RunNoticed, Saved, RunEnded]
    assert "as soon as what was learned is saved" in events[-3].message  # type: ignore[union-attr]


def test_a_state_that_was_cut_off_is_told_and_the_one_before_taken(begin: Callable[..., Run]) -> None:
    alone, cut = begin("alone"), begin("cut")
    worked(alone)
    worked(cut, stop_at(3))
    newest = max(cut.last_path.glob("*.safetensors"), key=lambda path: path.stat().st_mtime_ns)
    os.truncate(newest, newest.stat().st_size // 2)
    ended, events = worked(cut)

    assert ended.ending == "finished"
    assert "earlier state" in of(RunNoticed, events)[0].message  # type: ignore[union-attr]
    assert losses(cut) == losses(alone)
    assert same_weights(cut, alone)


def test_a_flipped_bit_in_every_state_lets_the_run_begin_anew(begin: Callable[..., Run]) -> None:
    alone, cut = begin("alone"), begin("cut")
    worked(alone)
    worked(cut, stop_at(3))
    for path in cut.last_path.glob("*.safetensors"):
        data = bytearray(path.read_bytes())
        data[-5] ^= 1
        path.write_bytes(data)
    ended, events = worked(cut)

    assert ended.ending == "finished"
    assert "begins anew" in of(RunNoticed, events)[0].message  # type: ignore[union-attr]
    assert losses(cut) == losses(alone)


def test_a_loss_that_is_not_finite_stops_before_the_step_and_names_the_images(
    begin: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = begin()
    honest, calls = work.Loss.__call__, [0]

    def poisoned(self: work.Loss, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        calls[0] += 1
        return honest(self, logits, labels) * (float("nan") if calls[0] == 3 else 1.0)

    monkeypatch.setattr(work.Loss, "__call__", poisoned)
    ended, events = worked(run)

    assert (ended.ending, ended.why, ended.can_go_on) == ("failed", "not finite", False)
    assert len(ended.images) == 4
    assert of(StepEnded, events)[-1].step == 2  # type: ignore[union-attr]
    states = [load_file(path) for path in run.last_path.glob("*.safetensors")]
    assert all(torch.isfinite(tensor).all() for state in states for tensor in state.values())
    assert load(ModelRef(str(run.model_path))).classes


@pytest.mark.parametrize("point", ["forward", "backward", "step"])
def test_out_of_memory_gives_what_smaller_pieces_give_from_the_start(
    begin: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    pieces, short = begin("pieces", accumulation=2), begin("short")
    worked(pieces)
    monkeypatch.setenv(VARIABLE, f"{point}:oom:1")
    ended, events = worked(short)

    assert ended.ending == "finished"
    assert "2 pieces" in of(RunNoticed, events)[0].message  # type: ignore[union-attr]
    assert losses(short) == losses(pieces)
    assert same_weights(short, pieces)


def test_too_little_memory_for_one_image_ends_the_run_with_a_sentence(
    begin: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "forward:oom:1000")
    ended, _ = worked(begin())

    assert (ended.ending, ended.why) == ("failed", "memory")
    assert "one Image at a time" in ended.message


def test_a_device_that_fails_is_told_as_a_fault_and_the_run_can_go_on(
    begin: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    alone, failed = begin("alone"), begin("failed")
    worked(alone)
    honest, said = Stepper.gradients, []

    def failing(self: Stepper, batch: Batch, step: int, *rest: Any) -> float:
        if step == 3:
            raise RuntimeError("CUDA error: device-side assert triggered")
        return honest(self, batch, step, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(Stepper, "gradients", failing)
        with pytest.raises(RuntimeError, match="device-side assert"):
            worked(failed, lambda event, stop: said.append(event))
    assert isinstance(said[-1], RunEnded) and (said[-1].why, said[-1].can_go_on) == ("fault", True)
    assert worked(failed)[0].ending == "finished"
    assert losses(failed) == losses(alone)
    assert same_weights(failed, alone)


def test_a_full_disk_pauses_the_run_and_leaves_the_state_before_as_it_was(
    begin: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "SAVE_EVERY_S", 0.0)
    monkeypatch.setattr(work, "_SAVE_SHARE", 1e9)
    monkeypatch.setattr(desk, "_AGAIN_S", 0.05)
    run = begin()
    before: dict[str, bytes] = {}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill_and_free(event: RunEvent, stop: threading.Event) -> None:
        if isinstance(event, Saved) and event.step == 1:
            before.update({path.name: path.read_bytes() for path in run.last_path.iterdir()})
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
        elif isinstance(event, Paused):
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            assert {path.name: path.read_bytes() for path in run.last_path.iterdir()} == before

    try:
        ended, events = worked(run, fill_and_free)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert ended.ending == "finished"
    paused = of(Paused, events)[0]
    assert "larger than is allowed" in paused.message  # type: ignore[union-attr]
    assert "Needed are" in paused.message  # type: ignore[union-attr]
    assert of(WentOn, events)


def test_a_disk_that_is_full_while_the_plan_is_written_anew_pauses_the_run(
    begin: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "_AGAIN_S", 0.05)
    run, honest, written = begin(epochs=1000, max_minutes=0.04, batch_size=2), work.write_plan, [0]

    def full_once(path: Path, plan: Plan) -> None:
        written[0] += 1
        if written[0] == 2:
            raise StorageError("“plan.json” could not be written: the disk is full.", "Free some space.")
        honest(path, plan)

    monkeypatch.setattr(work, "write_plan", full_once)
    ended, events = worked(run)

    assert written[0] > 2
    assert ended.ending == "finished"
    assert "disk is full" in of(Paused, events)[0].message  # type: ignore[union-attr]
    assert of(WentOn, events)


def test_a_run_that_waits_for_a_disk_can_be_stopped(begin: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    run = begin()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(event: RunEvent, stop: threading.Event) -> None:
        if isinstance(event, StepEnded):
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
        elif isinstance(event, Paused):
            stop.set()

    try:
        ended, _ = worked(run, fill)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert (ended.ending, ended.can_go_on) == ("stopped", True)
    assert worked(run)[0].ending == "finished"


@pytest.mark.parametrize("policy", ["skip", "stop"])
def test_an_image_that_vanishes_is_named_and_never_replaced(
    squares: Path, tmp_path: Path, policy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = Path(shutil.copytree(squares, tmp_path / "data"))
    run = Run.create_in(tmp_path / "run", recipe_for(data, **{**SMALL, "on_unreadable": policy}))
    gone: list[Path] = []

    def remove_one(event: RunEvent, stop: threading.Event) -> None:
        if isinstance(event, Saved) and not gone:
            names = [line.split(",")[0] for line in run.split_path.read_text().splitlines() if ",train," in line]
            gone.append(Path(names[0]))
            gone[0].unlink()

    ended, events = worked(run, remove_one)

    if policy == "skip":
        assert ended.ending == "finished"
        assert any(str(gone[0]) in event.images for event in of(RunNoticed, events))  # type: ignore[union-attr]
    else:
        assert (ended.ending, ended.why, ended.can_go_on) == ("failed", "data", True)
        assert str(gone[0]) in ended.message


def test_changed_settings_are_listed_first_and_taken_when_accepted(begin: Callable[..., Run]) -> None:
    run = begin()
    worked(run, stop_at(1))
    run.recipe_path.write_text(to_toml(changed(run.recipe, {"epochs": 3, "light": 0.0})))

    with pytest.raises(ChangedSince, match=r"Epochs .* was 2, now it is 3") as caught:
        worked(run)
    ended, events = worked(run, accepts_changes=True)

    assert len(caught.value.differences) == 2
    assert ended.ending == "finished"
    assert of(Resumed, events)[0].differences == caught.value.differences  # type: ignore[union-attr]
    assert of(EpochEnded, events)[-1].epoch == 3  # type: ignore[union-attr]


def test_a_run_obeys_what_it_is_asked_while_it_works(begin: Callable[..., Run]) -> None:
    run, paused = begin(epochs=5), []

    def ask(event: RunEvent, stop: threading.Event) -> None:
        wishes = {1: "lower rate", 2: "pause"}
        if isinstance(event, StepEnded) and event.step in wishes:
            steer_run(SteerRun(str(run.folder), wishes[event.step]), JobContext())  # type: ignore[arg-type]
        elif isinstance(event, Paused):
            paused.append(run.last_path.exists())
            steer_run(SteerRun(str(run.folder), "go on"), JobContext())
            steer_run(SteerRun(str(run.folder), "finish epoch"), JobContext())

    ended, events = worked(run, ask)
    notices = [event.message for event in of(RunNoticed, events)]  # type: ignore[union-attr]

    assert paused == [True]
    assert (ended.ending, ended.why) == ("finished", "asked")
    assert any("learning rate" in message for message in notices)
    assert of(StepEnded, events)[-1].step == 4  # type: ignore[union-attr]


PHASES = {
    "the data are looked at": lambda event: isinstance(event, DataSetChecked),
    "features are computed": lambda event: isinstance(event, Progressed) and event.phase == "features",
    "an epoch is validated": lambda event: isinstance(event, StepEnded) and event.step == 2,
    "the test split is read": lambda event: isinstance(event, Progressed) and event.phase == "test",
}


@pytest.mark.parametrize("phase", PHASES)
def test_a_pause_and_a_stop_are_obeyed_wherever_a_run_is(
    begin: Callable[..., Run], own_model: Path, monkeypatch: pytest.MonkeyPatch, phase: str
) -> None:
    monkeypatch.setattr(desk, "_LOOK_S", 0.0)
    run = begin(model=str(own_model), weights="pretrained", is_head_first=True, batch_size=2, epochs=1)
    said: list[str] = []

    def ask(event: RunEvent, stop: threading.Event) -> None:
        if isinstance(event, (Paused, WentOn)):
            said.append(type(event).__name__)
            steer_run(SteerRun(str(run.folder), "go on" if len(said) == 1 else "stop"), JobContext())
        elif not said and PHASES[phase](event):
            steer_run(SteerRun(str(run.folder), "pause"), JobContext())
        elif "WentOn" in said:
            after.append(event)

    after: list[RunEvent] = []
    ended, _ = worked(run, ask)

    assert said == ["Paused", "WentOn"]
    assert (ended.ending, ended.can_go_on) == ("stopped", True)
    assert {type(event) for event in after} <= {RunNoticed, Saved, RunEnded}
    run.wanted_path.unlink()  # what was asked of this process; another one would not obey it
    assert worked(run)[0].ending == "finished"


def test_a_stop_ends_the_pass_through_the_network_it_falls_into() -> None:
    network = nn.Sequential(*(nn.Linear(4, 4) for _ in range(5)))
    inputs, calls = torch.ones(1, 4), []

    def check() -> None:
        calls.append(1)
        if len(calls) == 8:
            raise Cancelled

    with pytest.raises(Cancelled), looking(network, check):
        network(inputs).sum().backward()
    assert len(calls) == 8  # five on the way forth, two on the way back, and the one that stops
    network(inputs).sum().backward()
    assert len(calls) == 8


def test_a_run_without_progress_stops_early(begin: Callable[..., Run]) -> None:
    ended, events = worked(begin(epochs=9, patience=1, learning_rate=0.0))

    assert (ended.ending, ended.why, ended.best_epoch) == ("finished", "patience", 1)
    assert of(TestEnded, events)


def test_a_network_of_ones_own_design_is_trained_and_loads_again(begin: Callable[..., Run]) -> None:
    design = {"depths": "1,1,2,1", "widths": "8,16,24,32", "kernel_size": 3, "norm": "batchnorm2d", "grn": "yes"}
    run = begin(**design, epochs=1)
    ended, _ = worked(run)
    model = load(ModelRef(str(run.model_path)))

    assert ended.ending == "finished"
    assert model.card.options["dims"] == (8, 16, 24, 32)
    learned = [name for name, weight in model.network.named_parameters() if "grn" in name and weight.abs().max() > 0]
    assert learned
    assert not any(name.endswith(".gamma") for name, _ in model.network.named_parameters())  # GRN is in its place


def test_a_time_limit_plans_fewer_steps_and_ends_with_the_rate_near_nothing(begin: Callable[..., Run]) -> None:
    run = begin(epochs=10_000, max_minutes=0.04, precision="fp32")
    ended, events = worked(run)
    steps = of(StepEnded, events)

    assert (ended.ending, ended.why) == ("finished", "time limit")
    assert steps[-1].learning_rate < 0.5 * max(step.learning_rate for step in steps)  # type: ignore[union-attr]


def test_a_batch_is_never_larger_than_the_training_split(begin: Callable[..., Run]) -> None:
    _, events = worked(begin(batch_size=4096, epochs=1))
    started = next(event for event in events if isinstance(event, RunStarted))

    assert started.batch_size == sum(started.counts["train"].values()) // 2 * 2
    assert len(of(StepEnded, events)) == 1


def test_a_run_is_told_anew_how_much_is_planned_when_that_changes(begin: Callable[..., Run]) -> None:
    run = begin(epochs=1)
    worked(run, stop_at(1))
    run.recipe_path.write_text(to_toml(changed(run.recipe, {"epochs": 3})))
    said: list[tuple[int, int]] = []

    def look(event: RunEvent, stop: threading.Event) -> None:
        if isinstance(event, StepEnded):
            lines = [line for text in run.events_path.read_text().splitlines() if (line := from_line(text))]
            started = History(lines).started
            assert started is not None
            said.append((started.epochs, summarise(run).epochs))

    ended, events = worked(run, look, accepts_changes=True)

    assert ended.ending == "finished"
    assert of(Planned, events) == [Planned(3, 6)]
    assert set(said) == {(3, 3)}


def test_after_accepted_changes_a_run_goes_on_from_the_state_saved_last(begin: Callable[..., Run]) -> None:
    run = begin(batch_size=2)
    worked(run, stop_at(6))
    run.recipe_path.write_text(to_toml(changed(run.recipe, {"batch_size": 4})))  # fewer steps: their count goes back
    worked(run, stop_at(3), accepts_changes=True)
    _, events = worked(run)

    assert of(Resumed, events)[0].step == 3  # type: ignore[union-attr]


def test_a_run_killed_right_after_changes_were_taken_goes_on_with_a_whole_epoch(
    begin: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = begin(batch_size=2)
    worked(run, stop_at(6))
    run.recipe_path.write_text(to_toml(changed(run.recipe, {"batch_size": 4})))

    def killed(self: object, work: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(fit.Samples, "__init__", killed)
        worked(run, accepts_changes=True)
    _, events = worked(run)

    assert [event.step for event in of(StepEnded, events)] == [3, 4]  # type: ignore[union-attr]
