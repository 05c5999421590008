"""The list of Images: thumbnails for what is in sight, one selection for both views, filters, saving."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from convnext_studio.core.context import JobContext
from convnext_studio.core.events import CopySummary, EngineStopped, FilesCopied, ThumbnailMade
from convnext_studio.core.requests import CopyByClass, MakeThumbnails, SaveResults
from convnext_studio.core.values import ImageRef
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.jobs import InlineLane
from convnext_studio.gui.messages import Message
from convnext_studio.gui.panels import images_panel
from convnext_studio.gui.panels.images_panel import ImagesPanel
from convnext_studio.gui.stores import thumbnails
from convnext_studio.gui.stores.rows import Column
from convnext_studio.gui.stores.studio import Studio
from tests.gui.replies import image, picture, serve

Lanes = dict[str, InlineLane]
IMAGES = [*(image(n) for n in range(200)), ImageRef("/parts/part_900 broken.png")]


@pytest.fixture
def panel(qtbot: QtBot, studio: Studio, actions: Actions, lanes: Lanes) -> ImagesPanel:
    serve(lanes, IMAGES)
    made = ImagesPanel(studio, actions)
    qtbot.addWidget(made)
    made.resize(340, 600)
    made.show()
    studio.classifier.load()
    studio.library.open_paths(["/parts"])
    qtbot.waitUntil(lambda: studio.library.total == 201 and studio.library.waiting == 0)
    qtbot.waitUntil(lambda: not studio.library.is_finding and not made._counting.isActive())
    return made


def asked(lanes: Lanes) -> list[ImageRef]:
    return [
        ref for request in lanes["thumbnails"].requests if isinstance(request, MakeThumbnails) for ref in request.images
    ]


def test_thumbnails_are_made_for_what_is_in_sight_and_a_page_ahead_only(
    qtbot: QtBot, panel: ImagesPanel, studio: Studio, lanes: Lanes
) -> None:
    seen = panel.grid.rows_in_sight()
    qtbot.waitUntil(lambda: studio.thumbnails.pixmap(studio.library.image_at(seen.stop - 1)) is not None)
    assert len(set(asked(lanes))) <= 2 * len(seen) + 3
    assert studio.library.image_at(190) not in asked(lanes)


def test_scrolling_to_the_end_shows_the_last_tile_with_its_reason(
    qtbot: QtBot, panel: ImagesPanel, studio: Studio, lanes: Lanes
) -> None:
    bar = panel.grid.verticalScrollBar()
    bar.setValue(bar.maximum())
    qtbot.waitUntil(lambda: studio.thumbnails.error(IMAGES[-1]) != "")
    assert 200 in panel.grid.rows_in_sight()
    panel.grid.grab()


def test_the_memory_of_thumbnails_is_bounded(
    qtbot: QtBot, studio: Studio, lanes: Lanes, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(lanes, IMAGES)
    studio.thumbnails.set_side(140)
    monkeypatch.setattr(thumbnails, "LIMIT_BYTES", 1_000_000)
    studio.thumbnails.want(IMAGES[:150])
    qtbot.waitUntil(lambda: studio.thumbnails.pixmap(IMAGES[149]) is not None)
    assert studio.thumbnails._bytes <= 1_000_000
    assert studio.thumbnails.pixmap(IMAGES[0]) is None


def test_a_picture_that_ends_the_engine_has_a_reason_and_the_others_have_thumbnails(
    qtbot: QtBot, studio: Studio, lanes: Lanes, monkeypatch: pytest.MonkeyPatch
) -> None:
    deadly = image(3)

    def run(request: object, ctx: JobContext, job: object = None) -> object:
        assert isinstance(request, MakeThumbnails)
        for ref in request.images:
            if ref == deadly:
                return EngineStopped("The Engine ended unexpectedly.")
            ctx.emit(ThumbnailMade(ref, picture(20, 10)))
        from convnext_studio.core.events import Succeeded

        return Succeeded(0)

    monkeypatch.setattr("convnext_studio.gui.jobs.jobs.run_to_end", run)
    studio.thumbnails.set_side(100)
    studio.thumbnails.want([image(n) for n in range(8)])
    qtbot.waitUntil(lambda: studio.thumbnails.error(deadly) != "")
    qtbot.waitUntil(lambda: studio.thumbnails.pixmap(image(7)) is not None)
    assert [n for n in range(8) if studio.thumbnails.error(image(n))] == [3]


def test_an_image_that_can_be_read_again_has_its_thumbnail_after_the_next_try(
    qtbot: QtBot, panel: ImagesPanel, studio: Studio, lanes: Lanes
) -> None:
    """A drive was gone for a while."""
    bar = panel.grid.verticalScrollBar()
    bar.setValue(bar.maximum())
    qtbot.waitUntil(lambda: studio.thumbnails.error(IMAGES[-1]) != "" and not panel.grid._settling.isActive())

    def make(request: MakeThumbnails, ctx: JobContext) -> int:
        for ref in request.images:
            ctx.emit(ThumbnailMade(ref, np.full((90, 120, 3), (0, 255, 0), np.uint8), 200, 150))
        return len(request.images)

    lanes["thumbnails"].served_by[MakeThumbnails] = make
    studio.classifier.classify_rest()
    qtbot.waitUntil(lambda: studio.thumbnails.pixmap(IMAGES[-1]) is not None)
    assert studio.thumbnails.error(IMAGES[-1]) == ""
    tile = panel.grid.visualRect(studio.library.index(200, 0))
    middle = panel.grid.viewport().grab().toImage().pixelColor(tile.center().x(), tile.top() + tile.height() // 3)
    assert middle.name() == "#00ff00"
    qtbot.waitUntil(lambda: studio.library.waiting == 0 and not panel._counting.isActive())


def test_thumbnails_missed_while_a_drive_was_gone_come_when_one_goes_on_with_what_waits(
    qtbot: QtBot, panel: ImagesPanel, studio: Studio
) -> None:
    first = studio.library.image_at(0)
    qtbot.waitUntil(lambda: studio.thumbnails.pixmap(first) is not None and not panel.grid._settling.isActive())
    studio.thumbnails.forget(first)
    studio.thumbnails._errors[first] = "The file is not there any more."
    studio.library.drop_prediction(first)  # it waits
    studio.classifier.classify_rest()
    qtbot.waitUntil(lambda: studio.thumbnails.pixmap(first) is not None)
    assert studio.thumbnails.error(first) == ""
    qtbot.waitUntil(lambda: studio.library.waiting == 0 and not panel._counting.isActive())


def test_a_file_that_changed_has_its_new_thumbnail_without_a_turn_of_the_wheel(
    qtbot: QtBot, panel: ImagesPanel, studio: Studio
) -> None:
    first = studio.library.image_at(0)
    qtbot.waitUntil(lambda: studio.thumbnails.pixmap(first) is not None and not panel.grid._settling.isActive())
    studio.viewer.reread.emit(first)
    assert studio.thumbnails.pixmap(first) is None
    qtbot.waitUntil(lambda: studio.thumbnails.pixmap(first) is not None)
    qtbot.waitUntil(lambda: studio.library.waiting == 0 and not panel._counting.isActive())


def test_grid_and_table_share_the_current_row(
    qtbot: QtBot, panel: ImagesPanel, studio: Studio, actions: Actions
) -> None:
    QTest.keyClick(panel.grid, Qt.Key.Key_Right)
    assert studio.library.current_row == 1
    QTest.keyClick(panel.grid, Qt.Key.Key_D)
    assert studio.library.current_row == 2
    actions["view_table"].trigger()
    assert panel.views.currentWidget() is panel.table
    assert panel.table.currentIndex().row() == 2
    QTest.keyClick(panel.table, Qt.Key.Key_Down)
    QTest.keyClick(panel.table, Qt.Key.Key_End)
    assert studio.library.current_row == 200
    QTest.keyClick(panel.table, Qt.Key.Key_Home)
    assert studio.library.current_row == 0


def test_a_click_on_a_head_sorts_and_a_second_one_turns_it_round(
    qtbot: QtBot, panel: ImagesPanel, studio: Studio
) -> None:
    panel.table.order_wanted.emit(2)
    assert (studio.library.arrangement.sort, studio.library.arrangement.is_descending) == ("probability", False)
    panel.table.order_wanted.emit(2)
    assert studio.library.arrangement.is_descending


def test_typing_filters_and_says_when_nothing_matches(qtbot: QtBot, panel: ImagesPanel, studio: Studio) -> None:
    panel.search.setText("part_19")
    qtbot.waitUntil(lambda: studio.library.shown == 11)
    panel.search.setText("no such thing")
    qtbot.waitUntil(lambda: panel.views.currentWidget() is panel.empty)
    panel.search.setText("")
    qtbot.waitUntil(lambda: studio.library.shown == 201 and panel.views.currentWidget() is panel.grid)
    qtbot.waitUntil(lambda: not panel._counting.isActive())


def test_an_empty_list_offers_the_way_back_to_all_images(qtbot: QtBot, panel: ImagesPanel, studio: Studio) -> None:
    panel.search.setText("no such thing")
    qtbot.waitUntil(lambda: panel.views.currentWidget() is panel.empty)
    panel.empty.pressed.emit()
    assert studio.library.shown == 201
    assert panel.search.text() == ""
    qtbot.waitUntil(lambda: not panel._counting.isActive() and not panel._typing.isActive())


def test_the_result_of_one_image_is_copied_with_all_its_classes(panel: ImagesPanel, actions: Actions) -> None:
    actions["copy_result"].trigger()
    first, *classes = QGuiApplication.clipboard().text().split("\n")
    assert first == "/parts/part_0.png"
    assert len(classes) == 3


def test_the_results_of_a_selection_are_copied_a_line_each(
    panel: ImagesPanel, studio: Studio, actions: Actions
) -> None:
    posted: list[Message] = []
    studio.messages.posted.connect(posted.append)
    panel.grid.selectAll()
    actions["copy_result"].trigger()
    lines = QGuiApplication.clipboard().text().split("\n")
    assert len(lines) == 201
    assert lines[0].startswith("/parts/part_0.png\t")
    assert lines[-1].endswith("the file is empty.")
    assert posted[0].fact == "201 results were copied."


def test_what_could_not_be_read_is_copied_in_the_language_of_the_window(
    panel: ImagesPanel, studio: Studio, actions: Actions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images_panel, "spoken", lambda text: f"Auf Deutsch: {text}")
    studio.library.set_current_row(200)
    actions["copy_result"].trigger()
    assert QGuiApplication.clipboard().text().startswith("/parts/part_900 broken.png\nAuf Deutsch: This is not")
    panel.grid.selectAll()
    actions["copy_result"].trigger()
    last = QGuiApplication.clipboard().text().split("\n")[-1]
    assert last.startswith("/parts/part_900 broken.png\tAuf Deutsch: This is not")


def test_the_chips_filter_errors_and_a_class(qtbot: QtBot, panel: ImagesPanel, studio: Studio) -> None:
    panel.filters.error_chip.click()
    assert studio.library.shown == 1
    panel.filters.all_chip.click()
    assert studio.library.shown == 201
    panel.filters.classes.setCurrentIndex(1)
    panel.filters.classes.activated.emit(1)
    name = studio.library.arrangement.class_name
    assert name
    assert studio.library.shown == studio.library.class_counts[name]
    qtbot.waitUntil(lambda: not panel._counting.isActive())


def test_the_table_of_errors_shows_their_reasons_without_scrolling(
    qtbot: QtBot, panel: ImagesPanel, studio: Studio, actions: Actions
) -> None:
    actions["view_table"].trigger()
    studio.library.arrange(only="errors")
    reasons = panel.table.columnViewportPosition(Column.ERROR)
    assert 0 < reasons < panel.table.viewport().width() / 2
    studio.library.arrange(only="all")
    assert not panel.table.isColumnHidden(Column.CLASS)
    qtbot.waitUntil(lambda: not panel._counting.isActive())


def test_a_narrow_panel_has_one_select_in_place_of_the_chips(qtbot: QtBot, panel: ImagesPanel) -> None:
    panel.resize(216, 600)
    qtbot.waitUntil(lambda: not panel.filters.all_chip.isVisible())
    qtbot.waitUntil(lambda: panel.filters.classes.itemText(0) == "All 201")
    qtbot.waitUntil(lambda: not panel._counting.isActive())


def test_the_first_images_are_shown_without_waiting_for_the_counts(panel: ImagesPanel, studio: Studio) -> None:
    panel.views.setCurrentWidget(panel.empty)
    studio.library.finding_changed.emit()
    assert panel.views.currentWidget() is panel.grid


def test_results_are_saved_where_the_user_says(
    qtbot: QtBot, panel: ImagesPanel, lanes: Lanes, studio: Studio, tmp_path: Path
) -> None:
    posted: list[Message] = []
    studio.messages.posted.connect(posted.append)
    lanes["files"].served_by[SaveResults] = lambda request, ctx: request.path
    panel.save_results()
    dialog = panel.findChild(QFileDialog)
    dialog.fileSelected.emit(str(tmp_path / "out.csv"))
    dialog.reject()
    qtbot.waitUntil(lambda: bool(posted))
    assert posted[0].kind == "success"
    assert posted[0].action_text == "Open folder"
    request = lanes["files"].requests[-1]
    assert isinstance(request, SaveResults)
    assert len(request.predictions) == 201


def test_copying_by_class_shows_its_progress_and_what_failed(
    qtbot: QtBot, panel: ImagesPanel, lanes: Lanes, studio: Studio, tmp_path: Path, expect_message: object
) -> None:
    def copy(request: CopyByClass, ctx: JobContext) -> CopySummary:
        ctx.emit(FilesCopied(100, 200))
        return CopySummary(199, request.folder, ("“part_1.png” is gone.",))

    expect_message("1 image")  # type: ignore[operator]
    posted: list[Message] = []
    studio.messages.posted.connect(posted.append)
    lanes["files"].served_by[CopyByClass] = copy
    panel._on_copy_chosen(str(tmp_path))
    assert [entry.title for entry in studio.jobs.entries] == ["Copy by class"]
    qtbot.waitUntil(lambda: len(posted) == 2)
    assert studio.jobs.entries == ()
