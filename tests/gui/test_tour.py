"""The tour walks from the first start to a Run, at controls that are there, and can be left anywhere."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QRect, Qt
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from convnext_studio.core.requests import FindWeights, StartRun
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.jobs import InlineLane
from convnext_studio.gui.main_window import MainWindow
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.widgets.tour_card import TourCard
from tests.gui.replies import image, serve
from tests.gui.training_replies import DATA, Workspace, events

STEPS = 7


@pytest.fixture
def workspace(lanes: dict[str, InlineLane]) -> Workspace:
    serve(lanes, [image(1), image(2)])
    workspace = Workspace(said=events(done=2))
    workspace.serve(lanes)
    for lane in lanes.values():
        lane.served_by[FindWeights] = lambda _request, _ctx: {}
    return workspace


@pytest.fixture
def window(
    workspace: Workspace, studio: Studio, actions: Actions, lanes: dict[str, InlineLane], qtbot: QtBot
) -> Iterator[MainWindow]:
    window = MainWindow(studio, actions)
    qtbot.addWidget(window)
    window.resize(1440, 900)
    window.show()
    qtbot.waitExposed(window)
    yield window
    studio.training.leave()
    window.leaving.leave()
    qtbot.waitUntil(lambda: not any(lane._timer.isActive() for lane in lanes.values()))


def card_of(window: MainWindow) -> TourCard:
    assert window.tour.card is not None
    return window.tour.card


def title(window: MainWindow) -> str:
    return card_of(window).title.text()


def number(window: MainWindow) -> int:
    return int(card_of(window).count.text().split()[1])


def points(window: MainWindow) -> bool:
    """Whether the card lies inside the window beside a control that is seen, and not on it."""
    card = card_of(window)
    target = card._target
    if target is None or not target.isVisible() or not window.rect().contains(card.geometry()):
        return False
    spot = QRect(target.mapTo(window, QPoint(0, 0)), target.size())
    return not spot.intersects(card.geometry()) or spot.height() > window.height() // 2


@pytest.mark.parametrize("size", [(1440, 900), (1024, 640)])
def test_every_step_stands_beside_a_control_that_is_there(
    window: MainWindow, studio: Studio, actions: Actions, size: tuple[int, int], qtbot: QtBot
) -> None:
    window.resize(*size)
    actions["tour"].trigger()
    for step in range(1, STEPS + 1):
        assert number(window) == step
        qtbot.waitUntil(lambda: points(window))
        qtbot.keyClick(card_of(window).next, Qt.Key.Key_Space)
    assert not window.tour.is_on
    assert card_of(window).isHidden()
    assert not studio.data_sets.path, "the tour itself chooses and starts nothing"


def test_the_tour_ends_also_where_what_had_the_focus_is_gone(
    window: MainWindow, actions: Actions, qtbot: QtBot
) -> None:
    button = QPushButton(window.pages)
    button.show()
    window.activateWindow()
    button.setFocus()
    qtbot.waitUntil(button.hasFocus)
    actions["tour"].trigger()
    button.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    window.tour.leave()
    assert not window.tour.is_on and card_of(window).isHidden()


def test_who_does_what_the_tour_says_is_led_on(
    window: MainWindow, workspace: Workspace, studio: Studio, actions: Actions, qtbot: QtBot
) -> None:
    actions["tour"].trigger()
    assert title(window) == "Begin with images"
    studio.open_paths(("/parts",))
    qtbot.waitUntil(lambda: title(window) == "Read what is in them")
    window.tour.next()
    actions["go_train"].trigger()
    qtbot.waitUntil(lambda: title(window) == "Choose a data set")
    studio.data_sets.choose(DATA)
    qtbot.waitUntil(lambda: title(window) == "Choose how thorough")
    window.tour.next()
    actions["start_run"].trigger()
    qtbot.waitUntil(lambda: title(window) == "Use your Model")
    assert len(workspace.requests(StartRun)) == 1
    qtbot.waitUntil(lambda: points(window))


def test_the_tour_can_be_left_anywhere_and_repeated_and_the_window_works_meanwhile(
    window: MainWindow, actions: Actions, qtbot: QtBot
) -> None:
    window.rail.button("inspect").setFocus()
    window.tour.start()
    assert QApplication.focusWidget() is card_of(window).next
    window.tour.next()
    window.tour.back()
    assert number(window) == 1
    actions["go_models"].trigger()
    assert window.pages.currentWidget() is window.models_page, "a page can be looked at while the tour is on"
    qtbot.keyClick(card_of(window).next, Qt.Key.Key_Escape)
    assert not window.tour.is_on
    assert window.pages.currentWidget() is window.models_page
    assert QApplication.focusWidget() is window.rail.button("inspect")
    actions["tour"].trigger()
    assert number(window) == 1
    assert window.tour.is_on


def test_the_first_page_offers_the_tour(window: MainWindow, qtbot: QtBot) -> None:
    qtbot.mouseClick(window.welcome.tour, Qt.MouseButton.LeftButton)
    assert window.tour.is_on


def test_with_images_open_it_still_begins_at_the_beginning(
    window: MainWindow, studio: Studio, actions: Actions, qtbot: QtBot
) -> None:
    studio.open_paths(("/parts",))
    qtbot.waitUntil(lambda: studio.library.total > 0)
    actions["go_models"].trigger()
    actions["tour"].trigger()
    assert number(window) == 1
    assert card_of(window)._target is window.top_bar.open_button
    qtbot.waitUntil(lambda: points(window))
