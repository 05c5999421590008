"""Which parts of the window are seen and how wide they are: side panels, the picture alone, sizes kept and reset."""

from __future__ import annotations

import base64

from PySide6.QtCore import QByteArray, QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QMainWindow, QSplitter, QStackedWidget, QWidget

from convnext_studio.gui.actions import Actions
from convnext_studio.gui.stores.studio import Studio

SMALL_WIDTH = 1180
_SIZE = (1440, 900)
_SIDES = {True: (224, 260), False: (340, 320)}  # by whether the window is small


class WindowLayout(QObject):
    """`around` are the bars that go when the picture is alone; `pages` says whether there is a picture to be seen."""

    def __init__(
        self,
        window: QMainWindow,
        studio: Studio,
        actions: Actions,
        around: tuple[QWidget, ...],
        pages: QStackedWidget,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._studio = studio
        self._around = around
        self._pages = pages
        self._splitter: QSplitter | None = None
        self._panels: tuple[QWidget, ...] = ()
        self._full = actions["full_screen"]
        self._sides = actions["side_panels"]
        self._sides.setChecked(True)
        actions.connect("full_screen", self._on_full_screen)
        actions.connect("side_panels", self._show_parts)
        actions.connect("reset_layout", self.reset)
        pages.currentChanged.connect(self._show_enabled)
        window.installEventFilter(self)
        self._show_enabled()

    def take(self, splitter: QSplitter, panels: tuple[QWidget, QWidget, QWidget]) -> None:
        """Look after the page: a side panel, the picture, a side panel."""
        self._splitter = splitter
        self._panels = panels
        for panel in panels:
            splitter.addWidget(panel)
        for number, panel in enumerate(panels):
            splitter.setStretchFactor(number, 1 if panel is panels[1] else 0)
        splitter.splitterMoved.connect(self._keep_sides)
        self.size_sides()
        self._show_parts()

    def size_sides(self) -> None:
        """Give the side panels the width they had in a window of this kind."""
        if self._splitter is None:
            return
        kept = self._studio.memory.texts(self._name)
        left, right = (int(side) for side in kept) if _are_widths(kept) else _SIDES[self.is_small]
        rest = max(200, self._window.width() - self._around[0].width() - left - right)
        self._splitter.setSizes([left, rest, right])

    @property
    def is_small(self) -> bool:
        """True if the window does without words on the rail and more."""
        return self._window.width() < SMALL_WIDTH

    def restore(self) -> None:
        """Put the window where it was; Qt moves it onto a screen that is there."""
        self._window.resize(*_SIZE)
        if kept := self._studio.memory.text("geometry"):
            self._window.restoreGeometry(QByteArray.fromBase64(kept.encode()))

    def reset(self) -> None:
        """Everything in sight again, and as wide as at the first start."""
        self._full.setChecked(False)
        self._sides.setChecked(True)
        for is_small in (False, True):
            self._studio.memory.keep(_sides_name(is_small=is_small), [])
        self.size_sides()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: ARG002
        """Esc leaves the picture alone; a window that is closed remembers its place with all its parts."""
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if event.key() == Qt.Key.Key_Escape and self._full.isChecked():
                self._full.setChecked(False)
                return True
        elif event.type() == QEvent.Type.Close:
            self._full.setChecked(False)
            self._studio.memory.keep("geometry", base64.b64encode(self._window.saveGeometry().data()).decode())
        return False

    @property
    def _name(self) -> str:
        return _sides_name(is_small=self.is_small)

    def _on_full_screen(self, is_on: bool) -> None:
        change = Qt.WindowState.WindowFullScreen
        state = self._window.windowState()
        self._show_parts()
        self._window.setWindowState(state | change if is_on else state & ~change)

    def _show_parts(self) -> None:
        is_full = self._full.isChecked()
        if self._splitter is not None:
            self._show_sides(is_full=is_full)
        for widget in self._around:
            widget.setVisible(not is_full)

    def _show_sides(self, *, is_full: bool) -> None:
        assert self._splitter is not None
        left, picture, right = self._panels
        has_sides = self._sides.isChecked() and not is_full
        focus = self._window.focusWidget()
        if not has_sides and (is_full or (focus is not None and self._splitter.isAncestorOf(focus))):
            picture.setFocus(Qt.FocusReason.OtherFocusReason)  # before Qt looks for another, as if by Tab
        for panel in (left, right):
            panel.setVisible(has_sides)
        if has_sides:
            self.size_sides()

    def _keep_sides(self) -> None:
        assert self._splitter is not None
        left, _middle, right = self._splitter.sizes()
        if left and right:
            self._studio.memory.keep(self._name, [str(left), str(right)])

    def _show_enabled(self) -> None:
        is_in_sight = self._splitter is not None and self._pages.currentWidget() is self._splitter
        self._full.setEnabled(is_in_sight)
        self._sides.setEnabled(is_in_sight)
        if not is_in_sight:
            self._full.setChecked(False)


def _sides_name(*, is_small: bool) -> str:
    return "sides of a small window" if is_small else "sides"


def _are_widths(kept: list[str]) -> bool:
    return len(kept) == 2 and all(text.isascii() and text.isdigit() and int(text) < 10_000 for text in kept)
