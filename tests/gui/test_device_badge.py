"""The badge that says what the Model runs on, and the choices under it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QMainWindow
from pytestqt.qtbot import QtBot

from convnext_studio.core.context import JobContext
from convnext_studio.core.events import DeviceFound, ModelLoading, SpeedMeasured
from convnext_studio.core.requests import FindDevices, LoadModel, MeasureSpeed, ReadCards
from convnext_studio.core.values import Execution, ModelInfo, ModelRef
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.jobs import InlineLane
from convnext_studio.gui.panels.device_badge import DeviceBadge, badge_words
from convnext_studio.gui.stores.studio import Studio
from tests.gui.test_models_store import make_info, read_cards, stock

CPU = DeviceFound("cpu", "A processor", 16 << 30, ("torch", "openvino", "onnxruntime"), ("fp32", "bf16"), 2)
FASTEST = Execution("cpu", "bf16", "openvino")
NAME = "convnext_tiny.in12k_ft_in1k"


def load(request: LoadModel, ctx: JobContext) -> ModelInfo:
    ctx.emit(ModelLoading("Measuring this machine"))
    precision = "bf16" if request.execution.precision == "auto" else request.execution.precision
    return make_info(request.model, device="A processor", precision=precision)


@pytest.fixture
def badge(
    studio: Studio, actions: Actions, lanes: dict[str, InlineLane], tmp_path: Path, qtbot: QtBot
) -> Iterator[DeviceBadge]:
    for lane in lanes.values():
        lane.served_by |= {FindDevices: lambda request, ctx: (CPU,), LoadModel: load, ReadCards: read_cards}
    stock(studio, tmp_path / "memory")
    window = QMainWindow()
    qtbot.addWidget(window)
    window.setMinimumSize(400, 300)
    window.resize(1000, 700)
    badge = DeviceBadge(studio, actions, window)
    window.show()
    yield badge
    qtbot.waitUntil(lambda: studio.classifier.state != "loading")
    window.close()


def test_the_badge_tells_device_precision_engine_and_speed() -> None:
    assert badge_words(make_info(ModelRef())) == "CPU · bf16 · OpenVINO · 41 images/s"
    assert badge_words(make_info(ModelRef(), images_per_s=None, engine="torch")) == "CPU · bf16 · PyTorch"


def test_the_badge_says_that_it_measures_while_it_does(badge: DeviceBadge, studio: Studio, qtbot: QtBot) -> None:
    said = []
    studio.classifier.stage_changed.connect(lambda stage: said.append(badge.text().strip()))
    assert badge.text().strip() == "No Model yet"
    studio.classifier.load()
    assert badge.text().strip() == "Starting…"
    qtbot.waitUntil(lambda: studio.classifier.state == "ready")
    assert said == ["Measuring this machine…"]
    assert badge.text().strip() == "CPU · bf16 · OpenVINO · 41 images/s"


@pytest.fixture
def loaded(badge: DeviceBadge, studio: Studio, qtbot: QtBot) -> DeviceBadge:
    """The open popover over a loaded Model."""
    studio.classifier.set_model(ModelRef(NAME))
    qtbot.waitUntil(lambda: studio.classifier.state == "ready")
    badge.open_popover()
    qtbot.waitUntil(lambda: len(badge.popover.choices) > 1)
    return badge


def test_the_popover_lists_what_this_machine_can_do(loaded: DeviceBadge) -> None:
    choices = loaded.popover.choices
    assert [(e.engine, e.precision) for e in choices] == [
        ("auto", "auto"),
        ("torch", "fp32"),
        ("torch", "bf16"),
        ("openvino", "fp32"),
        ("openvino", "bf16"),
        ("onnxruntime", "fp32"),
    ]
    assert choices[Execution()].button.isChecked()
    assert choices[FASTEST].speed.text() == "41 images/s"
    assert not choices[FASTEST].measure.isVisible()
    assert loaded.popover.now.text() == "A processor\nCPU · bf16 · OpenVINO · 41 images/s"


def test_a_choice_is_kept_in_the_settings_and_loads_the_model_anew(
    loaded: DeviceBadge, studio: Studio, qtbot: QtBot
) -> None:
    exact = Execution("cpu", "fp32", "openvino")
    loaded.popover.choices[exact].button.click()
    assert studio.classifier.execution == exact
    assert loaded.popover.choices[exact].button.isChecked()
    assert "Measuring" in loaded.popover.now.text()
    qtbot.waitUntil(lambda: "fp32" in loaded.text())
    value = studio.settings.value
    assert (value.device, value.precision, value.engine) == ("cpu", "fp32", "openvino")
    loaded.popover.choices[Execution()].button.click()
    qtbot.waitUntil(lambda: "bf16" in loaded.text())


def test_a_choice_can_be_measured_before_it_is_taken(
    loaded: DeviceBadge, studio: Studio, lanes: dict[str, InlineLane], qtbot: QtBot
) -> None:
    exact = Execution("cpu", "fp32", "torch")
    lanes["batch"].served_by[MeasureSpeed] = lambda request, ctx: SpeedMeasured(7.0, request.execution, 8)
    lanes["batch"].hold()
    choice = loaded.popover.choices[exact]
    choice.measure.click()
    assert choice.measure.text() == "Stop"
    lanes["batch"].release()
    qtbot.waitUntil(lambda: choice.speed.text() == "7.0 images/s")
    assert studio.classifier.execution == Execution()


def test_a_second_press_closes_the_popover(loaded: DeviceBadge) -> None:
    assert loaded.popover.isVisible()
    loaded.open_popover()
    assert not loaded.popover.isVisible()


def test_a_model_is_measured_again_on_demand(
    loaded: DeviceBadge, studio: Studio, lanes: dict[str, InlineLane], actions: Actions, qtbot: QtBot
) -> None:
    assert loaded.popover.again.isEnabled()
    loaded.popover.again.click()
    assert lanes["batch"].requests[-1] == LoadModel(ModelRef(NAME), is_measured_anew=True)
    assert not actions["measure_again"].isEnabled()
    qtbot.waitUntil(lambda: studio.classifier.state == "ready")
    assert actions["measure_again"].isEnabled()
    studio.classifier.load()
    assert not lanes["batch"].requests[-1].is_measured_anew  # type: ignore[attr-defined]
