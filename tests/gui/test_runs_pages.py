"""All Runs as a table, what waits, Runs beside each other, a race: with Runs that others made, and inline Lanes."""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QLocale, Qt
from PySide6.QtGui import QFocusEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QLineEdit,
    QMainWindow,
    QPlainTextEdit,
    QSystemTrayIcon,
    QWidget,
)
from pytestqt.qtbot import QtBot

from convnext_studio.core.context import JobContext
from convnext_studio.core.errors import RunError
from convnext_studio.core.recipe import Recipe, from_preset
from convnext_studio.core.run_requests import (
    ChangeQueue,
    DescribeRun,
    ReadHistories,
    ReadQueue,
    ReadRecipes,
    RestoreRun,
    SaveTable,
    StartNext,
)
from convnext_studio.core.runs.history import History
from convnext_studio.core.runs.queue import Queue, Queued
from convnext_studio.core.runs.summary import RunSummary
from convnext_studio.gui import training_places
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.end_notice import EndNotice, task_bar
from convnext_studio.gui.jobs import InlineLane
from convnext_studio.gui.main_window import MainWindow
from convnext_studio.gui.messages import Message
from convnext_studio.gui.panels.queue_panel import QueuePanel
from convnext_studio.gui.panels.race_page import RacePage
from convnext_studio.gui.panels.run_details import RunDetails
from convnext_studio.gui.panels.runs_page import RunsPage
from convnext_studio.gui.stores.race import front
from convnext_studio.gui.stores.race_table import RaceTable, ticks
from convnext_studio.gui.stores.runs_table import Column, RunsTable
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.buttons import IconButton
from convnext_studio.gui.widgets.cells import CELL_ROLE, Cell
from convnext_studio.gui.widgets.label import PlainLabel
from convnext_studio.gui.widgets.question import Question
from tests.guards import Expected
from tests.gui.replies import serve
from tests.gui.test_long_words import long_words, wait_for_room
from tests.gui.training_replies import DATA, Workspace, events, lines, others, summary

__all__ = ["long_words"]

DONE, STOPPED, FAILED = (run.folder for run in others())


@dataclasses.dataclass
class Waiting:
    """Serves the queue, the histories and the Recipes."""

    workspace: Workspace
    queue: Queue = dataclasses.field(default_factory=Queue)
    recipes: dict[str, Recipe] = dataclasses.field(default_factory=dict)
    asked: list[object] = dataclasses.field(default_factory=list)
    refusal: Exception | None = None

    def serve(self, lanes: dict[str, InlineLane]) -> None:
        for lane in lanes.values():
            lane.served_by |= {
                ReadQueue: lambda _request, _ctx: self.queue,
                ChangeQueue: self._change,
                StartNext: self._start,
                ReadRecipes: lambda request, _ctx: tuple(self.recipes.get(one) for one in request.runs),
                ReadHistories: lambda request, _ctx: tuple(History(lines(events(8, 6))) for _ in request.runs),
                DescribeRun: self._note,
                RestoreRun: self._note,
                SaveTable: self._save,
            }

    def requests(self, kind: type) -> list[object]:
        return [request for request in self.asked if isinstance(request, kind)]

    def _note(self, request: object, _ctx: JobContext) -> None:
        self.asked.append(request)

    def _save(self, request: SaveTable, ctx: JobContext) -> str:
        self._note(request, ctx)
        return request.path

    def _change(self, request: ChangeQueue, ctx: JobContext) -> Queue:
        self._note(request, ctx)
        items = [one for one in self.queue.items if one.key not in request.remove]
        items.sort(key=lambda one: request.order.index(one.key) if one.key in request.order else len(items))
        for name, recipe in request.add:
            items.append(Queued(f"key {len(self.asked)} {len(items)}", recipe, name, request.race))
        is_held = self.queue.is_held if request.is_held is None else request.is_held
        self.queue = Queue(tuple(items), is_held)
        return self.queue

    def _start(self, request: StartNext, ctx: JobContext) -> str:
        self._note(request, ctx)
        if self.refusal is not None:
            raise self.refusal
        first = self.queue.items[0]
        self.queue = dataclasses.replace(self.queue, items=self.queue.items[1:])
        folder = f"/runs/20260201-120000-{first.title}"
        self.workspace.runs = (summary(folder, race=first.race, begun_with=first.recipe.model), *self.workspace.runs)
        return folder


