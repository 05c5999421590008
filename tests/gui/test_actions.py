"""One table of actions: no shortcut twice, a word and a tip for each, all of them in the palette and on the sheet."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QMainWindow
from pytestqt.qtbot import QtBot

from convnext_studio.gui.actions import ACTIONS, MENUS, Actions
from convnext_studio.gui.panels.command_palette import CommandPalette
from convnext_studio.gui.panels.shortcut_sheet import ShortcutSheet
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.theme.icons import icon_names
from convnext_studio.gui.widgets.fuzzy import fuzzy_score
from convnext_studio.gui.widgets.key_cap import key_words
from convnext_studio.gui.widgets.label import PlainLabel


def test_no_shortcut_and_no_name_is_given_twice(actions: Actions) -> None:
    keys = [keys.toString() for action in actions.all() for keys in action.shortcuts()]
    assert sorted(keys) == sorted(set(keys))
    assert len({spec.id for spec in ACTIONS}) == len(ACTIONS)
    assert len({spec.text for spec in ACTIONS}) == len(ACTIONS)


@pytest.mark.parametrize("spec", ACTIONS, ids=lambda spec: spec.id)
def test_every_action_has_word_tip_icon_and_a_heading(spec: object, actions: Actions) -> None:
    action = actions[spec.id]
    assert action.text()
    assert action.statusTip().endswith(".")
    assert action.toolTip() == action.statusTip()
    assert spec.icon in icon_names()
    assert spec.menu in MENUS
    assert all(not keys.isEmpty() for keys in action.shortcuts())


def test_an_action_that_nobody_serves_yet_is_greyed_out(actions: Actions) -> None:
    assert not any(action.isEnabled() for action in actions.all())
    actions.connect("quit", do_nothing)
    assert actions["quit"].isEnabled()
    assert "quit" not in actions.unconnected


def test_shortcuts_are_shown_as_they_stand_on_keys() -> None:
    assert key_words("Ctrl+Shift+O") == "Ctrl Shift O"
    assert key_words("Ctrl++") == "Ctrl +"
    assert key_words("?") == "?"
    assert key_words("Alt+Right") == "Alt →"
    assert key_words(QKeySequence("F1")) == "F1"


def test_letters_in_order_are_found_and_beginnings_of_words_first() -> None:
    assert fuzzy_score("of", "Open folder") > fuzzy_score("of", "Show what the program noted of")
    assert fuzzy_score("folder", "Open folder") > fuzzy_score("folder", "Find other Models for dark")
    assert fuzzy_score("xyz", "Open folder") == 0
    assert fuzzy_score("", "anything") > 0


@pytest.fixture
def window(qtbot: QtBot) -> QMainWindow:
    window = QMainWindow()
    window.resize(900, 700)
    qtbot.addWidget(window)
    window.show()
    return window


def do_nothing() -> None:
    """Serve an action."""


@pytest.fixture
def palette(studio: Studio, actions: Actions, window: QMainWindow) -> CommandPalette:
    for name in actions:
        actions.connect(name, do_nothing)
    palette = CommandPalette(studio, actions, window)
    palette.open_palette()
    return palette


def texts(palette: CommandPalette) -> list[str]:
    model = palette.list.model()
    return [model.index(row, 0).data() for row in range(model.rowCount())]


def test_the_palette_lists_enabled_actions_only(palette: CommandPalette, actions: Actions) -> None:
    actions["stop"].setEnabled(False)
    palette.open_palette()
    assert "Stop" not in texts(palette)
    assert "Open folder" in texts(palette)
    assert "Largest image" in texts(palette)


def test_enter_runs_what_the_letters_found_and_remembers_it(
    palette: CommandPalette, actions: Actions, qtbot: QtBot
) -> None:
    qtbot.keyClicks(palette.field, "open fol")
    with qtbot.waitSignal(actions["open_folder"].triggered):
        qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert not palette.isVisible()
    palette.open_palette()
    assert texts(palette)[0] == "Open folder"


def test_arrows_move_while_the_field_keeps_the_focus(palette: CommandPalette, qtbot: QtBot) -> None:
    qtbot.keyClick(palette.field, Qt.Key.Key_Down)
    qtbot.keyClick(palette.field, Qt.Key.Key_Down)
    assert palette.list.currentIndex().row() == 2
    qtbot.keyClick(palette.field, Qt.Key.Key_Up)
    assert palette.list.currentIndex().row() == 1


def test_letters_that_fit_nothing_are_answered_with_a_sentence(palette: CommandPalette, qtbot: QtBot) -> None:
    qtbot.keyClicks(palette.field, "qqqq")
    assert texts(palette) == []
    assert palette._nothing.isVisible()


def test_escape_empties_the_field_then_closes(palette: CommandPalette, qtbot: QtBot) -> None:
    qtbot.keyClicks(palette.field, "mod")
    qtbot.keyClick(palette.field, Qt.Key.Key_Escape)
    assert palette.field.text() == ""
    qtbot.keyClick(palette.field, Qt.Key.Key_Escape)
    assert not palette.isVisible()


def test_a_setting_found_is_asked_for(palette: CommandPalette, qtbot: QtBot) -> None:
    qtbot.keyClicks(palette.field, "largest image")
    with qtbot.waitSignal(palette.setting_wanted) as wanted:
        qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert wanted.args == ["max_megapixels"]


def test_the_sheet_shows_every_shortcut(studio: Studio, actions: Actions, qtbot: QtBot) -> None:
    sheet = ShortcutSheet(studio, actions)
    qtbot.addWidget(sheet)
    shown = [label.text() for label in sheet.findChildren(PlainLabel)]
    for action in actions.all():
        for keys in action.shortcuts():
            assert key_words(keys) in shown
