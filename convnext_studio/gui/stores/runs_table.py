"""All Runs of the workspace as a table: filtered, sorted, and with a column that lays them beside each other."""

from __future__ import annotations

import re
from enum import IntEnum
from typing import TYPE_CHECKING

from PySide6.QtCore import QDateTime, QLocale, QModelIndex, QObject, Qt

from convnext_studio.gui.language import spoken
from convnext_studio.gui.stores.compared import Compared
from convnext_studio.gui.stores.sorted_table import SortedTable
from convnext_studio.gui.stores.training import Training
from convnext_studio.gui.stores.training_words import length, second_line, state_sign, state_word
from convnext_studio.gui.widgets import numbers
from convnext_studio.gui.widgets.cells import Cell
from convnext_studio.gui.widgets.chip import Tone
from convnext_studio.gui.widgets.figures import UNKNOWN

if TYPE_CHECKING:  # read when the first Run is: the window is on the screen sooner
    from convnext_studio.core.runs.summary import RunSummary

STATES = ("running", "finished", "stopped", "failed", "interrupted")
TONES: dict[str, Tone] = {"accent": "accent", "ok": "ok", "ng": "ng", "again": "again"}


class Column(IntEnum):
    """The columns, in their order."""

    RUN = 0
    STATE = 1
    SCORE = 2
    EPOCHS = 3
    TIME = 4
    MODEL = 5
    DATA = 6
    WHEN = 7
    BESIDE = 8


COLUMN_WIDTHS: dict[int, int] = {
    Column.STATE: 140,
    Column.SCORE: 128,
    Column.EPOCHS: 84,
    Column.TIME: 84,
    Column.MODEL: 184,
    Column.DATA: 110,
    Column.WHEN: 138,
    Column.BESIDE: 118,
}
_TIMED = re.compile(r"(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)-")


class RunsTable(SortedTable["RunSummary", Column]):
    """Rows of `training.runs` that hold every word of the search and have the wanted state; the newest first."""

    columns = Column
    numbers = frozenset((Column.SCORE, Column.EPOCHS, Column.TIME))
    best_first = frozenset((Column.SCORE, Column.WHEN, Column.TIME, Column.EPOCHS))

    def __init__(self, training: Training, compared: Compared, parent: QObject | None = None) -> None:
        super().__init__(Column.WHEN, parent)
        self._training = training
        self._compared = compared
        self._words: tuple[str, ...] = ()
        self._state = ""
        self.rows = self._wanted()
        training.runs_changed.connect(self.refill)
        compared.changed.connect(self._repaint)

    def set_wanted(self, text: str = "", state: str = "") -> None:
        """Show what holds these words, in this state ("" = any)."""
        self._words, self._state = tuple(text.casefold().split()), state
        self.refill()

    def index_of(self, folder: str) -> QModelIndex:
        """Where a Run is shown; invalid if it is not."""
        number = next((n for n, run in enumerate(self.rows) if run.folder == folder), -1)
        return self.index(number, Column.RUN) if number >= 0 else QModelIndex()

    def count_words(self) -> str:
        """How many are shown, in words."""
        if len(self.rows) == 1:
            return self.tr("1 Run")
        return self.tr("{0} Runs").format(numbers.count(len(self.rows)))

    # --- rows

    def refill(self) -> None:
        """Take the Runs anew; where they are the same ones in the same order, only cells change."""
        before = [run.folder for run in self.rows]
        rows = self._wanted()
        if [run.folder for run in rows] == before:
            self.rows = rows
            self._repaint()
            return
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def _wanted(self) -> tuple[RunSummary, ...]:
        return self._sorted(run for run in self._training.runs if self._passes(run))

    def _passes(self, run: RunSummary) -> bool:
        text = " ".join(
            (run.name, run.folder.rpartition("/")[2], run.model, run.data, run.preset, run.notes, run.race, *run.tags)
        ).casefold()
        return self._state in ("", run.state) and all(word in text for word in self._words)

    def _repaint(self) -> None:
        if self.rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.rows) - 1, len(Column) - 1))

    # --- cells

    def _cell(self, run: RunSummary, column: Column) -> Cell:
        if column is Column.RUN:
            return Cell(run.name, second=" · ".join(run.tags) or second_line(run), is_strong=True)
        if column is Column.STATE:
            is_waiting = run.state == "running" and bool(run.message)
            icon, role = state_sign(run.state, is_waiting=is_waiting)
            return Cell(state_word(run.state, is_waiting=is_waiting), icon=icon, tone=TONES.get(role, "none"))
        if column is Column.SCORE:
            return score_cell(run.best_balanced_accuracy, run.interval)
        if column is Column.MODEL:
            name = run.begun_with or run.model if run.weights == "random" else run.model
            return Cell(short_model(name), second=self.tr("random weights") if run.weights == "random" else "")
        if column is Column.BESIDE:
            is_on = run.folder in self._compared.folders
            words = self.tr("Compared") if is_on else self.tr("Compare")
            return Cell(words, icon="check" if is_on else "plus", icon_role="accent" if is_on else "text3")
        texts = {
            Column.EPOCHS: numbers.count(run.epoch) if run.epochs else self.tr("head only"),
            Column.TIME: length(run.seconds) if run.seconds else UNKNOWN,
            Column.DATA: run.data.rstrip("/").rpartition("/")[2],
            Column.WHEN: when_words(_began(run)),
        }
        return Cell(texts[column], text_role="text2", is_right=column in self.numbers)

    def _tip(self, run: RunSummary, column: Column) -> tuple[str, ...]:
        if column is Column.RUN:
            return run.folder, run.notes
        if column is Column.STATE:
            return spoken(run.message), spoken(run.hint)
        if column is Column.SCORE:
            words = self.tr("Of the validation split, which chose the best epoch. In brackets: its 95 % interval.")
            return (words,) if run.best_balanced_accuracy is not None else ()
        if column is Column.BESIDE:
            return (self.tr("Lay the curves and settings of this Run beside those of others (Space)."),)
        return {Column.MODEL: (run.model,), Column.DATA: (run.data,), Column.WHEN: (run.started,)}.get(column, ())

    def _key(self, run: RunSummary, column: Column) -> float | str | None:
        return _key(run, column)

    def _titles(self) -> dict[Column, str]:
        return {
            Column.RUN: self.tr("Run"),
            Column.STATE: self.tr("State"),
            Column.SCORE: self.tr("Balanced accuracy"),
            Column.EPOCHS: self.tr("Epochs"),
            Column.TIME: self.tr("Time"),
            Column.MODEL: self.tr("Model"),
            Column.DATA: self.tr("Data set"),
            Column.WHEN: self.tr("Started"),
            Column.BESIDE: self.tr("Beside"),
        }

    def _tips(self) -> dict[Column, str]:
        return {
            Column.SCORE: self.tr("Best balanced accuracy on the validation split, with its 95 % interval"),
            Column.BESIDE: self.tr("Runs whose curves and settings are laid beside each other"),
        }


