"""Closing the window while something is being written that the user asked for: nothing of it may go without a word."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from convnext_studio.core.context import JobContext
from convnext_studio.core.errors import StorageError
from convnext_studio.core.requests import EditLabels, SaveResults
from convnext_studio.core.run_requests import DescribeRun
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.jobs import InlineLane
from convnext_studio.gui.main_window import MainWindow
from convnext_studio.gui.panels.run_details import RunDetails
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.widgets.question import Question
from tests.guards import Expected
from tests.gui.test_training_pages import click, workspace
from tests.gui.training_replies import DATA, Workspace, events, others, summary

__all__ = ["workspace"]

FOLDER = others()[0].folder


@pytest.fixture
def window(
    workspace: Workspace, studio: Studio, actions: Actions, lanes: dict[str, InlineLane], qtbot: QtBot
) -> Iterator[MainWindow]:
    lanes["files"].served_by[SaveResults] = lambda request, _ctx: request.path
    lanes["files"].served_by[DescribeRun] = lambda _request, _ctx: None
    window = MainWindow(studio, actions)
    qtbot.addWidget(window)
    window.resize(1440, 900)
    window.show()
    qtbot.waitExposed(window)
    yield window
    studio.training.leave()
    window.leaving.leave()


def test_what_is_being_written_comes_to_its_end_before_the_window_closes(
    window: MainWindow, studio: Studio, lanes: dict[str, InlineLane], qtbot: QtBot
) -> None:
    lanes["files"].hold()
    studio.exporter.save((), "/parts/results.csv", 5)
    window.close()
    window.close()  # once more, by somebody in a hurry
    assert window.isVisible()
    lanes["files"].release()
    qtbot.waitUntil(lambda: not window.isVisible())
    assert window.findChildren(Question) == []


def test_a_change_of_labels_is_written_before_the_window_closes(
    window: MainWindow, workspace: Workspace, studio: Studio, lanes: dict[str, InlineLane], qtbot: QtBot
) -> None:
    studio.data_sets.choose(DATA)
    qtbot.waitUntil(lambda: studio.data_sets.is_thorough)
    lanes["data"].hold()
    studio.data_sets.edit("exclude", [f"{DATA}/dent/001.png"])
    window.close()
    assert window.isVisible()
    lanes["data"].release()
    qtbot.waitUntil(lambda: not window.isVisible())
    assert len(workspace.requests(EditLabels)) == 1


def test_notes_that_are_being_typed_are_kept_when_the_window_closes(
    window: MainWindow,
    workspace: Workspace,
    studio: Studio,
    actions: Actions,
    lanes: dict[str, InlineLane],
    qtbot: QtBot,
) -> None:
    workspace.runs = others()
    actions["all_runs"].trigger()
    studio.training.look()
    studio.training.view.show(FOLDER)
    qtbot.waitUntil(lambda: studio.training.shown is not None)
    notes = window.findChild(RunDetails).notes
    qtbot.waitUntil(notes.isVisible)
    window.activateWindow()
    notes.setFocus()
    qtbot.waitUntil(notes.hasFocus)
    qtbot.keyClicks(notes, "wet")
    window.close()
    qtbot.waitUntil(lambda: not window.isVisible())
    asked = [request for request in lanes["files"].requests if isinstance(request, DescribeRun)]
    assert asked == [DescribeRun(FOLDER, notes="wet")]


@pytest.mark.parametrize(("answer", "is_closed"), [("wait", True), ("now", True), ("cancel", False), ("", False)])
def test_what_takes_longer_to_write_is_asked_about(
    window: MainWindow,
    studio: Studio,
    lanes: dict[str, InlineLane],
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    is_closed: bool,
) -> None:
    lanes["files"].hold()
    studio.exporter.save((), "/parts/results.csv", 5)
    window.leaving._patience.setInterval(0)
    window.close()
    qtbot.waitUntil(lambda: bool(window.findChildren(Question)))
    question = window.findChild(Question)
    if answer:
        click(question.buttons[answer], qtbot)
    else:
        question.reject()
    assert window.isVisible() is (answer != "now")
    with qtbot.waitSignal(studio.messages.posted):
        lanes["files"].release()
    qtbot.waitUntil(lambda: window.isVisible() is not is_closed)


def test_the_question_goes_with_what_it_asks_about(
    window: MainWindow, studio: Studio, lanes: dict[str, InlineLane], qtbot: QtBot
) -> None:
    lanes["files"].hold()
    studio.exporter.save((), "/parts/results.csv", 5)
    window.leaving._patience.setInterval(0)
    window.close()
    qtbot.waitUntil(lambda: bool(window.findChildren(Question)))
    lanes["files"].release()
    qtbot.waitUntil(lambda: not window.isVisible())


def test_what_cannot_be_written_keeps_the_window_open_with_a_message(
    window: MainWindow, studio: Studio, lanes: dict[str, InlineLane], expect_message: Expected, qtbot: QtBot
) -> None:
    def refuse(_request: SaveResults, _ctx: JobContext) -> None:
        raise StorageError("The disk is full.")

    expect_message("The disk is full")
    lanes["files"].served_by[SaveResults] = refuse
    lanes["files"].hold()
    studio.exporter.save((), "/parts/results.csv", 5)
    window.close()
    with qtbot.waitSignal(studio.messages.posted):
        lanes["files"].release()
    qtbot.waitUntil(lambda: lanes["files"].under_way == ())
    assert window.isVisible()
    window.close()
    assert not window.isVisible()


def test_after_the_question_about_a_run_what_is_being_written_is_awaited(
    window: MainWindow, workspace: Workspace, studio: Studio, lanes: dict[str, InlineLane], qtbot: QtBot
) -> None:
    workspace.said = events(done=2)
    studio.data_sets.choose(DATA)
    studio.training.start()
    qtbot.waitUntil(lambda: bool(studio.training.own_running))
    assert studio.training.own_running[0].folder == summary().folder
    lanes["files"].hold()
    studio.exporter.save((), "/parts/results.csv", 5)
    window.close()
    click(window.findChild(Question).buttons["keep"], qtbot)
    assert window.isVisible()
    lanes["files"].release()
    qtbot.waitUntil(lambda: not window.isVisible())


def test_only_what_lasts_is_awaited(window: MainWindow, studio: Studio, lanes: dict[str, InlineLane]) -> None:
    lanes["scan"].hold()
    studio.open_paths(("/parts",))
    assert lanes["scan"].under_way
    window.close()
    assert not window.isVisible()
