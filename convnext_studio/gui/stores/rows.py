"""A row of the Library in words: the columns of the table, the Tile of the grid."""

from __future__ import annotations

from enum import IntEnum

from PySide6.QtCore import QCoreApplication

from convnext_studio.core.values import ImageRef, Prediction
from convnext_studio.gui.language import spoken
from convnext_studio.gui.widgets.numbers import decimal, percent
from convnext_studio.gui.widgets.tile import Tile


class Column(IntEnum):
    """The columns of the table."""

    NAME = 0
    CLASS = 1
    PROBABILITY = 2
    MARGIN = 3
    TIME = 4
    ERROR = 5

    @property
    def is_number(self) -> bool:
        """True if it stands at the right."""
        return Column.PROBABILITY <= self <= Column.TIME


def heading(column: Column) -> str:
    """The head of a column."""
    tr = QCoreApplication.translate
    return {
        Column.NAME: tr("Library", "Name"),
        Column.CLASS: tr("Library", "Class"),
        Column.PROBABILITY: tr("Library", "Probability"),
        Column.MARGIN: tr("Library", "Margin"),
        Column.TIME: tr("Library", "Time"),
        Column.ERROR: tr("Library", "Error"),
    }[column]


def text_of(name: str, done: Prediction | None, column: Column) -> str:
    """What a cell of the table says."""
    if column is Column.NAME:
        return name
    if done is None:
        return ""
    if column is Column.ERROR:
        return spoken(done.error)
    if not done.classes:
        return ""
    if column is Column.CLASS:
        return done.classes[0]
    if column is Column.PROBABILITY:
        return percent(done.probabilities[0])
    return percent(done.margin) if column is Column.MARGIN else f"{decimal(done.milliseconds, 1)} ms"


def tile_of(image: ImageRef, name: str, done: Prediction | None) -> Tile:
    """What the grid draws."""
    if done is None:
        return Tile(image, name)
    if done.error or not done.classes:
        return Tile(image, name, "error", reason=spoken(done.error))
    return Tile(image, name, "done", done.classes[0], done.probabilities[0])
