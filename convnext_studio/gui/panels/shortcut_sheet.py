"""The sheet of shortcuts, made from the actions."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
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
        self.body.addWidget(PlainLabel(self.tr("On the image and in the list"), "section"))
        self.body.addLayout(_key_rows(self._plain_keys()))
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

    def _plain_keys(self) -> list[tuple[str, list[QKeySequence | str]]]:
        """What keys and mouse do where nothing is typed; no actions, because the same keys mean more elsewhere."""
        return [
            (self.tr("Next image"), ["Right", "D", "Space"]),
            (self.tr("Previous image"), ["Left", "A", "Backspace"]),
            (self.tr("First and last image"), ["Home", "End"]),
            (self.tr("A page back or on"), ["PgUp", "PgDown"]),
            (self.tr("Select several in the list"), [self.tr("Ctrl click"), self.tr("Shift click")]),
            (self.tr("Move the image"), ["Ctrl+Left", "Ctrl+Right", "Ctrl+Up", "Ctrl+Down", self.tr("Drag")]),
            (self.tr("Zoom at the pointer"), [self.tr("Wheel")]),
            (self.tr("Whole image or actual pixels"), [self.tr("Double click")]),
        ]


def _rows(actions: Actions, names: list[str]) -> QGridLayout:
    return _key_rows([(actions[name].text().rstrip("…"), list(actions[name].shortcuts())) for name in names])


def _key_rows(rows: list[tuple[str, list[QKeySequence | str]]]) -> QGridLayout:
    grid = QGridLayout()
    grid.setVerticalSpacing(6)
    grid.setColumnStretch(0, 1)
    for row, (words, shortcuts) in enumerate(rows):
        grid.addWidget(PlainLabel(words, "body", "text2"), row, 0)
        keys = QHBoxLayout()
        keys.setSpacing(6)
        for shortcut in shortcuts:
            keys.addWidget(KeyCap(shortcut))
        grid.addLayout(keys, row, 1, Qt.AlignmentFlag.AlignRight)
    return grid