@pytest.fixture
def workspace(lanes: dict[str, InlineLane]) -> Workspace:
    workspace = Workspace(runs=others())
    serve(lanes, ())
    workspace.serve(lanes)
    return workspace


@pytest.fixture
def waiting(workspace: Workspace, lanes: dict[str, InlineLane]) -> Waiting:
    waiting = Waiting(workspace)
    waiting.serve(lanes)
    return waiting


@pytest.fixture
def window(studio: Studio, actions: Actions, waiting: Waiting, qtbot: QtBot) -> MainWindow:
    window = MainWindow(studio, actions)
    window.resize(1440, 900)
    qtbot.addWidget(window)
    window.show()
    return window


def looked(studio: Studio, qtbot: QtBot) -> None:
    studio.training.look()
    qtbot.waitUntil(lambda: studio.training.has_looked and studio.queue.queue is not None)


def runs_page(window: MainWindow, studio: Studio, actions: Actions, qtbot: QtBot) -> RunsPage:
    looked(studio, qtbot)
    actions["all_runs"].trigger()
    page = window.training.train().page("runs")
    assert isinstance(page, RunsPage)
    return page


def names(table: RunsTable) -> list[str]:
    return [run.name for run in table.rows]


# --- the table


def test_the_table_finds_runs_by_every_word_and_sorts_the_best_first(
    studio: Studio, waiting: Waiting, workspace: Workspace, qtbot: QtBot
) -> None:
    tagged = dataclasses.replace(others()[1], tags=("new lens",), notes="Night shift")
    workspace.runs = (others()[0], tagged, others()[2])
    table = RunsTable(studio.training, studio.compared)
    looked(studio, qtbot)
    table.set_wanted("lens SURFACE night")
    assert names(table) == ["2b"]
    table.set_wanted("", "failed")
    assert names(table) == ["0"]
    table.set_wanted()
    table.sort_by(Column.SCORE)
    assert names(table) == ["2", "2b", "0"]  # what is not known comes last,
    table.sort_by(Column.SCORE)
    assert names(table) == ["2b", "2", "0"]  # either way round


def test_a_score_stands_over_its_interval(studio: Studio, waiting: Waiting, workspace: Workspace, qtbot: QtBot) -> None:
    workspace.runs = (dataclasses.replace(others()[0], interval=(0.91, 0.97)),)
    table = RunsTable(studio.training, studio.compared)
    looked(studio, qtbot)
    cell = table.data(table.index(0, Column.SCORE), CELL_ROLE)
    assert isinstance(cell, Cell) and cell.text.startswith("94.8") and cell.second.startswith("91.0–97.0")


def test_a_run_that_others_began_appears_by_itself(
    window: MainWindow, studio: Studio, actions: Actions, workspace: Workspace, qtbot: QtBot
) -> None:
    page = runs_page(window, studio, actions, qtbot)
    workspace.runs = (summary("/share/runs/20260301-120000-by torchrun"), *others())
    looked(studio, qtbot)
    qtbot.waitUntil(lambda: "by torchrun" in names(page.runs_table))
    assert page.browser.count.text() == "4 Runs"


def test_the_chosen_row_is_the_run_that_every_action_is_about(
    window: MainWindow, studio: Studio, actions: Actions, qtbot: QtBot
) -> None:
    page = runs_page(window, studio, actions, qtbot)
    details = window.findChild(RunDetails)
    assert details is not None and studio.training.view.folder == DONE  # one is always chosen
    page.browser.table.choose(page.runs_table.index_of(FAILED))
    assert studio.training.view.folder == FAILED
    assert "disk is full" in details.message.text()
    qtbot.waitUntil(actions["resume_run"].isEnabled)
    page.browser.taken.emit(page.runs_table.index_of(STOPPED))
    assert window.training.train().place == "live" and studio.training.view.folder == STOPPED
    qtbot.waitUntil(lambda: studio.training.view.summary is not None)


