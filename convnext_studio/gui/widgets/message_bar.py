"""A bar of forty pixels over the page: a bold fact, what to do about it, and the ways on."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy

from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.buttons import Button, IconButton
from convnext_studio.gui.widgets.frame import Frame
from convnext_studio.gui.widgets.label import IconLabel, PlainLabel, plain_tip

Kind = Literal["info", "success", "warning", "error"]
_LOOK: dict[str, tuple[str, str, str]] = {
    "info": ("info", "info", "accent"),
    "success": ("ok", "ok", "ok"),
    "warning": ("again", "warn", "again"),
    "error": ("ng", "ng", "ng"),
}


class MessageBar(Frame):
    """Shows one message; `action_pressed`, `copy_pressed` and `close_pressed` say what was pressed."""

    action_pressed = Signal()
    copy_pressed = Signal()
    close_pressed = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__("info")
        self.setFixedHeight(40)
        self._icon = IconLabel(theme, "info", "accent")
        self._fact = PlainLabel("", "strong", elide=Qt.TextElideMode.ElideMiddle)
        self._fact.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)  # whole where it fits
        self._what_to_do = PlainLabel("", "body", "text2", elide=Qt.TextElideMode.ElideRight)
        self._more = PlainLabel("", "small", "text2")
        self._action = Button(theme, "", is_small=True)
        self._copy = Button(theme, self.tr("Copy details"), kind="ghost", is_small=True)
        self._close = IconButton(theme, "x", self.tr("Close this message"))
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 8, 0)
        row.setSpacing(8)
        row.addWidget(self._icon)
        row.addWidget(self._fact)
        row.addWidget(self._what_to_do, 1)
        row.addWidget(self._more)
        row.addWidget(self._action)
        row.addWidget(self._copy)
        row.addWidget(self._close)
        self._action.hide()
        self._action.clicked.connect(self.action_pressed)
        self._copy.clicked.connect(self.copy_pressed)
        self._close.clicked.connect(self.close_pressed)

    def show_message(
        self, kind: Kind, fact: str, what_to_do: str = "", *, action_text: str = "", has_details: bool = False
    ) -> None:
        """Show a message and announce it; the focus stays where it is."""
        ground, icon, role = _LOOK[kind]
        self.set_ground(ground)
        self._icon.set_icon(icon, role)
        self._fact.setText(fact)
        self._what_to_do.setText(what_to_do)
        self._action.set_text(action_text)
        self._action.setVisible(bool(action_text))
        self._copy.setVisible(has_details)
        self.setAccessibleName(f"{fact} {what_to_do}".strip())
        self.setToolTip(plain_tip(f"{fact}\n{what_to_do}".strip()))
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.Alert))

    def show_count(self, text: str) -> None:
        """Say how many more messages wait ("2 more"), or nothing."""
        self._more.setText(text)
        self._more.setVisible(bool(text))
