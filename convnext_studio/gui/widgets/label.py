"""Words on the screen. Text is always plain: a file name may look like markup."""

from __future__ import annotations

import re

from PySide6 import QtGui
from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import (
    QAction,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from convnext_studio.gui.theme.fonts import font
from convnext_studio.gui.theme.theme import Theme

_JOINER = "\u2060"
_BREAK = "\u200b"  # where a line may end, though nothing is seen
_LONG_WORD = re.compile(r"\S{19,}")
_JOINT = re.compile(r"([_/\\=-]|\.(?=\S{5}))(?=\S)")  # not before an ending like .png
_UNJOINED = re.compile(rf"[^{_BREAK}]{{24}}(?=[^{_BREAK}])")


def plain_tip(text: str) -> str:
    """`text` as a tool tip that is shown letter by letter: Qt takes tool tips that look like markup for markup.

    A joiner without width after each sign that could begin markup makes it plain, and is not seen.
    """
    if not might_be_markup(text):
        return text
    return text.replace("<", f"<{_JOINER}").replace("&", f"&{_JOINER}")


def might_be_markup(text: str) -> bool:
    """True if Qt would render `text` where it guesses the format."""
    return bool(QtGui.Qt.mightBeRichText(text))


def breakable(text: str) -> str:
    """`text` with places to break a line at the joints of long words, as file names are; else they would be cut."""
    return _LONG_WORD.sub(lambda word: _UNJOINED.sub(rf"\g<0>{_BREAK}", _JOINT.sub(rf"\1{_BREAK}", word[0])), text)


def unbroken(text: str) -> str:
    """What `breakable` was given."""
    return text.replace(_BREAK, "")


class PlainLabel(QLabel):
    """A label for untrusted text in a font role and a colour role; wraps, or elides where `elide` says so."""

    def __init__(
        self,
        text: str = "",
        role: str = "body",
        color: str = "text",
        *,
        wrap: bool = False,
        elide: Qt.TextElideMode | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._elide = elide
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setFont(font(role))
        self.setProperty("tone", color)
        self.setWordWrap(wrap)
        if elide is not None:
            self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.setText(text)

    def setText(self, text: str) -> None:
        """Show `text` letter by letter."""
        shown = breakable(text) if self.wordWrap() else text
        if shown == super().text():
            return
        super().setText(shown)
        if self._elide is not None:
            self._update_tip()

    def text(self) -> str:
        """As it was set."""
        return unbroken(super().text())

    def set_color(self, role: str) -> None:
        """Change the colour role."""
        if self.property("tone") != role:
            self.setProperty("tone", role)
            self.style().unpolish(self)
            self.style().polish(self)

    def minimumSizeHint(self) -> QSize:
        """Nothing, where the text may be elided."""
        hint = super().minimumSizeHint()
        return QSize(16, hint.height()) if self._elide is not None else hint

    def resizeEvent(self, event: QResizeEvent) -> None:
        """An elided text shows itself whole in the tool tip."""
        super().resizeEvent(event)
        if self._elide is not None:
            self._update_tip()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the text, shortened if it does not fit."""
        if self._elide is None:
            super().paintEvent(event)
            return
        painter = QPainter(self)
        shown = self.fontMetrics().elidedText(self.text(), self._elide, self.contentsRect().width())
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(self.contentsRect(), int(self.alignment()) | int(Qt.TextFlag.TextSingleLine), shown)

    def _update_tip(self) -> None:
        is_cut = self.fontMetrics().horizontalAdvance(self.text()) > self.contentsRect().width()
        tip = plain_tip(self.text()) if is_cut else ""
        if tip != self.toolTip():  # to set one is told to all that listen
            self.setToolTip(tip)


class SelectableLabel(PlainLabel):
    """A value that can be selected and copied: as it is, without the places to break a line."""

    def __init__(self, text: str, role: str = "small") -> None:
        super().__init__(text, role, wrap=True)
        flags = Qt.TextInteractionFlag
        self.setTextInteractionFlags(flags.TextSelectableByMouse | flags.TextSelectableByKeyboard)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        copy = QAction(self.tr("Copy"), self)
        copy.triggered.connect(self.copy)
        self.addAction(copy)

    def copy(self) -> None:
        """Copy what is selected, or all of it."""
        QGuiApplication.clipboard().setText(unbroken(self.selectedText()) or self.text())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """The label alone would copy what is drawn."""
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        else:
            super().keyPressEvent(event)


class IconLabel(QLabel):
    """An icon that says something and does nothing; it follows theme and pixel ratio."""

    def __init__(self, theme: Theme, name: str, role: str = "text2", size: int = 16) -> None:
        super().__init__()
        self._theme = theme
        self._what = (name, role, size)
        self.setFixedSize(size, size)
        theme.changed.connect(self._show)
        self._show()

    def set_icon(self, name: str, role: str) -> None:
        """Show another icon."""
        what = (name, role, self._what[2])
        if what != self._what:
            self._what = what
            self._show()

    def event(self, event: QEvent) -> bool:
        """Draw anew on a screen of another pixel ratio."""
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._show()
        return super().event(event)

    def _show(self) -> None:
        name, role, size = self._what
        pixmap: QPixmap = self._theme.pixmap(name, role, size, self.devicePixelRatioF())
        self.setPixmap(pixmap)
