"""The places Data and Train: four clicks to a Run, what the pages say, and the question before leaving."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QComboBox,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QWidget,
)
from pytestqt.qtbot import QtBot

from convnext_studio.core.context import JobContext
from convnext_studio.core.data.dataset import DataWarning
from convnext_studio.core.events import EditsKept, SampleWritten
from convnext_studio.core.recipe import GROUPINGS, from_preset
from convnext_studio.core.requests import (
    CheckDataSet,
    EditLabels,
    FindImages,
    FindWeights,
    MakeSample,
    PreviewAugmentation,
    ResumeRun,
    StartRun,
    SteerRun,
)
from convnext_studio.core.run_events import Paused, RunEnded
from convnext_studio.core.run_requests import ChangeQueue, RestoreRun
from convnext_studio.core.runs.about import restore_run
from convnext_studio.core.runs.queue import Queue, Queued
from convnext_studio.gui import training_places
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.jobs import InlineLane
from convnext_studio.gui.main_window import MainWindow
from convnext_studio.gui.panels.live_panel import LivePanel
from convnext_studio.gui.panels.set_up_panel import SetUpPanel
from convnext_studio.gui.panels.welcome import WelcomePanel
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.label import might_be_markup
from convnext_studio.gui.widgets.question import Question
from tests.guards import Expected
from tests.gui.replies import image, serve
from tests.gui.test_long_words import long_words, wait_for_room
from tests.gui.training_replies import CLASSES, DATA, Workspace, card, events, others, summary

__all__ = ["long_words"]


def make_sample(request: MakeSample, ctx: JobContext) -> str:
    ctx.emit(SampleWritten(3, request.count))
    return DATA


@pytest.fixture
def workspace(lanes: dict[str, InlineLane]) -> Workspace:
    serve(lanes, [image(1), image(2)])
    workspace = Workspace()
    workspace.serve(lanes)
    for lane in lanes.values():
        lane.served_by.update({MakeSample: make_sample, FindWeights: lambda _request, _ctx: {}})
    return workspace


@pytest.fixture
def window(workspace: Workspace, studio: Studio, actions: Actions, qtbot: QtBot) -> Iterator[MainWindow]:
    window = MainWindow(studio, actions)
    qtbot.addWidget(window)
    window.resize(1440, 900)
    window.show()
    qtbot.waitExposed(window)
    yield window
    studio.training.leave()
    window.leaving.leave()


def set_up_of(window: MainWindow) -> SetUpPanel:
    page = window.training.train().page("set_up")
    assert isinstance(page, SetUpPanel)
    return page


def live_of(window: MainWindow) -> LivePanel:
    page = window.training.train().page("live")
    assert isinstance(page, LivePanel)
    return page


def show_run(window: MainWindow, workspace: Workspace, qtbot: QtBot, **changes: object) -> LivePanel:
    """Let the workspace hold this Run and the others, and show it."""
    run = summary(**changes)
    workspace.runs = (run, *others())
    studio = window._studio
    studio.training.look()
    qtbot.waitUntil(lambda: len(studio.training.runs) == 4)
    window.training.train().show_run(run.folder)
    window.training.show_train()
    qtbot.waitUntil(lambda: studio.training.view.summary is not None)
    return live_of(window)


def click(button: QPushButton, qtbot: QtBot) -> None:
    assert button.isVisible() and button.isEnabled(), button.text()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


NO_KEYS = (Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)


def files(*paths: str) -> QMimeData:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(path) for path in paths])
    return mime


def drag_over(page: QWidget, *paths: str) -> bool:
    """Whether the page would take what is dragged over it."""
    mime = files(*paths)
    enter = QDragEnterEvent(QPoint(9, 9), Qt.DropAction.CopyAction, mime, *NO_KEYS)
    QCoreApplication.sendEvent(page, enter)
    return enter.isAccepted()


# --- from the first start to a Run


def test_two_clicks_lead_from_the_first_start_to_a_running_training(
    window: MainWindow, workspace: Workspace, studio: Studio, qtbot: QtBot
) -> None:
    workspace.said = events(done=2)
    assert isinstance(window.welcome, WelcomePanel)
    click(window.welcome.train_door.other, qtbot)
    qtbot.waitUntil(lambda: studio.data_sets.is_thorough)
    panel = set_up_of(window)
    assert "6 classes" in panel.card.sentence.text()
    click(panel.start, qtbot)
    qtbot.waitUntil(lambda: len(studio.training.view.history.epochs) == 3)
    assert window.training.train().place == "live"
    assert live_of(window).title.text() == "line 3"
    assert len(workspace.requests(StartRun)) == 1
    qtbot.waitUntil(lambda: not any(lane.under_way for lane in studio.lanes.values()))


def test_a_folder_dropped_anywhere_on_the_train_place_is_the_data_set(
    window: MainWindow, studio: Studio, actions: Actions, qtbot: QtBot
) -> None:
    actions["go_train"].trigger()
    page = window.training.train()
    drag_over(page, f"{DATA}/dent/000.png")
    assert page.drop.cover.isHidden()  # an Image is for the window
    assert drag_over(page, DATA) and page.drop.cover.isVisible()
    QCoreApplication.sendEvent(page, QDragLeaveEvent())
    assert page.drop.cover.isHidden()
    assert drag_over(page, DATA)
    mime = files(DATA)
    fall = QDropEvent(QPointF(9, 9), Qt.DropAction.CopyAction, mime, *NO_KEYS)
    QCoreApplication.sendEvent(page, fall)
    assert fall.isAccepted() and page.drop.cover.isHidden()
    assert studio.set_up.recipe.data == DATA and page.place == "set_up"


def test_the_train_place_says_what_is_missing_and_then_what_is_ready(
    window: MainWindow, studio: Studio, actions: Actions, qtbot: QtBot
) -> None:
    actions["go_train"].trigger()
    page = window.training.train()
    assert page.place == "ready"
    assert page.choose.isVisible() and not page.start.isVisible()
    studio.data_sets.choose(DATA)
    qtbot.waitUntil(lambda: studio.data_sets.is_thorough)
    assert page.start.isVisible() and page.start.isEnabled()
    assert page.ready.sentence.text() == "Three things decide a run. Two are done."


def test_the_set_up_shows_splits_warnings_and_the_better_grouping(
    window: MainWindow, studio: Studio, actions: Actions, qtbot: QtBot
) -> None:
    studio.data_sets.choose(DATA)
    actions["new_run"].trigger()
    qtbot.waitUntil(lambda: studio.data_sets.is_thorough)
    panel = set_up_of(window)
    assert panel.card.split_words.text() == "254 to train on, 84 to choose the best epoch, 82 kept aside for the test."
    click(panel.card.take_suggestion, qtbot)
    assert (studio.set_up.recipe.group, studio.set_up.recipe.group_pattern) == ("name", "^(.+)_")


def test_a_pattern_that_is_being_typed_stays_when_the_check_ends(
    window: MainWindow, studio: Studio, actions: Actions, qtbot: QtBot
) -> None:
    studio.data_sets.choose(DATA)
    actions["new_run"].trigger()
    qtbot.waitUntil(lambda: studio.data_sets.is_thorough)
    data_card = set_up_of(window).card
    window.activateWindow()
    data_card.grouping.setCurrentIndex(GROUPINGS.index("name"))
    data_card.grouping.activated.emit(GROUPINGS.index("name"))
    qtbot.waitUntil(data_card.pattern.hasFocus)
    qtbot.keyClicks(data_card.pattern, "^(.+")
    data_card.show_data(studio.set_up.recipe, studio.data_sets.card, is_thorough=True)
    assert data_card.pattern.isVisible() and data_card.pattern.text() == "^(.+"
    assert GROUPINGS[data_card.grouping.currentIndex()] == "name"


def test_the_card_says_what_the_images_are_like_and_what_is_passed_over(
    window: MainWindow, studio: Studio, actions: Actions, workspace: Workspace, qtbot: QtBot
) -> None:
    workspace.found = card(sizes={"640 x 480": 400, "320 x 240": 20}, channels={"grey": 420}, ignored=3)
    studio.data_sets.choose(DATA)
    actions["new_run"].trigger()
    qtbot.waitUntil(lambda: studio.data_sets.is_thorough)
    looks = set_up_of(window).card.looks
    assert looks.isVisible()
    assert looks.text() == "640 x 480 (400), 320 x 240 (20) pixels · grey · other files, ignored: 3"


def test_images_of_a_warning_are_shown_in_inspect(
    window: MainWindow, studio: Studio, actions: Actions, lanes: dict[str, InlineLane], qtbot: QtBot
) -> None:
    studio.data_sets.choose(DATA)
    actions["new_run"].trigger()
    qtbot.waitUntil(lambda: studio.data_sets.is_thorough)
    (warning,) = set_up_of(window).warnings.rows
    button = warning.findChild(QPushButton)
    qtbot.waitUntil(button.isVisible)
    click(button, qtbot)
    wanted = tuple(image.path for image in card().images if image.label == "stain")
    assert FindImages(wanted) in lanes["scan"].requests
    assert window.pages.currentWidget() is window.inspect
    assert studio.recent.places == ()


@pytest.mark.parametrize("place", ["set-up", "data"])
def test_a_split_that_leaks_is_mended_by_one_click(
    window: MainWindow, studio: Studio, workspace: Workspace, actions: Actions, qtbot: QtBot, place: str
) -> None:
    leak = DataWarning("leak", "The data set's own split leaks.", "Mend it.", (), (("on_leak", "move"),))
    workspace.found = card(warnings=(leak,))
    studio.data_sets.choose(DATA)
    actions["new_run" if place == "set-up" else "go_data"].trigger()
    qtbot.waitUntil(lambda: studio.data_sets.is_thorough)
    panel = set_up_of(window) if place == "set-up" else window.training.data_page
    (warning,) = panel.warnings.rows
    button = warning.findChild(QPushButton)
    qtbot.waitUntil(button.isVisible)
    click(button, qtbot)
    assert studio.set_up.recipe.on_leak == "move"
    qtbot.waitUntil(lambda: workspace.requests(CheckDataSet)[-1].recipe.on_leak == "move")


def test_a_field_says_what_is_wrong_with_what_was_typed(
    window: MainWindow, studio: Studio, actions: Actions, qtbot: QtBot
) -> None:
    studio.data_sets.choose(DATA)
    actions["new_run"].trigger()
    panel = set_up_of(window)
    panel.advanced.toggle()
    row = panel.forms[0].rows["learning_rate"]
    row.editor.selectAll()
    qtbot.keyClicks(row.editor, "50")
    assert row.problem.text() == "50.0 is not between 0 and 10."
    assert not actions["start_run"].isEnabled()
    row.editor.clear()
    row.editor.textEdited.emit("")
    assert row.problem.text() == "It is empty; a number belongs here."
    row.editor.selectAll()
    qtbot.keyClicks(row.editor, "0,002")
    assert row.problem.isHidden()
    assert studio.set_up.recipe.learning_rate == 0.002
    assert row.editor.text() == "0,002"
    assert actions["start_run"].isEnabled()
    click(panel.preset_cards[2], qtbot)
    assert studio.set_up.recipe.epochs == 60
    assert panel.forms[0].rows["epochs"].editor.text() == "60"


def test_every_field_of_a_recipe_can_be_set_in_the_window(window: MainWindow, actions: Actions) -> None:
    from convnext_studio.core.recipe import FIELDS

    actions["new_run"].trigger()
    panel = set_up_of(window)
    panel.parts.toggle()
    panel.advanced.toggle()
    rows = {name for form in panel.forms for name in form.rows}
    elsewhere = {"data", "group", "group_pattern", "model", "weights_file", "weights_folder", "preset"}
    assert rows | elsewhere == FIELDS.keys()


def test_the_preview_is_rolled_again_and_follows_the_fields(
    window: MainWindow, workspace: Workspace, studio: Studio, actions: Actions, qtbot: QtBot
) -> None:
    studio.data_sets.choose(DATA)
    actions["new_run"].trigger()
    qtbot.waitUntil(lambda: studio.data_sets.is_thorough)
    panel = set_up_of(window)
    panel.parts.toggle()
    qtbot.waitUntil(lambda: len(panel.preview.pictures) == 12)
    click(panel.roll, qtbot)
    studio.set_up.set(light=0.5)
    assert [(request.roll, request.recipe.light) for request in workspace.requests(PreviewAugmentation)] == [
        (0, 0.2),
        (1, 0.2),
        (1, 0.5),
    ]
    qtbot.wait(0)


# --- the Run on the screen


def test_time_left_and_health_come_first(window: MainWindow, workspace: Workspace, qtbot: QtBot) -> None:
    workspace.said = events()
    panel = show_run(window, workspace, qtbot)
    assert panel.left.text().endswith("left")
    assert panel.left_second.text().startswith("epoch 17 of 30 · ready around")
    assert panel.health_title.text() == "Healthy."
    assert panel.tiles[0].figure.text() == "93.3\u00a0%"
    assert panel.tiles[0].second.text() == "95 %: 90.3 to 95.3 · best epoch 14"
    assert [curve.name for curve in panel.loss.shown] == ["train", "validation"]
    assert len(panel.accuracy.shown[-1].x) == 18
    assert panel.matrix.sentence(4, 2) == "1 of 8 “scratch” were called “good”"


def test_a_run_whose_process_stands_still_is_not_called_healthy(
    window: MainWindow, workspace: Workspace, qtbot: QtBot
) -> None:
    workspace.said = events(done=4)
    said = "Its process does not answer: it was suspended."
    panel = show_run(window, workspace, qtbot, message=said)
    qtbot.waitUntil(lambda: panel.health_title.text() == said)


def test_a_run_is_paused_sent_on_and_told_to_stop(
    window: MainWindow, workspace: Workspace, actions: Actions, qtbot: QtBot
) -> None:
    workspace.said = events(done=4)
    panel = show_run(window, workspace, qtbot)
    click(panel.buttons["pause_run"], qtbot)
    assert not panel.buttons["pause_run"].isEnabled()
    workspace.said = [*workspace.said, Paused("You asked it to wait.")]
    window._studio.training.view.show(summary().folder, is_anew=True)
    qtbot.waitUntil(lambda: panel.chip.accessibleName() == "Waiting")
    assert panel.buttons["pause_run"].text().strip() == "Go on"
    click(panel.buttons["pause_run"], qtbot)
    click(panel.buttons["finish_epoch"], qtbot)
    click(panel.buttons["stop_run"], qtbot)
    assert [request.wanted for request in workspace.requests(SteerRun)] == ["pause", "go on", "finish epoch", "stop"]
    assert not actions["stop_run"].isEnabled()


def test_a_failed_run_says_why_and_offers_to_resume(window: MainWindow, workspace: Workspace, qtbot: QtBot) -> None:
    said = "The loss is not a number any more."
    workspace.said = [
        *events(done=5),
        RunEnded("failed", said, "Lower the learning rate.", "not finite", True, ("/a.png",)),
    ]
    panel = show_run(
        window, workspace, qtbot, state="failed", can_go_on=True, message="The loss is not a number any more."
    )
    assert panel.health_title.text() == "The loss is not a number any more."
    assert "Lower the learning rate." in panel.health_words.text() and "a.png" in panel.health_words.text()
    assert panel.buttons["resume_run"].isVisible() and not panel.buttons["stop_run"].isVisible()


def test_a_run_whose_process_died_says_what_happened(window: MainWindow, workspace: Workspace, qtbot: QtBot) -> None:
    workspace.said = events(done=5)
    said = "Its process was ended by SIGKILL, as the system does when memory runs out."
    panel = show_run(window, workspace, qtbot, state="interrupted", can_go_on=True, message=said, hint="Resume it.")
    assert panel.health_title.text() == said
    assert panel.chip.accessibleName() == "Interrupted"
    click(panel.buttons["resume_run"], qtbot)
    qtbot.waitUntil(
        lambda: not window._studio.training.is_starting and window._studio.training.view.summary is not None
    )
    assert workspace.requests(ResumeRun) == [ResumeRun(summary().folder)]


def test_a_finished_run_gives_its_model_to_inspect(
    window: MainWindow, workspace: Workspace, studio: Studio, qtbot: QtBot
) -> None:
    workspace.said = events(done=30, ends=True)
    panel = show_run(window, workspace, qtbot, state="finished", epoch=30, seconds_left=None)
    assert panel.tiles[1].label.text() == "Balanced accuracy, test"
    click(panel.buttons["use_run_model"], qtbot)
    assert studio.classifier.model_ref.name == f"{summary().folder}/model.safetensors"
    assert window.pages.currentWidget() is not window.training.train_page


def test_a_past_run_is_repeated_with_its_recipe(
    window: MainWindow, workspace: Workspace, studio: Studio, actions: Actions, tmp_path: Path, qtbot: QtBot
) -> None:
    from convnext_studio.core.recipe import from_preset
    from convnext_studio.core.runs.run import Run

    run = Run.create(tmp_path, "older", from_preset("thorough", data=DATA, light=0.5))
    show_run(window, workspace, qtbot, folder=str(run.folder), state="finished")
    actions["repeat_run"].trigger()
    qtbot.waitUntil(lambda: studio.set_up.recipe.preset == "thorough")
    assert (studio.set_up.recipe.preset, studio.set_up.recipe.light) == ("thorough", 0.5)
    assert window.training.train().place == "set_up"


@pytest.mark.parametrize("is_moved", [True, False])
def test_a_run_goes_to_the_trash_or_stays(
    window: MainWindow,
    workspace: Workspace,
    studio: Studio,
    actions: Actions,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    expect_message: Expected,
    is_moved: bool,
) -> None:
    if not is_moved:
        expect_message("could not be moved to the trash; nothing was deleted")
    asked: list[str] = []
    monkeypatch.setattr(training_places, "to_trash", lambda path: asked.append(path) or ("" if is_moved else None))
    show_run(window, workspace, qtbot, state="finished")
    actions["delete_run"].trigger()
    question = window.findChild(Question)
    assert "line 3" in question.windowTitle()
    assert asked == []
    click(question.buttons["delete"], qtbot)
    assert asked == [summary().folder]
    assert (studio.training.view.folder == "") is is_moved


def test_the_trash_tells_where_a_run_lies_so_that_it_can_be_taken_out_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    folder = tmp_path / "a Run"
    folder.mkdir()
    (folder / "recipe.toml").touch()
    at = training_places.to_trash(str(folder))
    assert at is not None and not folder.exists()
    if at:  # Qt does not tell on every system
        assert restore_run(RestoreRun(at, str(folder)), JobContext()) == str(folder)
        assert (folder / "recipe.toml").exists()
    assert training_places.to_trash(str(tmp_path / "not there")) is None


def test_names_of_classes_and_runs_stay_plain_text(window: MainWindow, workspace: Workspace, qtbot: QtBot) -> None:
    import dataclasses

    from convnext_studio.core.run_events import RunStarted

    markup = "<b>x</b><img src=x>"
    classes = (markup, *CLASSES[1:])
    workspace.said = [
        dataclasses.replace(event, classes=classes) if isinstance(event, RunStarted) else event
        for event in events(done=4)
    ]
    panel = show_run(window, workspace, qtbot, name=markup)
    assert panel.title.text() == markup
    assert markup in panel.matrix.sentence(0, 0)
    widgets = window.findChildren(QWidget)
    assert [widget.toolTip() for widget in widgets if might_be_markup(widget.toolTip())] == []


# --- labels


def test_labels_are_moved_left_out_and_taken_back(
    window: MainWindow, workspace: Workspace, studio: Studio, actions: Actions, qtbot: QtBot
) -> None:
    actions["go_data"].trigger()
    studio.data_sets.choose(DATA)
    qtbot.waitUntil(lambda: studio.data_sets.is_thorough)
    page = window.training.data_page
    page.classes.setCurrentIndex(page.classes.findData("stain"))
    page.classes.activated.emit(page.classes.currentIndex())
    assert page.counted.text() == "12 images"
    assert not page.move_to.isEnabled()
    page.grid.selectAll()
    workspace.edits = EditsKept(1, 0)
    page._on_move("pit")
    qtbot.waitUntil(actions["undo_label"].isEnabled)
    actions["go_train"].trigger()
    assert not actions["undo_label"].isEnabled(), "a change was taken back where nobody sees it"
    actions["go_data"].trigger()
    assert page.classes.currentData() == "stain"
    actions["undo_label"].trigger()
    asked = workspace.requests(EditLabels)
    assert (asked[0].action, asked[0].label, len(asked[0].paths)) == ("move", "pit", 12)
    assert asked[1].action == "undo"
    qtbot.waitUntil(lambda: studio.data_sets.is_thorough and not studio.data_sets.is_checking)


# --- leaving


def test_a_run_that_begins_while_the_runs_are_looked_at_is_shown_at_once(
    window: MainWindow, workspace: Workspace, studio: Studio, lanes: dict[str, InlineLane], qtbot: QtBot
) -> None:
    window.training.show_train()
    qtbot.waitUntil(lambda: studio.training.has_looked)
    studio.data_sets.choose(DATA)
    places: list[str] = []
    page = window.training.train()
    studio.training.runs_changed.connect(lambda: places.append(page.place))
    lanes["places"].hold()
    workspace.runs = others()  # news, but nothing of the Run that begins next
    studio.training.look()
    studio.training.start()
    qtbot.waitUntil(lambda: studio.training.view.folder == summary().folder)
    lanes["places"].release()
    qtbot.waitUntil(lambda: studio.training.shown is not None)
    assert set(places) == {"live"}


@pytest.mark.parametrize(("answer", "is_closed"), [("keep", True), ("stop", True), ("cancel", False)])
def test_closing_while_a_run_goes_asks_first(
    window: MainWindow, workspace: Workspace, studio: Studio, qtbot: QtBot, answer: str, is_closed: bool
) -> None:
    workspace.said = events(done=2)
    studio.data_sets.choose(DATA)
    studio.training.start()
    qtbot.waitUntil(lambda: bool(studio.training.own_running))
    window.close()
    assert window.isVisible()
    question = window.findChild(Question)
    click(question.buttons[answer], qtbot)
    qtbot.waitUntil(lambda: window.isVisible() is not is_closed)
    asked = [request.wanted for request in workspace.requests(SteerRun)]
    assert asked == (["stop"] if answer == "stop" else [])


@pytest.mark.parametrize("is_one_waiting", [False, True])
def test_a_run_that_ends_while_it_is_asked_about_does_not_hold_the_window(
    window: MainWindow,
    workspace: Workspace,
    studio: Studio,
    lanes: dict[str, InlineLane],
    qtbot: QtBot,
    is_one_waiting: bool,
) -> None:
    held: list[bool | None] = []
    lanes["train"].served_by[ChangeQueue] = lambda request, _ctx: held.append(request.is_held) or Queue()
    workspace.said = events(done=2)
    studio.data_sets.choose(DATA)
    studio.training.start()
    qtbot.waitUntil(lambda: bool(studio.training.own_running))
    window.close()
    workspace.runs = (summary(state="finished"),)
    studio.training.look()
    qtbot.waitUntil(lambda: not studio.training.own_running)
    if is_one_waiting:
        studio.queue.queue = Queue((Queued("a", from_preset("instant", data=DATA)),))
    click(window.findChild(Question).buttons["stop"], qtbot)
    qtbot.waitUntil(lambda: not window.isVisible())
    assert held == [True] * is_one_waiting


def test_a_run_of_another_host_does_not_hold_the_window(
    window: MainWindow, workspace: Workspace, studio: Studio, qtbot: QtBot
) -> None:
    workspace.runs = (summary(),)
    studio.training.look()
    qtbot.waitUntil(lambda: bool(studio.training.running))
    window.close()
    assert not window.isVisible()


def test_images_that_were_left_out_can_be_put_back(
    window: MainWindow, workspace: Workspace, studio: Studio, actions: Actions, qtbot: QtBot
) -> None:
    workspace.found = card(excluded=("/parts/line 3/dent/900.png",))
    actions["go_data"].trigger()
    studio.data_sets.choose(DATA)
    qtbot.waitUntil(lambda: studio.data_sets.is_thorough)
    assert actions["undo_label"].isEnabled()  # it was done at an earlier start
    page = window.training.data_page
    page.splits.setCurrentIndex(page.splits.findText("Left out"))
    page.splits.activated.emit(page.splits.currentIndex())
    assert [image.label for image in page.rows.images] == ["dent"]
    page.grid.selectAll()
    assert page.exclude.text().strip() == "Put back"
    click(page.exclude, qtbot)
    assert workspace.requests(EditLabels) == [EditLabels(DATA, "include", ("/parts/line 3/dent/900.png",))]
    qtbot.waitUntil(lambda: studio.data_sets.is_thorough and not studio.data_sets.is_checking)


def test_of_images_that_a_table_lists_and_that_were_left_out_no_folder_is_taken_for_the_class(
    window: MainWindow, workspace: Workspace, studio: Studio, actions: Actions, qtbot: QtBot
) -> None:
    workspace.found = card("/parts/labels.csv", excluded=("/parts/shots/900.png",))
    actions["go_data"].trigger()
    studio.data_sets.choose("/parts/labels.csv")
    qtbot.waitUntil(lambda: studio.data_sets.is_thorough)
    page = window.training.data_page
    page.splits.setCurrentIndex(page.splits.findText("Left out"))
    page.splits.activated.emit(page.splits.currentIndex())
    assert [image.label for image in page.rows.images] == [""]
    assert page.rows.index(0, 0).data() == "900.png"


def test_a_data_set_that_cannot_be_trained_on_says_why_and_holds_the_start(
    window: MainWindow, workspace: Workspace, studio: Studio, actions: Actions, qtbot: QtBot
) -> None:
    workspace.found = card(refusal="There is only one class.", refusal_hint="Add a folder for another one.")
    studio.data_sets.choose(DATA)
    actions["new_run"].trigger()
    qtbot.waitUntil(lambda: studio.data_sets.is_thorough)
    assert set_up_of(window).card.sentence.text() == "There is only one class. Add a folder for another one."
    assert not actions["start_run"].isEnabled()


# --- all pages


PLACES = ("ready", "set_up", "live", "done", "failed", "data")


def go(window: MainWindow, workspace: Workspace, studio: Studio, actions: Actions, qtbot: QtBot, place: str) -> None:
    """Bring the window to one of the training's pages, filled."""
    studio.data_sets.choose(DATA)
    qtbot.waitUntil(lambda: studio.data_sets.is_thorough)
    if place == "live":
        workspace.said = events()
        show_run(window, workspace, qtbot)
    elif place == "done":
        workspace.said = events(done=30, ends=True)
        show_run(window, workspace, qtbot, state="finished", epoch=30, seconds_left=None)
    elif place == "failed":
        show_run(window, workspace, qtbot, state="failed", can_go_on=True, message="The disk is full.", hint="Free it.")
    else:
        actions[{"ready": "go_train", "set_up": "new_run", "data": "go_data"}[place]].trigger()
    if place == "set_up":
        set_up_of(window).parts.toggle()
        set_up_of(window).advanced.toggle()


