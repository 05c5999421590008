"""An Evaluation class by class: how often it was found and rightly so, with 95 % intervals beside each figure."""

from __future__ import annotations

from enum import IntEnum

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from convnext_studio.core.evaluation.report import ClassFigures, Evaluation, Interval
from convnext_studio.gui.theme.fonts import font
from convnext_studio.gui.widgets.cells import CELL_ROLE, Cell
from convnext_studio.gui.widgets.figures import UNKNOWN
from convnext_studio.gui.widgets.numbers import count, decimal, percent

AnyIndex = QModelIndex | QPersistentModelIndex


class Column(IntEnum):
    """The columns, in their order."""

    CLASS = 0
    RECALL = 1
    PRECISION = 2
    F1 = 3
    AREA = 4


WIDTHS: dict[int, int] = {
    Column.RECALL: 86,
    Column.PRECISION: 86,
    Column.F1: 86,
    Column.AREA: 76,
}


def between(interval: Interval) -> str:
    """An interval as short as a table wants it: "85.6–98.2"."""
    return "–".join(decimal(100 * end, 1) for end in interval)


class ClassTable(QAbstractTableModel):
    """Classes that occur, the weakest first."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.rows: tuple[ClassFigures, ...] = ()

    def show(self, evaluation: Evaluation | None) -> None:
        """Show this one."""
        self.beginResetModel()
        occurring = (one for one in (evaluation.per_class if evaluation else ()) if one.support)
        self.rows = tuple(sorted(occurring, key=lambda one: (one.recall, one.name)))
        self.endResetModel()

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        """How many classes occur."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        """All columns."""
        return 0 if parent.isValid() else len(Column)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = int(Qt.ItemDataRole.DisplayRole)
    ) -> object:
        """The heads, and what they mean."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        head, tip = self._heads()[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return head
        if role == Qt.ItemDataRole.ToolTipRole:
            return tip
        if role == Qt.ItemDataRole.FontRole:
            return font("cap")
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignLeft if section == Column.CLASS else Qt.AlignmentFlag.AlignRight
            return side | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: AnyIndex, role: int = int(Qt.ItemDataRole.DisplayRole)) -> object:
        """The Cell, or its words."""
        if role == CELL_ROLE:
            return self._cell(self.rows[index.row()], Column(index.column()))
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            cell = self._cell(self.rows[index.row()], Column(index.column()))
            return f"{cell.text} {cell.second}".strip()
        return None

    def _heads(self) -> tuple[tuple[str, str], ...]:
        return (
            (
                self.tr("Class"),
                self.tr("How many of it were called something else, and what share it may be at the most (95 % sure)."),
            ),
            (self.tr("Recall"), self.tr("What share of the class was found, with its 95 % interval.")),
            (self.tr("Precision"), self.tr("What share of those called so are of the class, with its 95 % interval.")),
            (self.tr("F1"), self.tr("Recall and precision in one figure, with its 95 % interval.")),
            (self.tr("AUC"), self.tr("Area under the ROC curve, and average precision under it.")),
        )

    def _cell(self, one: ClassFigures, column: Column) -> Cell:
        if column == Column.CLASS:
            missed = self.tr("{0} of {1} missed (≤ {2})").format(
                count(one.missed), count(one.support), percent(one.missed_at_most)
            )
            return Cell(one.name, missed, is_strong=True)
        if column == Column.AREA:
            roc, area = (
                UNKNOWN if value is None else decimal(value, 3) for value in (one.roc_auc, one.average_precision)
            )
            return Cell(roc, self.tr("AP {0}").format(area), is_right=True)
        value, interval = {
            Column.RECALL: (one.recall, one.recall_interval),
            Column.PRECISION: (one.precision, one.precision_interval),
            Column.F1: (one.f1, one.f1_interval),
        }[column]
        return Cell(percent(value), between(interval), is_right=True)
