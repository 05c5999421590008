"""Buttons: one filled one a page, the others with a border, tools with none until hovered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from PySide6.QtCore import QObject, QSize, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget

from convnext_studio.gui.theme.fonts import font
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.enter_key import PressedByEnter
from convnext_studio.gui.widgets.frame import set_variant
from convnext_studio.gui.widgets.label import plain_tip

Kind = Literal["secondary", "primary", "ghost", "danger", "link", "row", "field", "chip", "segment"]
_ICON_ROLES = {"primary": "onfill", "danger": "ng", "link": "accent"}


class Button(PressedByEnter, QPushButton):
    """A word, with an icon at its left if need be. Its text is plain; `&` marks no mnemonic."""

    def __init__(
        self, theme: Theme, text: str, icon: str | None = None, kind: Kind = "secondary", *, is_small: bool = False
    ) -> None:
        super().__init__()
        self._theme = theme
        self._icon_name = icon
        self._kind: Kind = kind
        self.setFont(font("small" if is_small else "label"))
        self.setProperty("kind", kind)
        if is_small:
            self.setProperty("sz", "small")
        self.setIconSize(QSize(16, 16))
        self.setAutoDefault(False)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        if kind == "link":
            self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._show_icon()
        self.set_text(text)

    def set_text(self, text: str) -> None:
        """Show `text`; icon and word stand a space further apart than Qt would put them."""
        shown = text.replace("&", "&&")
        self.setText(f" {shown}" if self._icon_name and text else shown)
        self.setAccessibleName(text)

    def set_icon(self, name: str) -> None:
        """Show another icon."""
        if name != self._icon_name:
            self._icon_name = name
            self._show_icon()

    def set_kind(self, kind: Kind) -> None:
        """Change between primary, secondary, ghost and danger."""
        self._kind = kind
        set_variant(self, "kind", kind)
        self._show_icon()

    def _show_icon(self) -> None:
        if self._icon_name:
            self.setIcon(self._theme.icon(self._icon_name, _ICON_ROLES.get(self._kind, "text2"), _on_role(self._kind)))


class IconButton(PressedByEnter, QPushButton):
    """A tool: an icon of 18 in a square of 28 to 30, with a tool tip that is its accessible name as well."""

    def __init__(self, theme: Theme, icon: str, tooltip: str, checkable: bool = False) -> None:
        super().__init__()
        self._theme = theme
        self.setProperty("kind", "ghost")
        self.setProperty("sz", "icon")
        self.setIconSize(QSize(18, 18))
        self.setAutoDefault(False)
        self.setCheckable(checkable)
        self.set_icon(icon)
        self.set_tip(tooltip)

    def set_icon(self, name: str) -> None:
        """Show another icon."""
        self.setIcon(self._theme.icon(name, "text2", "accent"))

    def set_tip(self, tooltip: str, shortcut: QKeySequence | None = None) -> None:
        """Change what the button is called, and the shortcut shown with it."""
        keys = shortcut.toString(QKeySequence.SequenceFormat.NativeText) if shortcut else ""
        self.setToolTip(plain_tip(f"{tooltip} ({keys})" if keys else tooltip))
        self.setAccessibleName(tooltip)


class ActionButton(Button):
    """A button that does what an action does, and is enabled and checked when the action is."""

    def __init__(self, theme: Theme, action: QAction, icon: str | None = None, kind: Kind = "secondary") -> None:
        super().__init__(theme, action.text(), icon, kind)
        bind(self, action)


class ActionIconButton(IconButton):
    """An icon button that does what an action does, and is enabled and checked when the action is."""

    def __init__(self, theme: Theme, action: QAction, icon: str) -> None:
        super().__init__(theme, icon, action.text().rstrip("…"), action.isCheckable())
        bind(self, action, lambda: self.set_tip(action.text().rstrip("…"), action.shortcut()))


def bind(button: QPushButton, action: QAction, show_tip: Callable[[], None] | None = None) -> None:
    """Let `button` be another face of `action`; its own words, icon and tool tip stay."""

    def show_keys() -> None:
        keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        button.setToolTip(plain_tip(f"{action.toolTip()} ({keys})" if keys else action.toolTip()))

    button.setCheckable(action.isCheckable())
    _Follower(button, action, show_tip or (None if button.toolTip() else show_keys))
    button.clicked.connect(action.trigger)


def faces_of(action: QAction, within: QWidget) -> list[QPushButton]:
    """The buttons in `within` that are bound to `action`, seen or not."""
    return [follower.button for follower in within.findChildren(_Follower) if follower.action is action]


class _Follower(QObject):
    """Keeps a button as its action is; a child of the button, so that it ends with it."""

    def __init__(self, button: QPushButton, action: QAction, show_tip: Callable[[], None] | None) -> None:
        super().__init__(button)
        self._show_tip = show_tip
        self.button = button
        self.action = action
        action.changed.connect(self._on_changed)
        self._on_changed()

    def _on_changed(self) -> None:
        self.button.setEnabled(self.action.isEnabled())
        self.button.setChecked(self.action.isChecked())
        if self._show_tip is not None:
            self._show_tip()


def _on_role(kind: Kind) -> str:
    return {"ghost": "accent", "chip": "accent", "segment": "text"}.get(kind, _ICON_ROLES.get(kind, "text2"))
