"""What a Run will take is said before the start; a learning rate is looked for in the window."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from convnext_studio.core.recipe import PRESETS, from_preset
from convnext_studio.core.requests import FindLearningRate, MeasureTraining
from convnext_studio.core.run_requests import ReadRecipes
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.jobs import InlineLane
from convnext_studio.gui.panels.set_up_panel import SetUpPanel
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.widgets.numbers import scientific
from tests.guards import Expected
from tests.gui.replies import end_engine, image, serve
from tests.gui.training_replies import DATA, Workspace, others


@pytest.fixture
def workspace(lanes: dict[str, InlineLane]) -> Workspace:
    serve(lanes, [image(1)])
    workspace = Workspace()
    workspace.serve(lanes)
    return workspace


@pytest.fixture
def panel(workspace: Workspace, studio: Studio, actions: Actions, qtbot: QtBot) -> SetUpPanel:
    panel = SetUpPanel(studio, actions, lambda _widget: None)
    qtbot.addWidget(panel)
    panel.show()
    qtbot.waitExposed(panel)
    return panel


def notes(panel: SetUpPanel) -> list[str]:
    return [card.note for card in panel.preset_cards]


def choose(studio: Studio, qtbot: QtBot) -> None:
    studio.data_sets.choose(DATA)
    qtbot.waitUntil(lambda: studio.data_sets.is_thorough)


def measured(studio: Studio, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not studio.expectation.is_measuring)


def test_each_preset_says_what_it_takes_once_that_was_measured(panel: SetUpPanel, studio: Studio, qtbot: QtBot) -> None:
    assert notes(panel) == ["", "", ""]
    choose(studio, qtbot)
    assert notes(panel) == ["Measuring…"] * 3
    measured(studio, qtbot)
    seconds = [studio.expectation.of(preset).seconds for preset in PRESETS]
    assert seconds == sorted(seconds)
    assert notes(panel)[0].startswith("About ")
    assert notes(panel)[1].endswith(" GB")
    assert "67 images/s" in panel.preset_cards[1].toolTip()
    assert notes(panel)[2] in panel.preset_cards[2].accessibleDescription()


def test_what_changes_the_pace_is_measured_anew_and_what_was_known_is_not(
    panel: SetUpPanel, workspace: Workspace, studio: Studio, qtbot: QtBot
) -> None:
    choose(studio, qtbot)
    measured(studio, qtbot)
    before = studio.expectation.of("balanced")
    studio.set_up.set(epochs=40)
    measured(studio, qtbot)
    assert len(workspace.requests(MeasureTraining)) == 1
    assert studio.expectation.of("balanced").seconds > before.seconds
    studio.set_up.set(input_size=96)
    assert notes(panel) == ["Measuring…"] * 3
    measured(studio, qtbot)
    studio.set_up.set(input_size=0)
    measured(studio, qtbot)
    assert [request.recipe.input_size for request in workspace.requests(MeasureTraining)] == [0, 96]


def test_a_measurement_that_is_not_wanted_any_more_is_cancelled(
    panel: SetUpPanel, workspace: Workspace, studio: Studio, lanes: dict[str, InlineLane], qtbot: QtBot
) -> None:
    lanes["measure"].hold()
    choose(studio, qtbot)
    qtbot.waitUntil(lambda: bool(workspace.requests(MeasureTraining)))
    studio.set_up.set(input_size=64)
    lanes["measure"].release()
    measured(studio, qtbot)
    assert [request.recipe.input_size for request in workspace.requests(MeasureTraining)] == [0, 64]
    assert studio.expectation.measured is not None
    studio.set_up.set(input_size=0)
    assert studio.expectation.measured is None, "a late reply counted for what was not measured"
    panel.hide()
    assert not studio.expectation.is_measuring


def test_what_cannot_be_measured_says_why(
    panel: SetUpPanel, workspace: Workspace, studio: Studio, qtbot: QtBot
) -> None:
    workspace.measured = None
    choose(studio, qtbot)
    measured(studio, qtbot)
    assert notes(panel) == ["Not measured"] * 3
    assert panel.preset_cards[0].toolTip() == "Not one Image that was tried can be read."


def test_a_learning_rate_is_found_and_taken(
    panel: SetUpPanel, workspace: Workspace, studio: Studio, qtbot: QtBot
) -> None:
    panel.advanced.toggle()
    assert panel.rate is not None
    assert not panel.rate.look.isEnabled()
    choose(studio, qtbot)
    assert panel.rate.look.isEnabled()
    panel.rate.look.click()
    assert studio.rate_finder.is_searching
    assert [entry.title for entry in studio.jobs.entries] == ["Find a learning rate"]
    qtbot.waitUntil(lambda: not studio.rate_finder.is_searching)
    assert panel.rate.use.text().strip() == "Use 3e-4"
    assert panel.rate.curve.isVisible()
    panel.rate.use.click()
    assert studio.set_up.recipe.learning_rate == 3e-4
    assert panel.rate.use.isHidden()
    assert studio.rate_finder.found is not None
    studio.set_up.set(batch_size=64)
    assert studio.rate_finder.found is None, "a rate found for another batch size"
    assert len(workspace.requests(FindLearningRate)) == 1


def test_a_search_that_is_stopped_leaves_the_rate_as_it_was(
    panel: SetUpPanel, studio: Studio, lanes: dict[str, InlineLane], qtbot: QtBot
) -> None:
    panel.advanced.toggle()
    choose(studio, qtbot)
    before = studio.set_up.recipe
    lanes["measure"].hold()
    assert panel.rate is not None
    panel.rate.look.click()
    panel.rate.stop.click()
    lanes["measure"].release()
    qtbot.waitUntil(lambda: not studio.rate_finder.is_searching)
    assert studio.rate_finder.found is None
    assert studio.set_up.recipe == before


def test_a_field_tells_the_presets_value_and_its_limits(panel: SetUpPanel, studio: Studio) -> None:
    panel.advanced.toggle()
    row = panel.forms[-1].rows["epochs"]
    assert row.usual.isHidden()
    studio.set_up.set(epochs=7)
    assert row.usual.text() == "The preset says 20."
    assert "From 0 to 10000." in row.editor.toolTip()
    rows = [row for form in panel.forms for row in form.rows.values()]
    assert all("As the preset says: " in row.editor.toolTip() for row in rows)


@pytest.mark.parametrize(("value", "words"), [(3e-4, "3e-4"), (0.00096, "9.6e-4"), (0.01, "1e-2"), (1.0, "1e0")])
def test_a_small_number_is_written_as_it_may_be_typed(value: float, words: str) -> None:
    assert scientific(value) == words


@pytest.mark.qt_log_ignore("raise", "grabbing the keyboard", extend=True)  # the offscreen screen, of any menu
def test_a_past_runs_settings_are_taken_and_the_data_set_stays(
    panel: SetUpPanel, studio: Studio, lanes: dict[str, InlineLane], workspace: Workspace, qtbot: QtBot
) -> None:
    assert panel.past.isHidden()
    workspace.runs = others()
    past = from_preset("thorough", data="/elsewhere", batch_size=8, validation=0.3)
    lanes["train"].served_by[ReadRecipes] = lambda request, _ctx: (past,) * len(request.runs)
    studio.training.look()
    qtbot.waitUntil(lambda: not panel.past.isHidden())
    studio.set_up.set(data=DATA, validation=0.1)
    panel._open_past()
    menu = panel.findChild(QMenu)
    assert menu is not None
    first = menu.actions()[0]
    assert first.text().startswith("2 · sample · Balanced · 94")
    first.trigger()
    qtbot.waitUntil(lambda: studio.set_up.recipe.batch_size == 8)
    recipe = studio.set_up.recipe
    assert (recipe.preset, recipe.epochs, recipe.data, recipe.validation) == ("thorough", 60, DATA, 0.1)
    with qtbot.waitSignal(menu.destroyed):
        menu.close()


def test_a_past_recipe_that_is_damaged_is_told(
    panel: SetUpPanel, studio: Studio, lanes: dict[str, InlineLane], qtbot: QtBot, expect_message: Expected
) -> None:
    lanes["train"].served_by[ReadRecipes] = lambda _request, _ctx: (None,)
    expect_message("Recipe of this run cannot be read")
    before = studio.set_up.recipe
    with qtbot.waitSignal(studio.messages.posted):
        studio.past_recipes.take("/runs/1")
    assert studio.set_up.recipe == before


def test_a_measurement_whose_engine_another_job_ended_is_made_again(
    panel: SetUpPanel, workspace: Workspace, studio: Studio, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    end_engine(monkeypatch, MeasureTraining)
    choose(studio, qtbot)
    qtbot.waitUntil(lambda: notes(panel)[0].startswith("About "))
    assert studio.expectation.failure == ""
