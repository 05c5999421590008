"""The Stores of a training: a Recipe that is always valid, a data set read twice, Runs found, followed and steered."""

from __future__ import annotations

import dataclasses
import math

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtTest import QSignalSpy
from pytestqt.qtbot import QtBot

from convnext_studio.core.context import JobContext
from convnext_studio.core.errors import RunError
from convnext_studio.core.events import EditsKept
from convnext_studio.core.requests import CheckDataSet, EditLabels, FindRuns, FollowRun, ResumeRun, StartRun, SteerRun
from convnext_studio.core.run_events import EpochEnded, RunNoticed, StepEnded
from convnext_studio.core.run_requests import ReadQueue
from convnext_studio.core.runs.history import History
from convnext_studio.core.runs.queue import Queue
from convnext_studio.core.runs.summary import RunSummary
from convnext_studio.core.values import ModelRef
from convnext_studio.gui.jobs import InlineLane
from convnext_studio.gui.stores import run_view
from convnext_studio.gui.stores.curves import loss_curves, validated
from convnext_studio.gui.stores.health import health
from convnext_studio.gui.stores.set_up import SetUp
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.stores.training_words import second_line
from tests.guards import Expected
from tests.gui.training_replies import CLASSES, DATA, STEPS_AN_EPOCH, Workspace, events, lines, others, summary


@pytest.fixture
def workspace(lanes: dict[str, InlineLane]) -> Workspace:
    workspace = Workspace()
    workspace.serve(lanes)
    return workspace


# --- what is being set up


def test_a_value_that_does_not_fit_stays_out_and_says_why_at_its_field() -> None:
    set_up = SetUp()
    set_up.set(data=DATA, learning_rate="fast")
    assert "learning_rate" in set_up.problems and not set_up.can_start
    assert set_up.recipe.learning_rate == 5e-4
    set_up.set(data=DATA, learning_rate="0.001")
    assert (set_up.recipe.learning_rate, set_up.problems, set_up.can_start) == (0.001, {}, True)


def test_another_preset_keeps_data_model_and_what_no_preset_decides() -> None:
    set_up = SetUp()
    set_up.set(data=DATA, light=0.4, seed=7)
    set_up.set_model(ModelRef("convnext_nano", folder="/weights"))
    set_up.set_preset("instant")
    recipe = set_up.recipe
    assert (recipe.preset, recipe.epochs, recipe.data, recipe.light, recipe.seed) == ("instant", 0, DATA, 0.4, 7)
    assert (recipe.model, recipe.weights_folder) == ("convnext_nano", "/weights")
    set_up.set_preset("thorough")
    assert set_up.recipe.epochs == 60
    assert set_up.changes.keys() == {"light", "seed"}


def test_only_what_decides_the_split_has_the_data_set_read_anew() -> None:
    set_up = SetUp()
    spy = QSignalSpy(set_up.data_changed)
    set_up.set(data=DATA)
    set_up.set(light=0.3)
    set_up.set_preset("thorough")
    assert spy.count() == 1
    set_up.set(validation=0.3)
    assert spy.count() == 2


# --- the data set


def test_a_data_set_is_shown_at_a_glance_first_and_checked_after(
    studio: Studio, workspace: Workspace, qtbot: QtBot
) -> None:
    studio.data_sets.choose(DATA)
    qtbot.waitUntil(lambda: studio.data_sets.is_thorough)
    assert [request.is_quick for request in workspace.requests(CheckDataSet)] == [True, False]
    assert studio.data_sets.card.classes == CLASSES
    assert not studio.data_sets.is_checking
    assert studio.jobs.entries == ()


def test_a_folder_that_is_no_data_set_says_why(studio: Studio, workspace: Workspace, qtbot: QtBot) -> None:
    workspace.found = None
    studio.data_sets.choose("/empty")
    qtbot.waitUntil(lambda: studio.data_sets.failure is not None)
    assert "no folders of classes" in studio.data_sets.failure.message
    assert studio.data_sets.card is None


