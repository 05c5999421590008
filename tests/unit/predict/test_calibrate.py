"""Settling how a Model runs here: by measurement, never at the price of the answers, and remembered."""

from __future__ import annotations

import dataclasses
import os
import threading
import time
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from convnext_studio.core import jobs
from convnext_studio.core.context import Cancelled, JobContext
from convnext_studio.core.errors import DeviceError, UsageError
from convnext_studio.core.events import DeviceFound, ModelLoading, SpeedMeasured
from convnext_studio.core.models import network
from convnext_studio.core.models.network import LoadedModel
from convnext_studio.core.predict import calibrate, device, memory
from convnext_studio.core.predict.answers import softmax
from convnext_studio.core.predict.runners.base import Plan, Runner
from convnext_studio.core.predict.runners.build import build_runner, cache_folder
from convnext_studio.core.requests import FindDevices, LoadModel, MeasureSpeed
from convnext_studio.core.values import Execution, ModelRef

FP32 = Execution("cpu", "fp32", "torch")


def _engines() -> tuple[str, ...]:
    return device.engines_on("cpu")


def test_the_cpu_is_found_and_named() -> None:
    found = jobs.run(FindDevices(), JobContext())
    assert isinstance(found, tuple)
    cpu = found[-1]
    assert isinstance(cpu, DeviceFound)
    assert cpu.kind == "cpu" and cpu.name and cpu.memory_bytes > 0
    assert cpu.engines[0] == "torch" and cpu.precisions[0] == "fp32"


@pytest.mark.parametrize("engine", ["torch", "openvino", "onnxruntime"])
@pytest.mark.parametrize("layout", ["channels_last", "contiguous"])
def test_every_engine_gives_torchs_fp32_answers(model: ModelRef, engine: str, layout: str) -> None:
    if engine not in _engines() or (engine != "torch" and layout == "contiguous"):
        pytest.skip(f"{engine} is not installed, or has no layouts")
    loaded = network.load(model)
    batch = np.random.default_rng(1).integers(0, 256, (5, 64, 64, 3), dtype=np.uint8)
    expected = build_runner(loaded, calibrate._reference("cpu")).run(batch)
    plan = Plan("cpu", engine, "fp32", layout if engine == "torch" else "", 4, 2, 2)  # type: ignore[arg-type]
    runner = build_runner(loaded, plan)
    assert softmax(runner.run(batch)) == pytest.approx(softmax(expected), abs=1e-4)
    assert softmax(runner.run(batch[:1])) == pytest.approx(softmax(expected[:1]), abs=1e-4)


def test_a_network_converted_with_a_small_example_answers_rightly_at_its_own_size(model: ModelRef) -> None:
    if "openvino" not in _engines():
        pytest.skip("OpenVINO is not installed")
    small = network.load(model)
    card = dataclasses.replace(small.card, preprocessing=dataclasses.replace(small.preprocessing, height=96, width=160))
    loaded = dataclasses.replace(small, card=card)
    batch = np.random.default_rng(1).integers(0, 256, (2, 96, 160, 3), dtype=np.uint8)
    expected = build_runner(loaded, calibrate._reference("cpu")).run(batch)
    found = build_runner(loaded, Plan("cpu", "openvino", "fp32", "", 2, 1, 1)).run(batch)
    assert softmax(found) == pytest.approx(softmax(expected), abs=1e-4)