def test_without_runs_the_table_says_what_to_do(
    window: MainWindow, studio: Studio, actions: Actions, workspace: Workspace, qtbot: QtBot
) -> None:
    workspace.runs = ()
    page = runs_page(window, studio, actions, qtbot)
    assert page.nothing.isVisible() and not page.browser.isVisible()


def test_name_tags_and_notes_are_kept_when_a_field_is_left(
    window: MainWindow, studio: Studio, actions: Actions, waiting: Waiting, qtbot: QtBot
) -> None:
    runs_page(window, studio, actions, qtbot)
    details = window.findChild(RunDetails)
    assert details is not None
    details.name.setText("Line 3, dry")
    details.name.editingFinished.emit()
    details.tags.setText("wet, lens")
    details.tags.editingFinished.emit()
    details.tags.editingFinished.emit()  # nothing new
    assert waiting.requests(DescribeRun) == [
        DescribeRun(DONE, name="Line 3, dry"),
        DescribeRun(DONE, tags=("wet", " lens")),
    ]


def test_notes_go_to_the_run_they_were_typed_for(
    window: MainWindow, studio: Studio, actions: Actions, waiting: Waiting, qtbot: QtBot
) -> None:
    runs_page(window, studio, actions, qtbot)
    notes = window.findChild(RunDetails).notes
    notes.setFocus()
    qtbot.waitUntil(notes.hasFocus)
    qtbot.keyClicks(notes, "the lens was wet")
    studio.training.view.show(STOPPED)  # a race goes on to its next Run, say
    qtbot.waitUntil(lambda: waiting.requests(DescribeRun) == [DescribeRun(DONE, notes="the lens was wet")])
    assert notes.toPlainText() == ""
    notes.clearFocus()
    assert len(waiting.requests(DescribeRun)) == 1


def test_notes_that_cannot_be_kept_are_put_back_to_be_tried_again(
    window: MainWindow,
    studio: Studio,
    actions: Actions,
    lanes: dict[str, InlineLane],
    waiting: Waiting,
    expect_message: Expected,
    qtbot: QtBot,
) -> None:
    def refuse(_request: DescribeRun, _ctx: JobContext) -> None:
        raise RunError("The disk is full.")

    expect_message("The disk is full")
    serve_it = lanes["files"].served_by[DescribeRun]
    lanes["files"].served_by[DescribeRun] = refuse
    runs_page(window, studio, actions, qtbot)
    notes = window.findChild(RunDetails).notes
    notes.setFocus()
    qtbot.waitUntil(notes.hasFocus)
    qtbot.keyClicks(notes, "the lens was wet")
    with qtbot.waitSignal(studio.messages.posted):
        notes.clearFocus()
    assert notes.toPlainText() == "the lens was wet"
    lanes["files"].served_by[DescribeRun] = serve_it
    QApplication.sendEvent(notes, QFocusEvent(QEvent.Type.FocusOut))
    qtbot.waitUntil(lambda: waiting.requests(DescribeRun) == [DescribeRun(DONE, notes="the lens was wet")])


# --- beside each other


def test_runs_beside_each_other_are_drawn_in_the_live_page_and_only_what_differs_is_listed(
    window: MainWindow, studio: Studio, actions: Actions, waiting: Waiting, qtbot: QtBot
) -> None:
    waiting.recipes = {
        DONE: from_preset("balanced", data=DATA, light=0.4),
        STOPPED: from_preset("balanced", data=DATA, epochs=7),
    }
    page = runs_page(window, studio, actions, qtbot)
    page.browser.table.choose(page.runs_table.index_of(DONE))
    for folder in (DONE, STOPPED):
        page.browser.table.setCurrentIndex(page.runs_table.index_of(folder))
        QTest.keyClick(page.browser.table, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: len(studio.compared.histories()) == 2 and bool(studio.compared.differences()))
    assert studio.compared.differences() == [("Epochs", ("20", "7")), ("Light varies", ("0.4", "0.2"))]
    assert [other.name for other in studio.training.view.others] == ["2"]  # the shown one is not drawn twice
    studio.compared.toggle(DONE)
    assert studio.compared.folders == (STOPPED,)