def test_a_reply_about_another_data_set_than_the_chosen_one_is_dropped(
    studio: Studio, workspace: Workspace, lanes: dict[str, InlineLane], qtbot: QtBot
) -> None:
    lanes["data"].hold()
    studio.data_sets.choose("/first")
    workspace.found = None
    studio.data_sets.choose("/second")
    lanes["data"].release()
    qtbot.waitUntil(lambda: not studio.data_sets.is_checking)
    assert studio.data_sets.card is None and studio.data_sets.failure is not None


def test_a_change_of_labels_does_not_wait_for_the_check(
    studio: Studio, workspace: Workspace, lanes: dict[str, InlineLane], qtbot: QtBot
) -> None:
    hold_the_check(studio, lanes, qtbot)
    (checking,) = (handle for handle in lanes["data"]._open if isinstance(handle.request, CheckDataSet))
    studio.data_sets.edit("move", ["/a"], "good")
    assert checking.is_cancelled and checking.is_replaced
    lanes["data"].release()
    qtbot.waitUntil(lambda: studio.data_sets.is_thorough)
    assert [type(request) for request in workspace.asked][-3:] == [EditLabels, CheckDataSet, CheckDataSet]


def test_a_change_of_labels_that_fails_has_the_check_made_anew(
    studio: Studio, workspace: Workspace, lanes: dict[str, InlineLane], expect_message: Expected, qtbot: QtBot
) -> None:
    def refuse(_request: EditLabels, _ctx: JobContext) -> None:
        raise RunError("The disk is full.")

    expect_message("The disk is full")
    lanes["data"].served_by[EditLabels] = refuse
    hold_the_check(studio, lanes, qtbot)
    studio.data_sets.edit("move", ["/a"], "good")
    lanes["data"].release()
    qtbot.waitUntil(lambda: studio.data_sets.is_thorough)


def test_another_split_during_the_check_begins_it_anew(
    studio: Studio, workspace: Workspace, lanes: dict[str, InlineLane], qtbot: QtBot
) -> None:
    hold_the_check(studio, lanes, qtbot)
    studio.set_up.set(validation=0.3)
    checking = lanes["data"]._open.pop(0)
    assert checking.drain()  # and its end is dealt with before the next one says something
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    lanes["data"].release()
    qtbot.waitUntil(lambda: studio.data_sets.is_thorough)
    assert studio.jobs.entries == ()


def hold_the_check(studio: Studio, lanes: dict[str, InlineLane], qtbot: QtBot) -> None:
    """The data set is known at a glance, and every Image is being opened."""

    def hold() -> None:
        if studio.data_sets.card is not None and not lanes["data"].is_held:
            lanes["data"].hold()

    studio.data_sets.changed.connect(hold)
    studio.data_sets.choose(DATA)
    qtbot.waitUntil(lambda: lanes["data"].is_held)
    studio.data_sets.changed.disconnect(hold)


def test_labels_are_edited_undone_and_the_data_set_is_read_anew(
    studio: Studio, workspace: Workspace, qtbot: QtBot
) -> None:
    studio.data_sets.choose(DATA)
    qtbot.waitUntil(lambda: studio.data_sets.is_thorough)
    workspace.edits = EditsKept(1, 0, "move 2 images to “good”")
    studio.data_sets.edit("move", ["/a", "/b"], "good")
    qtbot.waitUntil(lambda: studio.data_sets.edits.undoable == 1 and studio.data_sets.is_thorough)
    studio.data_sets.edit("undo")
    assert workspace.requests(EditLabels) == [
        EditLabels(DATA, "move", ("/a", "/b"), "good"),
        EditLabels(DATA, "undo"),
    ]
    qtbot.waitUntil(lambda: len(workspace.requests(CheckDataSet)) == 6 and studio.data_sets.is_thorough)


# --- Runs


