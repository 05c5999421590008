"""The nearest training Images: asked for when there can be some, shown with what became of them, indexed on demand."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from convnext_studio.core.context import JobContext
from convnext_studio.core.errors import ImageError, ModelError, UsageError
from convnext_studio.core.events import OpenedImage
from convnext_studio.core.explanations import FeaturesIndexed, Neighbour
from convnext_studio.core.requests import FindNearest, IndexFeatures, OpenImage
from convnext_studio.core.values import ImageRef, ModelRef
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.jobs import InlineLane
from convnext_studio.gui.panels.nearest_panel import NearestPanel
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.widgets.pair_dialog import PairDialog
from tests.guards import Expected
from tests.gui.replies import end_engine, image, open_image, serve

Lanes = dict[str, InlineLane]
OWN = ModelRef("/runs/one/model.safetensors")
FOUND = (
    Neighbour("/parts/known_1.png", "crack", 0.93),
    Neighbour("/parts/known_broken.png", "pit", 0.81),
    Neighbour("/parts/known_2.png", "crack", 0.74),
)


class Index:
    """What the Engine knows of an index, and is told to make."""

    def __init__(self) -> None:
        self.is_there = True

    def find(self, request: FindNearest, ctx: JobContext) -> tuple[Neighbour, ...]:
        return FOUND if self.is_there else ()

    def make(self, request: IndexFeatures, ctx: JobContext) -> str:
        assert request.images == ()
        ctx.emit(FeaturesIndexed(2, 2))
        self.is_there = True
        return "/runs/one/model.features.safetensors"


@pytest.fixture
def index(lanes: Lanes) -> Index:
    made = Index()
    serve(lanes, [image(number) for number in range(4)])
    lanes["network"].served_by[FindNearest] = made.find
    lanes["explain all"].served_by[IndexFeatures] = made.make
    return made


@pytest.fixture
def panel(qtbot: QtBot, studio: Studio, actions: Actions, index: Index) -> NearestPanel:
    """Seen, with Images open and a Model file in use."""
    studio.classifier.set_model(OWN)
    studio.library.open_paths(["/parts"])
    qtbot.waitUntil(lambda: studio.library.waiting == 0 and studio.viewer.opened is not None)
    panel = NearestPanel(studio, actions)
    qtbot.addWidget(panel)
    panel.resize(280, 400)
    panel.show()
    return panel


def asked(lanes: Lanes) -> list[FindNearest]:
    return [request for request in lanes["network"].requests if isinstance(request, FindNearest)]


def test_each_is_shown_with_its_label_and_likeness_and_one_that_is_gone_with_its_reason(
    qtbot: QtBot, panel: NearestPanel, studio: Studio
) -> None:
    qtbot.waitUntil(lambda: bool(studio.nearest.pictures.error(ImageRef(FOUND[1].path))))
    first, gone, _ = panel.flow.pictures
    assert (first.title, first.second) == ("crack", "0.93")
    assert first.pixmap is not None
    assert (gone.second, gone.icon) == ("gone", "warn")
    assert "the file is empty" in gone.tip
    assert panel.state.isHidden()
    assert panel.button.isHidden()


def test_the_newest_image_is_asked_about_and_only_while_somebody_looks(
    qtbot: QtBot, panel: NearestPanel, studio: Studio, lanes: Lanes
) -> None:
    qtbot.waitUntil(lambda: studio.nearest.state == "found")
    lanes["network"].hold()
    for row in (1, 2):
        studio.library.set_current_row(row)
    assert studio.nearest.state == "looking"
    lanes["network"].release()
    qtbot.waitUntil(lambda: studio.nearest.state == "found")
    assert asked(lanes)[-1].image == studio.library.image_at(2)
    panel.hide()
    before = len(asked(lanes))
    studio.library.set_current_row(3)
    assert len(asked(lanes)) == before


def test_a_model_that_was_not_trained_here_gets_one_sentence_and_no_work(
    qtbot: QtBot, panel: NearestPanel, studio: Studio, lanes: Lanes, actions: Actions
) -> None:
    before = len(asked(lanes))
    studio.classifier.set_model(ModelRef())
    qtbot.waitUntil(lambda: studio.nearest.state == "no file")
    assert "trained here" in panel.state.text()
    assert not actions["index_training"].isEnabled()
    assert len(asked(lanes)) <= before


def test_where_there_is_no_index_an_action_makes_it_and_they_appear(
    qtbot: QtBot, panel: NearestPanel, studio: Studio, index: Index, actions: Actions
) -> None:
    index.is_there = False
    studio.library.set_current_row(1)
    qtbot.waitUntil(lambda: studio.nearest.state == "no index")
    assert not panel.button.isHidden()
    panel.button.click()
    assert not actions["index_training"].isEnabled()
    assert [entry.title for entry in studio.jobs.entries] == ["Index training images"]
    qtbot.waitUntil(lambda: studio.nearest.state == "found" and not studio.jobs.entries)
    assert len(panel.flow.pictures) == len(FOUND)


def test_an_index_of_another_model_is_said_and_can_be_made_again(
    qtbot: QtBot, panel: NearestPanel, studio: Studio, lanes: Lanes
) -> None:
    def refuse(request: FindNearest, ctx: JobContext) -> object:
        raise ModelError("It was made for another Model.", "Make it again.")

    lanes["network"].served_by[FindNearest] = refuse
    studio.library.set_current_row(1)
    qtbot.waitUntil(lambda: studio.nearest.state == "error")
    assert "another Model" in panel.state.text()
    assert not panel.button.isHidden()


def test_a_model_file_away_from_its_run_is_told_what_to_do(
    qtbot: QtBot, panel: NearestPanel, studio: Studio, lanes: Lanes, expect_message: Expected
) -> None:
    expect_message("There is no list")

    def refuse(request: IndexFeatures, ctx: JobContext) -> object:
        raise UsageError("There is no list of what it was trained on.", "Take the file in its Run.")

    lanes["explain all"].served_by[IndexFeatures] = refuse
    studio.nearest.index()
    qtbot.waitUntil(lambda: not studio.nearest.is_indexing)


def test_one_is_seen_beside_the_current_image_and_the_next_by_a_key(
    qtbot: QtBot, panel: NearestPanel, studio: Studio, lanes: Lanes
) -> None:
    def open_known(request: OpenImage, ctx: JobContext) -> OpenedImage:
        if "broken" in request.image.path:
            raise ImageError("The file is gone.", "Bring it back.")
        return open_image(request, ctx)

    lanes["interactive"].served_by[OpenImage] = open_known
    qtbot.waitUntil(lambda: studio.nearest.state == "found")
    panel.flow.setFocus()
    QTest.keyClick(panel.flow, Qt.Key.Key_Return)
    pair = panel.findChild(PairDialog)
    assert pair is not None
    qtbot.waitUntil(lambda: pair.right.has_picture)
    assert pair.left.has_picture
    assert not pair.before.isEnabled()
    QTest.keyClick(pair.right, Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: bool(studio.nearest.open_error))
    assert not pair.right.has_picture
    pair.copy.click()
    assert QGuiApplication.clipboard().text() == FOUND[1].path
    studio.library.set_current_row(2)
    qtbot.waitUntil(lambda: not pair.isVisible())
    pair.left.set_words("", "")


def test_a_search_whose_engine_another_job_ended_is_made_again(
    qtbot: QtBot, panel: NearestPanel, studio: Studio, lanes: Lanes, monkeypatch: pytest.MonkeyPatch
) -> None:
    end_engine(monkeypatch, FindNearest)
    qtbot.waitUntil(lambda: studio.nearest.state == "found")
    assert len(asked(lanes)) == 2
