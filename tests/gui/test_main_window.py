"""The window as a whole: pages, drops, palette, sizes, names for screen readers, leaving."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QGuiApplication, QImage
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QComboBox,
    QDialog,
    QLabel,
    QLineEdit,
    QMenu,
    QWidget,
)
from pytestqt.qtbot import QtBot

from convnext_studio.core.context import JobContext
from convnext_studio.core.events import FindSummary, ImagesFound, SampleWritten
from convnext_studio.core.images.pasted import keep_pasted
from convnext_studio.core.requests import FindImages, FindWeights, KeepPasted, MakeSample
from convnext_studio.core.values import ImageRef
from convnext_studio.gui import engine_host
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.jobs import LANES, InlineLane
from convnext_studio.gui.main_window import SMALL_WIDTH, MainWindow
from convnext_studio.gui.panels.command_palette import CommandPalette
from convnext_studio.gui.panels.welcome import WelcomePanel
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.widgets.label import PlainLabel, might_be_markup
from convnext_studio.gui.widgets.rail_button import RailButton
from tests.guards import Expected


def find_two(request: FindImages, ctx: JobContext) -> FindSummary:
    ctx.emit(ImagesFound(tuple(ImageRef(f"{request.paths[0]}/{n}.png") for n in range(2))))
    return FindSummary(2, 0)


@pytest.fixture
def window(studio: Studio, actions: Actions, lanes: dict[str, InlineLane], qtbot: QtBot) -> Iterator[MainWindow]:
    lanes["scan"].served_by[FindImages] = find_two
    for lane in lanes.values():
        lane.served_by[FindWeights] = lambda _request, _ctx: {}
    for name in ("thumbnails", "interactive", "batch"):
        lanes[name].hold()
    window = MainWindow(studio, actions)
    qtbot.addWidget(window)
    window.show()
    qtbot.waitExposed(window)
    yield window
    window.close()


def mime(*paths: Path | str, text: str = "") -> QMimeData:
    data = QMimeData()
    if paths:
        data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    if text:
        data.setText(text)
    return data


def drag_in(window: MainWindow, data: QMimeData) -> bool:
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    event = QDragEnterEvent(QPoint(100, 100), Qt.DropAction.CopyAction, data, buttons, keys)
    QCoreApplication.sendEvent(window, event)
    return event.isAccepted()


def drop(window: MainWindow, data: QMimeData) -> None:
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    event = QDropEvent(QPointF(100, 100), Qt.DropAction.CopyAction, data, buttons, keys)
    QCoreApplication.sendEvent(window, event)


def test_every_action_does_something_once_all_panels_are_there(window: MainWindow, actions: Actions) -> None:
    window.show_models()
    window.inspect_page()
    assert actions.unconnected == set()


def test_a_scan_that_ends_pulls_nobody_back_to_inspect(
    window: MainWindow, studio: Studio, actions: Actions, lanes: dict[str, InlineLane], qtbot: QtBot
) -> None:
    lanes["scan"].hold()
    studio.open_paths(("/parts",))
    assert window.pages.currentWidget() is window.inspect
    actions["go_models"].trigger()
    lanes["scan"].release()
    qtbot.waitUntil(lambda: studio.library.total == 2 and not studio.library.is_finding)
    assert window.pages.currentWidget() is window.models_page
    studio.open_paths(("/others",))
    assert window.pages.currentWidget() is window.inspect and window.rail.place == "inspect"
    qtbot.waitUntil(lambda: not studio.library.is_finding)


def test_the_welcome_page_stands_until_something_is_open(window: MainWindow, studio: Studio, qtbot: QtBot) -> None:
    assert window.pages.currentWidget() is window.welcome
    studio.open_paths(("/pictures",))
    qtbot.waitUntil(lambda: studio.library.total == 2)
    assert window.pages.currentWidget() is window.inspect
    assert [place.path for place in studio.recent.places] == ["/pictures"]
    qtbot.waitUntil(lambda: studio.recent.places[0].images == 2)
    studio.library.clear()
    assert window.pages.currentWidget() is window.welcome


def test_pages_are_reached_from_the_rail(window: MainWindow, qtbot: QtBot) -> None:
    models = next(button for button in window.findChildren(RailButton) if button.text() == "Models")
    qtbot.mouseClick(models, Qt.MouseButton.LeftButton)
    assert window.pages.currentWidget() is window.models_page
    assert models.isChecked()
    window.show_inspect()
    assert not models.isChecked()


def test_a_drag_of_files_shows_where_to_drop_and_escape_leaves_nothing(window: MainWindow, tmp_path: Path) -> None:
    assert drag_in(window, mime(tmp_path, tmp_path / "a.png"))
    assert window._drop_target.isVisible()
    assert window._drop_target.title.text() == "Drop to open 1 folder and 1 file"
    QCoreApplication.sendEvent(window, QDragLeaveEvent())
    assert not window._drop_target.isVisible()


def test_a_drop_beside_open_images_says_how_to_add(
    window: MainWindow, studio: Studio, tmp_path: Path, qtbot: QtBot
) -> None:
    assert drag_in(window, mime(tmp_path))
    assert not window._drop_target._add_hint.isVisible()
    studio.open_paths(("/pictures",))
    qtbot.waitUntil(lambda: studio.library.total == 2)
    assert drag_in(window, mime(tmp_path))
    assert window._drop_target._add_hint.isVisible()


@pytest.mark.qt_log_ignore("raise", "grabbing the keyboard", extend=True)  # the offscreen screen, of any menu
def test_all_ten_recent_places_are_offered_with_their_folders(
    window: MainWindow, studio: Studio, tmp_path: Path, qtbot: QtBot
) -> None:
    for number in range(12):
        studio.recent.add(f"/gone {number}/images")
    studio.recent.add(str(tmp_path))
    window.top_bar.open_button.click()
    menu = window.top_bar.findChild(QMenu)
    places = [action for action in menu.actions() if action.data()]
    assert len(places) == 10
    assert places[0].text() == f"{tmp_path.name} · {tmp_path.parent.name}"
    assert places[0].isEnabled()
    assert places[1].text() == "images · gone 11"
    qtbot.waitUntil(lambda: not places[1].isEnabled())
    assert places[0].isEnabled()
    menu.close()


def test_a_long_name_in_a_message_does_not_widen_the_window(window: MainWindow, studio: Studio) -> None:
    width = window.minimumSizeHint().width()
    studio.messages.info("“" + "long name " * 40 + "” was opened.", "All is well.")
    assert window.minimumSizeHint().width() <= max(width, 800)


@pytest.mark.parametrize("data", [{"text": "hello"}, {"text": "https://example/a.png"}, {}])
def test_a_drag_without_files_is_refused(window: MainWindow, data: dict[str, str]) -> None:
    assert not drag_in(window, mime(**data))
    assert not window._drop_target.isVisible()


def test_a_drop_opens_what_was_dropped(window: MainWindow, studio: Studio, tmp_path: Path, qtbot: QtBot) -> None:
    folder = tmp_path / "a folder with ümläuts 😀 <b>"
    folder.mkdir()
    data = mime(folder)
    assert drag_in(window, data)
    drop(window, data)
    assert not window._drop_target.isVisible()
    qtbot.waitUntil(lambda: studio.library.total == 2)
    assert studio.recent.places[0].path == str(folder)


def test_an_image_on_the_clipboard_is_kept_and_opened(
    window: MainWindow, studio: Studio, actions: Actions, lanes: dict[str, InlineLane], qtbot: QtBot
) -> None:
    lanes["interactive"].served_by[KeepPasted] = keep_pasted
    image = QImage(8, 8, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.red)
    QGuiApplication.clipboard().setImage(image)
    actions["paste"].trigger()
    lanes["interactive"].release()
    qtbot.waitUntil(lambda: len(studio.opened) == 1)
    assert FindImages(studio.opened) in lanes["scan"].requests
    assert QImage(studio.opened[0]).pixelColor(7, 7) == Qt.GlobalColor.red


def test_what_was_pasted_does_not_take_the_place_of_what_was_opened_since(
    window: MainWindow, studio: Studio, actions: Actions, lanes: dict[str, InlineLane], tmp_path: Path, qtbot: QtBot
) -> None:
    lanes["interactive"].served_by[KeepPasted] = keep_pasted
    QGuiApplication.clipboard().setImage(QImage(8, 8, QImage.Format.Format_RGB32))
    lanes["interactive"].hold()
    actions["paste"].trigger()
    studio.open_paths((str(tmp_path),))
    lanes["interactive"].release()
    qtbot.waitUntil(lambda: not lanes["interactive"]._open)
    assert studio.opened == (str(tmp_path),)


def test_an_image_that_cannot_be_kept_says_why(
    window: MainWindow,
    studio: Studio,
    actions: Actions,
    lanes: dict[str, InlineLane],
    qtbot: QtBot,
    expect_message: Expected,
) -> None:
    expect_message("The pasted image could not be kept.")
    lanes["interactive"].served_by[KeepPasted] = keep_pasted
    studio.places.cache.mkdir(parents=True, exist_ok=True)
    (studio.places.cache / "pasted").touch()
    QGuiApplication.clipboard().setImage(QImage(8, 8, QImage.Format.Format_RGB32))
    actions["paste"].trigger()
    lanes["interactive"].release()
    qtbot.waitUntil(lambda: not lanes["interactive"]._open)
    assert studio.opened == ()


def test_the_status_bar_does_not_promise_an_engine_that_was_given_up(window: MainWindow) -> None:
    bar = window.status_bar
    assert bar._words.text().startswith("Starting the engine")
    bar.set_engine_lost()
    assert bar._words.text() == "The engine cannot be started."
    bar.set_engine_up(False)  # tried again
    assert bar._words.text().startswith("Starting the engine")


def test_paths_on_the_clipboard_are_opened(
    window: MainWindow, actions: Actions, lanes: dict[str, InlineLane], tmp_path: Path
) -> None:
    QGuiApplication.clipboard().setMimeData(mime(tmp_path))
    actions["paste"].trigger()
    assert FindImages((str(tmp_path),)) in lanes["scan"].requests


def test_the_sample_door_makes_the_sample_and_opens_it(
    window: MainWindow, studio: Studio, lanes: dict[str, InlineLane], actions: Actions, qtbot: QtBot
) -> None:
    def make(request: MakeSample, ctx: JobContext) -> str:
        ctx.emit(SampleWritten(3, 600))
        return f"{request.folder}/images"

    lanes["files"].served_by[MakeSample] = make
    actions["open_sample"].trigger()
    assert len(studio.jobs.entries) == 1
    actions["open_sample"].trigger()
    qtbot.waitUntil(lambda: studio.library.total == 2)
    assert len(lanes["files"].requests) == 1
    assert [entry.title for entry in studio.jobs.entries if entry.icon == "bolt"] == []
    assert studio.recent.places[0].path == str(studio.places.sample / "images")


@pytest.mark.parametrize(("width", "is_small"), [(1024, True), (SMALL_WIDTH, False), (1440, False)])
def test_a_small_window_does_without_words_on_the_rail(
    window: MainWindow, studio: Studio, width: int, is_small: bool
) -> None:
    studio.open_paths(("/pictures",))
    window.inspect_page()
    window.resize(width, 640)
    assert (window.width(), window.height()) == (width, 640)
    assert window.rail.width() == (48 if is_small else 64)


def test_the_palette_opens_by_its_shortcut_and_holds_all_actions(window: MainWindow, qtbot: QtBot) -> None:
    window.activateWindow()
    qtbot.keyClick(window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    assert window.findChild(CommandPalette).isVisible()


@pytest.mark.parametrize("name", ["settings", "shortcuts", "log", "about"])
def test_dialogs_open_beside_the_window_and_can_be_left(window: MainWindow, actions: Actions, name: str) -> None:
    actions[name].trigger()
    dialog = window.findChild(QDialog)
    assert dialog.isVisible()
    assert not dialog.isModal()
    dialog.close()


def test_the_theme_actions_change_the_setting(window: MainWindow, actions: Actions, studio: Studio) -> None:
    actions["theme_light"].trigger()
    assert studio.settings.value.theme == "light"
    assert actions["theme_light"].isChecked()
    studio.settings.update(theme="dark")
    assert actions["theme_dark"].isChecked()


def test_running_jobs_are_shown_with_stop(window: MainWindow, studio: Studio) -> None:
    stopped = []
    entries = [studio.jobs.open(f"Job {n}", lambda n=n: stopped.append(n)) for n in range(3)]
    entries[0].progress(1, 2, "1 of 2")
    window.resize(1440, 900)
    assert [line._entry for line in window.status_bar._shown] == entries[:2]
    assert window.status_bar._more.text() == "1 more job"
    window.status_bar._shown[0]._stop.click()
    assert stopped == [0]
    assert window.status_bar._shown[0]._words.text() == "Stopping…"
    for entry in entries:
        studio.jobs.close(entry)
    assert window.status_bar._shown == []


def test_everything_that_can_be_operated_has_a_name(window: MainWindow) -> None:
    window.inspect_page()
    window.show_models()
    kinds = (QAbstractButton, QLineEdit, QComboBox, QAbstractSlider, QAbstractItemView)
    nameless = [
        f"{type(widget).__name__} in {type(widget.parentWidget()).__name__}"
        for kind in kinds
        for widget in window.findChildren(kind)
        if not (widget.accessibleName() or getattr(widget, "text", str)())
        and type(widget).__name__ not in ("QScrollBar", "QTableCornerButton", "QHeaderView", "QComboBoxListView")
        and not widget.isHidden()
        and not _is_inner(widget)
    ]
    assert "\n".join(nameless) == ""


def _is_inner(widget: QWidget) -> bool:
    """True for parts that Qt makes itself inside its widgets."""
    return type(widget).__module__.startswith("PySide6") and not widget.focusPolicy() & Qt.FocusPolicy.TabFocus


def test_tab_goes_through_the_window_and_comes_back(window: MainWindow, qtbot: QtBot) -> None:
    window.activateWindow()
    window.top_bar.open_button.setFocus()
    seen: list[QWidget | None] = []
    while window.focusWidget() not in seen:
        seen.append(window.focusWidget())
        qtbot.keyClick(window.focusWidget(), Qt.Key.Key_Tab)
        assert len(seen) < 100
    assert window.focusWidget() is seen[0]
    assert len(seen) > 6


def test_tab_follows_the_bar_on_top_from_left_to_right(window: MainWindow, qtbot: QtBot) -> None:
    window.resize(1440, 900)
    window.activateWindow()
    first = window.top_bar._left.itemAt(0).widget()
    first.setFocus()
    xs = []
    while window.top_bar.isAncestorOf(window.focusWidget()):
        xs.append(window.focusWidget().x())
        qtbot.keyClick(window.focusWidget(), Qt.Key.Key_Tab)
    assert len(xs) >= 4
    assert xs == sorted(xs)


def test_the_place_of_the_window_is_kept(window: MainWindow, studio: Studio, actions: Actions, qtbot: QtBot) -> None:
    window.resize(800, 555)
    window.close()
    again = MainWindow(studio, Actions(studio.theme))
    qtbot.addWidget(again)
    assert (again.width(), again.height()) == (800, 555)


def test_the_lanes_of_the_window_are_those_of_the_engine() -> None:
    assert LANES == engine_host.LANES


def test_a_hint_is_shown_in_our_own_status_bar(window: MainWindow, actions: Actions) -> None:
    actions["open_folder"].showStatusText(window)
    assert window.status_bar._words.text() == actions["open_folder"].statusTip()


MARKUP = "<b>defect</b> &lt;i> <img src=x>"


def test_names_that_look_like_markup_are_shown_letter_by_letter(
    window: MainWindow, studio: Studio, qtbot: QtBot, tmp_path: Path
) -> None:
    studio.recent.add(f"/gone/{MARKUP}")
    studio.messages.info(f"“{MARKUP}” was opened.", MARKUP, MARKUP)
    studio.jobs.open(MARKUP, lambda: None).progress(1, 2, MARKUP)
    studio.open_paths((f"/{MARKUP}",))
    qtbot.waitUntil(lambda: studio.library.total == 2)
    widgets = [window, *window.findChildren(QWidget)]
    guessed = [label.text() for label in widgets if isinstance(label, QLabel) and _is_guessed(label)]
    assert guessed == []
    assert [widget.toolTip() for widget in widgets if might_be_markup(widget.toolTip())] == []


def _is_guessed(label: QLabel) -> bool:
    return label.textFormat() != Qt.TextFormat.PlainText and might_be_markup(label.text())


def test_a_recent_place_with_one_image_says_so_in_the_singular(studio: Studio, qtbot: QtBot) -> None:
    studio.recent.add("/plates", images=1)
    studio.recent.add("/more plates", images=2)
    welcome = WelcomePanel(studio, Actions(studio.theme))
    qtbot.addWidget(welcome)
    words = [label.text().partition(" · ") for label in welcome.findChildren(PlainLabel)]
    assert [count for count, dot, _day in words if dot] == ["2 images", "1 image"]
