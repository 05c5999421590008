"""A disk that never answers: the window shows what it knows and lives on."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QUrl
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from convnext_studio.core.requests import LookAtPlaces
from convnext_studio.core.values import ImageRef
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.jobs import InlineLane
from convnext_studio.gui.panels.drop_target import DropTarget
from convnext_studio.gui.panels.top_bar import TopBar
from convnext_studio.gui.panels.welcome import WelcomePanel
from convnext_studio.gui.stores.drops import has_paths, paths_of, summarise
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.widgets.buttons import Button
from convnext_studio.gui.widgets.label import IconLabel, PlainLabel
from tests.gui.replies import serve

Lanes = dict[str, InlineLane]
DEAD = "/dead drive"
LONGEST_S = 0.5


@pytest.fixture(autouse=True)
def dead_drive(monkeypatch: pytest.MonkeyPatch, lanes: Lanes) -> None:
    """Whoever asks the disk about a place on the dead drive fails; the Lane that looks never answers."""
    stat = os.stat

    def guarded(path: object, *args: object, **more: object) -> os.stat_result:
        assert not str(path).startswith(DEAD), "the disk was asked on the window's thread"
        return stat(path, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "stat", guarded)
    lanes["places"].served_by[LookAtPlaces] = lambda _request, _ctx: ()
    lanes["places"].hold()


def rows(welcome: WelcomePanel) -> dict[str, Button]:
    return {row.accessibleName(): row for row in welcome._recent._rows if isinstance(row, Button)}


@pytest.mark.qt_log_ignore("raise", "grabbing the keyboard", extend=True)  # the offscreen screen, of any menu
def test_recent_places_are_offered_until_they_are_known_to_be_gone(
    qtbot: QtBot, studio: Studio, actions: Actions, lanes: Lanes
) -> None:
    studio.recent.add(f"{DEAD}/place 1")
    studio.recent.add(f"{DEAD}/place 2.png")
    welcome, bar = WelcomePanel(studio, actions), TopBar(studio, actions)
    for widget in (welcome, bar):
        qtbot.addWidget(widget)
    assert [row.isEnabled() for row in rows(welcome).values()] == [True, True]
    bar.open_button.click()
    menu = bar.findChild(QMenu)
    assert menu is not None
    assert all(action.isEnabled() for action in menu.actions() if action.data())
    with qtbot.waitSignal(menu.destroyed):
        menu.close()


def test_a_drag_says_at_once_what_the_names_say(qtbot: QtBot, studio: Studio, lanes: Lanes) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(f"{DEAD}/folder"), QUrl.fromLocalFile(f"{DEAD}/a.png")])
    began = time.perf_counter()
    assert has_paths(mime)
    target = DropTarget(studio.theme, lanes, (page := WelcomePanel(studio, Actions(studio.theme))))
    qtbot.addWidget(page)
    target.show_paths(paths_of(mime))
    assert target.title.text() == "Drop to open 1 folder and 1 file"
    assert time.perf_counter() - began < LONGEST_S
    text = QMimeData()
    text.setText(f"{DEAD}/folder")
    assert paths_of(text) == (f"{DEAD}/folder",)


def test_what_the_disk_says_goes_before_what_a_name_looks_like(qtbot: QtBot, lanes: Lanes, tmp_path: Path) -> None:
    (tmp_path / "version 1.0").mkdir()
    folder = str(tmp_path / "version 1.0")
    assert summarise((folder,)).files == 1
    assert summarise((folder,), {folder: True}.get).folders == 1


def test_images_are_stepped_through_while_the_disk_is_silent(qtbot: QtBot, studio: Studio, lanes: Lanes) -> None:
    parts = [ImageRef(f"{DEAD}/part_{number}.png") for number in range(5)]
    serve(lanes, parts)
    lanes["places"].served_by[LookAtPlaces] = lambda _request, _ctx: ()
    studio.library.open_paths([DEAD])
    qtbot.waitUntil(lambda: parts[1] in studio.viewer._kept)
    for part in parts[1:]:
        studio.library.step(1)
        qtbot.waitUntil(lambda part=part: studio.viewer.opened is not None and studio.viewer.opened.image == part)
    assert studio.viewer.error == ""


def test_a_place_that_is_gone_is_marked_once_the_disk_has_answered(
    qtbot: QtBot, studio: Studio, actions: Actions, lanes: Lanes, tmp_path: Path
) -> None:
    del lanes["places"].served_by[LookAtPlaces]
    studio.recent.add(str(tmp_path / "place gone"))
    (tmp_path / "place.dir").mkdir()
    studio.recent.add(str(tmp_path / "place.dir"))
    welcome = WelcomePanel(studio, actions)
    qtbot.addWidget(welcome)
    assert all(row.isEnabled() for row in rows(welcome).values())
    with qtbot.waitSignal(studio.recent_look.changed):
        lanes["places"].release()
    shown = rows(welcome)
    assert shown["place.dir"].isEnabled()
    assert not shown["place gone"].isEnabled()
    assert "not found" in [label.text() for label in shown["place gone"].findChildren(PlainLabel)]
    assert shown["place gone"].findChildren(IconLabel)
