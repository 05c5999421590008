"""Draws what is new only while somebody can see it: a page that is not in front waits until it is."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QWidget

_COMES_BACK = (QEvent.Type.Show, QEvent.Type.WindowStateChange)


class WhenSeen(QObject):
    """`ask` calls `draw` at once while `page` is in sight, else once when it comes into sight."""

    def __init__(self, page: QWidget, draw: Callable[[], None]) -> None:
        super().__init__(page)
        self._page, self._draw = page, draw
        self._window: QWidget | None = None  # the one that is watched: a page hears nothing of minimising
        self._is_behind = False
        page.installEventFilter(self)

    def ask(self) -> None:
        """Something is new."""
        window = self._page.window()
        if window is not self._window:
            window.installEventFilter(self)
            self._window = window
        self._is_behind = not self._is_seen
        if not self._is_behind:
            self._draw()

    @property
    def _is_seen(self) -> bool:
        return self._page.isVisible() and not self._page.window().isMinimized()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: ARG002
        """Catch up before it is painted."""
        if self._is_behind and event.type() in _COMES_BACK and self._is_seen:
            self._is_behind = False
            self._draw()
        return False
