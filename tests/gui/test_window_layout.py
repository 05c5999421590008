"""Which parts of the window are seen: the picture alone, side panels, sizes kept and reset."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from convnext_studio.gui.actions import Actions
from convnext_studio.gui.jobs import InlineLane
from convnext_studio.gui.main_window import MainWindow
from convnext_studio.gui.stores.studio import Studio
from tests.gui.replies import image, serve


@pytest.fixture
def window(studio: Studio, actions: Actions, lanes: dict[str, InlineLane], qtbot: QtBot) -> MainWindow:
    serve(lanes, [image(1), image(2)])
    made = MainWindow(studio, actions)
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    studio.open_paths(("/parts",))
    qtbot.waitUntil(lambda: studio.library.total == 2 and studio.viewer.opened is not None)
    return made


def sides(window: MainWindow) -> list[bool]:
    page = window.inspect_page()
    return [page.widget(number).isVisible() for number in (0, 2)]


def test_the_image_alone_fills_the_screen_and_escape_leads_back(
    window: MainWindow, actions: Actions, qtbot: QtBot
) -> None:
    actions["full_screen"].trigger()
    assert window.isFullScreen()
    bars = (window.rail, window.top_bar, window.status_bar)
    assert not any(bar.isVisible() for bar in bars)
    assert sides(window) == [False, False]
    canvas = window.inspect_page().widget(1).canvas
    assert window.focusWidget() is canvas
    assert not window._focus_ring.isVisible()
    qtbot.keyClick(canvas, Qt.Key.Key_Escape)
    assert not window.isFullScreen()
    assert all(bar.isVisible() for bar in bars)
    assert sides(window) == [True, True]


def test_there_is_no_image_alone_where_there_is_no_image(window: MainWindow, studio: Studio, actions: Actions) -> None:
    actions["full_screen"].trigger()
    studio.library.clear()
    assert not actions["full_screen"].isEnabled()
    assert not window.isFullScreen()
    assert window.rail.isVisible()


def test_other_pages_have_their_bars(window: MainWindow, actions: Actions) -> None:
    actions["full_screen"].trigger()
    window.pages.setCurrentWidget(window.welcome)
    assert window.top_bar.isVisible()
    assert not actions["side_panels"].isEnabled()


def test_side_panels_go_and_come_back_as_wide_as_they_were(window: MainWindow, actions: Actions) -> None:
    before = window.inspect_page().sizes()
    actions["side_panels"].trigger()
    assert sides(window) == [False, False]
    actions["side_panels"].trigger()
    assert sides(window) == [True, True]
    assert window.inspect_page().sizes() == before


def test_widths_are_kept_until_the_layout_is_reset(
    window: MainWindow, studio: Studio, actions: Actions, qtbot: QtBot
) -> None:
    page = window.inspect_page()
    first = page.sizes()
    page.moveSplitter(420, 1)
    moved = page.sizes()
    assert moved[0] > first[0]
    again = MainWindow(studio, Actions(studio.theme))
    qtbot.addWidget(again)
    again.resize(window.size())
    again.show()
    assert again.inspect_page().sizes()[0] == moved[0]
    again.close()
    actions["reset_layout"].trigger()
    assert page.sizes() == first


def test_a_window_closed_with_the_image_alone_comes_back_as_a_window(
    window: MainWindow, studio: Studio, actions: Actions, qtbot: QtBot
) -> None:
    actions["full_screen"].trigger()
    window.close()
    again = MainWindow(studio, Actions(studio.theme))
    qtbot.addWidget(again)
    again.show()
    assert not again.isFullScreen()


def test_the_picture_itself_is_copied(window: MainWindow, actions: Actions, studio: Studio) -> None:
    actions["copy_image"].trigger()
    copied = QGuiApplication.clipboard().image()
    assert (copied.width(), copied.height()) == (200, 100)
    assert copied.pixelColor(50, 20).red() == 50


def test_image_and_list_offer_what_can_be_done_with_them_by_the_right_button(
    window: MainWindow, actions: Actions
) -> None:
    images, canvas = window.inspect_page().widget(0), window.inspect_page().widget(1).canvas
    for widget in (images.grid, images.table, canvas):
        assert widget.contextMenuPolicy() == Qt.ContextMenuPolicy.ActionsContextMenu
        assert actions["copy_result"] in widget.actions()
    assert actions["copy_image"] in canvas.actions()


def test_going_round_the_end_is_shown_and_announced(window: MainWindow, studio: Studio) -> None:
    canvas = window.inspect_page().widget(1)
    studio.library.set_current_row(1)
    studio.library.step(1)
    assert canvas._announced.text() == "Back at the first image"
    assert canvas._announced.isVisible()
    studio.library.step(1)
    assert canvas._announced.text() == ""
    assert QApplication.focusWidget() is not canvas._announced


def test_where_it_is_narrow_the_input_stands_below_and_its_choices_are_whole(
    window: MainWindow, studio: Studio, actions: Actions, qtbot: QtBot
) -> None:
    studio.classifier.load()
    window.resize(800, 520)
    actions["show_input"].trigger()
    panel = window.inspect_page().widget(1)
    qtbot.waitUntil(lambda: panel._both.orientation() == Qt.Orientation.Vertical)
    for button in panel.fits.findChildren(QPushButton):
        qtbot.waitUntil(lambda button=button: button.width() >= button.sizeHint().width())
    qtbot.waitUntil(lambda: panel._name.width() >= 60)
    window.resize(1440, 900)
    qtbot.waitUntil(lambda: panel._both.orientation() == Qt.Orientation.Horizontal)
