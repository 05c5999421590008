"""Race: who takes part and how, and what came of it, as a table and as a plot of good against fast."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from convnext_studio.gui.actions import Actions
from convnext_studio.gui.stores.race_table import AXES, COLUMN_WIDTHS, Column, RaceTable, ticks
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.widgets import figures
from convnext_studio.gui.widgets.buttons import Button, bind
from convnext_studio.gui.widgets.cell_table import CellTable
from convnext_studio.gui.widgets.frame import Frame, Hairline
from convnext_studio.gui.widgets.label import IconLabel, PlainLabel
from convnext_studio.gui.widgets.numbers import count
from convnext_studio.gui.widgets.pareto_plot import ParetoPlot
from convnext_studio.gui.widgets.segmented import Segmented
from convnext_studio.gui.widgets.select import Select

_NAME_WIDTH, _MARGINS = 190, 40
_AS_ROOM_ALLOWS = (
    Column.SCORE,
    Column.SPEED,
    Column.PARAMETERS,
    Column.STATE,
    Column.LICENCE,
    Column.TIME,
    Column.MEMORY,
)


class RacePage(QWidget):
    """`opened` asks for the live page of a Run."""

    opened = Signal(str)

    def __init__(self, studio: Studio, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._race = studio.race
        self.boxes: dict[str, QCheckBox] = {}
        self._told: tuple[object, ...] = ()
        self._make_set_up(actions)
        self._make_results()
        self.stack = QStackedWidget()
        self.stack.addWidget(self._laid_out_set_up())
        self.stack.addWidget(self._laid_out_results())
        self._lay_out()
        self._race.changed.connect(self.show_all)
        self.show_all()

    # --- how it is built

    def _make_set_up(self, actions: Actions) -> None:
        theme, race = self._studio.theme, self._race
        self.sentence = PlainLabel("", "body", "text2", wrap=True)
        self.nobody = PlainLabel(
            self.tr("Tick the Models to compare. Weights that are not here yet are downloaded in the list of Models."),
            "small",
            "text2",
            wrap=True,
        )
        self.choose_data = Button(theme, self.tr("Choose folder…"), "folder")
        bind(self.choose_data, actions["train_folder"])
        self.settings = Button(theme, self.tr("Change settings…"), "settings")
        bind(self.settings, actions["new_run"])
        self.way = Segmented(theme, (self.tr("Heads only"), self.tr("Whole networks")))
        self.way_words = PlainLabel("", "small", "text2", wrap=True)
        self.random = QCheckBox(self.tr("Let Models whose weights are not here begin with random ones"))
        self.random.setToolTip(self.tr("They learn everything from your pictures, which takes many more of them"))
        self.start = Button(theme, "", "flag", "primary")
        self.start.setToolTip(self.tr("Let these Models train one after another"))
        self.way.index_changed.connect(lambda index: race.set_head_only(index == 0))
        self.random.toggled.connect(race.set_takes_random)
        self.start.clicked.connect(race.start)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(16)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnStretch(0, 1)

    def _make_results(self) -> None:
        theme = self._studio.theme
        self.race_table = RaceTable(self._race, self)
        self.table = CellTable(theme, self.race_table, self.tr("Results of the race"), COLUMN_WIDTHS)
        self.table.horizontalHeader().sectionClicked.connect(self.race_table.sort_by)
        self.table.activated_row.connect(self._on_taken)
        self.plot = ParetoPlot(theme, self.tr("Balanced accuracy against cost"))
        self.axis = Select(self.tr("What the plot sets balanced accuracy against"))
        for name, words in zip(AXES, (self.tr("Speed"), self.tr("Parameters"), self.tr("Memory")), strict=True):
            self.axis.addItem(words, name)
        self.axis.currentIndexChanged.connect(self._show_plot)
        self.plot_words = PlainLabel("", "small", "text2", wrap=True)
        self.measure = Button(theme, self.tr("Measure speed"), "speed")
        self.measure.setToolTip(self.tr("Measure how many images a second each Model classifies here, 10 s each"))
        self.measure.clicked.connect(self._race.measure)
        self.export = Button(theme, self.tr("Export CSV…"), "export")
        self.export.setToolTip(self.tr("Write this table for a spreadsheet"))
        self.export.clicked.connect(self._ask_path)

    def _laid_out_set_up(self) -> QWidget:
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(16, 4, 16, 16)
        column.setSpacing(10)
        column.addWidget(self.sentence)
        tools = QHBoxLayout()
        tools.setSpacing(8)
        for button in (self.choose_data, self.settings):
            tools.addWidget(button)
        tools.addStretch(1)
        column.addLayout(tools)
        column.addWidget(self.way)
        column.addWidget(self.way_words)
        card = Frame("card")
        inner = QVBoxLayout(card)
        inner.setContentsMargins(16, 12, 16, 12)
        inner.setSpacing(8)
        inner.addWidget(PlainLabel(self.tr("Who takes part"), "section"))
        inner.addWidget(self.nobody)
        inner.addLayout(self._grid)
        inner.addWidget(Hairline())
        inner.addWidget(self.random)
        column.addWidget(card)
        column.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(body)
        return area

    def _laid_out_results(self) -> QWidget:
        below = Frame("panel", "top")
        head = QHBoxLayout()
        head.setSpacing(10)
        head.addWidget(PlainLabel(self.tr("Balanced accuracy against"), "section"))
        head.addWidget(self.axis)
        head.addStretch(1)
        column = QVBoxLayout(below)
        column.setContentsMargins(16, 10, 16, 8)
        column.addLayout(head)
        column.addWidget(self.plot_words)
        column.addWidget(self.plot, 1)
        page = QWidget()
        whole = QVBoxLayout(page)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(8)
        table = QHBoxLayout()
        table.setContentsMargins(8, 0, 8, 0)
        table.addWidget(self.table)
        whole.addLayout(table, 5)
        whole.addWidget(below, 6)
        return page

    def _lay_out(self) -> None:
        self.title = PlainLabel(self.tr("Race of Models"), "display", elide=Qt.TextElideMode.ElideMiddle)
        self.races = Select(self.tr("Which race is shown"))
        self.races.activated.connect(lambda number: self._race.show(str(self.races.itemData(number))))
        head = QHBoxLayout()
        head.setContentsMargins(16, 12, 16, 0)
        head.setSpacing(8)
        head.addWidget(self.title, 1)
        for widget in (self.races, self.measure, self.export, self.start):
            head.addWidget(widget)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(10)
        whole.addLayout(head)
        whole.addWidget(self.stack, 1)

    def showEvent(self, event: QShowEvent) -> None:
        """Look which weights are here."""
        super().showEvent(event)
        self._studio.models.look_once()
        self.show_all()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where the window is small, the dearest columns stay."""
        super().resizeEvent(event)
        room = self.width() - _MARGINS - _NAME_WIDTH
        for column in _AS_ROOM_ALLOWS:
            has_room = room >= COLUMN_WIDTHS[column]
            room = room - COLUMN_WIDTHS[column] if has_room else 0
            self.table.setColumnHidden(column, not has_room)

    # --- what is shown

    def show_all(self) -> None:
        """Show the results of a race, or who could take part in another."""
        if not self.isVisible():
            return
        has_results = bool(self._race.shown)
        self.stack.setCurrentIndex(1 if has_results else 0)
        for widget in (self.measure, self.export):
            widget.setVisible(has_results)
        self.start.setVisible(not has_results)
        self._show_races()
        if has_results:
            self._show_results()
        else:
            self._show_set_up()

    def _show_races(self) -> None:
        names = self._race.names
        wanted = [("", self.tr("New race")), *((name, name) for name in names)]
        shown = [(str(self.races.itemData(n)), self.races.itemText(n)) for n in range(self.races.count())]
        if wanted != shown:
            self.races.clear()
            for name, words in wanted:
                self.races.addItem(words, name)
        self.races.setVisible(bool(names))
        self.races.setCurrentIndex(next((n for n, (name, _words) in enumerate(wanted) if name == self._race.shown), 0))

    def _show_set_up(self) -> None:
        race, recipe = self._race, self._studio.set_up.recipe
        data = recipe.data.rstrip("/").rpartition("/")[2]
        self.sentence.setText(
            self.tr(
                "The training that is set up, once for each Model: the same pictures of “{0}”, the same split."
            ).format(data)
            if data
            else self.tr("First choose a folder with one folder for each class.")
        )
        self.choose_data.setVisible(not data)
        self.settings.setVisible(bool(data))
        self.way.set_index(0 if race.is_head_only else 1)
        self.random.setChecked(race.takes_random)
        self.way_words.setText(
            self.tr(
                "Seconds to minutes for each: what the frozen network sees is computed once, and a new head fitted."
            )
            if race.is_head_only
            else self.tr("As long as a training of its own for each Model, one after another.")
        )
        self._show_racers()
        taking = len(race.taking_part)
        self.nobody.setVisible(not taking)
        self.start.set_text(
            self.tr("Start the race of {0}").format(count(taking)) if taking else self.tr("Start the race")
        )
        self.start.setEnabled(race.can_start)

    def _show_racers(self) -> None:
        race = self._race
        racers = race.racers()
        told = tuple((one.row.name, one.is_here, race.takes_random) for one in racers)
        if told != self._told:
            self._told = told
            self._make_rows()
        for one in racers:
            box = self.boxes[one.row.name]
            box.blockSignals(True)
            box.setChecked(one.row.name in race.chosen and race.can_take_part(one))
            box.blockSignals(False)

    def _make_rows(self) -> None:
        while (item := self._grid.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        self.boxes = {}
        theme, race = self._studio.theme, self._race
        for number, one in enumerate(race.racers()):
            box = QCheckBox(one.title)
            box.setFixedHeight(26)
            box.setEnabled(race.can_take_part(one))
            box.toggled.connect(lambda is_on, name=one.row.name: race.choose(name, is_on))
            self.boxes[one.row.name] = box
            icon, role, words = "check", "ok", self.tr("on this machine")
            if not one.is_here:
                icon, role = ("warn", "again") if race.takes_random else ("download", "text3")
                words = self.tr("random weights") if race.takes_random else self.tr("download first")
            box.setToolTip(f"{one.row.name}: {words}")
            is_random = race.takes_random and not one.is_here
            licence = "" if is_random else one.row.licence or self.tr("licence unknown")
            facts = (figures.millions(one.row.parameters), licence)
            self._grid.addWidget(box, number, 0)
            for place, text in enumerate(facts):
                self._grid.addWidget(PlainLabel(text, "small", "text2"), number, 1 + place)
            self._grid.addWidget(IconLabel(theme, icon, role), number, 3)
            self._grid.addWidget(PlainLabel(words, "small", "text2"), number, 4)

    def _show_results(self) -> None:
        rows = self.race_table.rows
        self.export.setEnabled(bool(rows))
        is_lacking = any(row.images_per_s is None for row in rows)
        is_training = bool(self._studio.training.running)
        self.measure.setVisible(is_lacking)
        self.measure.setEnabled(not self._race.is_measuring and not is_training)
        self._show_plot()

    def _show_plot(self) -> None:
        axis = str(self.axis.currentData())
        points = self.race_table.points(axis)
        words = {
            "images_per_s": self.tr("Images a second, classified on this machine: further right is faster"),
            "parameters": self.tr("Parameters: further left is smaller"),
            "memory_bytes": self.tr("Memory of the training: further left takes less"),
        }
        self.plot.show_points(points, (words[axis], ""), ticks(axis, [one.x for one in points]))
        if points:
            said = self.tr("Filled: none is better in both. Lines are 95 % intervals; where they overlap, it is open.")
        elif axis == "images_per_s":
            said = self.tr("Nothing to show yet: measure the speed of the Models once the race is over.")
        else:
            said = self.tr("Nothing to show yet.")
        self.plot_words.setText(said)

    # --- what is done

    def _on_taken(self, index: QModelIndex) -> None:
        row = self.race_table.row_at(index)
        if row is not None and row.folder:
            self.opened.emit(row.folder)

    def _ask_path(self) -> None:
        start = self._studio.memory.text("save_folder") or str(Path.home())
        dialog = QFileDialog(self, self.tr("Where to write the race"), start, self.tr("Tables (*.csv)"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("csv")
        dialog.fileSelected.connect(self._race.export)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
