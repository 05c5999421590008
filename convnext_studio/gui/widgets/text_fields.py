"""Fields that say what was typed once it is done, and do not change under the fingers of whoever types."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QLineEdit, QPlainTextEdit


class _Typing:
    """What a field shows: what is kept of the thing it is about, or what was typed of it and could not be kept."""

    def __init__(self, text: Callable[[], str], set_text: Callable[[str], None], tell: Callable[[str, str], None]):
        self._text = text
        self._set_text = set_text
        self._tell = tell
        self._about = ""
        self._kept = ""
        self._unkept: dict[str, str] = {}

    def show(self, about: str, text: str, *, has_focus: bool) -> None:
        is_typing = about == self._about and has_focus and self._text() != self._kept
        if about != self._about:
            self.finish()
            self._about = about
        self._kept = text
        shown = self._unkept.get(about, text)
        if not is_typing and shown != self._text():
            self._set_text(shown)

    def put_back(self, about: str, text: str, *, has_focus: bool) -> None:
        self._unkept[about] = text
        if about == self._about:
            self.show(about, self._kept, has_focus=has_focus)

    def finish(self) -> None:
        text = self._text()
        if text != self._kept:
            self._kept = text
            self._unkept.pop(self._about, None)
            self._tell(self._about, text)


class LineField(QLineEdit):
    """`done` hands over what the line is about and a text that was changed, at Enter or when the field is left."""

    done = Signal(str, str)

    def __init__(self, name: str, tip: str, longest: int) -> None:
        super().__init__()
        self._typing = _Typing(self.text, self.setText, self.done.emit)
        self.setAccessibleName(name)
        self.setToolTip(tip)
        self.setMaxLength(longest)
        self.setFixedHeight(30)
        self.editingFinished.connect(self._typing.finish)

    def show_text(self, about: str, text: str) -> None:
        """Show what is kept, unless it is being changed."""
        self._typing.show(about, text, has_focus=self.hasFocus())

    def put_back(self, about: str, text: str) -> None:
        """It could not be kept: show it again, so that it can be tried once more."""
        self._typing.put_back(about, text, has_focus=self.hasFocus())


class NotesField(QPlainTextEdit):
    """`done` hands over what the text is about and the text that was changed, when the field is left."""

    done = Signal(str, str)

    def __init__(self, name: str, tip: str, placeholder: str) -> None:
        super().__init__()
        self._typing = _Typing(self.toPlainText, self.setPlainText, self.done.emit)
        self.setAccessibleName(name)
        self.setToolTip(tip)
        self.setPlaceholderText(placeholder)
        self.setTabChangesFocus(True)
        self.setProperty("kind", "field")
        self.document().setDocumentMargin(8)  # as far in as the words of a line are

    def show_text(self, about: str, text: str) -> None:
        """Show what is kept, unless it is being changed."""
        self._typing.show(about, text, has_focus=self.hasFocus())

    def put_back(self, about: str, text: str) -> None:
        """It could not be kept: show it again, so that it can be tried once more."""
        self._typing.put_back(about, text, has_focus=self.hasFocus())

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Done."""
        super().focusOutEvent(event)
        self._typing.finish()