@pytest.mark.parametrize("place", PLACES)
def test_everything_that_can_be_operated_has_a_name(
    window: MainWindow, workspace: Workspace, studio: Studio, actions: Actions, qtbot: QtBot, place: str
) -> None:
    go(window, workspace, studio, actions, qtbot, place)
    page = window.pages.currentWidget()
    kinds = (QAbstractButton, QLineEdit, QComboBox, QAbstractItemView)
    nameless = [
        f"{type(widget).__name__} in {type(widget.parentWidget()).__name__}"
        for kind in kinds
        for widget in page.findChildren(kind)
        if widget.isVisible() and not widget.accessibleName() and type(widget).__module__.startswith("convnext_studio")
    ]
    assert nameless == []


@pytest.mark.parametrize("place", PLACES)
def test_tab_goes_through_the_page_and_comes_back(
    window: MainWindow, workspace: Workspace, studio: Studio, actions: Actions, qtbot: QtBot, place: str
) -> None:
    go(window, workspace, studio, actions, qtbot, place)
    window.activateWindow()
    window.top_bar.open_button.setFocus()
    seen: list[QWidget | None] = []
    while window.focusWidget() not in seen:
        seen.append(window.focusWidget())
        qtbot.keyClick(window.focusWidget(), Qt.Key.Key_Tab)
        assert len(seen) < 200
    assert window.focusWidget() is seen[0]
    page = window.pages.currentWidget()
    assert sum(page.isAncestorOf(widget) for widget in seen if widget is not None) >= 3


