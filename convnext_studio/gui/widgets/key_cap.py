"""A shortcut, drawn as a key."""

from __future__ import annotations

from PySide6.QtCore import QT_TRANSLATE_NOOP
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QSizePolicy

from convnext_studio.gui.widgets.label import PlainLabel

_ARROWS = {"Left": "←", "Right": "→", "Up": "↑", "Down": "↓"}
_NAMES = (  # what Qt asks the catalogue for
    QT_TRANSLATE_NOOP("QShortcut", "Ctrl"),
    QT_TRANSLATE_NOOP("QShortcut", "Shift"),
    QT_TRANSLATE_NOOP("QShortcut", "Return"),
    QT_TRANSLATE_NOOP("QShortcut", "Space"),
    QT_TRANSLATE_NOOP("QShortcut", "Backspace"),
    QT_TRANSLATE_NOOP("QShortcut", "Del"),
    QT_TRANSLATE_NOOP("QShortcut", "Ins"),
    QT_TRANSLATE_NOOP("QShortcut", "Home"),
    QT_TRANSLATE_NOOP("QShortcut", "End"),
    QT_TRANSLATE_NOOP("QShortcut", "PgUp"),
    QT_TRANSLATE_NOOP("QShortcut", "PgDown"),
)


def key_words(keys: QKeySequence | str) -> str:
    """A shortcut in words as they stand on keys: "Ctrl Shift O"."""
    text = keys if isinstance(keys, str) else keys.toString(QKeySequence.SequenceFormat.NativeText)
    words = text.replace("+", " ") if len(text) > 1 and not text.endswith("++") else text.replace("++", " +")
    return " ".join(_ARROWS.get(word, word) for word in words.split(" "))


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
