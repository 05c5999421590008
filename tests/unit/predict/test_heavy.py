"""The speed of networks that take seconds for an answer: one of them is made, or what there is time for."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
from torch import nn

from convnext_studio.core import jobs
from convnext_studio.core.context import JobContext
from convnext_studio.core.events import SpeedMeasured
from convnext_studio.core.models.network import LoadedModel
from convnext_studio.core.predict import calibrate, heavy
from convnext_studio.core.predict.blank import blank_model, filled, is_hollow
from convnext_studio.core.predict.runners.base import Plan
from convnext_studio.core.requests import MeasureSpeed
from convnext_studio.core.values import Execution, ModelRef

PLAN = Plan("cpu", "torch", "fp32", "channels_last", 1, 2, 1)


class Slow:
    """A clock by which every layer takes so long for each unit of its work."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, model: LoadedModel, seconds: float) -> None:
        self.now = 100.0
        network = model.network
        watch = heavy._Watch(network)
        watch.learn(network, model.preprocessing.height, model.preprocessing.width)
        self.a_unit_s = seconds / watch.all
        monkeypatch.setattr(heavy.time, "monotonic", lambda: self.now)
        for layer in network.modules():
            if isinstance(layer, (nn.Conv2d, nn.Linear)):
                layer.register_forward_hook(self._on_done)

    def _on_done(self, layer: nn.Module, _inputs: object, output: object) -> None:
        if not output.is_meta:
            weight = layer.weight
            self.now += self.a_unit_s * output.numel() * (weight.numel() / weight.shape[0] + heavy._PRODUCTS_AN_OUTPUT)


def answered(monkeypatch: pytest.MonkeyPatch, seconds: float, budget_s: float) -> tuple[heavy.Answered, float]:
    """What is told of a network that takes so many seconds, and how long the telling took."""
    model = blank_model("test_convnext")
    slow = Slow(monkeypatch, model, seconds)
    began = slow.now
    found = heavy.measure_one_answer(model, PLAN, JobContext(), began + budget_s)
    return found, slow.now - began


def test_a_network_that_fits_into_the_time_gives_whole_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    found, took = answered(monkeypatch, 4.0, 9.0)
    assert found == heavy.Answered(pytest.approx(1 / 4))
    assert took == pytest.approx(8.0)
    found, took = answered(monkeypatch, 5.0, 9.0)
    assert (found.share, took) == (1, pytest.approx(5.0))


def test_a_network_that_overruns_is_stopped_and_the_rest_extrapolated(monkeypatch: pytest.MonkeyPatch) -> None:
    found, took = answered(monkeypatch, 20.0, 9.0)
    assert took < 9.0 + 20.0 / 4  # a layer of this small network is a good part of all its work
    assert found == heavy.Answered(pytest.approx(1 / 20), pytest.approx(took / 20))
    assert 0.4 < found.share < 1


def test_a_tenth_of_an_answer_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    found, took = answered(monkeypatch, 1000.0, 9.0)
    assert found.images_per_s == pytest.approx(1 / 1000)
    assert 100 < took < 500 and found.share == pytest.approx(took / 1000)


@pytest.mark.parametrize("seconds", [60.0, 0.0])
def test_a_huge_network_is_run_by_torch_alone_and_says_how_much_was_measured(
    monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    monkeypatch.setattr(calibrate, "_HUGE", 1)
    monkeypatch.setattr(calibrate, "build_runner", pytest.fail)
    found = jobs.run(MeasureSpeed(ModelRef("test_convnext", "random"), seconds=seconds), JobContext())
    assert isinstance(found, SpeedMeasured) and found.images_per_s > 0
    assert (found.execution.engine, found.batch) == ("torch", 1)
    assert found.share == 1 if seconds else 0 < found.share < 1


@pytest.mark.skipif(find_spec("openvino") is None, reason="needs OpenVINO")
def test_an_engine_that_was_asked_for_is_the_one_that_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrate, "_HUGE", 1)
    execution = Execution(precision="fp32", engine="openvino")
    assert calibrate._plan_for_one_answer(blank_model("test_convnext"), execution) is None


def test_a_network_of_shapes_gets_numbers_when_it_is_to_run() -> None:
    model = blank_model("test_convnext")
    assert is_hollow(model)
    assert not is_hollow(filled(model))
