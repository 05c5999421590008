"""All Runs of the workspace: a table to search, sort and compare, what waits, and the details of the chosen one."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QModelIndex, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from convnext_studio.gui.actions import Actions
from convnext_studio.gui.stores.runs_table import COLUMN_WIDTHS, STATES, Column, RunsTable
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.stores.training_words import state_word
from convnext_studio.gui.widgets.buttons import Button, IconButton, bind
from convnext_studio.gui.widgets.empty_state import EmptyState
from convnext_studio.gui.widgets.label import PlainLabel
from convnext_studio.gui.widgets.table_browser import BrowserWords, Choice, TableBrowser

_DETAILS_WIDTH = 332
_NAME_WIDTH, _MARGINS = 190, 48
_ALWAYS = (Column.SCORE, Column.BESIDE)
_AS_ROOM_ALLOWS = (Column.STATE, Column.MODEL, Column.WHEN, Column.EPOCHS, Column.TIME, Column.DATA)  # dearest first
_BELOW_HEIGHT, _LEAST_BELOW, _SHARE_BELOW = 232, 120, 0.42


class RunsPage(QWidget):
    """`details` stands at the right, `below` under the table; `opened` asks for a Run's live page.

    The chosen row is the Run that `training.view` follows, so that every action is about it.
    """

    opened = Signal(str)

    def __init__(
        self,
        studio: Studio,
        actions: Actions,
        details: QWidget,
        below: Sequence[QWidget],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._studio = studio
        self._training = studio.training
        self._delete = actions["delete_run"]
        self._details = details
        details.setFixedWidth(_DETAILS_WIDTH)
        self._below = below
        self.runs_table = RunsTable(studio.training, studio.compared, self)
        self.browser = TableBrowser(studio.theme, self.runs_table, self._words(), COLUMN_WIDTHS)
        self.nothing = EmptyState(
            studio.theme,
            self.tr("No Runs yet"),
            self.tr("Each training is kept here with its curves and its Model. Runs of the command line appear too."),
            self.tr("Set up a training"),
        )
        self.nothing.pressed.connect(actions["new_run"].trigger)
        self.back = IconButton(studio.theme, "left", self.tr("Back to the Run that is shown"))
        self.back.clicked.connect(self._on_back)
        self.new = Button(studio.theme, actions["new_run"].text(), "plus")
        bind(self.new, actions["new_run"])
        self.race = Button(studio.theme, actions["race"].text(), "flag")
        bind(self.race, actions["race"])
        self._lay_out()
        self._connect()
        self._on_reset()

    def _words(self) -> BrowserWords:
        states = ((self.tr("Any state"), ""), *((state_word(state), state) for state in STATES))
        return BrowserWords(
            name=self.tr("Runs"),
            placeholder=self.tr("Find a Run by name, tag, Model, data set or note"),
            choices=(Choice("state", self.tr("State"), states),),
        )

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(16, 12, 16, 0)
        head.setSpacing(8)
        head.addWidget(self.back)
        head.addWidget(PlainLabel(self.tr("All Runs"), "display"), 1)
        head.addWidget(self.new)
        head.addWidget(self.race)
        self._stack = QStackedWidget()
        for widget in (self.browser, self.nothing):
            self._stack.addWidget(widget)
        left = QVBoxLayout()
        left.setSpacing(8)
        left.addLayout(head)
        left.addWidget(self._stack, 1)
        for panel in self._below:
            left.addWidget(panel)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addLayout(left, 1)
        row.addWidget(self._details)

    def _connect(self) -> None:
        table = self.browser.table
        self.browser.wanted_changed.connect(self._on_wanted)
        self.browser.chosen.connect(self._on_chosen)
        self.browser.taken.connect(self._on_taken)
        self.browser.head_pressed.connect(self.runs_table.sort_by)
        table.clicked.connect(self._on_clicked)
        table.installEventFilter(self)
        self.runs_table.modelReset.connect(self._on_reset)
        self._training.runs_changed.connect(self._show_count)
        self._training.view.shown_changed.connect(self._follow)
        for changed in (self._studio.compared.changed, self._studio.queue.changed):
            changed.connect(self._size_below)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Space lays the chosen Run beside others, Delete moves it to the trash."""
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            run = self.runs_table.row_at(self.browser.table.currentIndex())
            if event.key() == Qt.Key.Key_Space and run is not None:
                self._studio.compared.toggle(run.folder)
                return True
            if event.key() == Qt.Key.Key_Delete and run is not None:
                self._delete.trigger()
                return True
        return super().eventFilter(watched, event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where the window is small, the details have what the table has no room for."""
        super().resizeEvent(event)
        room = self.width() - _DETAILS_WIDTH - _MARGINS - _NAME_WIDTH - sum(COLUMN_WIDTHS[column] for column in _ALWAYS)
        for column in _AS_ROOM_ALLOWS:
            has_room = room >= COLUMN_WIDTHS[column]
            room = room - COLUMN_WIDTHS[column] if has_room else 0
            self.browser.table.setColumnHidden(column, not has_room)
        self._size_below()

    def _size_below(self) -> None:
        """What stands below shares less than half of the page, so that the table keeps some rows."""
        shown = max(1, sum(not panel.isHidden() for panel in self._below))
        height = int(self.height() * _SHARE_BELOW / shown)
        for panel in self._below:
            panel.setFixedHeight(max(_LEAST_BELOW, min(_BELOW_HEIGHT, height)))

    # --- what is shown

    def _show_count(self) -> None:
        self.browser.count.setText(self.runs_table.count_words())
        has_runs = bool(self._training.runs)
        self._stack.setCurrentWidget(self.browser if has_runs else self.nothing)
        self._details.setVisible(has_runs)
        self.back.setVisible(has_runs)

    def _on_reset(self) -> None:
        self._show_count()
        self._follow()

    def _follow(self) -> None:
        """Choose the row of the Run that is shown."""
        table = self.browser.table
        index = self.runs_table.index_of(self._training.view.folder)
        table.selectionModel().blockSignals(True)
        table.setCurrentIndex(index)
        table.selectionModel().blockSignals(False)
        table.viewport().update()

    def _on_wanted(self, wanted: dict[str, object]) -> None:
        self.runs_table.set_wanted(str(wanted["text"]), str(wanted["state"]))

    def _on_chosen(self, index: QModelIndex) -> None:
        run = self.runs_table.row_at(index)
        if run is not None:
            self._training.view.show(run.folder)

    def _on_taken(self, index: QModelIndex) -> None:
        run = self.runs_table.row_at(index)
        if run is not None:
            self.opened.emit(run.folder)

    def _on_back(self) -> None:
        self.opened.emit(self._training.view.folder)

    def _on_clicked(self, index: QModelIndex) -> None:
        run = self.runs_table.row_at(index)
        if run is not None and index.column() == Column.BESIDE:
            self._studio.compared.toggle(run.folder)
