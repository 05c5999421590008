"""The Train place: the Runs at the left; at the right what is ready, the set-up, or the Run that is chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from convnext_studio.core.runs.summary import RunSummary
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.stores.drops import data_set_of
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.stores.training_words import second_line, state_sign
from convnext_studio.gui.widgets.buttons import ActionIconButton, Button, bind
from convnext_studio.gui.widgets.check_list import CheckList
from convnext_studio.gui.widgets.figures import UNKNOWN
from convnext_studio.gui.widgets.frame import Frame
from convnext_studio.gui.widgets.label import PlainLabel
from convnext_studio.gui.widgets.numbers import count, percent
from convnext_studio.gui.widgets.page_drop import DropCover, PageDrop
from convnext_studio.gui.widgets.run_list import RunList, RunRow

_WIDTH, _NARROW_WIDTH, _NARROW = 248, 200, 1100
Make = Callable[[], QWidget]


class TrainPage(QWidget):
    """`makers` make the pages `set_up`, `live`, `runs` and `race` when they are first shown."""

    def __init__(
        self, studio: Studio, actions: Actions, makers: Mapping[str, Make], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._studio = studio
        self._makers = makers
        self._pages: dict[str, QWidget] = {}
        self.place = ""  # decided by whoever opens the page; else by what there is when it is first seen
        self.list = RunList(studio.theme, self.tr("Runs"))
        self.nothing = PlainLabel(self.tr("Runs appear here, newest first."), "small", "text2", wrap=True)
        self.new = Button(studio.theme, actions["new_run"].text(), "plus")
        bind(self.new, actions["new_run"])
        self.all_runs = ActionIconButton(studio.theme, actions["all_runs"], "table")
        self.waiting = Button(studio.theme, "", "clock", "ghost")
        self.waiting.clicked.connect(actions["all_runs"].trigger)
        self.waiting.setToolTip(self.tr("Show what waits to be trained, and change its order"))
        self.stack = QStackedWidget()
        self.stack.addWidget(self._make_ready(actions))
        self._lay_out()
        self.list.chosen.connect(self.show_run)
        studio.training.runs_changed.connect(self._show_runs)
        studio.training.view.shown_changed.connect(self._show_runs)
        studio.queue.changed.connect(self._show_queue)
        studio.set_up.changed.connect(self._show_ready)
        studio.data_sets.changed.connect(self._show_ready)
        studio.models.rows_changed.connect(self._show_ready)
        self._take_drops()
        self._show_runs()
        self._show_ready()
        self._show_queue()

    def show_set_up(self) -> None:
        """Set up another training."""
        self._go("set_up")
        self._studio.training.view.show("")

    def show_run(self, folder: str) -> None:
        """Show one Run, working or not."""
        self._studio.training.view.show(folder)
        self._go("live")

    def show_runs(self) -> None:
        """All Runs as a table; one of them is always chosen."""
        training = self._studio.training
        if not training.view.folder and training.runs:
            training.view.show(training.runs[0].folder)
        self._go("runs")

    def show_race(self) -> None:
        """Several Models, trained alike."""
        self._go("race")

    def show_ready(self) -> None:
        """What is ready and what is missing for the first Run."""
        self._go("ready")

    def page(self, name: str) -> QWidget | None:
        """`set_up`, `live`, `runs` or `race`, once it was shown."""
        return self._pages.get(name)

    # --- how it is built

    def _lay_out(self) -> None:
        self.side = Frame("panel", "right")
        column = QVBoxLayout(self.side)
        column.setContentsMargins(0, 12, 1, 8)
        column.setSpacing(8)
        head = QVBoxLayout()
        head.setContentsMargins(12, 0, 12, 0)
        head.setSpacing(10)
        title = QHBoxLayout()
        title.addWidget(PlainLabel(self.tr("Runs"), "section"), 1)
        title.addWidget(self.all_runs)
        head.addLayout(title)
        self.new.setSizePolicy(self.list.sizePolicy().horizontalPolicy(), self.new.sizePolicy().verticalPolicy())
        head.addWidget(self.new)
        head.addWidget(self.nothing)
        column.addLayout(head)
        column.addWidget(self.list, 1)
        column.addStretch(0)
        column.addWidget(self.waiting, 0, Qt.AlignmentFlag.AlignHCenter)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.side)
        row.addWidget(self.stack, 1)

    def _make_ready(self, actions: Actions) -> QWidget:
        theme = self._studio.theme
        self.ready = CheckList(theme, "train")
        self.change = Button(theme, self.tr("Change settings…"), "settings")
        self.change.clicked.connect(self.show_set_up)
        self.choose = Button(theme, self.tr("Choose folder…"), "folder", "primary")
        bind(self.choose, actions["train_folder"])
        self.sample = Button(theme, self.tr("Use the sample data"), "bolt")
        bind(self.sample, actions["train_sample"])
        self.start = Button(theme, actions["start_run"].text(), "play", "primary")
        bind(self.start, actions["start_run"])
        for button in (self.sample, self.choose, self.change, self.start):
            self.ready.add_button(button)
        return self.ready

    def _take_drops(self) -> None:
        lines = (
            self.tr("A folder with one folder for each class, or a CSV with the columns path and label."),
            self.tr("They stay where they are; nothing is copied or changed."),
        )
        self.drop = PageDrop(
            self, DropCover(self._studio.theme, "train", lines, self), self.tr("Drop to train on it"), data_set_of
        )
        self.drop.dropped.connect(self._on_dropped)

    def _on_dropped(self, path: str) -> None:
        self._studio.data_sets.choose(path)
        if self.place != "race":  # it trains on the same data set
            self.show_set_up()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A small window leaves the Runs less."""
        super().resizeEvent(event)
        self.side.setFixedWidth(_WIDTH if self.width() >= _NARROW else _NARROW_WIDTH)

    def showEvent(self, event: QShowEvent) -> None:
        """Keep an eye on the Runs folder while it is in sight."""
        super().showEvent(event)
        if not self.place:
            self.place = "ready"
            self._show_runs()
        self._studio.models.look_once()
        self._studio.training.set_in_sight(is_in_sight=True)

    def hideEvent(self, event: QHideEvent) -> None:
        """No longer."""
        super().hideEvent(event)
        self._studio.training.set_in_sight(is_in_sight=False)

    # --- what is shown

    def _go(self, name: str) -> None:
        self.place = name
        self.side.setVisible(name != "runs")  # the table has all that the list has
        if name == "ready":
            self.stack.setCurrentWidget(self.ready)
            return
        if name not in self._pages:
            self._pages[name] = self._makers[name]()
            self.stack.addWidget(self._pages[name])
        self.stack.setCurrentWidget(self._pages[name])

    def _show_runs(self) -> None:
        training = self._studio.training
        rows = [_row(run) for run in training.runs]
        self.list.show_rows(rows, training.view.folder)
        self.list.setVisible(bool(rows))
        self.nothing.setVisible(not rows)
        if training.view.folder and training.has_looked and training.shown is None and self.place == "live":
            known = training.view.history.started is not None
            if not known and not training.is_starting:
                self.show_ready()
        elif self.place == "ready" and rows and not training.view.folder:
            self.show_run(next((run.folder for run in training.running), training.runs[0].folder))

    def _show_queue(self) -> None:
        waiting = len(self._studio.queue.items)
        self.waiting.setVisible(waiting > 0)
        words = self.tr("{0} held") if self._studio.queue.is_held else self.tr("{0} waiting")
        self.waiting.set_text(words.format(count(waiting)))

    def _show_ready(self) -> None:
        data, recipe = self._studio.data_sets, self._studio.set_up.recipe
        card = data.card
        row = self._studio.models.row(recipe.model)
        model = row.title if row is not None else recipe.model
        has_data = card is not None and not any(data.refusal)
        said = self.tr("Choose a folder with one folder for each class.")
        if any(data.refusal):
            said = " ".join(data.refusal)
        elif card is not None:
            said = self.tr("{0} classes, {1} images").format(count(len(card.classes)), count(len(card.images)))
        elif recipe.data:
            said = self.tr("Reading…")
        name = self.tr("Data set: {0}").format(recipe.data.rpartition("/")[2]) if recipe.data else self.tr("Data set")
        done = self.tr("Three things decide a run. Two are done.")
        self.ready.show_words(
            self.tr("Ready for the first run"), done if has_data else self.tr("Three things decide a run. One is done.")
        )
        self.ready.show_points(
            (
                (has_data, name, said),
                (True, self.tr("Model to start from: {0}").format(model), self.tr("you can choose another")),
                (False, self.tr("Start"), self.tr("every other setting has a sensible value")),
            )
        )
        for button in (self.choose, self.sample):
            button.setVisible(not has_data)
        for button in (self.change, self.start):
            button.setVisible(has_data)


def _row(run: RunSummary) -> RunRow:
    is_running = run.state == "running"
    icon, role = state_sign(run.state, is_waiting=is_running and bool(run.message))
    best = run.best_balanced_accuracy
    figure = percent(best) if best is not None else UNKNOWN
    total = run.epochs if is_running else 0
    return RunRow(run.folder, run.name, second_line(run), figure, icon, role, run.epoch, total)
