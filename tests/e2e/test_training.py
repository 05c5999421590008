"""From the first start to a fine-tuned Model through the window, with the real process that trains."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

from convnext_studio.core.evaluation import report
from convnext_studio.core.evaluation.report import Evaluation
from convnext_studio.core.runs import lock
from convnext_studio.core.values import ImageRef, ModelRef
from convnext_studio.gui.app import App
from convnext_studio.gui.panels.live_panel import LivePanel
from convnext_studio.gui.panels.set_up_panel import SetUpPanel
from convnext_studio.gui.stores import sample_maker
from convnext_studio.gui.widgets.question import Question
from tests.e2e.driver import TINY, Until, run_program


@pytest.fixture(autouse=True)
def small_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_maker, "COUNT", 60)


class Clicks:
    """Presses buttons as a user would, and counts."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, button: QPushButton) -> None:
        assert button.isVisible() and button.isEnabled(), button.text()
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        self.count += 1


def set_up_of(app: App) -> SetUpPanel:
    page = app.window.training.train().page("set_up")
    assert isinstance(page, SetUpPanel)
    return page


def live_of(app: App) -> LivePanel:
    page = app.window.training.train().page("live")
    assert isinstance(page, LivePanel)
    return page


def begin(app: App, click: Clicks, **changes: object) -> Generator[Until, None, None]:
    """From the welcome page to a Run that is followed."""
    studio = app.studio
    studio.set_up.set(input_size=32, batch_size=16, workers=1, device="cpu", precision="fp32", **changes)
    studio.set_up.set_model(TINY)
    yield lambda: app.host.is_ready
    click(app.window.welcome.train_door.other)
    yield lambda: studio.data_sets.card is not None
    click(set_up_of(app).start)
    yield lambda: studio.training.view.history.started is not None


def evaluated(app: App, click: Clicks, found: list[Evaluation]) -> Generator[Until, None, None]:
    """From the finished Run to its figures on the test split, and to the Images behind a cell of the matrix."""
    studio, evaluator = app.studio, app.studio.evaluator
    yield live_of(app).buttons["evaluate_run"].isEnabled
    click(live_of(app).buttons["evaluate_run"])
    page = app.window.evaluation.page
    yield lambda: page.begin.isVisible() and page.begin.isEnabled()
    click(page.begin)
    yield lambda: evaluator.evaluation is not None
    found.append(evaluator.evaluation)
    assert evaluator.evaluation.split == "test" and len(evaluator.evaluation.test_reads) == 2  # the Run's own, and ours
    assert Path(evaluator.evaluation.kept_at) == Path(studio.training.view.folder) / "evaluation.json"
    assert not evaluator.evaluation.trained_on
    panel = page.result
    true, predicted = next(
        (true, predicted)
        for true, row in enumerate(panel.matrix._rows)
        for predicted, number in enumerate(row)
        if number
    )
    panel.matrix.cell_pressed.emit(true, predicted)
    assert panel.rows.rowCount() == panel.matrix._rows[true][predicted]
    first = panel.rows.paths[0]
    yield lambda: panel.pictures.pixmap(ImageRef(first)) is not None
    click(panel.open)
    yield lambda: studio.library.total == panel.rows.rowCount() and not studio.library.is_finding
    assert studio.opened[0] == first and studio.classifier.model_ref == evaluator.evaluation.ref


def says_the_same_at_the_command_line(found: Evaluation, folder: Path) -> None:
    """The figures are those of `convnext-studio evaluate`."""
    out = folder / "figures.json"
    flags = ("--device", "cpu", "--precision", "fp32", "--engine", "torch", "--out", str(out))
    program = (sys.executable, "-m", "convnext_studio", "evaluate", found.ref.name, found.data, *flags)
    subprocess.run(program, check=True, capture_output=True)
    said = report.read(out)
    assert (said.classes, said.confusion, said.identity) == (found.classes, found.confusion, found.identity)
    for name in ("accuracy", "balanced_accuracy", "balanced_accuracy_interval", "macro_f1"):
        assert getattr(said, name) == pytest.approx(getattr(found, name), abs=1e-9)
    for name in ("log_loss", "brier", "calibration_error"):  # as many threads or others, another last digit
        assert getattr(said, name) == pytest.approx(getattr(found, name), abs=1e-5)


def test_four_clicks_at_most_lead_from_the_first_start_to_a_running_training_and_its_model_classifies(
    own_home: Path, quick_settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[Evaluation] = []

    def script(app: App) -> Generator[Until, None, None]:
        studio, click = app.studio, Clicks()
        view = studio.training.view
        yield from begin(app, click, epochs=3)
        assert click.count <= 4
        yield lambda: view.history.step is not None  # live, not only at the end
        assert view.summary is None
        yield lambda: view.summary is not None
        assert view.history.ended is not None and view.history.ended.ending == "finished"
        assert [epoch.epoch for epoch in view.history.epochs][-1] == 3
        yield lambda: live_of(app).chip.accessibleName() == "Done"
        yield from evaluated(app, click, found)
        app.actions["go_train"].trigger()
        click(live_of(app).buttons["use_run_model"])
        model = str(Path(view.folder) / "model.safetensors")
        yield lambda: studio.classifier.info is not None and studio.classifier.info.ref == ModelRef(model)
        assert "scratch" in studio.classifier.info.classes

    assert run_program(monkeypatch, ["gui"], script).code == 0
    says_the_same_at_the_command_line(found[0], own_home)


@pytest.mark.timeout(400)  # two windows, two Engines and two trainers start one after the other
def test_a_run_outlives_its_window_is_found_again_and_goes_on_after_it_was_killed(
    quick_settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders: list[str] = []

    def leaves(app: App) -> Generator[Until, None, None]:
        click = Clicks()
        yield from begin(app, click, epochs=2000, patience=0)
        yield lambda: bool(app.studio.training.own_running) and app.studio.training.view.history.saved is not None
        folders.append(app.studio.training.view.folder)
        app.window.close()
        assert app.window.isVisible()
        question = app.window.findChild(Question)
        click(question.buttons["keep"])

    assert run_program(monkeypatch, ["gui"], leaves).code == 0
    owner = lock.living_owner(Path(folders[0]))
    assert owner is not None

    def comes_back(app: App) -> Generator[Until, None, None]:
        training, click = app.studio.training, Clicks()
        view = training.view
        yield lambda: bool(training.running)
        app.actions["go_train"].trigger()
        yield lambda: view.folder == folders[0] and view.history.step is not None
        seen = view.history.step.step
        yield lambda: view.history.step.step > seen
        os.kill(owner.pid, signal.SIGKILL)
        yield lambda: view.summary is not None
        assert view.summary.state == "interrupted"
        yield lambda: live_of(app).health_title.text() == view.summary.message != ""
        yield live_of(app).buttons["resume_run"].isVisible
        yield live_of(app).buttons["resume_run"].isEnabled
        click(live_of(app).buttons["resume_run"])
        yield lambda: bool(view.history.resumes) and view.history.step is not None
        yield lambda: bool(training.own_running)
        click(live_of(app).buttons["stop_run"])
        yield lambda: view.summary is not None
        assert view.history.ended is not None and view.history.ended.ending == "stopped"
        yield lambda: not training.own_running

    assert run_program(monkeypatch, ["gui"], comes_back).code == 0
