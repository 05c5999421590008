"""The Models as a table: filtered, under group headings, or sorted by a column; cells are told apart by their kind."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from enum import IntEnum
from itertools import groupby

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from convnext_studio.gui.language import spoken
from convnext_studio.gui.stores.model_facts import how_measured
from convnext_studio.gui.stores.model_memory import Speed
from convnext_studio.gui.stores.model_rows import ModelFilter, ModelRow
from convnext_studio.gui.stores.model_words import group_words
from convnext_studio.gui.stores.models import Models
from convnext_studio.gui.theme.fonts import font
from convnext_studio.gui.widgets import figures, numbers
from convnext_studio.gui.widgets.cells import CELL_ROLE, Cell
from convnext_studio.gui.widgets.label import plain_tip

ROW_ROLE = Qt.ItemDataRole.UserRole + 41

AnyIndex = QModelIndex | QPersistentModelIndex


class Column(IntEnum):
    """The columns, in their order."""

    MODEL = 0
    PARAMETERS = 1
    GMACS = 2
    INPUT = 3
    TOP1 = 4
    LICENCE = 5
    DISK = 6
    SPEED = 7


# A title with the arrow of its order, its longest content, and 11 px at both sides.
COLUMN_WIDTHS: dict[int, int] = {
    Column.PARAMETERS: 94,
    Column.GMACS: 74,
    Column.INPUT: 76,
    Column.TOP1: 82,
    Column.LICENCE: 136,
    Column.DISK: 92,
    Column.SPEED: 108,
}
_NAME_WIDTH, _NAME_AT_EASE = 230, 270
_JOINED = {Column.GMACS: Column.PARAMETERS, Column.INPUT: Column.TOP1}  # what goes below what, where room is scarce
_TO_SPARE = (Column.SPEED, Column.TOP1, Column.PARAMETERS, Column.DISK)  # the least wanted first

_NUMBERS = {Column.PARAMETERS, Column.GMACS, Column.INPUT, Column.TOP1, Column.SPEED}

_ASCENDING, _DESCENDING = Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder

Line = ModelRow | str  # a str is a group's heading


class ModelTable(QAbstractTableModel):
    """Shows what passes `filter`. Without a sort column the rows stand under headings by family and size."""

    def __init__(self, models: Models, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.in_use = ""  # name of the Model that classifies now
        self._models = models
        self._filter = ModelFilter()
        self._sort: tuple[Column, Qt.SortOrder] | None = None
        self._is_joined = False
        self._lines: list[Line] = []
        self._fill()
        models.rows_changed.connect(self._refill)
        models.row_changed.connect(self._on_row_changed)
        models.downloaded.connect(self._on_downloaded)

    @property
    def shown(self) -> int:
        """How many Models are shown."""
        return sum(isinstance(line, ModelRow) for line in self._lines)

    def count_words(self) -> str:
        """How many Models are shown, in words."""
        if self.shown == 1:
            return self.tr("1 Model")
        return self.tr("%s Models").replace("%s", numbers.count(self.shown))

    def set_filter(self, wanted: ModelFilter) -> None:
        """Show what passes `wanted`."""
        if wanted != self._filter:
            self._filter = wanted
            self._refill()

    def set_in_use(self, name: str) -> None:
        """Mark the Model that classifies now."""
        before, self.in_use = self.in_use, name
        for changed in {before, name}:
            self._on_row_changed(changed)

    def row_at(self, index: AnyIndex) -> ModelRow | None:
        """The Model shown there; None for a heading."""
        line = self._lines[index.row()] if index.isValid() and index.row() < len(self._lines) else None
        return line if isinstance(line, ModelRow) else None

    def index_of(self, name: str) -> QModelIndex:
        """Where a Model is shown; invalid if it is not."""
        for number, line in enumerate(self._lines):
            if isinstance(line, ModelRow) and line.name == name:
                return self.index(number, Column.MODEL)
        return QModelIndex()

    def first(self) -> QModelIndex:
        """The first Model shown."""
        number = next((n for n, line in enumerate(self._lines) if isinstance(line, ModelRow)), -1)
        return self.index(number, Column.MODEL) if number >= 0 else QModelIndex()

    def heading_lines(self) -> list[int]:
        """Numbers of the lines that are headings."""
        return [number for number, line in enumerate(self._lines) if isinstance(line, str)]

    def fit(self, room: int) -> set[Column]:
        """The columns that have room in `room` pixels: all, two figures in one where need be, or the dearest."""
        shown = set(Column)
        self._join(is_joined=_left(room, shown) < _NAME_AT_EASE)
        if self._is_joined:
            shown -= _JOINED.keys()
        for column in _TO_SPARE:
            if _left(room, shown) < _NAME_WIDTH:
                shown.remove(column)
        return shown

    def _join(self, *, is_joined: bool) -> None:
        if is_joined != self._is_joined:
            self._is_joined = is_joined
            self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(Column) - 1)
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._lines) - 1, len(Column) - 1))

    # --- the face of a table model

    def rowCount(self, parent: AnyIndex | None = None) -> int:
        """Models and headings."""
        return 0 if parent is not None and parent.isValid() else len(self._lines)

    def columnCount(self, parent: AnyIndex | None = None) -> int:
        """The columns."""
        return 0 if parent is not None and parent.isValid() else len(Column)

    def flags(self, index: AnyIndex) -> Qt.ItemFlag:
        """Headings can be neither chosen nor stepped on."""
        if self.row_at(index) is None:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Names of the columns; a header's font is set here since a style sheet leaves no other way."""
        if orientation is not Qt.Orientation.Horizontal:
            return None
        column = Column(section)
        if role == Qt.ItemDataRole.DisplayRole:
            titles = self._titles()
            return "\n".join([titles[column] + self._arrow(column), *(titles[below] for below in self._below(column))])
        if role == Qt.ItemDataRole.ToolTipRole:
            return "\n".join(self._header_tips()[shown] for shown in (column, *self._below(column)))
        if role == Qt.ItemDataRole.FontRole:
            return font("cap")
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if column in _NUMBERS else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Cells for the delegate, plain text for a screen reader and for tests."""
        if not index.isValid():
            return None
        line = self._lines[index.row()]
        if role == ROW_ROLE:
            return line if isinstance(line, ModelRow) else None
        column = Column(index.column())
        if role == CELL_ROLE:
            return self._cell(line, column)
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            cell = self._cell(line, column)
            spoken = role == Qt.ItemDataRole.AccessibleTextRole
            return ", ".join(part for part in (cell.text, cell.badge, cell.second) if part) if spoken else cell.text
        if role == Qt.ItemDataRole.ToolTipRole and isinstance(line, ModelRow):
            return plain_tip(self._tip(line, column))
        return None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column; -1 goes back to the groups."""
        self._sort = (Column(column), order) if column >= 0 else None
        self._refill()
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(Column) - 1)

    def sort_by(self, column: int) -> None:
        """Each press on a head goes one on: the best first, the other way round, back to the groups."""
        first = _DESCENDING if column in {Column.TOP1, Column.SPEED} else _ASCENDING
        second = _ASCENDING if first is _DESCENDING else _DESCENDING
        if self._sort is None or self._sort[0] != column:
            self.sort(column, first)
        elif self._sort[1] is first:
            self.sort(column, second)
        else:
            self.sort(-1)

    # --- lines

    def _refill(self) -> None:
        self.beginResetModel()
        self._fill()
        self.endResetModel()

    def _fill(self) -> None:
        passing = [row for row in self._models.rows if self._filter.passes(row, self._models.on_disk(row.name))]
        if self._sort is None:
            self._lines = []
            for title, rows in groupby(passing, key=self._heading):
                self._lines += [title, *rows]
            return
        column, order = self._sort
        known = [row for row in passing if self._key(row, column) is not None]
        known.sort(key=lambda row: self._key(row, column), reverse=order is _DESCENDING)  # type: ignore[arg-type, return-value]
        self._lines = [*known, *(row for row in passing if self._key(row, column) is None)]

    def _key(self, row: ModelRow, column: Column) -> float | str | None:
        speed = self._best(row)
        keys: dict[Column, float | str | None] = {
            Column.MODEL: row.title.casefold(),
            Column.PARAMETERS: row.parameters or None,
            Column.GMACS: row.gmacs,
            Column.INPUT: row.input_px or None,
            Column.TOP1: row.top1,
            Column.LICENCE: f"{row.commercial_use is not True}{row.licence.casefold()}" if row.licence else None,
            Column.DISK: (0 if self._models.is_ready(row) else 1e15) + row.file_bytes,
            Column.SPEED: speed.images_per_s if speed else None,
        }
        return keys[column]

    def _arrow(self, column: Column) -> str:
        if self._sort is None or self._sort[0] != column:
            return ""
        return " ↑" if self._sort[1] is _ASCENDING else " ↓"

    def _heading(self, row: ModelRow) -> str:
        if row.is_own:
            return self.tr("Here, ready to use")
        return group_words(row)

    def _on_row_changed(self, name: str) -> None:
        index = self.index_of(name)
        if index.isValid():
            self.dataChanged.emit(index, index.siblingAtColumn(len(Column) - 1))

    def _on_downloaded(self, name: str) -> None:
        if not self.index_of(name).isValid():  # it may pass now
            self._refill()

    # --- cells

    def _cell(self, line: Line, column: Column) -> Cell:
        if isinstance(line, str):
            return Cell(line if column is Column.MODEL else "", is_heading=True)
        if column is Column.MODEL:
            return Cell(line.title, second=self.second_line(line), badge=self._badge(line), is_strong=True)
        if column is Column.LICENCE:
            cell = licence_cell(line, "%s", self.tr("Unknown"))
            return replace(cell, second=self.tr("not commercial")) if line.commercial_use is False else cell
        if column is Column.DISK:
            return self._disk_cell(line)
        if column is Column.SPEED:
            return self._speed_cell(line)
        second = "".join(self._with_unit(line, below) for below in self._below(column))
        return Cell(self._number(line, column), second=second, is_right=True)

    def _below(self, column: Column) -> list[Column]:
        """What stands in the same column below its figure."""
        return [below for below, above in _JOINED.items() if self._is_joined and above is column]

    def _with_unit(self, row: ModelRow, column: Column) -> str:
        unit = self.tr("{} px") if column is Column.INPUT else self.tr("{} GMACs")
        number = self._number(row, column)
        return number if number == figures.UNKNOWN else unit.format(number)

    def second_line(self, row: ModelRow) -> str:
        """The plain words under a Model's name: what it answers, and what it learned from."""
        if row.kind == "bare":
            return self.tr("Untrained architecture: for training from the start")
        if not row.can_classify:
            says = self.tr("Features only: needs fine-tuning before it can classify")
        elif row.label_set.startswith("imagenet"):
            says = self.tr("%s ImageNet classes").replace("%s", numbers.count(row.classes))
        else:
            says = self.tr("%s classes").replace("%s", numbers.count(row.classes))
        return " · ".join(part for part in (says, spoken(row.training_data)) if part)

    def _badge(self, row: ModelRow) -> str:
        if row.name == self.in_use:
            return self.tr("in use")
        return self.tr("sample") if row.kind == "sample" else ""

    @staticmethod
    def _number(row: ModelRow, column: Column) -> str:
        if column is Column.PARAMETERS:
            return figures.millions(row.parameters)
        if column is Column.INPUT:
            return numbers.count(row.input_px) if row.input_px else figures.UNKNOWN
        if column is Column.GMACS:
            return figures.UNKNOWN if row.gmacs is None else numbers.decimal(row.gmacs, 1 if row.gmacs >= 0.95 else 2)
        return figures.UNKNOWN if row.top1 is None else numbers.decimal(row.top1, 1)

    def _disk_cell(self, row: ModelRow) -> Cell:
        if row.kind == "bare":
            return Cell(figures.UNKNOWN, text_role="text3")
        download = self._models.download_of(row.name)
        if download is not None and download.is_active:
            share = download.done_bytes / download.total_bytes if download.total_bytes else 0.0
            return Cell(f"{share * 100:.0f} %", icon="download", icon_role="accent", text_role="text2", share=share)
        found = self._models.on_disk(row.name)
        if found is not None or row.is_own:
            here = found.size_bytes if found else row.file_bytes
            return Cell(figures.size(here), icon="check", icon_role="ok", text_role="text2")
        return Cell(figures.size(row.file_bytes), icon="download", icon_role="text3", text_role="text2")

    def _speed_cell(self, row: ModelRow) -> Cell:
        if self._models.measuring == row.name:
            return Cell(self.tr("Stop"), is_button=True, is_right=True)
        best = self._best(row)
        if best is None:
            return Cell(self.tr("Measure"), is_button=True, is_right=True)
        sign = "≈ " if best.share < 1 else ""
        return Cell(sign + figures.speed(best.images_per_s), is_right=True)

    def _best(self, row: ModelRow) -> Speed | None:
        return next(iter(self._models.speeds(row.name)), None)

    # --- words

    def _titles(self) -> dict[Column, str]:
        return {
            Column.MODEL: self.tr("Model"),
            Column.PARAMETERS: self.tr("Parameters"),
            Column.GMACS: self.tr("GMACs"),
            Column.INPUT: self.tr("Input px"),
            Column.TOP1: self.tr("Top-1 %"),
            Column.LICENCE: self.tr("Licence"),
            Column.DISK: self.tr("On disk"),
            Column.SPEED: self.tr("Images/s here"),
        }

    def _header_tips(self) -> dict[Column, str]:
        return {
            Column.MODEL: self.tr("Name of the weights, and what they answer"),
            Column.PARAMETERS: self.tr("Numbers that were learned, in millions"),
            Column.GMACS: self.tr("Billions of multiplications for one Image at its input size"),
            Column.INPUT: self.tr("Side of the square that the network sees, in pixels"),
            Column.TOP1: self.tr("Published share of right first answers on ImageNet-1k, at this input size"),
            Column.LICENCE: self.tr("Licence of the weights, and whether it allows commercial use"),
            Column.DISK: self.tr("A tick: the weights are on this machine. An arrow: they would be downloaded"),
            Column.SPEED: self.tr("Images a second of the network alone, measured on this machine"),
        }

    def _tip(self, row: ModelRow, column: Column) -> str:
        if column is Column.TOP1:
            if row.top1 is None:
                return self.tr("No figure was published for these weights.")
            return self.tr("Source: %s").replace("%s", row.top1_source) if row.top1_source else ""
        if column is Column.DISK:
            found = self._models.on_disk(row.name)
            return f"{found.path} ({numbers.count(found.size_bytes)} B)" if found else ""
        if column is Column.SPEED:
            best = self._best(row)
            return self.execution_words(best) if best else self.tr("Takes 10 s at most")
        if column is Column.MODEL:
            return "\n".join((row.name, *row.warnings))
        if column is Column.LICENCE:
            return row.licence
        return ""

    def execution_words(self, speed: Speed) -> str:
        """How a speed was measured: "CPU · bf16 · OpenVINO"."""
        return " · ".join(how_measured(speed))


def _left(room: int, shown: Iterable[Column]) -> int:
    """What is left for the names."""
    return room - sum(COLUMN_WIDTHS[column] for column in shown if column in COLUMN_WIDTHS)


def licence_cell(row: ModelRow, not_commercial: str, unknown: str) -> Cell:
    """Tick: free for commercial use. Triangle: not. Question: unknown, which is never guessed."""
    if row.kind == "bare":
        return Cell(figures.UNKNOWN, text_role="text3")  # there are no weights that could have one
    if row.commercial_use is True:
        return Cell(row.licence, icon="check", tone="ok")
    if row.commercial_use is False:
        return Cell(not_commercial.replace("%s", row.licence), icon="warn", tone="again")
    return Cell(row.licence or unknown, icon="question", tone="none")
