"""The live page of a Run, with recorded Events: plots on one axis, cursor, zoom, cells, samples, steering."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QLocale, QObject, QPoint, Qt
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from convnext_studio.core.context import JobContext
from convnext_studio.core.errors import UsageError
from convnext_studio.core.requests import FindAnswered, SavePlot, SteerRun
from convnext_studio.core.run_events import EpochEnded, Paused, RunEvent, RunStarted, SamplesShown, StepEnded
from convnext_studio.core.runs.history import History
from convnext_studio.core.runs.plots import save_plot
from convnext_studio.gui.jobs import InlineLane
from convnext_studio.gui.language import speak
from convnext_studio.gui.main_window import MainWindow
from convnext_studio.gui.panels.live_panel import LivePanel
from convnext_studio.gui.stores.curves import Ruler, expert_plots, more_plots
from convnext_studio.gui.stores.run_view import OtherRun
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.stores.training_words import progress_words
from convnext_studio.gui.widgets.curve import thinned
from tests.gui.replies import image
from tests.gui.test_training_pages import click, show_run, window, workspace
from tests.gui.training_replies import CLASSES, STEPS_AN_EPOCH, Workspace, events, lines, summary

__all__ = ["window", "workspace"]


def show_live(window: MainWindow, workspace: Workspace, qtbot: QtBot, said: list[RunEvent] | None = None) -> LivePanel:
    workspace.said = events() if said is None else said
    return show_run(window, workspace, qtbot)


def test_plots_stand_on_epochs_steps_or_time_all_at_once(
    window: MainWindow, workspace: Workspace, qtbot: QtBot
) -> None:
    panel = show_live(window, workspace, qtbot)
    assert panel.loss.shown[1].x[-1] == 17
    panel.tools_of_plots.axis.button(1).click()
    assert panel.loss.shown[1].x[-1] == panel.loss.shown[0].raw_x[-1] == 17 * STEPS_AN_EPOCH
    assert panel.cards["loss"].second.text().startswith("by step")
    panel.tools_of_plots.axis.button(2).click()
    assert panel.accuracy.shown[0].x[-1] == pytest.approx(panel._view.history.epochs_at[-1] / 60)
    assert panel.cards["accuracy"].second.text().startswith("by minutes")


def test_smoothing_leaves_the_raw_line_behind_and_none_leaves_one_line(
    window: MainWindow, workspace: Workspace, qtbot: QtBot
) -> None:
    panel = show_live(window, workspace, qtbot)
    raw = panel.loss.shown[0].raw_y
    assert raw is not None and np.diff(panel.loss.shown[0].y).std() < 0.5 * np.diff(raw).std()
    panel.tools_of_plots.smooth.setValue(0)
    assert panel.loss.shown[0].raw_y is None
    assert list(panel.loss.shown[0].y) == list(raw)


def test_a_cursor_reads_the_values_of_all_shown_runs_at_once(
    window: MainWindow, workspace: Workspace, studio: Studio, qtbot: QtBot
) -> None:
    panel = show_live(window, workspace, qtbot)
    studio.training.view.set_others([OtherRun("/runs/other", "older", History(lines(events(done=5))))])
    card = panel.cards["loss"]
    assert [key.title for key in card.keys] == ["train", "validation", "older · train", "older · validation"]
    panel.loss.setFocus()
    panel.plots.point(3.0)
    now = panel._view.history.epochs[3].loss
    assert [key.accessibleDescription() for key in card.keys][1::2] == [f"{now:.3g}", f"{now:.3g}"]
    panel.plots.point(9.0)
    assert [key.accessibleDescription() for key in card.keys][3] == "–"  # the other one ended before
    qtbot.keyClick(panel.loss, Qt.Key.Key_Right)
    assert panel.plots.cursor > 9.0
    qtbot.keyClick(panel.loss, Qt.Key.Key_Escape)
    assert panel.plots.cursor is None


def test_keys_and_pointer_zoom_and_one_press_shows_all_again(
    window: MainWindow, workspace: Workspace, qtbot: QtBot
) -> None:
    panel = show_live(window, workspace, qtbot)
    qtbot.keyClick(panel.loss, Qt.Key.Key_Plus)
    low, high = panel.plots.window
    assert high - low < 30
    click(panel.tools_of_plots.all, qtbot)
    assert panel.plots.window is None and not panel.tools_of_plots.all.isEnabled()
    middle = panel.loss.rect().center()
    qtbot.mousePress(panel.loss, Qt.MouseButton.LeftButton, pos=middle)
    qtbot.mouseMove(panel.loss, middle + QPoint(60, 0))
    qtbot.mouseRelease(panel.loss, Qt.MouseButton.LeftButton, pos=middle + QPoint(60, 0))
    assert panel.plots.window is not None
    panel.tools_of_plots.log.click()
    assert panel.loss.is_log and not panel.accuracy.is_log


def test_a_series_is_left_out_and_drawn_again_with_its_key(
    window: MainWindow, workspace: Workspace, qtbot: QtBot
) -> None:
    panel = show_live(window, workspace, qtbot)
    key = panel.cards["loss"].keys[0]
    qtbot.mouseClick(key, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not panel.loss._drawn[0].smooth.isVisible())
    assert panel.plots.hidden == {"train"}
    qtbot.mouseClick(key, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(panel.loss._drawn[0].smooth.isVisible)
    assert panel.plots.hidden == set()


def test_parts_that_open_show_classes_speed_and_gradients(
    window: MainWindow, workspace: Workspace, qtbot: QtBot
) -> None:
    detailed = StepEnded(
        17 * STEPS_AN_EPOCH + 1, 18, 0.2, 5e-4, 38.0, norms={"stages.0": 0.5, "head": 1.0}, updates={"head": 1e-3},
        load=0.9,
    )  # fmt: skip
    panel = show_live(window, workspace, qtbot, [*events(), detailed])
    for fold in (panel.more, panel.experts):
        click(fold.head, qtbot)
    qtbot.waitUntil(lambda: "updates" in panel.cards)
    assert {"recall", "rate", "speed", "wait", "memory", "load", "gradient", "norms", "updates"} < panel.cards.keys()
    assert [curve.name for curve in panel.cards["recall"].plot.shown] == list(CLASSES)
    assert [curve.name for curve in panel.cards["norms"].plot.shown] == ["stage 1", "head"]
    assert panel.cards["load"].plot.shown[0].raw_y[-1] == 0.9


@pytest.mark.parametrize("suffix", [".png", ".svg", ".csv"])
def test_a_plot_is_saved_as_picture_drawing_or_values(
    window: MainWindow, workspace: Workspace, lanes: dict[str, InlineLane], tmp_path: Path, qtbot: QtBot, suffix: str
) -> None:  # fmt: skip
    lanes["files"].served_by[SavePlot] = save_plot
    panel = show_live(window, workspace, qtbot)
    path = tmp_path / f"plot{suffix}"
    panel.saving.save(panel.cards["loss"], "line 3", str(path))
    qtbot.waitUntil(path.exists)
    begins = {".png": b"\x89PNG", ".svg": b"<?xml", ".csv": b"run,series,epoch,value"}
    written = path.read_bytes()
    assert written.startswith(begins[suffix])
    if suffix == ".csv":
        assert len(written.splitlines()) == 1 + 17 * STEPS_AN_EPOCH + 18
        assert b"line 3,validation,17.0," in written
    if suffix == ".svg":
        assert re.search(rb"<text[^>]*>\s*10\s*</text>", written)  # the axes are words, not a picture of them


def test_a_plot_never_takes_the_place_of_another_file_unasked(
    window: MainWindow, workspace: Workspace, lanes: dict[str, InlineLane], tmp_path: Path, qtbot: QtBot
) -> None:
    lanes["files"].served_by[SavePlot] = save_plot
    panel = show_live(window, workspace, qtbot)
    panel.cards["loss"].save.click()
    dialog = panel.findChild(QFileDialog)
    for kind, ending in (("Values", ".csv"), ("Drawing", ".svg"), ("Picture", ".png")):
        name = next(one for one in dialog.nameFilters() if one.startswith(kind))
        dialog.selectNameFilter(name)
        dialog.filterSelected.emit(name)  # as Qt does where a person chooses one
        dialog.selectFile(str(tmp_path / "plot"))  # Qt asks about the files that it names itself
        assert dialog.selectedFiles() == [str(tmp_path / f"plot{ending}")]
    dialog.reject()


def test_a_plot_is_not_written_under_an_ending_that_stands_for_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"plot\.txt"):
        save_plot(SavePlot(str(tmp_path / "plot.txt"), "epoch", (), b"picture"), JobContext())
    assert list(tmp_path.iterdir()) == []


def test_a_cell_of_the_confusion_matrix_opens_its_images(
    window: MainWindow, workspace: Workspace, studio: Studio, lanes: dict[str, InlineLane], qtbot: QtBot
) -> None:
    asked: list[FindAnswered] = []

    def find(request: FindAnswered, _ctx: JobContext) -> tuple[str, ...]:
        asked.append(request)
        return (image(1).path,)

    lanes["places"].served_by[FindAnswered] = find
    panel = show_live(window, workspace, qtbot)
    panel.matrix.cell_pressed.emit(4, 2)
    panel.matrix.cell_pressed.emit(4, 3)  # nobody is in it
    qtbot.waitUntil(lambda: studio.opened == (image(1).path,))
    assert asked == [FindAnswered(summary().folder, "scratch", "good")]


def test_of_very_many_classes_the_most_confused_are_in_the_matrix(
    window: MainWindow, workspace: Workspace, lanes: dict[str, InlineLane], qtbot: QtBot
) -> None:
    asked: list[FindAnswered] = []
    lanes["places"].served_by[FindAnswered] = lambda request, _ctx: asked.append(request) or ()
    names = tuple(f"class {number}" for number in range(80))
    rows = [[9 * (label == answer) for answer in range(80)] for label in range(80)]
    for label in range(40, 79, 2):
        rows[label][label + 1] = 1
    said = [
        replace(e, classes=names) if isinstance(e, RunStarted)
        else replace(e, confusion=tuple(map(tuple, rows))) if isinstance(e, EpochEnded) else e
        for e in events(done=2)
    ]  # fmt: skip
    panel = show_live(window, workspace, qtbot, said)
    assert len(panel._classes) == 30 and min(panel._classes) >= 40
    assert "30 classes most often confused" in panel.matrix_second.text()
    first = panel._classes.index(40)
    assert panel.matrix.sentence(first, first + 1) == "1 of 10 “class 40” were called “class 41”"
    panel.matrix.cell_pressed.emit(first, first + 1)
    assert asked == [FindAnswered(summary().folder, "class 40", "class 41")]


def test_samples_follow_the_last_epoch_until_one_goes_back(
    window: MainWindow, workspace: Workspace, studio: Studio, qtbot: QtBot
) -> None:
    def shown(epoch: int, found: str) -> SamplesShown:
        box = (0.0, 0.0, 60.0, 40.0)
        return SamplesShown(
            epoch, epoch * 12, ((image(1).path, "dent", found, 0.7, (60, 40), box, box, ("00ff", "80c0")),)
        )

    said = [*events(done=2), shown(1, "pit"), shown(2, "dent")]
    panel = show_live(window, workspace, qtbot, said)
    tiles = panel.samples
    qtbot.waitUntil(lambda: tiles.flow.pictures[0].pixmap is not None)
    assert tiles.words.text() == "epoch 2" and tiles.flow.pictures[0].second.startswith("✓ 70")
    tiles.slider.setValue(0)
    assert tiles.words.text() == "epoch 1" and tiles.flow.pictures[0].second == "✗ pit"
    assert "is “dent”, was called “pit”" in tiles.flow.pictures[0].tip
    workspace.said = [*said, shown(3, "dent")]
    studio.training.view.show(summary().folder, is_anew=True)
    qtbot.waitUntil(lambda: tiles.slider.maximum() == 2)
    assert tiles.words.text() == "epoch 1"
    tiles.flow.pressed.emit(0)
    assert studio.opened == (image(1).path,)


def test_the_learning_rate_is_lowered_as_often_as_asked(window: MainWindow, workspace: Workspace, qtbot: QtBot) -> None:
    panel = show_live(window, workspace, qtbot)
    click(panel.lower_rate, qtbot)
    click(panel.lower_rate, qtbot)
    assert [request.wanted for request in workspace.requests(SteerRun)] == ["lower rate", "lower rate"]


def test_words_tell_time_gone_and_patience(window: MainWindow, workspace: Workspace, qtbot: QtBot) -> None:
    panel = show_live(window, workspace, qtbot)
    assert panel.left_third.text().endswith("so far · patience for 5 more epochs")


@pytest.mark.parametrize(("share", "lies_low"), [(0.9, True), (0.1, False)])
def test_the_words_of_the_best_epoch_keep_away_from_its_line(
    window: MainWindow, workspace: Workspace, qtbot: QtBot, share: float, lies_low: bool
) -> None:
    plot = show_live(window, workspace, qtbot).loss
    qtbot.waitUntil(plot._best_words.isVisible)
    low, high = plot._ranges[2:]
    plot.show_curves(plot.shown, replace(plot._marks, best_value=low + share * (high - low)))
    qtbot.waitUntil(lambda: plot._star.getData()[1][0] == pytest.approx(low + share * (high - low)))
    assert (plot._best_words.pos().y() < (low + high) / 2) is lies_low


def test_curves_are_named_and_counted_in_the_language_of_the_window(
    qapp: QApplication, window: MainWindow, workspace: Workspace, qtbot: QtBot
) -> None:
    before, catalogue = QLocale(), speak("de", qapp)
    assert catalogue is not None
    try:
        panel = show_live(window, workspace, qtbot)
        value = panel.cards["loss"].keys[1].accessibleDescription()
        assert "," in value and "." not in value
        assert "0,5" in panel.loss._plot.getAxis("left").tickStrings([0.5, 1.0], 1.0, 0.5)
        names = {
            curve.name
            for spec in (*more_plots(), *expert_plots())
            for curve in spec.make(panel._view.history, Ruler(), 0)
        }
        assert {"Lernrate", "Speicher", "Gradientennorm"} <= names
    finally:
        qapp.removeTranslator(catalogue)
        QLocale.setDefault(before)


def test_a_run_that_waits_has_no_time_left_and_a_button_to_go_on(
    window: MainWindow, workspace: Workspace, qtbot: QtBot
) -> None:
    run = summary("/runs/one", state="running", seconds_left=300.0)
    assert "left" in progress_words(run)
    assert progress_words(replace(run, message="Paused, as asked.")) == "waiting: Paused, as asked."
    panel = show_live(window, workspace, qtbot)
    assert panel.buttons["pause_run"]._icon_name == "pause"
    panel._view.history.paused = Paused("Paused, as asked.")
    panel._show_buttons()
    assert panel.buttons["pause_run"]._icon_name == "play"


def test_nothing_is_made_up_where_nothing_was_validated(window: MainWindow, workspace: Workspace, qtbot: QtBot) -> None:
    empty = {"confusion": ((0,) * 6,) * 6, "balanced_accuracy": 0.0, "loss": 0.0, "recalls": (0.0,) * 6, "worst": ()}
    said = [replace(e, **empty) if isinstance(e, EpochEnded) else e for e in events(done=3)]
    panel = show_live(window, workspace, qtbot, said)
    assert panel.tiles[0].figure.text() == panel.tiles[1].figure.text() == "–"
    assert panel.tiles[0].second.text() == "no validation images"
    assert len(panel.accuracy.shown[-1].y) == 0


def test_a_run_that_told_nothing_yet_has_no_figures_on_its_axes_and_no_slider(
    window: MainWindow, workspace: Workspace, lanes: dict[str, InlineLane], tmp_path: Path, qtbot: QtBot
) -> None:
    lanes["files"].served_by[SavePlot] = save_plot
    panel = show_live(window, workspace, qtbot, [])
    qtbot.waitUntil(lambda: not panel.loss._later.isActive())
    panel.saving.save(panel.cards["loss"], "line 3", str(tmp_path / "empty.svg"))
    qtbot.waitUntil((tmp_path / "empty.svg").exists)
    assert b"e-10" not in (tmp_path / "empty.svg").read_bytes()
    assert panel.samples.slider.isHidden()


def test_the_confusion_before_the_first_epoch_is_that_of_the_head_alone(
    window: MainWindow, workspace: Workspace, qtbot: QtBot
) -> None:
    panel = show_live(window, workspace, qtbot, events(done=0))
    assert panel.matrix_second.text().startswith("head alone, validation")


def test_a_run_that_died_before_its_first_validation_promises_none(
    window: MainWindow, workspace: Workspace, qtbot: QtBot
) -> None:
    workspace.said = events()[:3]
    panel = show_run(window, workspace, qtbot, state="interrupted", message="Its process is gone.")
    assert panel.matrix_second.text() == panel.worst_second.text() == "this Run was not validated"


def test_time_left_gives_way_to_what_was_asked(window: MainWindow, workspace: Workspace, qtbot: QtBot) -> None:
    panel = show_live(window, workspace, qtbot)
    click(panel.buttons["finish_epoch"], qtbot)
    assert (panel.left.text(), panel.left_second.text()) == ("ends after this epoch", "epoch 17 of 30")


def test_a_pause_is_acknowledged_before_the_run_has_come_to_it(
    window: MainWindow, workspace: Workspace, qtbot: QtBot
) -> None:
    panel = show_live(window, workspace, qtbot)
    click(panel.buttons["pause_run"], qtbot)
    assert panel.left.text() == "Pausing…"


def test_what_stays_the_same_is_not_painted_again(window: MainWindow, workspace: Workspace, qtbot: QtBot) -> None:
    panel = show_live(window, workspace, qtbot, events(done=3))
    qtbot.waitUntil(lambda: not any(plot._later.isActive() for plot in (panel.loss, panel.accuracy)))
    further = StepEnded(3 * STEPS_AN_EPOCH + 1, 4, 0.2, 5e-4, 38.0)
    panel._view.history.add(lines([*events(done=3), further]))
    panel.show_all()
    assert panel.loss._later.isActive() and not panel.accuracy._later.isActive()
    panel.plots.set_shown("validation", False)
    assert panel.accuracy._later.isActive()


class Work(QObject):
    """Which widgets of a page are laid out or painted."""

    def __init__(self, page: QWidget) -> None:
        super().__init__(page)
        self.done: list[tuple[str, str]] = []
        for widget in (page, *page.findChildren(QWidget)):
            widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.LayoutRequest, QEvent.Type.Paint):
            self.done.append((type(watched).__name__, event.type().name))
        return False


def test_nothing_is_laid_out_or_painted_where_nothing_is_new(
    window: MainWindow, workspace: Workspace, qtbot: QtBot
) -> None:
    panel = show_live(window, workspace, qtbot, events(done=3))
    plots = [card.plot for card in panel.cards.values()]
    work = Work(panel)

    def is_at_rest() -> bool:
        QCoreApplication.sendPostedEvents()  # at the first look nothing else would have been done yet
        is_drawn = not any(plot._later.isActive() or plot._is_stale for plot in plots)
        done, work.done = work.done, []
        return is_drawn and not done

    qtbot.waitUntil(is_at_rest)
    panel.show_all()
    QCoreApplication.sendPostedEvents()
    assert work.done == []
    assert not any(plot._later.isActive() or plot._is_stale for plot in plots)  # nor will it be soon


def test_a_plot_that_waits_for_other_curves_keeps_its_axes_when_it_is_resized(
    window: MainWindow, workspace: Workspace, qtbot: QtBot
) -> None:
    plot = show_live(window, workspace, qtbot, events(done=3)).loss
    qtbot.waitUntil(lambda: not plot._later.isActive() and not plot._is_stale)
    told: list[object] = []
    plot._plot.getViewBox().sigYRangeChanged.connect(lambda _box, axis: told.append(tuple(axis)))
    curves = [replace(curve, name=f"other {curve.name}", y=curve.y * 9.0) for curve in plot.shown]
    plot.show_curves(curves, plot._marks)
    assert plot._later.isActive()
    plot.resize(plot.width() - 20, plot.height() - 20)
    QCoreApplication.sendPostedEvents()
    assert told == []
    qtbot.waitUntil(lambda: not plot._later.isActive())
    assert told and told[-1][1] > 1.0


def test_one_more_step_sets_one_curve_and_moves_no_axis(window: MainWindow, workspace: Workspace, qtbot: QtBot) -> None:
    panel = show_live(window, workspace, qtbot, events(done=3))
    qtbot.waitUntil(lambda: not panel.loss._later.isActive() and not panel.loss._is_stale)
    told: list[str] = []
    for name, drawn in zip(("train", "validation"), panel.loss._drawn, strict=True):
        drawn.smooth.sigPlotChanged.connect(lambda _item, name=name: told.append(name))
    panel.loss._plot.getViewBox().sigRangeChanged.connect(lambda *_said: told.append("axes"))
    further = StepEnded(3 * STEPS_AN_EPOCH + 1, 4, panel._view.history.steps.loss[-1], 5e-4, 38.0)
    panel._view.history.add(lines([*events(done=3), further]))
    panel.show_all()
    qtbot.waitUntil(lambda: not panel.loss._later.isActive())
    assert told == ["train"]


def test_a_peak_beside_a_gap_is_not_lost_where_points_are_thinned() -> None:
    x, y = np.arange(100_000.0), np.zeros(100_000)
    y[500], y[501] = 7.0, np.nan
    assert np.nanmax(thinned(x, y, (0.0, 1e6))[1]) == 7.0


def test_a_matrix_is_painted_once_until_something_of_it_changes(
    window: MainWindow, workspace: Workspace, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = show_live(window, workspace, qtbot)
    painted: list[float] = []
    original = panel.matrix._painted
    monkeypatch.setattr(panel.matrix, "_painted", lambda ratio: painted.append(ratio) or original(ratio))
    before = panel.matrix.grab().toImage()
    painted.clear()
    assert panel.matrix.grab().toImage() == before and painted == []
    panel.matrix.set_percent(True)
    assert panel.matrix.grab().toImage() != before and len(painted) == 1


@pytest.mark.parametrize("size", [(1024, 640), (1280, 800), (1440, 900)])
def test_what_is_said_of_the_figures_fits_beside_them(
    window: MainWindow, workspace: Workspace, qtbot: QtBot, size: tuple[int, int]
) -> None:
    further = StepEnded(17 * STEPS_AN_EPOCH + 1, 18, 0.2, 5e-4, 38.0, memory_bytes=3_200_000_000, load=0.9)
    panel = show_live(window, workspace, qtbot, [*events(), further])
    window.resize(*size)
    qtbot.waitUntil(lambda: window.width() == size[0])
    QCoreApplication.sendPostedEvents()
    cut = [label.toolTip() for tile in panel.tiles for label in (tile.label, tile.figure, tile.second)]
    assert not any(cut), cut


def test_a_page_that_nobody_sees_is_drawn_when_it_is_seen(
    window: MainWindow, workspace: Workspace, qtbot: QtBot
) -> None:
    panel = show_live(window, workspace, qtbot, events(done=3))
    window.showMinimized()
    panel._view.history.add(lines(events(done=5)))
    panel._view.changed.emit()
    assert len(panel.loss.shown[1].y) == 4  # the head alone, and three epochs
    window.showNormal()
    qtbot.waitUntil(lambda: len(panel.loss.shown[1].y) == 6)
    panel.hide()
    panel._view.history.add(lines(events(done=7)))
    panel._view.changed.emit()
    assert len(panel.loss.shown[1].y) == 6
    panel.show()
    assert len(panel.loss.shown[1].y) == 8
