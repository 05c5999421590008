"""Two Images side by side at the same place and zoom: one that is asked about, and one that is like it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from convnext_studio.core.events import OpenedImage
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.buttons import IconButton
from convnext_studio.gui.widgets.dialog import Dialog
from convnext_studio.gui.widgets.image_canvas import ImageCanvas
from convnext_studio.gui.widgets.label import PlainLabel


class PairDialog(Dialog):
    """`stepped` asks for the one before or the next, by button or with Page up and Page down."""

    stepped = Signal(int)

    def __init__(self, theme: Theme, title: str, parent: QWidget) -> None:
        super().__init__(theme, title, parent, scrolls=False)
        self.resize(960, 600)
        self.left, self.right = ImageCanvas(theme, self.tr("Current image")), ImageCanvas(theme, self.tr("Like it"))
        self._titles = tuple(PlainLabel("", "section", elide=Qt.TextElideMode.ElideMiddle) for _ in range(2))
        self._words = tuple(PlainLabel("", "small", "text2", elide=Qt.TextElideMode.ElideMiddle) for _ in range(2))
        self.body.setContentsMargins(24, 0, 24, 12)
        row = QHBoxLayout()
        row.setSpacing(12)
        for canvas, head, words in zip((self.left, self.right), self._titles, self._words, strict=True):
            column = QVBoxLayout()
            column.setSpacing(2)
            column.addWidget(head)
            column.addWidget(words)
            column.addSpacing(6)
            column.addWidget(canvas, 1)
            canvas.stepped.connect(self.stepped)
            row.addLayout(column, 1)
        self.body.addLayout(row, 1)
        self.before = IconButton(theme, "left", self.tr("The one before"))
        self.after = IconButton(theme, "right", self.tr("The next one"))
        self.copy = IconButton(theme, "copy", self.tr("Copy the path of the image at the right"))
        for number, button in enumerate((self.before, self.after, self.copy)):
            self.buttons.insertWidget(number, button)
        self._path = ""
        self.before.clicked.connect(self._on_before)
        self.after.clicked.connect(self._on_after)
        self.copy.clicked.connect(self._on_copy)
        self.left.view_changed.connect(self._on_left_moved)
        self.right.view_changed.connect(self._on_right_moved)

    def show_left(self, opened: OpenedImage | None, title: str, words: str) -> None:
        """The Image that is asked about."""
        self._show(0, opened, title, words)

    def show_right(self, opened: OpenedImage | None, title: str, words: str, path: str) -> None:
        """The one that is like it; `words` where it cannot be shown are said in its place by `show_reason`."""
        self._path = path
        self._show(1, opened, title, words)

    def show_reason(self, reason: str) -> None:
        """Why the one at the right cannot be shown."""
        self.right.set_words(self.tr("This image cannot be shown"), reason, "warn")

    def _show(self, side: int, opened: OpenedImage | None, title: str, words: str) -> None:
        canvas = (self.left, self.right)[side]
        self._titles[side].setText(title)
        self._words[side].setText(words)
        canvas.setAccessibleDescription(f"{title}, {words}")
        if opened is not None:
            canvas.set_picture(opened.pixels, opened.width, opened.height)
        else:
            canvas.set_words("", "")

    def _on_before(self) -> None:
        self.stepped.emit(-1)

    def _on_after(self) -> None:
        self.stepped.emit(1)

    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self._path)

    def _on_left_moved(self) -> None:
        self.right.follow(self.left)

    def _on_right_moved(self) -> None:
        self.left.follow(self.right)
