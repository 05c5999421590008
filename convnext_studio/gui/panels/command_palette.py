"""The command palette: a few letters find any action that can be done now, and any setting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from convnext_studio.gui.actions import Actions
from convnext_studio.gui.settings import FIELDS
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.theme.fonts import font
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.fuzzy import fuzzy_score
from convnext_studio.gui.widgets.key_cap import key_words
from convnext_studio.gui.widgets.label import PlainLabel
from convnext_studio.gui.widgets.popover import Popover
from convnext_studio.gui.widgets.search_field import SearchField

_ENTRY = Qt.ItemDataRole.UserRole
_MOST_RECENT = 8
_ROW = 34


@dataclass(frozen=True)
class _Entry:
    """What can be run: an id to remember it by, its words, icon, where it belongs, its keys."""

    id: str
    text: str
    icon: str
    place: str
    keys: str
    run: Callable[[], object]


class CommandPalette(Popover):
    """Type, arrows, Enter. What was run last stands first. `setting_wanted` names a setting to show."""

    setting_wanted = Signal(str)

    def __init__(self, studio: Studio, actions: Actions, parent: QWidget) -> None:
        super().__init__(studio.theme, parent)
        self._studio = studio
        self._actions = actions
        self.setAccessibleName(self.tr("Find an action"))
        self.field = SearchField(studio.theme, self.tr("Search actions and settings"))
        self.field.textChanged.connect(self._fill)
        self._model = QStandardItemModel(self)
        self.list = QListView()
        self.list.setModel(self._model)
        self.list.setItemDelegate(_RowDelegate(studio.theme, self.list))
        self.list.setUniformItemSizes(True)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setAccessibleName(self.tr("Actions found"))
        self.list.clicked.connect(self._run)
        self.list.setMouseTracking(True)
        self._nothing = PlainLabel(self.tr("No action or setting has these letters."), "small", "text2")
        self._nothing.setContentsMargins(10, 8, 10, 0)
        self.body.setContentsMargins(12, 12, 12, 12)
        self.body.addWidget(self.field)
        self.body.addWidget(self.list, 1)
        self.body.addWidget(self._nothing, 1, Qt.AlignmentFlag.AlignTop)

    def sizeHint(self) -> QSize:
        """Twelve rows."""
        return QSize(560, 12 * _ROW + 72)

    def open_palette(self) -> None:
        """Open, empty, with the focus in the field."""
        self.field.clear()
        self._fill("")
        self.open_centred(56, self.field)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows move, Enter runs; the field hands these keys on."""
        row = self.list.currentIndex().row()
        steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: 10, Qt.Key.Key_PageUp: -10}
        key = Qt.Key(event.key())
        if key in steps and self._model.rowCount():
            row = max(0, min(self._model.rowCount() - 1, row + steps[key]))
            self.list.setCurrentIndex(self._model.index(row, 0))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._run(self.list.currentIndex())
        else:
            super().keyPressEvent(event)

    def _entries(self) -> list[_Entry]:
        found = []
        for name in self._actions:
            action = self._actions[name]
            if action.isEnabled() and name != "palette":
                place = self._actions.heading(self._actions.menu_of(name))
                icon = self._actions.icon_name(name)
                text = action.text().rstrip("…")
                found.append(_Entry(name, text, icon, place, key_words(action.shortcut()), action.trigger))
        for setting in FIELDS:
            show, text = _Shower(self, setting.name).show, self.tr(setting.metadata["label"])
            found.append(_Entry(f"setting {setting.name}", text, "settings", self.tr("Setting"), "", show))
        return found

    def _fill(self, typed: str) -> None:
        recent = self._studio.memory.texts("palette_recent")
        ranked = []
        for number, entry in enumerate(self._entries()):
            score = max(fuzzy_score(typed, entry.text), 0.8 * fuzzy_score(typed, f"{entry.place} {entry.text}"))
            lateness = recent.index(entry.id) if entry.id in recent else len(recent)
            ranked.append(((-score, lateness, number), entry))
        self._model.clear()
        for (score, _, _), entry in sorted(ranked, key=lambda pair: pair[0]):
            if score < 0:
                item = QStandardItem(entry.text)
                item.setData(entry, _ENTRY)
                item.setEditable(False)
                item.setAccessibleText(f"{entry.text} {entry.keys}".strip())
                self._model.appendRow(item)
        self.list.setCurrentIndex(self._model.index(0, 0))
        self.list.setVisible(self._model.rowCount() > 0)
        self._nothing.setVisible(self._model.rowCount() == 0)

    def _run(self, index: QModelIndex) -> None:
        entry = index.data(_ENTRY)
        if isinstance(entry, _Entry):
            recent = [known for known in self._studio.memory.texts("palette_recent") if known != entry.id]
            self._studio.memory.keep("palette_recent", [entry.id, *recent][:_MOST_RECENT])
            self.close_popover()
            entry.run()


class _Shower:
    """Asks for one setting to be shown."""

    def __init__(self, palette: CommandPalette, name: str) -> None:
        self._palette = palette
        self._name = name

    def show(self) -> None:
        """Ask."""
        self._palette.setting_wanted.emit(self._name)


class _RowDelegate(QStyledItemDelegate):
    """Icon, words, where it belongs, keys."""

    def __init__(self, theme: Theme, view: QListView) -> None:
        super().__init__(view)
        self._theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:  # noqa: ARG002
        """All alike."""
        return QSize(100, _ROW)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Draw one row."""
        entry = index.data(_ENTRY)
        assert isinstance(entry, _Entry)
        room: QRect = option.rect
        state: QStyle.StateFlag = option.state
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        is_current = bool(state & QStyle.StateFlag.State_Selected)
        if is_current or state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.color("soft" if is_current else "hover"))
            painter.drawRoundedRect(room, 6, 6)
        dpr = painter.device().devicePixelRatioF()
        picture = self._theme.pixmap(entry.icon, "accent" if is_current else "text2", 16, dpr)
        painter.drawPixmap(room.left() + 10, room.top() + (room.height() - 16) // 2, picture)
        words = room.adjusted(36, 0, -10, 0)
        painter.setFont(font("body"))
        painter.setPen(self._theme.color("text"))
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, entry.text)
        painter.setFont(font("small"))
        painter.setPen(self._theme.color("text3"))
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, entry.keys or entry.place)
        painter.restore()
