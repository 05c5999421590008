"""The bar on top: which Model, on what it runs, the command field, Open and Classify."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QMenu, QSizePolicy, QWidget

from convnext_studio.gui.actions import Actions
from convnext_studio.gui.stores.recent import RecentPlace
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.widgets.buttons import Button, IconButton, bind
from convnext_studio.gui.widgets.frame import Frame
from convnext_studio.gui.widgets.key_cap import ActionKeyCap
from convnext_studio.gui.widgets.label import PlainLabel, plain_tip

_LONGEST = 40


class TopBar(Frame):
    """`put_left` takes the Model button and the device badge, which other Panels own."""

    def __init__(self, studio: Studio, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__("window", "bottom", parent)
        self._studio = studio
        self._actions = actions
        self._recent: list[QAction] = []  # of the menu that is open
        self.setFixedHeight(48)
        self._left = QHBoxLayout()
        self._left.setSpacing(4)
        self._command = self._make_command_field()
        self._command_icon = IconButton(studio.theme, "search", actions["palette"].text().rstrip("…"))
        self._command_icon.set_tip(actions["palette"].text().rstrip("…"), actions["palette"].shortcut())
        self._command_icon.clicked.connect(actions["palette"].trigger)
        self.open_button = Button(studio.theme, self.tr("Open…"), "folder")
        self.open_button.setToolTip(self.tr("Open images or a folder"))
        self.open_button.clicked.connect(self._open_menu)
        self._classify = Button(studio.theme, actions["classify"].text(), "play", "primary")
        self._stop = Button(studio.theme, actions["stop"].text(), "stop")
        bind(self._classify, actions["classify"])
        bind(self._stop, actions["stop"])
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 12, 0)
        row.setSpacing(8)
        row.addLayout(self._left)
        row.addStretch(1)
        row.addWidget(self._command, 100)
        row.addStretch(1)
        for button in (self._command_icon, self.open_button, self._classify, self._stop):
            row.addWidget(button)
        self.set_compact(is_compact=False)
        studio.classifier.state_changed.connect(self._show_state)
        studio.recent_look.changed.connect(self._grey_out_missing)
        self._show_state()

    def put_left(self, widget: QWidget) -> None:
        """Add a widget at the left."""
        self._left.addWidget(widget)

    def set_compact(self, *, is_compact: bool) -> None:
        """In a small window the command field is an icon."""
        self._command.setVisible(not is_compact)
        self._command_icon.setVisible(is_compact)

    def _show_state(self) -> None:
        is_running = self._studio.classifier.state == "classifying"
        had_focus = self._classify.hasFocus() or self._stop.hasFocus()
        self._classify.setVisible(not is_running)
        self._stop.setVisible(is_running)
        if had_focus:
            (self._stop if is_running else self._classify).setFocus()

    def _make_command_field(self) -> Button:
        action = self._actions["palette"]
        field = Button(self._studio.theme, "", "search", "field")
        words = self.tr("Search actions and settings")
        field.setAccessibleName(words)
        field.setToolTip(plain_tip(action.toolTip()))
        field.setMinimumWidth(240)
        field.setMaximumWidth(320)
        field.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        field.clicked.connect(action.trigger)
        row = QHBoxLayout(field)
        row.setContentsMargins(30, 0, 8, 0)
        row.addWidget(PlainLabel(words, "small", "text2", elide=Qt.TextElideMode.ElideRight), 1)
        row.addWidget(ActionKeyCap(action))
        return field

    def _open_menu(self) -> None:
        menu = QMenu(self)
        menu.addActions([self._actions[name] for name in ("open_files", "open_folder", "paste", "open_sample")])
        places = self._studio.recent.places
        if places:
            menu.addSeparator()
            menu.setToolTipsVisible(True)
            self._studio.look_at_recent()
            for place in places:
                self._add_recent(menu, place)
            self._grey_out_missing()
        menu.aboutToHide.connect(self._on_menu_closed)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.open_button.mapToGlobal(QPoint(0, self.open_button.height() + 4)))

    def _on_menu_closed(self) -> None:
        self._recent = []

    def _grey_out_missing(self) -> None:
        for action in self._recent:
            action.setEnabled(not self._studio.recent_look.is_missing(action.data()))

    def _add_recent(self, menu: QMenu, place: RecentPlace) -> None:
        action = menu.addAction(self._studio.theme.icon("clock"), _with_folder(place).replace("&", "&&"))
        action.setToolTip(plain_tip(place.path))
        action.setData(place.path)
        self._recent.append(action)
        action.triggered.connect(lambda _checked=False, path=place.path: self._studio.open_paths((path,)))


def _with_folder(place: RecentPlace) -> str:
    """The name and the folder it is in, both shortened in the middle."""
    return " · ".join(_shortened(part) for part in (place.name, place.folder) if part)


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST // 2]}…{name[-_LONGEST // 2 :]}"
