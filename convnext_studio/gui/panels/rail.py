"""The slim rail at the left: the places of the window above, menu, help and settings below."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtGui import QKeySequence, QPainter, QPaintEvent
from PySide6.QtWidgets import QMenu, QVBoxLayout, QWidget

from convnext_studio.gui.actions import MENUS, Actions
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.widgets.frame import Frame
from convnext_studio.gui.widgets.mnemonics import with_mnemonics
from convnext_studio.gui.widgets.rail_button import RailButton

_WIDE, _NARROW = 64, 48


class Rail(Frame):
    """Its places are the actions `go_…`."""

    def __init__(self, studio: Studio, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__("window", "right", parent)
        self.place = "inspect"
        self._theme = studio.theme
        self._actions = actions
        self._places = {name: self._place(f"go_{name}") for name in ("inspect", "data", "train", "evaluate", "models")}
        self._menu = self._menu_button(self.tr("Menu"), "menu", self.tr("All actions"), MENUS)
        self._help = self._menu_button(self.tr("Help"), "help", self.tr("Help"), ("Help",))
        self._settings = RailButton(self._theme, self.tr("Settings"), "settings", actions["settings"].toolTip())
        self._settings.clicked.connect(actions["settings"].trigger)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 8)
        column.setSpacing(6)
        for button in self._places.values():
            column.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(1)
        for button in (self._menu, self._help, self._settings):
            column.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)
        self.set_compact(is_compact=False)

    def set_compact(self, *, is_compact: bool) -> None:
        """Without words in a small window."""
        self.setFixedWidth(_NARROW if is_compact else _WIDE)
        for button in (*self._places.values(), self._menu, self._help, self._settings):
            button.set_compact(is_compact=is_compact)

    def button(self, name: str) -> RailButton:
        """The button of a place."""
        return self._places[name]

    def set_place(self, name: str) -> None:
        """Mark where the user is."""
        self.place = name
        for place, button in self._places.items():
            button.setChecked(place == name)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The mark of the place at the very edge."""
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color("accent"))
        for button in self._places.values():
            if button.isChecked():
                painter.drawRoundedRect(QRectF(-2, button.y() + 11, 4, button.height() - 22), 2, 2)

    def _place(self, action_id: str) -> RailButton:
        action = self._actions[action_id]
        button = RailButton(self._theme, action.text(), action_id.removeprefix("go_"), action.toolTip())
        button.setCheckable(True)
        button.clicked.connect(action.trigger)
        return button

    def _menu_button(self, text: str, icon: str, tip: str, headings: tuple[str, ...]) -> RailButton:
        button = RailButton(self._theme, text, icon, tip)
        button.clicked.connect(_MenuOpener(button, self._actions, headings).open)
        return button


class _MenuOpener(QMenu):
    """A menu beside its button: one submenu a heading, or the actions themselves if there is one heading."""

    def __init__(self, button: RailButton, actions: Actions, headings: tuple[str, ...]) -> None:
        super().__init__(button)
        self._button = button
        self._actions = actions
        self._headings = headings

    def open(self) -> None:
        """Fill and open it."""
        self.clear()
        for old in self.findChildren(QMenu):
            old.deleteLater()
        titles = with_mnemonics(self._actions.heading(heading) for heading in self._headings)
        for heading, title in zip(self._headings, titles, strict=True):
            self._fill(self if len(titles) == 1 else self.addMenu(title), heading)
        corner = self._button.mapToGlobal(QPoint(self._button.width() + 6, self._button.height()))
        self.popup(corner - QPoint(0, self.sizeHint().height()))

    def _fill(self, menu: QMenu, heading: str) -> None:
        """An entry of its own for each action: a letter to reach it by, which its buttons do not have."""
        actions = [self._actions[name] for name in self._actions if self._actions.menu_of(name) == heading]
        for action, text in zip(actions, with_mnemonics(action.text() for action in actions), strict=True):
            keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            entry = menu.addAction(action.icon(), f"{text}\t{keys}" if keys else text)
            entry.setStatusTip(action.statusTip())
            entry.setCheckable(action.isCheckable())
            entry.setChecked(action.isChecked())
            entry.setEnabled(action.isEnabled())
            entry.triggered.connect(action.trigger)