# --- the queue


def test_what_waits_begins_once_nothing_trains_here(
    studio: Studio, waiting: Waiting, workspace: Workspace, qtbot: QtBot
) -> None:
    workspace.runs = (summary(), *others())
    looked(studio, qtbot)
    studio.queue.add((("next", from_preset("instant", data=DATA)),))
    qtbot.waitUntil(lambda: len(studio.queue.items) == 1)
    assert waiting.requests(StartNext) == []  # one trains
    workspace.runs = others()
    studio.training.look()
    qtbot.waitUntil(lambda: [run.name for run in studio.training.running] == ["next"])
    assert [run.name for run in studio.training.own_running] == ["next"]
    assert len(waiting.requests(StartNext)) == 1


def test_a_queue_that_holds_starts_nothing(studio: Studio, waiting: Waiting, qtbot: QtBot) -> None:
    waiting.queue = Queue((Queued("a", from_preset("instant", data=DATA)),), is_held=True)
    looked(studio, qtbot)
    studio.training.look()
    assert studio.queue.is_held and waiting.requests(StartNext) == []
    studio.queue.hold(False)
    qtbot.waitUntil(lambda: len(waiting.requests(StartNext)) == 1)


def test_a_next_run_that_cannot_be_started_is_said(
    studio: Studio, waiting: Waiting, qtbot: QtBot, expect_message: Expected
) -> None:
    expect_message("The next Run of the queue was not started")
    waiting.refusal = RunError("The disk is full.")
    waiting.queue = Queue((Queued("a", from_preset("instant", data=DATA)),))
    looked(studio, qtbot)
    qtbot.waitUntil(lambda: len(waiting.requests(StartNext)) >= 1)
    waiting.queue = Queue()
    qtbot.waitUntil(lambda: studio.queue.items == () or studio.training.look() is not None, timeout=3000)


def test_what_waits_is_moved_and_taken_off_by_its_buttons(
    window: MainWindow, studio: Studio, actions: Actions, waiting: Waiting, qtbot: QtBot
) -> None:
    recipe = from_preset("instant", data=DATA)
    waiting.queue = Queue(tuple(Queued(key, recipe, key) for key in ("a", "b", "c")), is_held=True)
    runs_page(window, studio, actions, qtbot)
    panel = window.findChild(QueuePanel)
    assert panel is not None
    qtbot.waitUntil(lambda: panel.isVisible() and len(panel.rows) == 3)
    panel.rows[2].findChild(IconButton, "up c").click()
    qtbot.waitUntil(lambda: [one.key for one in studio.queue.items] == ["a", "c", "b"])
    panel.rows[0].findChild(IconButton, "x a").click()
    qtbot.waitUntil(lambda: [one.key for one in studio.queue.items] == ["c", "b"])
    assert "Held" in panel.words.text()
    assert any("· Instant" in label.text() for label in panel.rows[0].findChildren(PlainLabel))


def test_the_run_that_is_set_up_is_added_to_the_queue(
    window: MainWindow,
    studio: Studio,
    actions: Actions,
    waiting: Waiting,
    workspace: Workspace,
    qtbot: QtBot,
) -> None:
    workspace.runs = (summary(), *others())
    looked(studio, qtbot)
    assert not actions["queue_run"].isEnabled()
    studio.set_up.set(data=DATA)
    actions["new_run"].trigger()
    field = window.training.train().page("set_up").name
    qtbot.keyClicks(field, "the night ")
    assert field.text() == "the night "
    assert actions["queue_run"].isEnabled()
    actions["queue_run"].trigger()
    qtbot.waitUntil(lambda: [one.title for one in studio.queue.items] == ["the night"])
    qtbot.waitUntil(lambda: studio.set_up.name == "")
    assert field.text() == ""