def test_a_run_is_started_found_and_followed_from_its_first_line(
    studio: Studio, workspace: Workspace, qtbot: QtBot
) -> None:
    workspace.said = events(done=3)
    studio.data_sets.choose(DATA)
    studio.set_up.name = "line 3"
    studio.training.start()
    studio.training.start()  # a double click starts one
    qtbot.waitUntil(lambda: len(studio.training.view.history.epochs) == 4)
    (request,) = workspace.requests(StartRun)
    assert (request.recipe.data, request.name, request.runs) == (DATA, "line 3", str(studio.places.runs))
    assert studio.training.view.history.steps.step[-1] == 3 * STEPS_AN_EPOCH
    qtbot.waitUntil(lambda: bool(studio.training.own_running))
    assert [entry.title for entry in studio.jobs.entries if entry.icon == "train"] == ["line 3"]


def test_a_start_that_is_refused_says_so(
    studio: Studio, workspace: Workspace, qtbot: QtBot, expect_message: Expected
) -> None:
    expect_message("The training was not started.*no classes")
    workspace.refusal = RunError("There are no classes.", "Choose another folder.")
    studio.set_up.set(data=DATA)
    studio.training.start()
    qtbot.waitUntil(lambda: not studio.training.is_starting)
    assert studio.training.view.folder == ""


