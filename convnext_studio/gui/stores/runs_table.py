"""All Runs of the workspace as a table: filtered, sorted, and with a column that lays them beside each other."""

from __future__ import annotations

import re
from enum import IntEnum
from typing import TYPE_CHECKING

from PySide6.QtCore import QAbstractTableModel, QDateTime, QLocale, QModelIndex, QObject, QPersistentModelIndex, Qt

from convnext_studio.gui.stores.compared import Compared
from convnext_studio.gui.stores.training import Training
from convnext_studio.gui.stores.training_words import length, second_line, state_sign, state_word
from convnext_studio.gui.theme.fonts import font
from convnext_studio.gui.widgets import numbers
from convnext_studio.gui.widgets.cells import CELL_ROLE, Cell
from convnext_studio.gui.widgets.chip import Tone
from convnext_studio.gui.widgets.figures import UNKNOWN
from convnext_studio.gui.widgets.label import plain_tip

if TYPE_CHECKING:  # read when the first Run is: the window is on the screen sooner
    from convnext_studio.core.runs.summary import RunSummary

AnyIndex = QModelIndex | QPersistentModelIndex
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
    Column.STATE: 116,
    Column.SCORE: 128,
    Column.EPOCHS: 84,
    Column.TIME: 84,
    Column.MODEL: 184,
    Column.DATA: 110,
    Column.WHEN: 138,
    Column.BESIDE: 118,
}
_NUMBERS = {Column.SCORE, Column.EPOCHS, Column.TIME}
_TIMED = re.compile(r"(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)-")
_BEST_FIRST = {Column.SCORE, Column.WHEN, Column.TIME, Column.EPOCHS}


class RunsTable(QAbstractTableModel):
    """Rows of `training.runs` that hold every word of the search and have the wanted state; the newest first."""

    def __init__(self, training: Training, compared: Compared, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._training = training
        self._compared = compared
        self._words: tuple[str, ...] = ()
        self._state = ""
        self._order: tuple[Column, bool] = (Column.WHEN, True)
        self.rows: tuple[RunSummary, ...] = ()
        self._fill()
        training.runs_changed.connect(self.refill)
        compared.changed.connect(self._repaint)

    def set_wanted(self, text: str = "", state: str = "") -> None:
        """Show what holds these words, in this state ("" = any)."""
        self._words, self._state = tuple(text.casefold().split()), state
        self.refill()

    def sort_by(self, column: int) -> None:
        """The best, the newest or the first of the alphabet on top; pressed again, the other way round."""
        before, is_down = self._order
        first = Column(column) in _BEST_FIRST
        self._order = (Column(column), not is_down if before == column else first)
        self.refill()
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(Column) - 1)

    def row_at(self, index: AnyIndex) -> RunSummary | None:
        """The Run shown there."""
        return self.rows[index.row()] if index.isValid() and index.row() < len(self.rows) else None

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

    def _fill(self) -> None:
        self.rows = self._wanted()

    def _wanted(self) -> tuple[RunSummary, ...]:
        passing = [run for run in self._training.runs if self._passes(run)]
        column, is_down = self._order
        known = [run for run in passing if _key(run, column) is not None]
        known.sort(key=lambda run: _key(run, column), reverse=is_down)  # type: ignore[arg-type, return-value]
        return (*known, *(run for run in passing if _key(run, column) is None))

    def _passes(self, run: RunSummary) -> bool:
        text = " ".join(
            (run.name, run.folder.rpartition("/")[2], run.model, run.data, run.preset, run.notes, run.race, *run.tags)
        ).casefold()
        return self._state in ("", run.state) and all(word in text for word in self._words)

    def _repaint(self) -> None:
        if self.rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.rows) - 1, len(Column) - 1))

    # --- the face of a table model

    def rowCount(self, parent: AnyIndex | None = None) -> int:
        """One a Run."""
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def columnCount(self, parent: AnyIndex | None = None) -> int:
        """The columns."""
        return 0 if parent is not None and parent.isValid() else len(Column)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Names of the columns; a header's font is set here since a style sheet leaves no other way."""
        if orientation is not Qt.Orientation.Horizontal:
            return None
        column = Column(section)
        if role == Qt.ItemDataRole.DisplayRole:
            arrow = "" if self._order[0] != column else " ↓" if self._order[1] else " ↑"
            return self._titles()[column] + arrow
        if role == Qt.ItemDataRole.FontRole:
            return font("cap")
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if column in _NUMBERS else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tips().get(column)
        return None

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Cells for the delegate, plain text for a screen reader and for tests."""
        run = self.row_at(index)
        if run is None:
            return None
        cell = self._cell(run, Column(index.column()))
        if role == CELL_ROLE:
            return cell
        if role == Qt.ItemDataRole.DisplayRole:
            return cell.text
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return ", ".join(part for part in (cell.text, cell.badge, cell.second) if part)
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip("\n".join(filter(None, self._tip(run, Column(index.column())))))
        return None

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
        return Cell(texts[column], text_role="text2", is_right=column in _NUMBERS)

    def _tip(self, run: RunSummary, column: Column) -> tuple[str, ...]:
        if column is Column.RUN:
            return run.folder, run.notes
        if column is Column.STATE:
            return run.message, run.hint
        if column is Column.SCORE:
            words = self.tr("Of the validation split, which chose the best epoch. In brackets: its 95 % interval.")
            return (words,) if run.best_balanced_accuracy is not None else ()
        if column is Column.BESIDE:
            return (self.tr("Lay the curves and settings of this Run beside those of others (Space)."),)
        return {Column.MODEL: (run.model,), Column.DATA: (run.data,), Column.WHEN: (run.started,)}.get(column, ())

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
