"""What waits to be trained, one row each: first the next one; further to the front, to the back, off."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from convnext_studio.core.runs.queue import Queued
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.stores.runs_table import short_model
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.widgets.buttons import Button, IconButton
from convnext_studio.gui.widgets.frame import Frame
from convnext_studio.gui.widgets.label import PlainLabel
from convnext_studio.gui.widgets.numbers import count
from convnext_studio.gui.widgets.recipe_words import preset_word

_ROW_HEIGHT = 34


class QueuePanel(Frame):
    """Shows `studio.queue`."""

    def __init__(self, studio: Studio, actions: Actions, parent: QWidget | None = None) -> None:  # noqa: ARG002
        super().__init__("panel", "top", parent)
        self._theme = studio.theme
        self._queue = studio.queue
        self._keys: tuple[str, ...] = ()
        self.title = PlainLabel("", "section")
        self.words = PlainLabel("", "small", "text2", elide=Qt.TextElideMode.ElideRight)
        self.hold = Button(studio.theme, self.tr("Hold"), "pause")
        self.hold.clicked.connect(lambda: self._queue.hold(not self._queue.is_held))
        self.rows: list[QWidget] = []
        self._column = QVBoxLayout()
        self._column.setContentsMargins(0, 0, 8, 0)
        self._column.setSpacing(0)
        self._column.addStretch(1)
        self._lay_out()
        self._queue.changed.connect(self.show_queue)
        self.show_queue()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(10)
        head.addWidget(self.title)
        head.addWidget(self.words, 1)
        head.addWidget(self.hold)
        inner = QWidget()
        inner.setLayout(self._column)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inner)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(16, 10, 16, 8)
        whole.setSpacing(6)
        whole.addLayout(head)
        whole.addWidget(area, 1)

    def show_queue(self) -> None:
        """Show what waits now; the focus stays on the same tool of the same row."""
        items = self._queue.items
        self.setVisible(bool(items))
        self.title.setText(self.tr("Queue: {0}").format(count(len(items))))
        if self._queue.trouble:
            self.words.setText(self.tr("Held: {0}").format(self._queue.trouble))
        elif self._queue.is_held:
            self.words.setText(self.tr("Held. Nothing starts until you let it go on."))
        else:
            self.words.setText(
                self.tr("They train one after another, also when the window is closed. A failed one stops no other.")
            )
        self.hold.set_text(self.tr("Go on") if self._queue.is_held else self.tr("Hold"))
        self.hold.set_icon("play" if self._queue.is_held else "pause")
        self.hold.setToolTip(
            self.tr("Start the next one once nothing trains here")
            if self._queue.is_held
            else self.tr("Start none of them for now; what trains goes on")
        )
        self._show_rows(items)

    def _show_rows(self, items: tuple[Queued, ...]) -> None:
        focused = self.focusWidget()
        focus_name = focused.objectName() if focused is not None and focused.hasFocus() else ""
        for row in self.rows:
            self._column.removeWidget(row)
            row.deleteLater()
        self.rows = [self._row(number, item, len(items)) for number, item in enumerate(items)]
        for number, row in enumerate(self.rows):
            self._column.insertWidget(number, row)
        found = next((one for row in self.rows for one in row.findChildren(IconButton, focus_name)), None)
        if focus_name and found is not None:
            found.setFocus()

    def _row(self, number: int, item: Queued, of: int) -> QWidget:
        row = QWidget()
        row.setFixedHeight(_ROW_HEIGHT)
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(10)
        place = PlainLabel(count(number + 1), "small", "text3")
        place.setFixedWidth(20)
        line.addWidget(place)
        line.addWidget(PlainLabel(item.title, "strong"))
        recipe = item.recipe
        facts = [
            short_model(recipe.model),
            preset_word(recipe.preset),
            self.tr("race {0}").format(item.race) if item.race else "",
        ]
        line.addWidget(
            PlainLabel(" · ".join(filter(None, facts)), "small", "text2", elide=Qt.TextElideMode.ElideRight), 1
        )
        tools = (
            ("up", self.tr("Move “{0}” to the front").format(item.title), number > 0),
            ("down", self.tr("Move “{0}” to the back").format(item.title), number < of - 1),
            ("x", self.tr("Take “{0}” off the queue").format(item.title), True),
        )
        for icon, tip, is_enabled in tools:
            button = IconButton(self._theme, icon, tip)
            button.setObjectName(f"{icon} {item.key}")
            button.setEnabled(is_enabled)
            button.clicked.connect(lambda _on=False, icon=icon, key=item.key: self._act(icon, key))
            line.addWidget(button)
        return row

    def _act(self, icon: str, key: str) -> None:
        if icon == "x":
            self._queue.remove(key)
        else:
            self._queue.move(key, -1 if icon == "up" else 1)