def score_cell(value: float | None, interval: tuple[float, float] | None) -> Cell:
    """A balanced accuracy and, under it, its interval."""
    if value is None:
        return Cell(UNKNOWN, text_role="text3", is_right=True)
    return Cell(numbers.percent(value), second=interval_words(interval), is_right=True)


def interval_words(interval: tuple[float, float] | None) -> str:
    """ "91.2–98.4 %"."""
    return f"{numbers.decimal(100 * interval[0], 1)}–{numbers.percent(interval[1])}" if interval else ""


def short_model(name: str) -> str:
    """A Model's name, or the name of its file."""
    return name.rpartition("/")[2]


def when_words(started: str) -> str:
    """A point in time as the locale writes it, in local time; a dash before the begin."""
    at = QDateTime.fromString(started, Qt.DateFormat.ISODateWithMs)
    return QLocale().toString(at.toLocalTime(), QLocale.FormatType.ShortFormat) if at.isValid() else UNKNOWN


def _began(run: RunSummary) -> str:
    """When it began, in ISO form; one that did not get so far tells by its folder's name when it was to."""
    timed = _TIMED.match(run.folder.rpartition("/")[2])
    if run.started or timed is None:
        return run.started
    at = QDateTime.fromString("{}-{}-{}T{}:{}:{}".format(*timed.groups()), Qt.DateFormat.ISODate)
    return at.toUTC().toString(Qt.DateFormat.ISODate)


def _key(run: RunSummary, column: Column) -> float | str | None:
    keys: dict[Column, float | str | None] = {
        Column.RUN: run.name.casefold(),
        Column.STATE: float(STATES.index(run.state)),
        Column.SCORE: run.best_balanced_accuracy,
        Column.EPOCHS: float(run.epoch),
        Column.TIME: run.seconds or None,
        Column.MODEL: short_model(run.model).casefold(),
        Column.DATA: run.data.casefold(),
        Column.WHEN: _began(run) or None,
        Column.BESIDE: None,
    }
    return keys[column]
