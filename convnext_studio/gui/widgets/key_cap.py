"""A shortcut, drawn as a key."""

from __future__ import annotations

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QSizePolicy

from convnext_studio.gui.widgets.label import PlainLabel


def key_words(keys: QKeySequence | str) -> str:
    """A shortcut in words as they stand on keys: "Ctrl Shift O"."""
    text = keys if isinstance(keys, str) else keys.toString(QKeySequence.SequenceFormat.NativeText)
    return text.replace("+", " ") if len(text) > 1 and not text.endswith("++") else text.replace("++", " +")


class KeyCap(PlainLabel):
    """One shortcut."""

    def __init__(self, keys: QKeySequence | str) -> None:
        super().__init__(key_words(keys), "cap", "text2")
        self.setProperty("keycap", True)
        self.setFixedHeight(18)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)


class ActionKeyCap(KeyCap):
    """The first shortcut of an action, as it is now; nothing where it has none."""

    def __init__(self, action: QAction) -> None:
        super().__init__(action.shortcut())
        self._action = action
        if not self.text():
            self.hide()
        action.changed.connect(self._show_keys)

    def _show_keys(self) -> None:
        self.setText(key_words(self._action.shortcut()))
        self.setVisible(bool(self.text()))