def test_a_run_that_is_not_added_to_the_queue_keeps_its_name_and_nothing_else_is_said(
    window: MainWindow,
    studio: Studio,
    actions: Actions,
    lanes: dict[str, InlineLane],
    expect_message: Expected,
    qtbot: QtBot,
) -> None:
    def refuse(_request: ChangeQueue, _ctx: JobContext) -> None:
        raise RunError("The disk is full.")

    expect_message("The disk is full")
    lanes["train"].served_by[ChangeQueue] = refuse
    looked(studio, qtbot)
    studio.set_up.set(data=DATA)
    studio.set_up.set_name("night")
    said: list[Message] = []
    studio.messages.posted.connect(said.append)
    actions["queue_run"].trigger()
    qtbot.waitUntil(lambda: bool(said))
    assert [message.kind for message in said] == ["error"]
    assert studio.set_up.name == "night"


# --- the race


def test_a_race_lets_each_model_wait_with_the_recipe_that_is_set_up(
    studio: Studio, waiting: Waiting, workspace: Workspace, qtbot: QtBot
) -> None:
    waiting.queue = Queue(is_held=True)
    looked(studio, qtbot)
    race = studio.race
    titles = {one.title: one for one in race.racers()}
    assert {"ConvNeXt Tiny", "ConvNeXt V2 Tiny", "ResNet-50", "Swin-T", "ViT-S"} <= titles.keys()
    studio.set_up.set(data=DATA, light=0.4, epochs=9)
    wanted = [titles["ConvNeXt Atto"].row.name, titles["ViT-S"].row.name]
    for name in wanted:
        race.choose(name, True)
    assert not race.can_start  # their weights are not here
    race.set_takes_random(True)
    race.set_head_only(False)
    race.start()
    qtbot.waitUntil(lambda: len(studio.queue.items) == 2)
    assert [one.recipe.model for one in studio.queue.items] == wanted
    assert {(one.recipe.weights, one.recipe.light, one.recipe.epochs) for one in studio.queue.items} == {
        ("random", 0.4, 9)
    }
    assert race.shown in race.names
    assert [(row.title, row.state, row.is_random) for row in race.rows()] == [
        ("ConvNeXt Atto", "waiting", True),
        ("ViT-S", "waiting", True),
    ]


def test_a_race_without_models_says_what_to_do(
    window: MainWindow, studio: Studio, actions: Actions, waiting: Waiting, qtbot: QtBot
) -> None:
    studio.set_up.set(data=DATA)
    looked(studio, qtbot)
    actions["race"].trigger()
    page = window.training.train().page("race")
    assert page.nobody.isVisible() and not page.start.isEnabled()
    page.random.click()
    next(iter(page.boxes.values())).click()
    assert not page.nobody.isVisible() and page.start.isEnabled()


def test_a_race_of_heads_trains_nothing_else(studio: Studio, waiting: Waiting) -> None:
    studio.set_up.set(data=DATA, epochs=9)
    recipe = studio.race.recipe_of(next(one for one in studio.race.racers() if one.title == "ResNet-50"))
    assert (recipe.epochs, recipe.is_head_first, recipe.preset) == (0, True, "instant")


def test_two_races_of_one_minute_have_names_of_their_own(
    studio: Studio, waiting: Waiting, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QLocale, "toString", lambda *_: "31/01/2026 12:00")
    waiting.queue = Queue(is_held=True)
    looked(studio, qtbot)
    race = studio.race
    studio.set_up.set(data=DATA)
    race.choose(race.racers()[0].row.name, True)
    race.set_takes_random(True)
    for number in (1, 2):
        race.start()
        qtbot.waitUntil(lambda number=number: len(studio.queue.items) == number)
    assert len(race.names) == 2
    assert race.shown == "line 3, 31/01/2026 12:00 (2)"


def test_the_front_holds_those_that_no_other_beats_in_both() -> None:
    points = [(10.0, 0.9), (20.0, 0.9), (30.0, 0.8), (5.0, 0.95), (30.0, 0.7)]
    assert front(points) == [False, True, True, True, False]
    assert front([(10.0, 0.9), (20.0, 0.9), (5.0, 0.5)], is_less_better=True) == [True, False, True]