@pytest.mark.parametrize("suffix", [".bin", ".xml", ".sha256"])
def test_a_converted_network_that_was_altered_on_the_disk_is_converted_anew(
    model: ModelRef, suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    if "openvino" not in _engines():
        pytest.skip("OpenVINO is not installed")
    loaded, plan = network.load(model), Plan("cpu", "openvino", "fp32", "", 2, 1, 1)
    batch = np.random.default_rng(1).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    expected = build_runner(loaded, plan).run(batch)
    (kept,) = cache_folder().rglob(f"*{suffix}")
    whole = kept.read_bytes()
    at = len(whole) // 2
    altered = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
    kept.write_bytes(altered)
    assert build_runner(loaded, plan).run(batch) == pytest.approx(expected, abs=1e-5)
    assert kept.read_bytes() != altered, "and kept anew"


def test_nothing_is_left_of_a_converted_network_that_could_not_be_written_or_whose_process_was_killed(
    model: ModelRef, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    if "openvino" not in _engines():
        pytest.skip("OpenVINO is not installed")
    from convnext_studio.core.predict.runners import openvino_runner

    def fill_the_disk(_graph: object, path: Path, **_options: object) -> None:
        path.with_suffix(".bin").write_bytes(b"half")
        raise RuntimeError("No space left on device")

    loaded, plan = network.load(model), Plan("cpu", "openvino", "fp32", "", 2, 1, 1)
    batch = np.zeros((1, 64, 64, 3), np.uint8)
    with monkeypatch.context() as full:
        full.setattr(openvino_runner.ov, "save_model", fill_the_disk)
        expected = build_runner(loaded, plan).run(batch)
    folder = cache_folder() / "openvino"
    assert list(folder.iterdir()) == []
    killed = folder / f"{openvino_runner._UNFINISHED}of-a-killed-process"
    killed.mkdir()
    (killed / "network.bin").write_bytes(b"half")
    os.utime(killed, (0, 0))
    assert build_runner(loaded, plan).run(batch) == pytest.approx(expected, abs=1e-5)
    assert sorted(path.suffix for path in folder.iterdir()) == [".bin", ".sha256", ".xml"]


def test_a_converted_network_is_kept_though_a_leftover_goes_while_it_is_looked_at(
    model: ModelRef, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    if "openvino" not in _engines():
        pytest.skip("OpenVINO is not installed")
    from convnext_studio.core.predict.runners import openvino_runner

    folder = cache_folder() / "openvino"
    folder.mkdir(parents=True)
    (folder / f"{openvino_runner._UNFINISHED}gone").symlink_to("nowhere")  # listed, and not there when it is asked for
    build_runner(network.load(model), Plan("cpu", "openvino", "fp32", "", 2, 1, 1))
    assert sorted(path.suffix for path in folder.iterdir() if path.exists()) == [".bin", ".sha256", ".xml"]


def test_a_heavy_network_is_made_once_and_measured_image_by_image(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Plan] = []
    monkeypatch.setattr(calibrate, "_HEAVY", 1)
    monkeypatch.setattr(calibrate, "build_runner", lambda loaded, plan: made.append(plan) or build_runner(loaded, plan))
    found = jobs.run(MeasureSpeed(ModelRef("test_convnext", "random"), FP32, seconds=0.01), JobContext())
    assert isinstance(found, SpeedMeasured)
    assert found.batch == 1
    assert [(plan.streams, plan.batch) for plan in made] == [(1, 1)]


def test_what_was_measured_is_remembered_and_not_measured_again(model: ModelRef) -> None:
    loaded, seen = network.load(model), []
    first = calibrate.settle_plan(loaded, FP32, JobContext(seen.append))
    assert [event for event in seen if isinstance(event, ModelLoading)]
    seen.clear()
    second = calibrate.settle_plan(loaded, FP32, JobContext(seen.append))
    assert not seen
    assert second.plan == first.plan
    assert second.images_per_s == pytest.approx(first.images_per_s, abs=0.01)


def test_what_is_known_is_thrown_away_when_it_is_to_be_measured_anew(model: ModelRef) -> None:
    seen: list[object] = []
    jobs.run(LoadModel(model, FP32), JobContext())
    identity = network.load(model).identity
    memory.remember(identity, FP32, calibrate.candidates(FP32)[0], 12345.0)
    jobs.run(LoadModel(model, FP32, is_measured_anew=True), JobContext(seen.append))
    assert ModelLoading("Measuring this machine") in seen
    recalled = memory.recall(identity, FP32)
    assert recalled is not None and recalled[1] != 12345.0


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"x": 1}', "\x00\x01"])
def test_a_broken_memory_is_taken_for_an_empty_one(model: ModelRef, damage: str) -> None:
    cache_folder().mkdir(parents=True)
    (cache_folder() / "calibration.json").write_text(damage)
    loaded = network.load(model)
    plan = calibrate.settle_plan(loaded, FP32, JobContext()).plan
    recalled = memory.recall(loaded.identity, FP32)
    assert recalled is not None and recalled[0] == plan


def test_a_remembered_plan_that_makes_no_sense_is_ignored(model: ModelRef) -> None:
    plan = calibrate.candidates(FP32)[0]
    memory.remember("some identity", FP32, dataclasses.replace(plan, batch=0), 1.0)
    assert memory.recall("some identity", FP32) is None


def test_a_measurement_of_a_month_ago_and_one_from_the_future_are_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    memory.remember("some identity", FP32, calibrate.candidates(FP32)[0], 1.0)
    assert memory.recall("some identity", FP32) is not None
    now = time.time()
    for days in (31, -1):
        monkeypatch.setattr("time.time", lambda days=days: now + days * 86_400)
        assert memory.recall("some identity", FP32) is None


def test_a_busy_moment_does_not_decide_between_two_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = calibrate.candidates(FP32)[0]
    runner = cast(Runner, None)
    disturbed, undisturbed = calibrate.Settled(plan, runner, 60.0), calibrate.Settled(plan, runner, 80.0)
    speeds = iter((100.0, 81.0))
    monkeypatch.setattr(calibrate, "images_per_second", lambda *_: next(speeds))
    found = calibrate._faster(disturbed, undisturbed, np.zeros((4, 8, 8, 3), np.uint8))
    assert found.images_per_s == 100.0


def test_nothing_is_lost_where_the_memory_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(memory, "cache_folder", lambda: tmp_path / "file" / "below")
    memory.remember("some identity", FP32, calibrate.candidates(FP32)[0], 1.0)
    assert memory.recall("some identity", FP32) is None


def test_a_candidate_that_answers_differently_is_refused(model: ModelRef, monkeypatch: pytest.MonkeyPatch) -> None:
    build = calibrate.build_runner

    class Wrong:
        def run(self, batch: np.ndarray) -> np.ndarray:
            return np.eye(3, dtype=np.float32)[np.arange(len(batch)) % 3] * 50

    def building(loaded: object, plan: Plan) -> object:
        return Wrong() if plan.layout == "channels_last" else build(loaded, plan)  # type: ignore[arg-type]

    monkeypatch.setattr(calibrate, "build_runner", building)
    assert calibrate.calibrate(network.load(model), FP32, JobContext()).plan.layout == "contiguous"
    monkeypatch.setattr(
        calibrate, "candidates", lambda execution: [calibrate._plan("cpu", "torch", "fp32", "channels_last")]
    )
    with pytest.raises(DeviceError):
        calibrate.calibrate(network.load(model), FP32, JobContext())


def test_what_was_asked_for_by_name_is_all_that_is_tried() -> None:
    assert {plan.engine for plan in calibrate.candidates(FP32)} == {"torch"}
    assert {plan.precision for plan in calibrate.candidates(Execution("cpu", "fp32"))} == {"fp32"}
    assert {plan.precision for plan in calibrate.candidates(Execution("cpu", "bf16", "torch"))} == {"bf16"}


def test_what_is_not_there_is_refused_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device.torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError, match="CPU"):
        calibrate.candidates(Execution("cuda"))
    monkeypatch.setattr(device.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="pip install"):
        calibrate.candidates(Execution("cpu", "auto", "openvino"))


def test_bf16_counts_as_native_only_where_the_cpu_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for flags, expected in (("fpu avx2", False), ("fpu avx512_bf16", True), ("amx_bf16", True)):
        device.has_native_bf16.cache_clear()
        monkeypatch.setattr(device, "_cpu_field", lambda name, flags=flags: flags)
        assert device.has_native_bf16() is expected
    device.has_native_bf16.cache_clear()


@pytest.mark.parametrize("is_in_catalogue", [True, False])
def test_the_speed_of_an_architecture_is_measured_without_its_weights(
    is_in_catalogue: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibrate, "find_entry", lambda name: name if is_in_catalogue else None)
    ref = ModelRef("test_convnext", "pretrained" if is_in_catalogue else "random")
    found = jobs.run(MeasureSpeed(ref, FP32, seconds=2.0), JobContext())
    assert isinstance(found, SpeedMeasured)
    assert found.images_per_s > 0
    assert (found.execution.engine, found.execution.precision) == ("torch", "fp32")


@pytest.mark.parametrize("is_known", [False, True])
def test_a_stop_does_not_wait_for_a_network_that_is_still_made_ready(
    model: ModelRef, monkeypatch: pytest.MonkeyPatch, is_known: bool
) -> None:
    loaded = network.load(model)
    if is_known:
        calibrate.settle_plan(loaded, FP32, JobContext())
    let_go, stop, calls = threading.Event(), threading.Event(), []

    def slow(loaded: LoadedModel, plan: Plan) -> Runner:
        calls.append(1)
        if is_known or len(calls) > 1:  # the first one is what the others must agree with
            stop.set()
            let_go.wait()
        return build_runner(loaded, plan)

    monkeypatch.setattr(calibrate, "build_runner", slow)
    try:
        with pytest.raises(Cancelled):
            calibrate.settle_plan(loaded, FP32, JobContext(cancel=stop))
        assert stop.is_set() and not let_go.is_set()
    finally:
        let_go.set()
