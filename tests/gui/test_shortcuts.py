"""Keys given to actions: in the sheet, in the file, and in spite of files that make no sense."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QMainWindow
from pytestqt.qtbot import QtBot

from convnext_studio.core.errors import UsageError
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.panels.shortcut_sheet import ShortcutSheet
from convnext_studio.gui.shortcuts import Shortcuts
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.buttons import ActionIconButton
from convnext_studio.gui.widgets.key_cap import ActionKeyCap


@pytest.fixture
def shortcuts(actions: Actions, tmp_path: Path) -> Shortcuts:
    return Shortcuts(tmp_path / "shortcuts.json", actions)


@pytest.fixture
def sheet(studio: Studio, actions: Actions, qtbot: QtBot) -> ShortcutSheet:
    sheet = ShortcutSheet(studio, actions)
    qtbot.addWidget(sheet)
    sheet.show()
    qtbot.waitExposed(sheet)
    return sheet


def keys(actions: Actions, name: str) -> list[str]:
    return [sequence.toString() for sequence in actions[name].shortcuts()]


def test_keys_given_in_the_sheet_hold_at_once_and_at_the_next_start(
    sheet: ShortcutSheet, studio: Studio, actions: Actions, theme: Theme, qtbot: QtBot
) -> None:
    row = sheet.rows["reset_layout"]
    row.change.click()
    qtbot.keyClick(row.change, Qt.Key.Key_F7, Qt.KeyboardModifier.ControlModifier)
    assert keys(actions, "reset_layout") == ["Ctrl+F7"]
    assert row.reset.isVisible()
    again = Actions(theme)
    Shortcuts(studio.places.shortcuts, again).recall()
    assert keys(again, "reset_layout") == ["Ctrl+F7"]
    row.reset.click()
    assert keys(actions, "reset_layout") == []
    assert not row.reset.isVisible()


def test_keys_that_are_not_free_are_refused_in_words(sheet: ShortcutSheet, actions: Actions, qtbot: QtBot) -> None:
    row = sheet.rows["about"]
    row.change.click()
    qtbot.keyClick(row.change, Qt.Key.Key_O, Qt.KeyboardModifier.ControlModifier)
    assert row.problem.text() == "“Ctrl+O” belongs to “Open images”. Press other keys, or change that one first."
    row.change.click()
    qtbot.keyClick(row.change, Qt.Key.Key_Left)
    assert "cannot be given away" in row.problem.text()
    row.change.click()
    qtbot.keyClick(row.change, Qt.Key.Key_Escape)
    assert keys(actions, "about") == []
    assert sheet.isVisible()


def test_what_was_exported_is_imported_on_another_machine(
    shortcuts: Shortcuts, actions: Actions, theme: Theme, tmp_path: Path
) -> None:
    shortcuts.rebind("log", QKeySequence("Ctrl+Alt+L"))
    shortcuts.save_as(tmp_path / "mine.json")
    other = Actions(theme)
    Shortcuts(tmp_path / "other.json", other).load(tmp_path / "mine.json")
    assert keys(other, "log") == ["Ctrl+Alt+L"]
    shortcuts.reset_all()
    assert keys(actions, "log") == ["Ctrl+Shift+L"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"format": 9, "shortcuts": {}}',
        json.dumps({"format": 1, "shortcuts": {"log": "F2"}}).encode(),
        json.dumps({"format": 1, "shortcuts": {"log": ["Left"]}}).encode(),
        json.dumps({"format": 1, "shortcuts": {"log": [""]}}).encode(),
    ],
)
def test_a_file_that_makes_no_sense_changes_nothing(
    content: bytes, shortcuts: Shortcuts, actions: Actions, tmp_path: Path
) -> None:
    before = {name: keys(actions, name) for name in actions}
    (tmp_path / "other.json").write_bytes(content)
    with pytest.raises(UsageError):
        shortcuts.load(tmp_path / "other.json")
    (tmp_path / "shortcuts.json").write_bytes(content)
    shortcuts.recall()
    assert {name: keys(actions, name) for name in actions} == before


def test_own_keys_stay_where_a_newer_version_gives_them_to_another_action(
    shortcuts: Shortcuts, actions: Actions, tmp_path: Path
) -> None:
    kept = {"format": 1, "shortcuts": {"log": ["Ctrl+O"], "about": ["F3", "F3"], "reset_layout": ["Ctrl+F7"]}}
    with pytest.raises(UsageError):  # a file that is handed over is taken whole or not at all
        (tmp_path / "other.json").write_text(json.dumps(kept))
        shortcuts.load(tmp_path / "other.json")
    before = keys(actions, "about")
    (tmp_path / "shortcuts.json").write_text(json.dumps(kept))
    shortcuts.recall()
    assert keys(actions, "log") == ["Ctrl+O"]
    assert "Ctrl+O" not in keys(actions, "open_files")
    assert keys(actions, "about") == before
    assert keys(actions, "reset_layout") == ["Ctrl+F7"]


def test_actions_of_another_version_are_passed_over(shortcuts: Shortcuts, actions: Actions, tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text('{"format": 1, "shortcuts": {"fly": ["F2"], "log": ["F3"]}}')
    shortcuts.load(tmp_path / "other.json")
    assert keys(actions, "log") == ["F3"]


def test_tool_tips_and_drawn_keys_follow(theme: Theme, actions: Actions, shortcuts: Shortcuts, qtbot: QtBot) -> None:
    window = QMainWindow()
    qtbot.addWidget(window)
    button, cap = ActionIconButton(theme, actions["log"], "log"), ActionKeyCap(actions["log"])
    for widget in (button, cap):
        widget.setParent(window)
    shortcuts.rebind("log", QKeySequence("F3"))
    assert button.toolTip() == "Log (F3)"
    assert cap.text() == "F3"
