"""The sheet of shortcuts, made from the actions; each can be given other keys here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QFileDialog, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from convnext_studio.core.errors import StudioError
from convnext_studio.gui.actions import MENUS, Actions
from convnext_studio.gui.language import spoken
from convnext_studio.gui.shortcuts import Shortcuts
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.buttons import Button, IconButton
from convnext_studio.gui.widgets.dialog import Dialog
from convnext_studio.gui.widgets.key_cap import KeyCap
from convnext_studio.gui.widgets.label import PlainLabel

_MODIFIERS = (Qt.Key.Key_Control, Qt.Key.Key_Shift, Qt.Key.Key_Alt, Qt.Key.Key_Meta, Qt.Key.Key_AltGr, Qt.Key(0))


class ShortcutSheet(Dialog):
    """One section a menu, one row an action; the keys of image and list below, which stay as they are."""

    def __init__(self, studio: Studio, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(studio.theme, self.tr("Keyboard shortcuts"), parent)
        self._studio = studio
        self._shortcuts = Shortcuts(studio.places.shortcuts, actions)
        self.rows: dict[str, _Row] = {}
        self.problem = PlainLabel("", "small", "ng", wrap=True)
        self.problem.hide()
        for menu in MENUS:
            names = [name for name in actions if actions.menu_of(name) == menu]
            if names:
                self.body.addSpacing(8)
                self.body.addWidget(PlainLabel(actions.heading(menu), "section"))
            for name in names:
                self.rows[name] = _Row(studio.theme, self._shortcuts, actions, name, self._try)
                self.body.addWidget(self.rows[name])
        self.body.addSpacing(8)
        self.body.addWidget(PlainLabel(self.tr("On the image and in the list"), "section"))
        self.body.addLayout(_key_rows(self._plain_keys()))
        self.body.addSpacing(8)
        words = self.tr(
            "Tab moves on, Shift Tab back, Esc closes what is open. The palette finds every action by name."
        )
        self.body.addWidget(PlainLabel(words, "small", "text2", wrap=True))
        self.body.addStretch(1)
        self._add_buttons()

    def _add_buttons(self) -> None:
        theme = self._studio.theme
        self.reset_all = Button(theme, self.tr("Reset all"), "retry", "ghost")
        self.reset_all.clicked.connect(lambda: self._try(self._shortcuts.reset_all))
        export = Button(theme, self.tr("Export…"), kind="ghost")
        export.clicked.connect(lambda: self._choose(QFileDialog.AcceptMode.AcceptSave, self._shortcuts.save_as))
        load = Button(theme, self.tr("Import…"), kind="ghost")
        load.clicked.connect(lambda: self._choose(QFileDialog.AcceptMode.AcceptOpen, self._shortcuts.load))
        for place, widget in enumerate((self.reset_all, export, load, self.problem)):
            self.buttons.insertWidget(place, widget, 1 if widget is self.problem else 0)

    def _choose(self, mode: QFileDialog.AcceptMode, then: Callable[[Path], None]) -> None:
        dialog = QFileDialog(self, self.tr("Shortcuts"), str(Path.home() / "shortcuts.json"))
        dialog.setAcceptMode(mode)
        dialog.setNameFilters(["JSON (*.json)"])
        dialog.setDefaultSuffix("json")
        dialog.fileSelected.connect(lambda path: self._try(lambda: then(Path(path))))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _try(self, act: Callable[[], None]) -> bool:
        """Do it; say what is wrong where the user looks."""
        try:
            act()
            problem = ""
        except StudioError as error:
            problem = spoken(f"{error.message} {error.hint}".strip())
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))
        return not problem

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


class _Row(QWidget):
    """An action, its keys, and what changes them; what does not fit is said below."""

    def __init__(
        self, theme: Theme, shortcuts: Shortcuts, actions: Actions, name: str, attempt: Callable[..., bool]
    ) -> None:
        super().__init__()
        self._shortcuts = shortcuts
        self._action = actions[name]
        self._name = name
        self._attempt = attempt
        words = self._action.text().rstrip("…")
        self.change = _KeyCatcher(theme, self.tr("Change"))
        self.change.setAccessibleName(self.tr("Change the keys of “{0}”").format(words))
        self.change.caught.connect(self._on_caught)
        self.reset = IconButton(theme, "retry", self.tr("Back to the first keys of “{0}”").format(words))
        self.reset.clicked.connect(lambda: attempt(lambda: shortcuts.reset(name)))
        self.problem = PlainLabel("", "small", "ng", wrap=True)
        self.problem.hide()
        self._keys = QHBoxLayout()
        self._keys.setSpacing(6)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(PlainLabel(words, "body", "text2", elide=Qt.TextElideMode.ElideRight), 1)
        row.addLayout(self._keys)
        row.addWidget(self.reset)
        row.addWidget(self.change)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(row)
        column.addWidget(self.problem)
        self._shown: list[QKeySequence] | None = None
        self._action.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        keys = list(self._action.shortcuts())
        if keys == self._shown:
            return
        self._shown = keys
        while (item := self._keys.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        for key in keys:
            self._keys.addWidget(KeyCap(key))
        self.reset.setVisible(self._shortcuts.is_own(self._name))

    def _on_caught(self, keys: QKeySequence) -> None:
        problem = self._shortcuts.problem_with(self._name, keys)
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))
        if not problem:
            self._attempt(lambda: self._shortcuts.rebind(self._name, keys))


class _KeyCatcher(Button):
    """Pressed, it waits for the next keys and tells them; Esc or looking elsewhere ends the wait."""

    caught = Signal(object)
    _is_waiting = False  # of the class, because events come while it is being made

    def __init__(self, theme: Theme, words: str) -> None:
        super().__init__(theme, words, kind="secondary", is_small=True)
        self._words = words
        self.clicked.connect(lambda: self._wait(is_waiting=True))

    def _wait(self, *, is_waiting: bool) -> None:
        self._is_waiting = is_waiting
        self.setText(self.tr("Press keys") if is_waiting else self._words)

    def event(self, event: QEvent) -> bool:
        """While it waits, keys are neither shortcuts nor ways to move the focus."""
        if self._is_waiting and isinstance(event, QKeyEvent):
            if event.type() == QEvent.Type.ShortcutOverride:
                event.accept()
                return True
            if event.type() == QEvent.Type.KeyPress:
                self._catch(event)
                return True
        return super().event(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """The user went elsewhere."""
        self._wait(is_waiting=False)
        super().focusOutEvent(event)

    def _catch(self, event: QKeyEvent) -> None:
        if event.key() in _MODIFIERS:
            return
        self._wait(is_waiting=False)
        if event.key() != Qt.Key.Key_Escape:
            self.caught.emit(QKeySequence(event.keyCombination()))


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
