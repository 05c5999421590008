"""Runs laid beside each other: the curves of their validation, and the settings in which they differ."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtWidgets import QHBoxLayout, QHeaderView, QStackedWidget, QTableView, QVBoxLayout, QWidget

from convnext_studio.core.runs.history import History
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.stores.compared import MOST, Compared
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.theme.fonts import font
from convnext_studio.gui.widgets.buttons import Button
from convnext_studio.gui.widgets.frame import Frame
from convnext_studio.gui.widgets.label import PlainLabel, plain_tip
from convnext_studio.gui.widgets.numbers import count
from convnext_studio.gui.widgets.segmented import Segmented

AnyIndex = QModelIndex | QPersistentModelIndex
_ROLES = ("s1", "s2", "s3", "s4", "s5", "text2")
_NAME_WIDTH, _VALUE_WIDTH = 170, 120


class BesidePanel(Frame):
    """Shows `studio.compared`; hidden while fewer than two Runs are chosen."""

    def __init__(self, studio: Studio, actions: Actions, parent: QWidget | None = None) -> None:  # noqa: ARG002
        super().__init__("panel", "top", parent)
        self._studio = studio
        self._compared = studio.compared
        self._plot: QWidget | None = None
        self.title = PlainLabel("", "section", wrap=True)
        self.words = PlainLabel("", "small", "text2", elide=Qt.TextElideMode.ElideRight)
        self.choice = Segmented(studio.theme, (self.tr("Curves"), self.tr("Differences")))
        self.clear = Button(studio.theme, self.tr("Clear"), "x", "ghost")
        self.clear.setToolTip(self.tr("Compare none of these Runs"))
        self.clear.clicked.connect(self._compared.clear)
        self.differences = DifferenceTable(self._compared, self)
        self.table = _table(self.differences, self.tr("Settings that differ"))
        self.same = PlainLabel(self.tr("These Runs have the same settings."), "body", "text2")
        self.same.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.stack = QStackedWidget()
        self._curves = QWidget()
        QVBoxLayout(self._curves).setContentsMargins(0, 0, 0, 0)
        for page in (self._curves, self.table, self.same):
            self.stack.addWidget(page)
        self._lay_out()
        self.choice.index_changed.connect(self.show_all)
        self._compared.changed.connect(self.show_all)
        self._compared.refused.connect(self._on_refused)
        self.show_all()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(10)
        said = QVBoxLayout()
        said.setSpacing(2)
        said.addWidget(self.title)
        said.addWidget(self.words)
        head.addLayout(said, 1)
        head.addWidget(self.choice)
        head.addWidget(self.clear)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(16, 10, 16, 8)
        whole.setSpacing(6)
        whole.addLayout(head)
        whole.addWidget(self.stack, 1)

    def show_all(self) -> None:
        """Draw anew what is known of the chosen Runs."""
        chosen = self._compared.folders
        self.setVisible(len(chosen) > 1)
        if len(chosen) < 2:
            return
        self.title.setText(self.tr("{0} Runs beside each other").format(count(len(chosen))))
        self.differences.take()
        if self.choice.index() == 0:
            self.words.setText(self.tr("Balanced accuracy on the validation split, by epoch"))
            self._show_curves()
            self.stack.setCurrentWidget(self._curves)
        else:
            self.words.setText(self.tr("Only settings that are not the same in all"))
            self.stack.setCurrentWidget(self.table if self.differences.rowCount() else self.same)

    def _show_curves(self) -> None:
        from convnext_studio.gui.stores.curves import accuracy_curves  # numpy and pyqtgraph: late
        from convnext_studio.gui.widgets.curve import Marks, Scale
        from convnext_studio.gui.widgets.curve_plot import CurvePlot
        from convnext_studio.gui.widgets.plot_view import PlotView

        if self._plot is None:
            name = self.tr("Balanced accuracy of the compared Runs")
            self._plot = CurvePlot(self._studio.theme, name, PlotView(self), Scale(is_share=True))
            layout = self._curves.layout()
            assert layout is not None
            layout.addWidget(self._plot)
        assert isinstance(self._plot, CurvePlot)
        told = self._compared.histories()
        curves = [
            replace(accuracy_curves(history)[-1], name=name, role=_ROLES[number % len(_ROLES)])
            for number, (_folder, name, history) in enumerate(told)
        ]
        end = max((1.0, *(_last_epoch(history) for _folder, _name, history in told)))
        self._plot.show_curves(curves, Marks(now=end, end=end))

    def _on_refused(self) -> None:
        self._studio.messages.info(
            self.tr("{0} Runs can be compared at a time.").format(count(MOST)), self.tr("Take one away first.")
        )


def _last_epoch(history: History) -> float:
    return float(history.epochs[-1].epoch) if history.epochs else 0.0


class DifferenceTable(QAbstractTableModel):
    """A row for each setting that differs, a column for each Run."""

    def __init__(self, compared: Compared, parent: QWidget) -> None:
        super().__init__(parent)
        self._compared = compared
        self._names: tuple[str, ...] = ()
        self._rows: list[tuple[str, tuple[str, ...]]] = []

    def take(self) -> None:
        """Take what differs now."""
        names, rows = self._compared.names(), self._compared.differences()
        if (names, rows) != (self._names, self._rows):
            self.beginResetModel()
            self._names, self._rows = names, rows
            self.endResetModel()

    def rowCount(self, parent: AnyIndex | None = None) -> int:
        """Settings."""
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def columnCount(self, parent: AnyIndex | None = None) -> int:
        """The setting's name, and the Runs."""
        return 0 if parent is not None and parent.isValid() else 1 + len(self._names)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Names of the Runs."""
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._names[section - 1] if section else self.tr("Setting")
        if role == Qt.ItemDataRole.FontRole:
            return font("cap")
        return None

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Words."""
        label, values = self._rows[index.row()]
        text = values[index.column() - 1] if index.column() else label
        if role == Qt.ItemDataRole.DisplayRole:
            return text
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(text)
        if role == Qt.ItemDataRole.FontRole:
            return font("small")
        return None


def _table(model: QAbstractTableModel, name: str) -> QTableView:
    table = QTableView()
    table.setAccessibleName(name)
    table.setModel(model)
    table.setShowGrid(False)
    table.setWordWrap(False)
    table.setTabKeyNavigation(False)
    table.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(28)
    header = table.horizontalHeader()
    header.setHighlightSections(False)
    header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    header.setDefaultSectionSize(_VALUE_WIDTH)
    header.setMinimumSectionSize(80)
    header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
    return table