@pytest.mark.parametrize("size", [(1440, 900), (1024, 640)])
@pytest.mark.parametrize("place", PLACES)
def test_no_word_is_cut_when_words_are_longer(
    long_words: None,
    theme: Theme,
    workspace: Workspace,
    studio: Studio,
    qtbot: QtBot,
    place: str,
    size: tuple[int, int],
) -> None:
    actions = Actions(theme)
    window = MainWindow(studio, actions)
    qtbot.addWidget(window)
    window.resize(*size)
    window.show()
    qtbot.waitExposed(window)
    go(window, workspace, studio, actions, qtbot, place)
    wait_for_room(window.pages.currentWidget(), qtbot)
    areas = [area for area in window.pages.currentWidget().findChildren(QScrollArea) if area.isVisible()]
    too_wide = [area.widget().minimumSizeHint().width() - area.viewport().width() for area in areas]
    assert all(more <= 0 for more in too_wide), too_wide
    assert (window.width(), window.height()) == size
    studio.training.leave()
    window.leaving.leave()


def test_a_change_of_colours_redraws_the_curves(
    window: MainWindow, workspace: Workspace, studio: Studio, qtbot: QtBot
) -> None:
    workspace.said = events()
    panel = show_run(window, workspace, qtbot)
    studio.settings.update(theme="light")
    window.repaint()
    assert panel.loss.grab().toImage().pixelColor(3, 3) == studio.theme.color("panel")
