"""A field to search or filter with: a magnifier at its left, a cross at its right once something is in it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QLineEdit

from convnext_studio.gui.theme.fonts import font
from convnext_studio.gui.theme.theme import Theme
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
        self.setTextMargins(20, 0, 0, 0)
        self._icon = IconLabel(theme, "search", "text3")
        self._icon.setParent(self)
        self._icon.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._icon.move(8, (_HEIGHT - 16) // 2)
        self.addAction(theme.icon("x", "text3"), QLineEdit.ActionPosition.TrailingPosition).triggered.connect(
            self.clear
        )
        self._clear = self.actions()[0]
        self._clear.setToolTip(self.tr("Empty the field"))
        self._clear.setVisible(False)
        self.textChanged.connect(self._on_text_changed)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the magnifier in the middle."""
        super().resizeEvent(event)
        self._icon.move(8, (self.height() - 16) // 2)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc empties the field."""
        if event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
            return
        super().keyPressEvent(event)

    def _on_text_changed(self, text: str) -> None:
        self._clear.setVisible(bool(text))
