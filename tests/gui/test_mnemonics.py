"""The menus by keyboard: each entry has a letter of its own in its menu, in every language."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from convnext_studio.gui.actions import MENUS, Actions
from convnext_studio.gui.language import speak
from convnext_studio.gui.panels.rail import Rail
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.mnemonics import with_mnemonics


def letters(texts: list[str]) -> list[str]:
    return [found[1].casefold() for text in texts if (found := re.search("&([^&])", text.replace("&&", "")))]


@given(st.lists(st.text(alphabet="ab &Ä1…", max_size=6), max_size=6))
def test_no_letter_stands_for_two_and_no_text_is_changed(texts: list[str]) -> None:
    marked = with_mnemonics(texts)
    found = letters(marked)
    assert len(found) == len(set(found))
    assert [re.sub("&(.)", r"\1", text) for text in marked] == texts


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_entry_of_every_menu_has_a_letter(language: str, theme: Theme, qapp: QApplication) -> None:
    catalogue = speak("de", qapp) if language == "de" else None
    actions = Actions(theme)
    if catalogue is not None:
        qapp.removeTranslator(catalogue)
    for menu in MENUS:
        texts = [actions[name].text() for name in actions if actions.menu_of(name) == menu]
        assert len(letters(with_mnemonics(texts))) == len(texts), menu


@pytest.mark.qt_log_ignore("raise", "grabbing the keyboard", extend=True)  # the offscreen screen, of any menu
def test_an_entry_does_what_its_action_does_and_shows_its_keys(studio: Studio, actions: Actions, qtbot: QtBot) -> None:
    done: list[str] = []
    actions.connect("about", lambda: done.append("about"))
    rail = Rail(studio, actions)
    qtbot.addWidget(rail)
    rail.show()
    qtbot.mouseClick(rail._help, Qt.MouseButton.LeftButton)
    menu = rail._help.findChild(QMenu)
    assert menu is not None
    entries = {re.sub("&", "", entry.text()).partition("\t")[0]: entry for entry in menu.actions()}
    assert "Ctrl+Shift+L" in entries["Log"].text()
    assert not entries["Log"].isEnabled()
    entries["About"].trigger()
    assert done == ["about"]
    menu.close()