def test_results_of_a_race_are_sorted_drawn_and_written(
    window: MainWindow,
    studio: Studio,
    actions: Actions,
    waiting: Waiting,
    workspace: Workspace,
    qtbot: QtBot,
    tmp_path: Path,
) -> None:
    workspace.runs = race_runs()
    looked(studio, qtbot)
    studio.race.show("sizes")
    actions["race"].trigger()
    page = window.training.train().page("race")
    assert isinstance(page, RacePage)
    table = page.race_table
    assert [row.title for row in table.rows] == ["atto", "resnet"]
    table.sort_by(3)  # parameters, the fewest on top
    assert [row.title for row in table.rows] == ["atto", "resnet"]
    table.sort_by(3)
    assert [row.title for row in table.rows] == ["resnet", "atto"]
    table.sort_by(1)
    page.axis.setCurrentIndex(1)
    points = table.points("parameters")
    assert [(one.name, one.is_front) for one in points] == [("atto", True), ("resnet", False)]
    assert page.plot.points == tuple(points)
    page.axis.setCurrentIndex(0)
    assert page.plot.points == () and "measure the speed" in page.plot_words.text()
    studio.race.export(str(tmp_path / "race.csv"))
    saved = waiting.requests(SaveTable)[0]
    assert isinstance(saved, SaveTable)
    assert [row[3] for row in saved.rows] == [0.95, 0.9]


def race_runs() -> tuple[RunSummary, ...]:
    told = {"state": "finished", "race": "sizes", "interval": (0.85, 0.99)}
    return (
        summary("/r/20260101-120000-resnet", best_balanced_accuracy=0.9, begun_with="resnet50.a1_in1k", **told),
        summary("/r/20260101-120001-atto", best_balanced_accuracy=0.95, begun_with="convnext_atto.d2_in1k", **told),
        others()[0],
    )


def test_figures_on_the_axis_are_round() -> None:
    assert [words for _place, words in ticks("parameters", [3.7e6, 28e6])] == ["5.0 M", "10.0 M", "20.0 M"]
    assert ticks("images_per_s", []) == []


def test_a_race_table_without_a_race_is_empty(studio: Studio) -> None:
    assert RaceTable(studio.race).rowCount() == 0


# --- the end, when nobody looks


class Tray(QSystemTrayIcon):
    """Notes what it is told to show."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []

    def show(self) -> None:
        """There is no tray here."""

    def showMessage(self, title: str, message: str, *_rest: object) -> None:  # type: ignore[override]
        """Keep it."""
        self.told.append(f"{title} – {message}")


@pytest.mark.parametrize(("is_active", "is_wanted"), [(False, True), (True, True), (False, False)])
def test_the_end_of_a_run_is_said_once_and_only_where_nobody_looks(
    studio: Studio, waiting: Waiting, workspace: Workspace, qtbot: QtBot, is_active: bool, is_wanted: bool
) -> None:
    studio.settings.update(notifies=is_wanted)
    window, tray, opened, shares = QMainWindow(), Tray(), [], []
    qtbot.addWidget(window)
    window.isActiveWindow = lambda: is_active  # type: ignore[method-assign]
    EndNotice(studio, window, opened.append, tray, shares.append)
    workspace.runs = (summary(), *others())
    looked(studio, qtbot)
    workspace.runs = (summary(state="finished", message="Finished."), *others())
    for _ in range(2):
        studio.training.look()
        qtbot.waitUntil(lambda: not studio.training.running)
    assert shares == [pytest.approx(17 / 30), None]
    if is_active or not is_wanted:
        assert tray.told == []
        return
    assert len(tray.told) == 1 and tray.told[0].startswith("line 3: Done – Balanced accuracy 93.4")
    tray.messageClicked.emit()
    assert opened == [summary().folder]


def test_without_a_session_bus_progress_is_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    show = task_bar()
    show(0.5)
    show(None)


SHOW_ON_BUS = """
from PySide6.QtCore import QCoreApplication
from convnext_studio.gui.end_notice import task_bar

app = QCoreApplication([])
show = task_bar()
for share in (0.25, None):
    show(share)
