"""The sheet of shortcuts, made from the actions."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QWidget

from convnext_studio.gui.actions import MENUS, Actions
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.widgets.dialog import Dialog
from convnext_studio.gui.widgets.key_cap import KeyCap
from convnext_studio.gui.widgets.label import PlainLabel


class ShortcutSheet(Dialog):
    """One section a menu; actions without keys are found by the palette, as its foot says."""

    def __init__(self, studio: Studio, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(studio.theme, self.tr("Keyboard shortcuts"), parent)
        for menu in MENUS:
            with_keys = [name for name in actions if actions.menu_of(name) == menu and actions[name].shortcuts()]
            if with_keys:
                self.body.addSpacing(8)
                self.body.addWidget(PlainLabel(actions.heading(menu), "section"))
                self.body.addLayout(_rows(actions, with_keys))
        self.body.addSpacing(8)
        self.body.addWidget(
            PlainLabel(
                self.tr(
                    "Tab moves on, Shift Tab back, Esc closes what is open. The palette finds every action by name."
                ),
                "small",
                "text2",
                wrap=True,
            )
        )
        self.body.addStretch(1)


def _rows(actions: Actions, names: list[str]) -> QGridLayout:
    grid = QGridLayout()
    grid.setVerticalSpacing(6)
    grid.setColumnStretch(0, 1)
    for row, name in enumerate(names):
        grid.addWidget(PlainLabel(actions[name].text().rstrip("…"), "body", "text2"), row, 0)
        keys = QHBoxLayout()
        keys.setSpacing(6)
        for shortcut in actions[name].shortcuts():
            keys.addWidget(KeyCap(shortcut))
        grid.addLayout(keys, row, 1, Qt.AlignmentFlag.AlignRight)
    return grid
