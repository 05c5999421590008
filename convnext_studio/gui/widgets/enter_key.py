"""Enter presses a button as Space does: Qt alone lets it do so in dialogs only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent

if TYPE_CHECKING:
    from PySide6.QtWidgets import QAbstractButton as _Beside
else:
    _Beside = object


class PressedByEnter(_Beside):
    """Stands before the Qt class among the bases of a button."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter presses, once each time it is pressed down."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.modifiers() & ~_KEYPAD:
            if not event.isAutoRepeat():
                self.click()
            return
        super().keyPressEvent(event)


_KEYPAD = Qt.KeyboardModifier.KeypadModifier