def test_a_run_that_reports_fast_is_drawn_a_little_over_twice_a_second(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    view, now, drawn = studio.training.view, 100.0, []
    monkeypatch.setattr(run_view.time, "monotonic", lambda: now)
    view.changed.connect(lambda: drawn.append(now))
    due = math.inf
    for tick in range(2_000):  # ten seconds; lines come every quarter of one
        now = 100.0 + 0.005 * tick
        if tick % 50 == 0:
            view._take_in()
            due = min(due, now + view._timer.interval() / 1e3)
        if now >= due:
            view._timer.stop()
            view._on_due()
            due = math.inf
    assert drawn[0] == 100.0, "the first lines wait for nothing"
    assert 2 <= len(drawn) / 10 <= 2.5


def test_lines_are_told_a_few_times_a_second_at_most(studio: Studio, workspace: Workspace, qtbot: QtBot) -> None:
    workspace.runs = (summary(),)
    workspace.said = events(epochs=100, done=99)
    spy = QSignalSpy(studio.training.view.changed)
    studio.training.view.show(workspace.runs[0].folder)
    qtbot.waitUntil(lambda: studio.training.view.summary is not None)
    assert len(studio.training.view.history.steps.step) == 99 * STEPS_AN_EPOCH
    assert spy.count() <= 2


def test_a_long_run_is_taken_in_by_turns_and_smoothed_to_what_a_screen_can_show(
    studio: Studio, workspace: Workspace, lanes: dict[str, InlineLane], qtbot: QtBot
) -> None:
    start = events(epochs=100, done=0)
    steps = [StepEnded(n, 1 + n // 400, 2.0 - n / 40_000, 5e-4, 30.0) for n in range(1, 40_001)]
    said = lines([*start, *steps])

    def follow(request: FollowRun, ctx: JobContext) -> RunSummary:
        for begin in range(0, len(said), 500):
            ctx.emit(said[begin : begin + 500])
        return summary(state="finished")

    lanes["follow"].served_by[FollowRun] = follow
    view = studio.training.view
    view.show(summary().folder)
    qtbot.waitUntil(lambda: view.summary is not None)
    assert len(view.history.steps.step) == 40_000
    train = loss_curves(view.history)[0]
    assert len(train.x) == 2_000 and len(train.raw_x) == 40_000
    assert train.y[-1] == pytest.approx(1.0, abs=0.02)


def test_a_run_that_goes_on_is_followed_after_its_last_known_line(
    studio: Studio, workspace: Workspace, qtbot: QtBot
) -> None:
    stopped = summary(state="interrupted", can_go_on=True, seconds_left=None)
    workspace.runs, workspace.said = (stopped,), events(done=2)
    view = studio.training.view
    view.show(stopped.folder)
    qtbot.waitUntil(lambda: view.summary is not None)
    known = view.history.last
    workspace.said = events(done=3)
    studio.training.resume(stopped.folder)
    qtbot.waitUntil(lambda: len(view.history.epochs) == 4)
    assert workspace.requests(ResumeRun) == [ResumeRun(stopped.folder)]
    assert [request.after for request in workspace.requests(FollowRun)] == [0, known]


def test_changes_since_are_told_and_can_be_accepted(
    studio: Studio, workspace: Workspace, qtbot: QtBot, expect_message: Expected
) -> None:
    class ChangedSince(RunError):
        pass

    expect_message("does not go on.*2 images are gone")
    stopped = summary(state="stopped", can_go_on=True)
    workspace.runs = (stopped,)
    workspace.refusal = ChangedSince("2 images are gone.", "Accept it, or put them back.")
    view = studio.training.view
    view.show(stopped.folder)
    studio.training.resume(stopped.folder)
    qtbot.waitUntil(lambda: view.can_accept_changes)


def test_what_is_asked_of_a_run_is_asked_once_and_remembered(
    studio: Studio, workspace: Workspace, qtbot: QtBot
) -> None:
    workspace.runs = (summary(),)
    studio.training.look()
    qtbot.waitUntil(lambda: bool(studio.training.running))
    studio.training.steer(summary().folder, "finish epoch")
    assert workspace.requests(SteerRun) == [SteerRun(summary().folder, "finish epoch")]
    assert studio.training.wanted == {summary().folder: "finish epoch"}
    workspace.runs = (summary(state="finished"),)
    studio.training.look()
    qtbot.waitUntil(lambda: not studio.training.running)
    assert studio.training.wanted == {}


def test_runs_of_others_are_not_this_windows_to_stop(studio: Studio, workspace: Workspace, qtbot: QtBot) -> None:
    workspace.runs = (summary(), *others())
    studio.training.look()
    qtbot.waitUntil(lambda: len(studio.training.runs) == 4)
    assert len(studio.training.running) == 1
    assert studio.training.own_running == ()


def test_runs_and_queue_are_those_of_the_folder_chosen_last(
    studio: Studio, workspace: Workspace, lanes: dict[str, InlineLane], qtbot: QtBot
) -> None:
    def found(request: FindRuns, ctx: JobContext) -> tuple[RunSummary, ...]:
        workspace.asked.append(request)
        return (dataclasses.replace(summary(), folder=f"{request.runs}/steel"),)

    def queued(request: ReadQueue, ctx: JobContext) -> Queue:
        workspace.asked.append(request)
        return Queue(is_held=True, trouble=request.runs)

    lanes["places"].served_by |= {FindRuns: found, ReadQueue: queued}
    studio.training.look()
    qtbot.waitUntil(lambda: bool(studio.training.runs))  # the queue of the old folder is being read now
    studio.training.look()
    studio.settings.update(runs_folder="/other")
    qtbot.waitUntil(lambda: studio.queue.trouble == "/other")
    assert [run.folder for run in studio.training.runs] == ["/other/steel"]


def test_every_state_of_a_run_has_its_words() -> None:
    assert second_line(summary()) == "epoch 17 of 30"
    assert [second_line(run) for run in others()] == ["done · 30 epochs", "stopped · best kept", "The disk is full."]
    assert second_line(summary(epoch=0)) == "getting ready"
    assert second_line(summary(message="The disk is full.")) == "waiting: The disk is full."
    assert second_line(summary(state="finished", epochs=0, epoch=0)) == "done · head only"


# --- health, rule by rule, on recorded Events


def changed_epochs(**changes: object) -> History:
    said = [dataclasses.replace(e, **changes) if isinstance(e, EpochEnded) else e for e in events(done=6)]
    return History(lines(said))


def test_a_run_that_improves_is_called_healthy() -> None:
    found = health(History(lines(events(done=10))))
    assert (found.tone, found.title) == ("ok", "Still improving.")


def test_epochs_without_a_better_one_are_counted_aloud() -> None:
    found = health(History(lines(events(done=17))))
    assert found.tone == "ok"
    assert found.sentence == "No better epoch for 3 epochs; the best so far is epoch 14. It ends after 5 more."


def test_one_epoch_without_a_better_one_is_not_counted_in_the_plural() -> None:
    said = [dataclasses.replace(e, is_best=e.epoch == 0) if isinstance(e, EpochEnded) else e for e in events(done=1)]
    assert health(History(lines(said))).sentence.startswith("The first epoch was not better than the head alone")


def test_a_rising_loss_is_blamed_on_the_learning_rate() -> None:
    said = [StepEnded(n, 1, 0.5 + 0.2 * n, 5e-4, 30.0) for n in range(1, 40)]
    assert health(History(lines(said))).title == "The learning rate is too high."


def test_a_class_that_is_never_predicted_is_named() -> None:
    rows = [[5, 0, 0, 0, 0, 0] for _ in CLASSES]
    found = health(changed_epochs(confusion=tuple(map(tuple, rows))))
    assert (found.tone, found.title) == ("again", "“dent” is never predicted.")


@pytest.mark.parametrize(("best", "kept"), [(4, "of epoch 4, is kept"), (0, "the head alone, is kept")])
def test_over_fitting_names_the_epoch_and_what_is_kept(best: int, kept: str) -> None:
    said = []
    for event in events(done=9):
        if isinstance(event, EpochEnded):
            loss = 0.6 - 0.02 * event.epoch if event.epoch <= 4 else 0.52 + 0.1 * (event.epoch - 4)
            changes = {"loss": loss, "train_loss": 0.4 - event.epoch / 40, "is_best": event.epoch == best}
            said.append(dataclasses.replace(event, **changes))
        else:
            said.append(event)
    if not best:
        head = next(event for event in said if isinstance(event, EpochEnded))
        said.insert(said.index(head), dataclasses.replace(head, epoch=0, step=0, is_best=True))
    found = health(History(lines(said)))
    assert found.title == "Over-fitting since epoch 5."
    assert kept in found.sentence


def test_one_class_for_everything_is_said_as_that() -> None:
    rows = tuple(tuple(5 if number == 2 else 0 for number in range(6)) for _ in CLASSES)
    said = [dataclasses.replace(e, confusion=rows) if isinstance(e, EpochEnded) else e for e in events(done=1)]
    found = health(History(lines(said)))
    assert (found.tone, found.title) == ("again", "Everything is called “good”.")


def test_a_loss_that_does_not_fall_is_called_slow() -> None:
    steps = [StepEnded(n, 1 + n // 50, 1.8, 1e-7, 30.0) for n in range(1, 101)]
    ended = [e for e in events(done=2) if isinstance(e, EpochEnded)]
    ended = [dataclasses.replace(e, is_best=e.epoch == 0) for e in ended]
    found = health(History(lines([*events(done=0), *steps, *ended[1:]])))
    assert (found.tone, found.title) == ("again", "It learns very slowly.")


def test_a_run_without_validation_images_says_so_and_shows_no_figure() -> None:
    history = changed_epochs(confusion=((0,) * 6,) * 6, loss=0.0, balanced_accuracy=0.0)
    found = health(history)
    assert (found.tone, found.title) == ("info", "Not validated.")
    assert [len(curve.y) for curve in loss_curves(history)] == [72, 0]
    assert validated(history) == []


def test_few_validation_images_are_told_with_the_praise() -> None:
    rows = tuple(tuple(2 if one == other else 0 for other in range(6)) for one in range(6))
    assert "only 12 validation images" in health(changed_epochs(confusion=rows)).sentence


def test_the_head_alone_is_not_called_an_epoch() -> None:
    said = [dataclasses.replace(e, is_best=e.epoch == 0) if isinstance(e, EpochEnded) else e for e in events(done=2)]
    assert "the best so far is the head alone" in health(History(lines(said))).sentence


def test_waiting_for_images_is_told() -> None:
    said = [StepEnded(n, 1, 0.5, 5e-4, 30.0, data_wait=0.6) for n in range(1, 40)]
    assert health(History(lines([*events(done=1), *said]))).title == "Slowed down by the images."


def test_notices_of_a_run_are_kept_for_its_page() -> None:
    history = History(lines([*events(done=1), RunNoticed("Memory is short: the batch was halved to 16.")]))
    assert [notice.message for _at, notice in history.notices] == ["Memory is short: the batch was halved to 16."]
