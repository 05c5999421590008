"""The right side: ranked classes, warnings about the Model, facts of the file."""

from __future__ import annotations

import dataclasses

import pytest
from pytestqt.qtbot import QtBot

from convnext_studio.core.values import ImageRef
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.jobs import InlineLane
from convnext_studio.gui.panels.predictions_panel import PredictionsPanel
from convnext_studio.gui.stores.studio import Studio
from tests.gui.replies import image, model_info, serve


@pytest.fixture
def panel(qtbot: QtBot, studio: Studio, actions: Actions, lanes: dict[str, InlineLane]) -> PredictionsPanel:
    serve(lanes, [image(1), ImageRef("/parts/z broken.png")])
    made = PredictionsPanel(studio, actions)
    qtbot.addWidget(made)
    made.resize(320, 600)
    made.show()
    studio.classifier.load()
    studio.library.open_paths(["/parts"])
    qtbot.waitUntil(lambda: studio.library.waiting == 0 and studio.viewer.opened is not None)
    return made


def test_the_classes_of_the_current_image_are_ranked(panel: PredictionsPanel, studio: Studio) -> None:
    done = studio.library.current_prediction
    assert done is not None
    assert panel.bars.accessibleName().startswith(f"{done.classes[0]} ")
    assert "Margin" in panel.figures.text()
    assert not panel.warning.isVisible()


def test_an_unreadable_image_has_its_reason_in_place_of_bars(panel: PredictionsPanel, studio: Studio) -> None:
    studio.library.set_current_row(1)
    assert "not an image" in panel.state.text()
    assert not panel.bars.isVisible()


def test_random_weights_are_called_meaningless(panel: PredictionsPanel, studio: Studio) -> None:
    studio.classifier.info = model_info(is_meaningless=True)
    studio.classifier.info_changed.emit()
    assert panel.warning.isVisible()
    assert "mean nothing" in panel._warning_words.text()


def test_a_model_without_classes_says_what_to_do(panel: PredictionsPanel, studio: Studio) -> None:
    studio.classifier.info = model_info(classes=())
    studio.classifier.info_changed.emit()
    assert "Fine-tune" in panel._warning_words.text()


def test_the_model_and_how_it_is_run_are_named_in_full(panel: PredictionsPanel, studio: Studio) -> None:
    studio.classifier.info = model_info(engine="openvino", title="Metal surfaces (sample)")
    studio.classifier.info_changed.emit()
    assert panel.model.text() == "Metal surfaces (sample)"
    assert panel.execution.text() == "64 × 64 pixels · OpenVINO · bf16"
    assert panel.execution.wordWrap()


def test_the_time_is_told_as_what_it_is_and_only_where_it_is_asked_for(panel: PredictionsPanel) -> None:
    assert " ms" not in panel.figures.text()
    assert "Reading and classifying took 7.3 ms" in panel.figures.toolTip()


def test_a_note_about_the_picture_stands_by_its_answer_and_is_said_once(
    panel: PredictionsPanel, studio: Studio
) -> None:
    done, opened = studio.library.current_prediction, studio.viewer.opened
    assert done is not None and opened is not None
    studio.viewer.opened = dataclasses.replace(opened, notes=("The file is damaged.", "Frame 1 of 2."))
    studio.library.drop_prediction(done.image)
    studio.viewer.opened_changed.emit()
    assert panel._notes.text() == "The file is damaged.\nFrame 1 of 2."
    studio.library.set_predictions([dataclasses.replace(done, note="The file is damaged.")])
    assert panel.state.text() == "The file is damaged."
    assert panel._notes.text() == "Frame 1 of 2."
    studio.library.set_predictions([dataclasses.replace(done, note="The file is damaged. Frame 1 of 2.")])
    assert not panel._notes.isVisible()


def test_long_class_names_take_the_room_of_the_bars_down_to_the_shortest(panel: PredictionsPanel) -> None:
    panel.bars.set_rows(("pit",), (0.9,))
    short = panel.bars._name_width()
    panel.bars.set_rows(("great white shark, white shark, man-eater",), (0.9,))
    assert short < panel.bars._name_width() < panel.bars.width() - 100


def test_names_that_look_like_markup_are_shown_letter_by_letter(panel: PredictionsPanel, studio: Studio) -> None:
    done = studio.library.current_prediction
    assert done is not None
    names = ("<b>scratch</b>", "<img src=x>")
    studio.library.set_predictions([dataclasses.replace(done, classes=names, probabilities=(0.9, 0.1))])
    assert panel.bars.accessibleName().startswith("<b>scratch</b> ")
    panel.grab()


def test_the_facts_of_the_file_are_shown(panel: PredictionsPanel) -> None:
    assert panel._facts["size"].text() == "200 × 100"
    assert panel._facts["file"].toolTip() == "1\u2009234 bytes"
    assert panel._facts["format"].text() == "PNG"
    assert panel._facts["path"].text() == "/parts/part_1.png"


def test_an_answer_below_the_line_is_called_unsure(panel: PredictionsPanel, studio: Studio) -> None:
    done = studio.library.current_prediction
    assert done is not None
    studio.library.set_predictions([dataclasses.replace(done, classes=("pit", "dent"), probabilities=(0.6, 0.4))])
    assert not panel.unsure.isVisible()
    studio.library.arrange(below=0.7)
    assert panel.unsure.isVisible() and "70" in panel.unsure.accessibleName()
    assert panel.bars._line == 0.7


def test_without_a_model_nothing_is_said_of_one(panel: PredictionsPanel, studio: Studio) -> None:
    studio.classifier.info = None
    studio.classifier.info_changed.emit()
    assert not panel.model.isVisible() and not panel.execution.isVisible()
