"""Settings survive what happens to files, and the dialog follows the dataclass."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from convnext_studio.core.requests import LookAtPlaces
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.jobs import InlineLane
from convnext_studio.gui.panels.settings_dialog import SettingsDialog
from convnext_studio.gui.settings import FIELDS, Settings, SettingsStore, kept_value, problem_with
from convnext_studio.gui.stores.studio import Studio


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config" / "settings.json"


def test_a_change_is_told_once_and_found_at_the_next_start(path: Path, qtbot: QtBot) -> None:
    store = SettingsStore(path)
    with qtbot.waitSignal(store.changed) as told:
        store.update(theme="light", top=3)
    assert told.args == [store.value]
    store.update(theme="light")
    assert SettingsStore(path).value == Settings(theme="light", top=3)


@pytest.mark.skipif(os.name != "posix", reason="rights as POSIX has them")
def test_only_the_owner_may_read_the_settings(path: Path) -> None:
    SettingsStore(path).update(top=3)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\x00\x13random",
        b"",
        b"[]",
        b'{"format": 1}',
        b'{"format": 0, "settings": {}}',
        b'{"format": 99, "settings": {"theme": "dark"}}',
        b'{"format": 1, "settings": {"theme"',
        b"[" * 100_000,
    ],
)
def test_a_broken_or_foreign_file_is_kept_aside_and_defaults_hold(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    store = SettingsStore(path)
    assert store.value == Settings()
    assert store.trouble is not None
    assert [kept.read_bytes() for kept in path.parent.glob("*.backup")] == [content]
    store.update(top=7)
    assert SettingsStore(path).trouble is None


def test_what_fits_in_a_partly_wrong_file_is_used(path: Path) -> None:
    path.parent.mkdir()
    kept = {"theme": "light", "top": -5, "unheard_of": 1, "max_megapixels": 200}
    path.write_text(json.dumps({"format": 1, "settings": kept}))
    store = SettingsStore(path)
    assert store.value == Settings(theme="light", max_megapixels=200)
    assert store.trouble is not None


@given(st.binary(max_size=200))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_file_whatever_stops_the_start(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "settings.json"
    path.write_bytes(content)
    assert isinstance(SettingsStore(path).value, Settings)
    assert isinstance(kept_value(path, "opens_in_first_window"), bool)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("theme", "pink"),
        ("top", 0),
        ("top", True),
        ("top", "5"),
        ("max_megapixels", float("nan")),
        ("max_megapixels", 1e9),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_a_sentence(path: Path, name: str, value: object) -> None:
    store = SettingsStore(path)
    with pytest.raises(ValueError, match=r".+\.$"):
        store.update(**{name: value})
    assert store.value == Settings()


def test_settings_that_cannot_be_written_hold_until_the_end(tmp_path: Path, qtbot: QtBot) -> None:
    (tmp_path / "config").write_text("a file where the folder should be")
    store = SettingsStore(tmp_path / "config" / "settings.json")
    with qtbot.waitSignal(store.troubled):
        store.update(top=3)
    assert store.value.top == 3


def test_every_setting_says_what_it_is(qapp: object) -> None:
    for field in FIELDS:
        assert field.metadata["label"]
        assert field.metadata["help"].endswith(".")
        assert field.metadata["section"]
        assert problem_with(field.name, field.default) == ""


def test_the_dialog_has_a_row_for_every_setting_and_follows_the_store(
    studio: Studio, actions: Actions, qtbot: QtBot
) -> None:
    dialog = SettingsDialog(studio, actions)
    qtbot.addWidget(dialog)
    assert list(dialog.rows) == [field.name for field in FIELDS]
    assert all(row.editor.accessibleName() for row in dialog.rows.values())
    studio.settings.update(top=9)
    assert dialog.rows["top"].editor.value() == 9
    dialog.rows["top"].editor.setValue(4)
    assert studio.settings.value.top == 4
    dialog._reset.click()
    assert studio.settings.value == Settings()


def test_the_dialog_says_why_a_folder_does_not_fit(studio: Studio, actions: Actions, qtbot: QtBot) -> None:
    dialog = SettingsDialog(studio, actions)
    qtbot.addWidget(dialog)
    row = dialog.rows["weights_folder"]
    row._take("/no/such/folder")
    assert studio.settings.value.weights_folder == ""
    qtbot.waitUntil(lambda: not row.problem.isHidden())
    assert "does not exist" in row.problem.text()
    assert studio.settings.value.weights_folder == ""


def test_a_folder_is_taken_once_the_disk_has_answered_and_one_that_is_silent_is_not(
    studio: Studio, actions: Actions, lanes: dict[str, InlineLane], tmp_path: Path, qtbot: QtBot
) -> None:
    dialog = SettingsDialog(studio, actions)
    qtbot.addWidget(dialog)
    row = dialog.rows["runs_folder"]
    row._take(str(tmp_path))
    qtbot.waitUntil(lambda: studio.settings.value.runs_folder == str(tmp_path))
    lanes["places"].served_by[LookAtPlaces] = lambda _request, _ctx: ()
    row._take("/dead drive/runs")
    row._take("")
    assert studio.settings.value.runs_folder == ""
    assert row.problem.isHidden()


def test_a_folder_that_was_typed_is_kept_though_the_dialog_closes_before_the_disk_answers(
    studio: Studio, actions: Actions, lanes: dict[str, InlineLane], tmp_path: Path, qtbot: QtBot
) -> None:
    dialog = SettingsDialog(studio, actions)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.show()
    dialog.activateWindow()
    qtbot.waitUntil(dialog.isActiveWindow)
    line = dialog.rows["runs_folder"].editor.findChild(QLineEdit)
    lanes["places"].hold()
    line.setFocus()
    QTest.keyClicks(line, str(tmp_path))
    with qtbot.waitSignal(dialog.destroyed):
        QTest.keyClick(line, Qt.Key.Key_Escape)
    lanes["places"].release()
    qtbot.waitUntil(lambda: studio.settings.value.runs_folder == str(tmp_path))


def test_a_changed_theme_setting_changes_the_theme(studio: Studio) -> None:
    studio.settings.update(theme="dark")
    assert studio.theme.is_dark
    studio.settings.update(theme="light")
    assert not studio.theme.is_dark
