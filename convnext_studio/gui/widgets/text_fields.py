"""Fields that say what was typed once it is done, and do not change under the fingers of whoever types."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QLineEdit, QPlainTextEdit


class LineField(QLineEdit):
    """`done` hands over a line that was changed, at Enter or when the field is left."""

    done = Signal(str)

    def __init__(self, name: str, tip: str, longest: int) -> None:
        super().__init__()
        self._kept = ""
        self.setAccessibleName(name)
        self.setToolTip(tip)
        self.setMaxLength(longest)
        self.setFixedHeight(30)
        self.editingFinished.connect(self._on_finished)

    def show_text(self, text: str) -> None:
        """Show what is kept, unless it is being changed."""
        if not (self.hasFocus() and self.text() != self._kept):
            self.setText(text)
        self._kept = text

    def _on_finished(self) -> None:
        if self.text() != self._kept:
            self._kept = self.text()
            self.done.emit(self.text())


class NotesField(QPlainTextEdit):
    """`done` hands over a text that was changed, when the field is left."""

    done = Signal(str)

    def __init__(self, name: str, tip: str, placeholder: str) -> None:
        super().__init__()
        self._kept = ""
        self.setAccessibleName(name)
        self.setToolTip(tip)
        self.setPlaceholderText(placeholder)
        self.setTabChangesFocus(True)
        self.setProperty("kind", "field")
        self.document().setDocumentMargin(8)  # as far in as the words of a line are

    def show_text(self, text: str) -> None:
        """Show what is kept, unless it is being changed."""
        if self.toPlainText() != text and not (self.hasFocus() and self.toPlainText() != self._kept):
            self.setPlainText(text)
        self._kept = text

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Done."""
        super().focusOutEvent(event)
        if self.toPlainText() != self._kept:
            self._kept = self.toPlainText()
            self.done.emit(self._kept)
