"""A field to search or filter with: a magnifier at its left, a cross at its right once something is in it."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QLineEdit

from convnext_studio.gui.theme.fonts import font
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.buttons import IconButton
from convnext_studio.gui.widgets.label import IconLabel

_HEIGHT = 30


class SearchField(QLineEdit):
    """Emits `textChanged`; Esc empties it first and is passed on when it is empty."""

    def __init__(self, theme: Theme, placeholder: str) -> None:
        super().__init__()
        self.setFont(font("small"))
        self.setPlaceholderText(placeholder)
        self.setAccessibleName(placeholder)
        self.setFixedHeight(_HEIGHT)
        self.setTextMargins(20, 0, 24, 0)
        self._icon = IconLabel(theme, "search", "text3")
        self._icon.setParent(self)
        self._icon.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._icon.move(8, (_HEIGHT - 16) // 2)
        self._clear = IconButton(theme, "x", self.tr("Empty the field"))
        self._clear.setParent(self)
        self._clear.setIconSize(QSize(14, 14))
        self._clear.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._clear.setCursor(Qt.CursorShape.ArrowCursor)
        self._clear.clicked.connect(self.clear)
        self._clear.hide()
        self.textChanged.connect(self._on_text_changed)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep magnifier and cross in the middle."""
        super().resizeEvent(event)
        self._clear.setGeometry(self.width() - 30, (self.height() - 28) // 2, 28, 28)
        self._icon.move(8, (self.height() - 16) // 2)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc empties the field."""
        if event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
            return
        super().keyPressEvent(event)

    def _on_text_changed(self, text: str) -> None:
        self._clear.setVisible(bool(text))
