"""The results of a race as a table that can be sorted, and as points of a plot: good against fast, small or light."""

from __future__ import annotations

import math
from enum import IntEnum

from PySide6.QtCore import QObject

from convnext_studio.gui.stores.race import Race, RaceRow, front
from convnext_studio.gui.stores.runs_table import TONES, score_cell
from convnext_studio.gui.stores.sorted_table import SortedTable
from convnext_studio.gui.stores.training_words import length, state_sign, state_word
from convnext_studio.gui.widgets import figures
from convnext_studio.gui.widgets.cells import Cell
from convnext_studio.gui.widgets.pareto_plot import Point

AXES = ("images_per_s", "parameters", "memory_bytes")


class Column(IntEnum):
    """The columns, in their order."""

    MODEL = 0
    SCORE = 1
    SPEED = 2
    PARAMETERS = 3
    MEMORY = 4
    TIME = 5
    LICENCE = 6
    STATE = 7


COLUMN_WIDTHS: dict[int, int] = {
    Column.SCORE: 132,
    Column.SPEED: 104,
    Column.PARAMETERS: 88,
    Column.MEMORY: 84,
    Column.TIME: 76,
    Column.LICENCE: 150,
    Column.STATE: 140,
}


class RaceTable(SortedTable[RaceRow, Column]):
    """A row for each Model of the race that is shown."""

    columns = Column
    numbers = frozenset((Column.SCORE, Column.SPEED, Column.PARAMETERS, Column.MEMORY, Column.TIME))
    best_first = frozenset((Column.SCORE, Column.SPEED))

    def __init__(self, race: Race, parent: QObject | None = None) -> None:
        super().__init__(Column.SCORE, parent)
        self._race = race
        race.changed.connect(self.refill)
        self.refill()

    def refill(self) -> None:
        """Take the rows anew."""
        rows = self._sorted(self._race.rows())
        if rows != self.rows:
            self.beginResetModel()
            self.rows = rows
            self.endResetModel()

    def _cell(self, row: RaceRow, column: Column) -> Cell:
        if column is Column.MODEL:
            weights = self.tr("random weights: learned nothing before")
            return Cell(row.title, second=weights if row.is_random else row.model.rpartition("/")[2], is_strong=True)
        if column is Column.SCORE:
            return score_cell(row.score, row.interval)
        if column is Column.STATE:
            if row.state == "waiting":
                return Cell(self.tr("Waiting"), icon="clock", tone="none")
            icon, role = state_sign(row.state)
            return Cell(state_word(row.state), icon=icon, tone=TONES.get(role, "none"))
        if column is Column.LICENCE:
            return _licence_cell(row)
        speed = figures.UNKNOWN if row.images_per_s is None else figures.speed(row.images_per_s)
        texts = {
            Column.SPEED: speed,
            Column.PARAMETERS: figures.millions(row.parameters),
            Column.MEMORY: figures.size(row.memory_bytes),
            Column.TIME: length(row.seconds) if row.seconds else figures.UNKNOWN,
        }
        return Cell(texts[column], text_role="text2", is_right=True)

    def _titles(self) -> dict[Column, str]:
        return {
            Column.MODEL: self.tr("Model"),
            Column.SCORE: self.tr("Balanced accuracy"),
            Column.SPEED: self.tr("Images/s here"),
            Column.PARAMETERS: self.tr("Parameters"),
            Column.MEMORY: self.tr("Memory"),
            Column.TIME: self.tr("Training"),
            Column.LICENCE: self.tr("Licence"),
            Column.STATE: self.tr("State"),
        }

    def _tips(self) -> dict[Column, str]:
        return {
            Column.SCORE: self.tr("Best balanced accuracy on the validation split, with its 95 % interval"),
            Column.SPEED: self.tr("Images a second that the network alone classifies, measured on this machine"),
            Column.PARAMETERS: self.tr("Numbers that the network consists of, in millions"),
            Column.MEMORY: self.tr("What training the whole network took; unknown where only the head was fitted"),
            Column.LICENCE: self.tr("Of the weights it began with"),
        }

    def _tip(self, row: RaceRow, column: Column) -> tuple[str, ...]:
        return (row.model if column is Column.MODEL else self._cell(row, column).text,)

    def _key(self, row: RaceRow, column: Column) -> float | str | None:
        return _key(row, column)

    # --- the plot

    def points(self, axis: str) -> list[Point]:
        """A point for each Model whose score and figure on this axis are known."""
        known = [row for row in self.rows if row.score is not None and (getattr(row, axis) or 0) > 0]
        places = [(float(getattr(row, axis)), float(row.score or 0.0)) for row in known]
        best = front(places, is_less_better=axis != "images_per_s")
        return [
            Point(row.title, x, y, row.interval or (y, y), is_best)
            for row, (x, y), is_best in zip(known, places, best, strict=True)
        ]


def ticks(axis: str, values: list[float]) -> list[tuple[float, str]]:
    """Round figures on the axis around these values, and their words."""
    if not values:
        return []
    first, last = math.floor(math.log10(min(values))) - 1, math.ceil(math.log10(max(values))) + 1
    places = [factor * 10.0**power for power in range(first, last + 1) for factor in (1, 2, 5)]
    inside = [place for place in places if min(values) / 1.5 <= place <= max(values) * 1.5]
    return [(place, _axis_words(axis, place)) for place in inside]


def _axis_words(axis: str, value: float) -> str:
    if axis == "images_per_s":
        return figures.speed(value)
    return figures.size(value) if axis == "memory_bytes" else figures.millions(round(value))


def _licence_cell(row: RaceRow) -> Cell:
    if row.is_random:
        return Cell(figures.UNKNOWN, text_role="text3")
    if row.commercial_use is True:
        return Cell(row.licence, icon="check", tone="ok")
    if row.commercial_use is False:
        return Cell(row.licence, icon="warn", tone="again")
    return Cell(row.licence or figures.UNKNOWN, icon="question", tone="none")


def _key(row: RaceRow, column: Column) -> float | str | None:
    keys: dict[Column, float | str | None] = {
        Column.MODEL: row.title.casefold(),
        Column.SCORE: row.score,
        Column.SPEED: row.images_per_s,
        Column.PARAMETERS: row.parameters or None,
        Column.MEMORY: row.memory_bytes or None,
        Column.TIME: row.seconds or None,
        Column.LICENCE: row.licence.casefold() or None,
        Column.STATE: row.state,
    }
    return keys[column]