"""


@pytest.mark.skipif(shutil.which("dbus-monitor") is None, reason="no session bus can be started here")
def test_a_session_bus_is_told_how_far_a_training_is() -> None:
    script = """
        coproc dbus-monitor --session "interface=com.canonical.Unity.LauncherEntry"
        read -u "${COPROC[0]}"  # it listens
        "$0" -c "$1"
        timeout 20 sed "/boolean false/q" <&"${COPROC[0]}"
        kill "$COPROC_PID"
    """
    command = ["dbus-run-session", "--", "bash", "-c", script, sys.executable, SHOW_ON_BUS]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout
    assert "application://convnext-studio.desktop" in said
    told = re.findall(r"variant +(?:double|boolean) (\S+)", said)
    assert told == ["0.25", "true", "0", "false"]


def test_a_run_taken_out_of_the_trash_is_asked_for_once(
    window: MainWindow,
    studio: Studio,
    actions: Actions,
    waiting: Waiting,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(training_places, "to_trash", lambda _path: "/trash/files/line 3")
    page = runs_page(window, studio, actions, qtbot)
    posted: list[Message] = []
    studio.messages.posted.connect(posted.append)
    qtbot.waitUntil(actions["delete_run"].isEnabled)
    QTest.keyClick(page.browser.table, Qt.Key.Key_Delete)
    question = window.findChild(Question)
    assert question is not None
    question.buttons["delete"].click()
    assert posted[-1].action_text == "Undo" and posted[-1].action is not None
    posted[-1].action()
    assert waiting.requests(RestoreRun) == [RestoreRun("/trash/files/line 3", DONE)]


# --- words, names, keys


def fill(window: MainWindow, studio: Studio, actions: Actions, waiting: Waiting, qtbot: QtBot, place: str) -> None:
    """Put everything on the page that can be on it."""
    recipe = from_preset("instant", data=DATA)
    waiting.queue = Queue(tuple(Queued(key, recipe, key, race="sizes") for key in ("a", "b")), is_held=True)
    waiting.workspace.runs = (*race_runs()[:2], *others())
    studio.set_up.set(data=DATA)
    looked(studio, qtbot)
    if place == "results":
        studio.race.show("sizes")
    actions["all_runs" if place == "runs" else "race"].trigger()
    if place == "runs":
        for folder in (DONE, STOPPED):
            studio.compared.toggle(folder)
        qtbot.waitUntil(lambda: len(studio.compared.histories()) == 2)


@pytest.mark.parametrize("size", [(1440, 900), (1024, 640)])
@pytest.mark.parametrize("place", ["runs", "race", "results"])
def test_no_word_is_cut_when_words_are_longer(
    long_words: None,
    theme: Theme,
    waiting: Waiting,
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
    fill(window, studio, actions, waiting, qtbot, place)
    wait_for_room(window.pages.currentWidget(), qtbot)


@pytest.mark.parametrize("place", ["runs", "race", "results"])
def test_everything_has_a_name_and_tab_goes_through_the_page(
    window: MainWindow, studio: Studio, actions: Actions, waiting: Waiting, qtbot: QtBot, place: str
) -> None:
    fill(window, studio, actions, waiting, qtbot, place)
    page = window.pages.currentWidget()
    kinds = (QAbstractButton, QLineEdit, QComboBox, QAbstractItemView, QPlainTextEdit)
    operated = [widget for kind in kinds for widget in page.findChildren(kind) if widget.isVisible()]
    nameless = [type(widget).__name__ for widget in operated if not (widget.accessibleName() or _text(widget))]
    assert [name for name in nameless if not name.startswith("Q")] == []
    window.activateWindow()
    window.top_bar.open_button.setFocus()
    seen: list[QWidget | None] = []
    while window.focusWidget() not in seen:
        seen.append(window.focusWidget())
        qtbot.keyClick(window.focusWidget(), Qt.Key.Key_Tab)
        assert len(seen) < 200
    assert window.focusWidget() is seen[0]
    assert sum(page.isAncestorOf(widget) for widget in seen if widget is not None) >= 5


def _text(widget: QWidget) -> str:
    return widget.text() if isinstance(widget, QAbstractButton) else ""
