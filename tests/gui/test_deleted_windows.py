"""A window that is closed while Jobs go on hears no more of them: what a store tells later touches nothing of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QMetaMethod, QObject, SignalInstance
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from convnext_studio.gui.actions import Actions
from convnext_studio.gui.panels.about import AboutDialog
from convnext_studio.gui.panels.command_palette import CommandPalette
from convnext_studio.gui.panels.log_panel import LogPanel
from convnext_studio.gui.panels.message_area import MessageArea
from convnext_studio.gui.panels.settings_dialog import SettingsDialog
from convnext_studio.gui.panels.shortcut_sheet import ShortcutSheet
from convnext_studio.gui.panels.status_bar import StatusBar
from convnext_studio.gui.stores.studio import Studio

Make = Callable[[Studio, Actions, QWidget], QWidget]
WINDOWS: dict[str, Make] = {
    "settings": SettingsDialog,
    "shortcuts": ShortcutSheet,
    "about": AboutDialog,
    "palette": CommandPalette,
    "log": LogPanel,
    "messages": MessageArea,
    "status": StatusBar,
}


def plain_signals(studio: Studio) -> list[SignalInstance]:
    """All signals of all stores that carry nothing."""
    found = []
    for field in dataclasses.fields(studio):
        store = getattr(studio, field.name)
        if isinstance(store, QObject):
            kind = store.metaObject()
            methods = [
                kind.method(number) for number in range(QObject.staticMetaObject.methodCount(), kind.methodCount())
            ]
            names = [
                one.name().toStdString()
                for one in methods
                if one.methodType() == QMetaMethod.MethodType.Signal and not one.parameterCount()
            ]
            found += [getattr(store, name) for name in names]
    return found


@pytest.mark.parametrize("name", list(WINDOWS))
def test_a_window_that_was_deleted_hears_nothing_more(
    name: str, studio: Studio, actions: Actions, qtbot: QtBot, capsys: pytest.CaptureFixture[str]
) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    made = WINDOWS[name](studio, actions, parent)
    made.show()
    gone: list[bool] = []
    made.destroyed.connect(lambda: gone.append(True))
    made.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    qtbot.waitUntil(lambda: bool(gone))
    told = plain_signals(studio)
    assert len(told) > 30
    for signal in told:
        signal.emit()
    QCoreApplication.processEvents()
    assert "Internal C++ object" not in capsys.readouterr().err
