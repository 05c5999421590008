"""Two to four Images are compared: panes go along with each other, and say what was predicted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QItemSelectionModel, QPointF, Qt
from pytestqt.qtbot import QtBot

from convnext_studio.core.errors import ImageError
from convnext_studio.core.requests import OpenImage
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.jobs import InlineLane
from convnext_studio.gui.main_window import MainWindow
from convnext_studio.gui.panels.compare_panel import ComparePanel
from convnext_studio.gui.panels.images_panel import ImagesPanel
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.widgets.image_canvas import ImageCanvas
from tests.gui.replies import image, serve


@pytest.fixture
def window(studio: Studio, actions: Actions, lanes: dict[str, InlineLane], qtbot: QtBot) -> Iterator[MainWindow]:
    serve(lanes, [image(number) for number in range(1, 7)])
    window = MainWindow(studio, actions)
    qtbot.addWidget(window)
    window.resize(1440, 900)
    window.show()
    qtbot.waitExposed(window)
    studio.classifier.load()
    studio.open_paths(("/parts",))
    qtbot.waitUntil(lambda: studio.library.total == 6 and studio.library.waiting == 0)
    yield window
    window.leaving.leave()


def select(window: MainWindow, many: int) -> None:
    panel = window.findChild(ImagesPanel)
    assert panel is not None
    model = panel.grid.selectionModel()
    model.clearSelection()
    for row in range(many):
        model.select(panel.grid.model().index(row, 0), QItemSelectionModel.SelectionFlag.Select)


def compared(window: MainWindow, actions: Actions, qtbot: QtBot, many: int) -> ComparePanel:
    select(window, many)
    actions["compare"].trigger()
    panel = window.comparison.panel
    assert panel is not None
    qtbot.waitUntil(lambda: all(pane.canvas.has_picture for pane in panel.panes))
    return panel


def view(canvas: ImageCanvas) -> tuple[float, float, float]:
    """What is in the middle, as shares of the Image, and the zoom against the whole."""
    middle = canvas.image_point(QPointF(canvas.width(), canvas.height()) / 2)
    width, height = canvas.image_size
    return middle.x() / width, middle.y() / height, canvas.zoom / canvas.fit_zoom


@pytest.mark.parametrize(("many", "is_on"), [(0, False), (1, False), (2, True), (4, True), (5, False)])
def test_two_to_four_can_be_compared(window: MainWindow, actions: Actions, many: int, is_on: bool) -> None:
    select(window, many)
    assert actions["compare"].isEnabled() == is_on


@pytest.mark.parametrize("many", [2, 3, 4])
def test_each_pane_shows_its_image_and_its_classes(
    window: MainWindow, studio: Studio, actions: Actions, many: int, qtbot: QtBot
) -> None:
    panel = compared(window, actions, qtbot, many)
    assert window.pages.currentWidget() is panel
    assert [pane.image for pane in panel.panes] == [studio.library.image_at(row) for row in range(many)]
    for row, pane in enumerate(panel.panes):
        found = studio.library.prediction_at(row)
        assert found is not None
        assert found.classes[0] in pane.bars.accessibleName()
        assert found.classes[0] in pane.canvas.accessibleDescription()
        assert pane.name.text().endswith(".png")


def test_whichever_pane_is_moved_the_others_go_along(window: MainWindow, actions: Actions, qtbot: QtBot) -> None:
    panel = compared(window, actions, qtbot, 3)
    first, second, third = (pane.canvas for pane in panel.panes)
    second.zoom_by(6, QPointF(20, 30))
    second.pan(QPointF(-35, 18))
    for other in (first, third):
        assert view(other) == pytest.approx(view(second), abs=0.01)
    third.fit()
    assert first.is_fitted
    assert second.is_fitted


def test_keys_zoom_all_and_esc_leads_back(window: MainWindow, studio: Studio, actions: Actions, qtbot: QtBot) -> None:
    panel = compared(window, actions, qtbot, 2)
    before = [pane.canvas.zoom for pane in panel.panes]
    qtbot.keyClick(panel.panes[1].canvas, Qt.Key.Key_Plus)
    assert all(pane.canvas.zoom > old for pane, old in zip(panel.panes, before, strict=True))
    qtbot.keyClick(panel.panes[0].canvas, Qt.Key.Key_0)
    assert [pane.canvas.zoom for pane in panel.panes] == pytest.approx(before)
    qtbot.keyClick(panel.panes[0].canvas, Qt.Key.Key_Escape)
    assert window.pages.currentWidget() is window.inspect
    assert studio.side_by_side.opened == {}, "pixels that nobody looks at are let go"
    assert not any(pane.canvas.has_picture for pane in panel.panes)


def test_an_image_that_cannot_be_opened_says_why_and_the_others_are_there(
    window: MainWindow, actions: Actions, lanes: dict[str, InlineLane], qtbot: QtBot
) -> None:
    served = lanes["interactive"].served_by[OpenImage]

    def open_image(request: OpenImage, ctx: object) -> object:
        if request.image == image(2):
            raise ImageError("It is cut off.")
        return served(request, ctx)

    lanes["interactive"].served_by[OpenImage] = open_image
    select(window, 2)
    actions["compare"].trigger()
    panel = window.comparison.panel
    assert panel is not None
    qtbot.waitUntil(lambda: panel.panes[0].canvas.has_picture)
    qtbot.waitUntil(lambda: panel.panes[1].canvas._words[1] == "It is cut off.")
