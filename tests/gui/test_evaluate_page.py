"""The place Evaluate: what is judged by what, the figures, and the Images behind each cell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtWidgets import QAbstractButton, QAbstractItemView, QComboBox, QFileDialog, QPushButton, QScrollArea
from pytestqt.qtbot import QtBot

from convnext_studio.core.errors import DataError
from convnext_studio.core.requests import CompareEvaluations, Evaluate, FindWeights, OpenEvaluation, SaveEvaluation
from convnext_studio.core.values import ModelRef
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.jobs import InlineLane
from convnext_studio.gui.main_window import MainWindow
from convnext_studio.gui.messages import Message
from convnext_studio.gui.panels.evaluate_page import EvaluatePage
from convnext_studio.gui.panels.evaluation_panel import EvaluationPanel
from convnext_studio.gui.stores.evaluation_words import tiles_of, warnings_of
from convnext_studio.gui.stores.evaluator import Wish
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.label import PlainLabel
from tests.gui.evaluation_replies import CLASSES, OWN, RUN, Archive, evaluation
from tests.gui.replies import image, serve
from tests.gui.test_long_words import long_words, wait_for_room
from tests.gui.training_replies import Workspace, others, summary

__all__ = ["long_words"]


@pytest.fixture
def archive(lanes: dict[str, InlineLane]) -> Archive:
    serve(lanes, [image(1), image(2)])
    Workspace((summary(state="finished", seconds_left=None), *others())).serve(lanes)
    for lane in lanes.values():
        lane.served_by.update({FindWeights: lambda _request, _ctx: {}})
    archive = Archive()
    archive.serve(lanes)
    return archive


@pytest.fixture
def window(archive: Archive, studio: Studio, actions: Actions, qtbot: QtBot) -> Iterator[MainWindow]:
    window = MainWindow(studio, actions)
    qtbot.addWidget(window)
    window.resize(1440, 900)
    window.show()
    qtbot.waitExposed(window)
    studio.training.look()
    qtbot.waitUntil(lambda: bool(studio.training.runs))
    yield window
    studio.training.leave()


def page_of(window: MainWindow) -> EvaluatePage:
    assert window.evaluation.page is not None
    return window.evaluation.page


def panel_of(window: MainWindow) -> EvaluationPanel:
    panel = page_of(window).result
    assert isinstance(panel, EvaluationPanel)
    return panel


def click(button: QPushButton, qtbot: QtBot) -> None:
    assert button.isVisible() and button.isEnabled(), button.text()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def judge(window: MainWindow, qtbot: QtBot) -> EvaluationPanel:
    """Evaluate the Run."""
    window.evaluation.evaluate_run(RUN)
    qtbot.waitUntil(lambda: not window._studio.evaluator.is_opening)
    click(page_of(window).begin, qtbot)
    qtbot.waitUntil(lambda: window._studio.evaluator.evaluation is not None)
    return panel_of(window)


def words_on(window: MainWindow) -> str:
    return "\n".join(label.text() for label in page_of(window).findChildren(PlainLabel) if label.isVisible())


# --- choosing and judging


def test_a_run_is_judged_on_its_test_split_and_every_figure_names_it(
    window: MainWindow, archive: Archive, studio: Studio, qtbot: QtBot
) -> None:
    window.evaluation.evaluate_run(RUN)
    page = page_of(window)
    assert "reporting only" in page.words.text()
    panel = judge(window, qtbot)
    (asked,) = archive.requests(Evaluate)
    assert (asked.model, asked.data, asked.split) == (OWN, RUN, "test")
    assert asked.keeps_in == str(studio.places.state / "evaluations")
    assert "line 3 on test split" in page.title.text() and "60 images of 20 parts" in page.second.text()
    assert all("test split" in tile.label.text() for tile in panel.tiles)
    assert "95 %" in panel.tiles[0].second.text() and "95 %" in panel.tiles[1].second.text()
    seconds = (panel.matrix_second, panel.images_second, panel.classes_second, panel.curves_second)
    assert all("est split" in label.text() for label in (*seconds, panel.reliability_second))


def test_what_was_kept_is_shown_without_judging_anew(
    window: MainWindow, archive: Archive, studio: Studio, qtbot: QtBot
) -> None:
    archive.kept["validation"] = evaluation(split="validation")
    window.evaluation.evaluate_run(RUN)
    assert studio.evaluator.evaluation is None
    page = page_of(window)
    page.split.setCurrentIndex(page.split.findData("validation"))
    page.split.activated.emit(page.split.currentIndex())
    qtbot.waitUntil(lambda: studio.evaluator.evaluation is not None)
    assert "validation split" in page.title.text() and not archive.requests(Evaluate)
    page.split.setCurrentIndex(page.split.findData("test"))
    page.split.activated.emit(page.split.currentIndex())
    assert studio.evaluator.evaluation is None and page.begin.isVisible()  # the figures of another split are gone


def test_an_evaluation_of_before_is_shown_again_from_the_list(
    window: MainWindow, archive: Archive, studio: Studio, qtbot: QtBot
) -> None:
    archive.others = (evaluation(seed=5, model="line 4", split="validation"),)
    window.evaluation.evaluate_run(RUN)
    page = page_of(window)
    qtbot.waitUntil(page.earlier.isVisible)
    assert page.earlier.itemText(1).startswith("line 4 on validation split · ")
    page.earlier.setCurrentIndex(1)
    page.earlier.activated.emit(1)
    qtbot.waitUntil(lambda: studio.evaluator.evaluation is not None)
    assert page.title.text() == "line 4 on validation split" and not archive.requests(Evaluate)
    assert page.split.currentData() == "validation" and page.earlier.currentIndex() == 0


def test_the_model_in_use_and_any_folder_can_be_chosen_and_are_remembered(
    window: MainWindow, archive: Archive, studio: Studio, actions: Actions, qtbot: QtBot
) -> None:
    actions["go_evaluate"].trigger()
    page = page_of(window)
    page.model.setCurrentIndex(0)
    page.model.activated.emit(0)
    page.data.setCurrentIndex(page.data.findText("Choose a folder…"))
    page.data.activated.emit(page.data.currentIndex())
    dialog = window.findChild(QFileDialog)
    dialog.fileSelected.emit("/labelled/new parts")
    dialog.reject()
    assert studio.evaluator.wish == Wish(None, "/labelled/new parts", "test")
    assert page.data.currentText() == "new parts" and page.model.currentText().startswith("In use: ")
    assert studio.memory.texts("evaluated") == ["", "/labelled/new parts", "test"]
    qtbot.waitUntil(lambda: not studio.evaluator.is_opening)
    click(page.begin, qtbot)
    (asked,) = archive.requests(Evaluate)
    assert asked.model == studio.classifier.model_ref


def test_a_list_that_is_open_keeps_its_place_while_the_runs_are_looked_at(
    window: MainWindow, studio: Studio, archive: Archive
) -> None:
    window.evaluation.show()
    model = page_of(window).model
    model.view().setCurrentIndex(model.model().index(model.count() - 1, 0))
    studio.training.runs_changed.emit()
    assert model.view().currentIndex().row() == model.count() - 1 > 0


def test_an_evaluation_can_be_stopped_and_says_that_a_part_is_no_figure(
    window: MainWindow, archive: Archive, studio: Studio, lanes: dict[str, InlineLane], qtbot: QtBot
) -> None:
    window.evaluation.evaluate_run(RUN)
    qtbot.waitUntil(lambda: not studio.evaluator.is_opening)
    lanes["evaluate"].hold()
    page = page_of(window)
    click(page.begin, qtbot)
    assert page.stop.isVisible() and not page.begin.isVisible()
    assert [entry.title for entry in studio.jobs.entries] == ["Evaluate"]
    studio.evaluator.done, studio.evaluator.total = 12, 60
    click(page.stop, qtbot)
    lanes["evaluate"].release()
    qtbot.waitUntil(lambda: not studio.evaluator.is_running)
    assert "Stopped after 12 of 60 images" in page.words.text() and page.begin.isVisible()
    assert studio.evaluator.evaluation is None and not studio.jobs.entries


def test_a_refusal_stands_on_the_page_in_words(window: MainWindow, archive: Archive, qtbot: QtBot) -> None:
    archive.refusal = DataError("The Model and the data set share no class.", "Choose the Model for these Images.")
    window.evaluation.evaluate_run(RUN)
    qtbot.waitUntil(lambda: not window._studio.evaluator.is_opening)
    click(page_of(window).begin, qtbot)
    qtbot.waitUntil(lambda: "share no class" in page_of(window).words.text())
    assert page_of(window).begin.isEnabled()


def test_the_page_says_what_to_do_while_nothing_is_chosen(window: MainWindow, studio: Studio, actions: Actions) -> None:
    studio.training.runs = ()
    actions["go_evaluate"].trigger()
    page = page_of(window)
    assert page.choose.isVisible() and page.sample.isVisible() and not page.begin.isVisible()
    assert not actions["start_evaluation"].isEnabled() and "one folder for each class" in words_on(window)


# --- the figures


def test_the_weakest_class_is_named_and_none_missed_still_has_a_bound() -> None:
    label, figure, most = tiles_of(evaluation())[2]
    assert label.startswith("Weakest: “") and "missed" in figure and "95 % sure" in most
    found = evaluation()
    never = replace(found, per_class=found.per_class[-1:])
    label, figure, most = tiles_of(never)[2]
    assert (label, figure) == ("Weakest: “scratch”, test split", "0 of 15 missed")
    assert most == "95 % sure: no more than 18.1\u00a0%"  # about 3 in 15


def test_figures_that_look_too_good_say_so_first(window: MainWindow, archive: Archive, qtbot: QtBot) -> None:
    reads = tuple(f"2026-01-31T1{hour}:00:00+00:00" for hour in range(3))
    archive.result = replace(
        evaluation(), trained_on=12, chosen_by=3, test_reads=reads, unreadable=(("/parts/cut off.png", "Cut off."),)
    )
    panel = judge(window, qtbot)
    qtbot.waitUntil(lambda: "counts nowhere" in words_on(window))
    said = words_on(window)
    assert "trained on 12 of these 60 images" in said and "chosen by 3 of these 60" in said
    assert "read 3 times" in page_of(window).second.text() and "1 image counts nowhere" in said
    assert len(warnings_of(archive.result)) == 3
    assert panel.tiles[0].isVisible()


def test_curves_are_drawn_for_one_class_or_the_weakest(window: MainWindow, archive: Archive, qtbot: QtBot) -> None:
    panel = judge(window, qtbot)
    assert len(panel.curves.shown) == len(CLASSES)
    panel.kind.set_index(1)
    assert panel.curves.shown[0].points == panel.table.rows[0].pr
    panel.classes.selectRow(1)
    (line,) = panel.curves.shown
    assert line.name.rpartition(" ")[0] == panel.table.rows[1].name
    assert panel.of_class.currentText() == panel.table.rows[1].name
    (line,) = panel.reliability.shown
    assert len(line.points) == len([bar for bar in archive.result.reliability if bar.count])
    place = panel.reliability._at(*line.points[0])
    assert "share that was right" in panel.reliability.words_at(QPointF(place))


def test_of_very_many_classes_the_most_confused_are_in_the_matrix(
    window: MainWindow, archive: Archive, qtbot: QtBot
) -> None:
    archive.result = evaluation(400, classes=tuple(f"class {number}" for number in range(80)))
    panel = judge(window, qtbot)
    assert len(panel._classes) == 30 and "most often confused" in panel.matrix_second.text()
    panel.open_cell(0, 0)
    label = archive.result.classes[panel._classes[0]]
    assert {panel.rows.image(row).label for row in range(panel.rows.rowCount())} <= {label}


# --- the Images behind them


def test_a_cell_opens_its_images_by_mouse_and_by_keys(
    window: MainWindow, archive: Archive, studio: Studio, qtbot: QtBot
) -> None:
    panel = judge(window, qtbot)
    assert panel.images_title.text() == "Worst images" and panel.rows.rowCount() == 60
    panel.matrix.setFocus()
    for _ in range(3):
        qtbot.keyClick(panel.matrix, Qt.Key.Key_Down)
        qtbot.keyClick(panel.matrix, Qt.Key.Key_Right)
    qtbot.keyClick(panel.matrix, Qt.Key.Key_Return)
    assert panel.images_title.text() == "True scratch, predicted scratch"
    assert panel.rows.rowCount() == archive.result.confusion[3][3] == 15
    assert panel.images_second.text() == "15 images"
    place = panel.matrix._cell(0, 0).center().toPoint()
    qtbot.mouseClick(panel.matrix, Qt.MouseButton.LeftButton, pos=place)
    assert panel.images_title.text() == "True crack, predicted crack"
    click(panel.close_cell, qtbot)
    assert panel.images_title.text() == "Worst images"


def test_the_images_open_in_inspect_with_the_model_that_judged_them(
    window: MainWindow, archive: Archive, studio: Studio, actions: Actions, qtbot: QtBot
) -> None:
    told: list[Message] = []
    studio.messages.posted.connect(told.append)
    panel = judge(window, qtbot)
    panel.open_cell(3, 3)
    expected = panel.rows.paths
    click(panel.explain, qtbot)
    assert studio.opened == expected and len(expected) == 15
    assert studio.classifier.model_ref == OWN and "is the Model in use now" in told[-1].fact
    assert actions["show_heatmap"].isChecked()


def test_enter_on_an_image_opens_it_first(window: MainWindow, studio: Studio, qtbot: QtBot) -> None:
    panel = judge(window, qtbot)
    studio.classifier.model_ref = OWN
    third = panel.rows.paths[2]
    panel.images.setFocus()
    panel.images.setCurrentIndex(panel.rows.index(2, 0))
    qtbot.keyClick(panel.images, Qt.Key.Key_Return)
    assert studio.opened[0] == third and len(studio.opened) == 60


# --- what follows from it


def test_it_is_saved_as_the_file_name_says(
    window: MainWindow, archive: Archive, studio: Studio, actions: Actions, qtbot: QtBot
) -> None:
    told: list[Message] = []
    studio.messages.posted.connect(told.append)
    judge(window, qtbot)
    actions["save_evaluation"].trigger()
    dialog = window.findChild(QFileDialog)
    dialog.fileSelected.emit("/reports/line 3.html")
    dialog.reject()
    qtbot.waitUntil(lambda: bool(told))
    assert archive.requests(SaveEvaluation) == [SaveEvaluation(archive.result.kept_at, "/reports/line 3.html")]
    assert told[0].fact == "Saved line 3.html."


def test_another_models_answers_to_the_same_images_stand_beside_it(
    window: MainWindow, archive: Archive, studio: Studio, qtbot: QtBot
) -> None:
    archive.others = (evaluation(seed=5, model="line 4"), evaluation(seed=6, split="validation"))
    judge(window, qtbot)
    page = page_of(window)
    qtbot.waitUntil(page.compare.isVisible)
    assert page.compare.count() == 2  # of the same split only
    page.compare.setCurrentIndex(1)
    page.compare.activated.emit(1)
    qtbot.waitUntil(lambda: studio.evaluator.comparison is not None)
    assert archive.requests(CompareEvaluations)[0].second == archive.others[0].kept_at
    qtbot.waitUntil(lambda: "“line 3” beside “line 4”, 60 images" in words_on(window))
    assert "McNemar" in words_on(window)


def test_a_comparison_that_is_no_longer_wanted_is_not_shown_when_it_comes(
    window: MainWindow, archive: Archive, studio: Studio, lanes: dict[str, InlineLane], qtbot: QtBot
) -> None:
    archive.others = (evaluation(seed=5, model="line 4"),)
    judge(window, qtbot)
    evaluator = studio.evaluator
    qtbot.waitUntil(lambda: bool(evaluator.comparable))
    lanes["places"].hold()
    evaluator.compare(evaluator.comparable[0])
    evaluator.compare(None)
    lanes["places"].release()
    qtbot.waitUntil(lambda: lanes["places"].under_way == ())
    assert evaluator.comparison is None


def test_an_evaluation_of_something_else_meanwhile_does_not_take_the_pages_place(
    window: MainWindow, archive: Archive, studio: Studio, lanes: dict[str, InlineLane], qtbot: QtBot
) -> None:
    told: list[Message] = []
    studio.messages.posted.connect(told.append)
    window.evaluation.evaluate_run(RUN)
    qtbot.waitUntil(lambda: not studio.evaluator.is_opening)
    lanes["evaluate"].hold()
    click(page_of(window).begin, qtbot)
    studio.evaluator.want(Wish(ModelRef("sample"), "/other", "all"))
    lanes["evaluate"].release()
    qtbot.waitUntil(lambda: not studio.evaluator.is_running)
    assert studio.evaluator.evaluation is None and "“line 3” has been evaluated" in told[0].fact
    assert archive.requests(OpenEvaluation)


def test_a_class_name_that_looks_like_markup_stays_text(window: MainWindow, archive: Archive, qtbot: QtBot) -> None:
    archive.result = evaluation(classes=("<b>good</b>", "<img src='x'>", "a & b"))
    panel = judge(window, qtbot)
    panel.open_cell(0, 0)
    assert panel.images_title.text() == "True <b>good</b>, predicted <b>good</b>"
    assert panel.images_title.textFormat() == Qt.TextFormat.PlainText


# --- for everybody


def test_everything_that_can_be_operated_has_a_name_and_a_tip(window: MainWindow, qtbot: QtBot) -> None:
    judge(window, qtbot)
    kinds = (QAbstractButton, QComboBox, QAbstractItemView)
    widgets = [widget for kind in kinds for widget in page_of(window).findChildren(kind) if widget.isVisible()]
    ours = [widget for widget in widgets if type(widget).__module__.startswith("convnext_studio")]
    assert [type(widget).__name__ for widget in ours if not widget.accessibleName()] == []


@pytest.mark.parametrize("size", [(1440, 900), (1024, 640)])
def test_no_word_is_cut_when_words_are_longer(
    long_words: None, theme: Theme, archive: Archive, studio: Studio, qtbot: QtBot, size: tuple[int, int]
) -> None:
    window = MainWindow(studio, Actions(theme))
    qtbot.addWidget(window)
    window.resize(*size)
    window.show()
    qtbot.waitExposed(window)
    archive.result = replace(evaluation(), trained_on=12)
    judge(window, qtbot)
    wait_for_room(page_of(window), qtbot)
    area = page_of(window).findChild(QScrollArea)
    assert area.widget().minimumSizeHint().width() <= area.viewport().width()
    assert (window.width(), window.height()) == size
    studio.training.leave()
