"""What a Run will take: measured in parts on a few Images, and put together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from convnext_studio.core.context import Cancelled, JobContext
from convnext_studio.core.errors import DataError, DeviceError
from convnext_studio.core.events import TrainingMeasured
from convnext_studio.core.recipe import Recipe, from_preset
from convnext_studio.core.requests import MeasureTraining
from convnext_studio.core.runs.run import Run
from convnext_studio.core.training import pace
from convnext_studio.core.training.expected import expected
from tests.exam_train import recipe_for
from tests.training_runs import worked

MEASURED = TrainingMeasured(
    "cpu", 0.01, 0.002, 0.03, 0.01, 0.001, 0.1, 1.0, 15_000_000, 14_000_000, 110_592, 8_000_000_000
)
IMAGES = {"train": 600, "validation": 200, "test": 200}


@pytest.fixture
def measured(squares: Path) -> Callable[..., TrainingMeasured]:
    def measure(paths: tuple[str, ...] | None = None, stop: threading.Event | None = None) -> TrainingMeasured:
        images = tuple(map(str, sorted(squares.rglob("*.png"))))[:4] if paths is None else paths
        ctx = JobContext(cancel=stop or threading.Event())
        return pace.measure_training(MeasureTraining(recipe_for(squares), images, 2), ctx)

    return measure


def test_a_run_takes_what_its_parts_promised_within_ten_times(
    measured: Callable[..., TrainingMeasured], begin: Callable[..., Run]
) -> None:
    worked(
        begin("first", epochs=1, batch_size=8, patience=0)
    )  # what a process does once: imports, the first of each kernel
    run = begin(epochs=6, batch_size=8, patience=0)
    parts = replace(measured(), load_s=0.0)
    promised = expected(parts, run.recipe, {"train": 8, "validation": 2, "test": 2}).seconds
    promised -= expected(parts, run.recipe, {}).seconds  # the start of a process, which there is none of here
    began = time.process_time()
    worked(run)
    took = time.process_time() - began

    assert promised / 10 < took < 10 * promised


def test_measuring_leaves_threads_chance_and_modes_as_they_were(measured: Callable[..., TrainingMeasured]) -> None:
    threads, chance = torch.get_num_threads(), torch.get_rng_state()
    found = measured()

    assert min(found.read_s, found.learn_s, found.predict_s, found.head_s, found.update_s) > 0
    assert found.weight_bytes > 0
    assert found.activation_bytes > found.pixel_bytes
    assert found.free_bytes > 0
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), chance)


def test_measuring_stops_when_asked(measured: Callable[..., TrainingMeasured]) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        measured(stop=stop)


def test_images_that_cannot_be_read_are_told(measured: Callable[..., TrainingMeasured], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Not one Image"):
        measured((str(tmp_path / "gone.png"),))


def test_a_model_that_cannot_fit_is_told_before_it_is_tried(
    measured: Callable[..., TrainingMeasured], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "_COPIES", 10**12)
    with pytest.raises(DeviceError, match="too large to learn here"):
        measured()


def test_more_epochs_take_longer_and_a_time_limit_holds() -> None:
    def seconds(recipe: Recipe) -> float:
        return expected(MEASURED, recipe, IMAGES).seconds

    instant, balanced, thorough = (from_preset(name) for name in ("instant", "balanced", "thorough"))
    assert seconds(instant) < 60 < seconds(balanced) < seconds(thorough)
    assert seconds(balanced) == pytest.approx(20 * (600 * 0.032 + 19 * 0.1 + 200 * 0.01), rel=0.1)
    assert seconds(replace(thorough, max_minutes=2.0)) == 120


def test_memory_grows_with_the_batch_and_is_spared_by_pieces() -> None:
    def gigabytes(**changes: object) -> float:
        return expected(MEASURED, from_preset("balanced", **changes), IMAGES).memory_bytes / 1e9

    assert 1.0 < gigabytes() < 2.0
    assert gigabytes(batch_size=256) > 2 * gigabytes()
    assert gigabytes(accumulation=8) < gigabytes()


def test_a_gpu_prepares_images_while_it_learns() -> None:
    quick = replace(MEASURED, device="cuda", learn_s=0.0005, update_s=0.001)
    recipe = from_preset("balanced")

    assert expected(quick, recipe, IMAGES).seconds < expected(replace(quick, device="cpu"), recipe, IMAGES).seconds
    assert expected(quick, recipe, IMAGES).memory_bytes < 1_000_000_000  # what the program itself takes is elsewhere
