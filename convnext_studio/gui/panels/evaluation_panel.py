"""One Evaluation: key figures, confusion with the Images behind each cell, classes, curves, reliability."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from convnext_studio.core.values import ImageRef
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.language import spoken
from convnext_studio.gui.stores.class_table import WIDTHS, ClassTable, Column
from convnext_studio.gui.stores.evaluation_words import (
    compared_words,
    left_out_words,
    shown_classes,
    split_word,
    tiles_of,
    warnings_of,
)
from convnext_studio.gui.stores.judged_rows import JudgedRows
from convnext_studio.gui.stores.small_pictures import SmallPictures
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.buttons import Button, IconButton
from convnext_studio.gui.widgets.cell_table import CellTable
from convnext_studio.gui.widgets.confusion_matrix import ConfusionMatrix
from convnext_studio.gui.widgets.figure_tile import FigureTile
from convnext_studio.gui.widgets.frame import Frame
from convnext_studio.gui.widgets.label import IconLabel, PlainLabel
from convnext_studio.gui.widgets.numbers import count, decimal, percent
from convnext_studio.gui.widgets.segmented import Segmented
from convnext_studio.gui.widgets.select import Select
from convnext_studio.gui.widgets.thumbnail_grid import ThumbnailGrid
from convnext_studio.gui.widgets.unit_plot import Line, UnitPlot
from convnext_studio.gui.widgets.warning_row import WarningRow

if TYPE_CHECKING:
    from convnext_studio.core.evaluation.report import ClassFigures, Evaluation

_SIDE, _MOST_WORST = 128, 200
_ROLES = ("s1", "s2", "s3", "s4", "s5")  # more lines than these cannot be told apart
_NARROW, _TWO_TILES = 1120, 680
_MARGINS, _NAME = 44, 150  # of the table of classes: beside its columns, and for the class
_CARD = 312  # the least height of a card
_COLUMNS, _ROWS = 12, 3
_PLACES = ((0, 0, 6), (0, 6, 6), (1, 0, 5), (1, 5, 4), (1, 9, 3))  # row, column, columns of the five cards
_NARROW_PLACES = ((0, 0, 6), (0, 6, 6), (1, 0, 12), (2, 0, 6), (2, 6, 6))


class EvaluationPanel(QWidget):
    """Shows `evaluator.evaluation`; a cell of the matrix puts its Images into the card beside it."""

    def __init__(self, studio: Studio, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._actions = actions
        self._evaluator = studio.evaluator
        self._classes: tuple[int, ...] = ()  # those in the matrix
        self._warnings: list[QWidget] = []
        self._make_parts()
        self._lay_out()
        self._connect()
        self.show_all()

    # --- how it is built

    def _make_parts(self) -> None:
        theme = self._studio.theme
        self.tiles = tuple(FigureTile() for _ in range(5))
        self.matrix = ConfusionMatrix(theme)
        self.matrix.setMinimumHeight(200)
        self.unit = Segmented(theme, (self.tr("Count"), self.tr("Percent")))
        self.matrix_second = PlainLabel("", "small", "text2", elide=Qt.TextElideMode.ElideRight)
        self._make_images()
        self.table = ClassTable(self)
        self.classes = CellTable(theme, self.table, self.tr("Figures per class"), WIDTHS)
        self.classes.setMinimumHeight(200)
        self.classes_second = PlainLabel("", "small", "text2", elide=Qt.TextElideMode.ElideRight)
        self.kind = Segmented(theme, (self.tr("ROC"), self.tr("PR")))
        self.of_class = Select(self.tr("Class of the curves"))
        self.of_class.setToolTip(self.tr("Whose curve is drawn: a class against all others."))
        self.of_class.setSizeAdjustPolicy(Select.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.of_class.setMinimumContentsLength(9)
        self.curves = UnitPlot(theme, self.tr("Curves"))
        self.curves_second = PlainLabel("", "small", "text2", elide=Qt.TextElideMode.ElideRight)
        self.reliability = UnitPlot(theme, self.tr("Reliability"))
        self.reliability_second = PlainLabel("", "small", "text2", elide=Qt.TextElideMode.ElideRight)

    def _make_images(self) -> None:
        theme = self._studio.theme
        self.pictures = SmallPictures(self._studio.lanes, "judged images", 2 * _SIDE, self)
        self.rows = JudgedRows(self)
        self.images = ThumbnailGrid(theme, self.pictures, self.tr("Images behind the figures"))
        self.images.setModel(self.rows)
        self.images.set_side(_SIDE)
        self.images.setDragEnabled(False)
        self.images.setMinimumHeight(150)
        self.images_title = PlainLabel("", "section", elide=Qt.TextElideMode.ElideRight)
        self.images_second = PlainLabel("", "small", "text2")
        self.close_cell = IconButton(theme, "x", self.tr("Back to the worst images"))
        self.open = Button(theme, self.tr("Open in Inspect"), "inspect")
        self.open.setToolTip(self.tr("Open these images, with the Model that was evaluated."))
        self.explain = Button(theme, self.tr("With Heatmaps"), "eye")
        self.explain.setToolTip(self.tr("Open these images and show where the Model saw its evidence."))

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        self._said = QVBoxLayout()
        self._said.setSpacing(8)
        column.addLayout(self._said)
        self._tile_row = QGridLayout()
        self._tile_row.setSpacing(12)
        column.addLayout(self._tile_row)
        self._grid = QGridLayout()
        self._grid.setSpacing(12)
        column.addLayout(self._grid, 1)
        self._confusion_card = _card(self.tr("Confusion"), self.matrix_second, self.matrix, self.unit)
        self._images_card = self._laid_out_images()
        self._class_card = _card(self.tr("Per class"), self.classes_second, self.classes)
        tools = (self.of_class, self.kind)
        self._curve_card = _card(self.tr("Curves"), self.curves_second, self.curves, *tools, is_below=True)
        words = (self.tr("Reliability"), self.reliability_second)
        self._reliability_card = _card(*words, self.reliability, is_below=True)
        for widget in (self.images, self.classes, self.matrix):
            widget.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        self._arrange()

    def _laid_out_images(self) -> Frame:
        card = Frame("card")
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.images_title, 1)
        head.addWidget(self.images_second)
        head.addWidget(self.close_cell)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addWidget(self.open)
        foot.addWidget(self.explain)
        foot.addStretch(1)
        column = QVBoxLayout(card)
        column.setContentsMargins(12, 8, 12, 12)
        column.setSpacing(8)
        column.addLayout(head)
        column.addWidget(self.images, 1)
        column.addLayout(foot)
        card.setMinimumHeight(_CARD)
        return card

    def _connect(self) -> None:
        evaluator = self._evaluator
        evaluator.shown_changed.connect(self.show_all)
        evaluator.comparison_changed.connect(self._show_warnings)
        self.unit.index_changed.connect(lambda index: self.matrix.set_percent(index == 1))
        self.matrix.cell_pressed.connect(self.open_cell)
        self.close_cell.clicked.connect(self.show_worst)
        self.images.in_sight_changed.connect(self._on_in_sight)
        self.pictures.made.connect(self.images.viewport().update)
        self.images.activated.connect(self._on_activated)
        self.open.clicked.connect(self._on_open)
        self.explain.clicked.connect(self._on_explain)
        self.classes.chosen.connect(self._on_class)
        self.kind.index_changed.connect(self._show_curves)
        self.of_class.activated.connect(self._show_curves)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """As much side by side as there is room for."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        is_narrow = self.width() < _NARROW
        self.tiles[-1].setVisible(not is_narrow)  # the page's head says it too
        columns = 2 if self.width() < _TWO_TILES else len(self.tiles)
        for number, tile in enumerate(self.tiles):
            self._tile_row.addWidget(tile, number // columns, number % columns)
        cards = (self._confusion_card, self._images_card, self._class_card, self._curve_card, self._reliability_card)
        for card, (row, column, span) in zip(cards, _NARROW_PLACES if is_narrow else _PLACES, strict=True):
            self._grid.addWidget(card, row, column, 1, span)
        for column in range(_COLUMNS):
            self._grid.setColumnStretch(column, 1)
        for row in range(_ROWS):
            self._grid.setRowStretch(row, 1 if row < _ROWS - 1 or is_narrow else 0)
        self._fit_columns()

    def _fit_columns(self) -> None:
        """In a narrow table the last columns go; the figures stay in the report."""
        room = self._class_card.width() - _MARGINS - _NAME
        for column in (Column.RECALL, Column.PRECISION, Column.F1, Column.AREA):
            room -= WIDTHS[column]
            self.classes.setColumnHidden(column, room < 0)

    # --- what is shown

    def show_all(self) -> None:
        """Draw the Evaluation anew."""
        found = self._evaluator.evaluation
        self._show_warnings()
        self.table.show(found)
        if found is None:
            self.rows.show(None, ())
            self.matrix.show_matrix((), ())
            return
        for tile, words in zip(self.tiles, tiles_of(found), strict=True):
            tile.show_figure(*words)
        self._show_matrix(found)
        split = split_word(found.split)
        self.classes_second.setText(self.tr("{0}, weakest first, with 95 % intervals").format(split))
        chosen = self.of_class.currentData()
        self.of_class.clear()
        self.of_class.addItem(self.tr("Weakest classes"), "")
        for one in self.table.rows:
            self.of_class.addItem(one.name, one.name)
        self.of_class.setCurrentIndex(max(0, self.of_class.findData(chosen)))
        self._show_curves()
        self._show_reliability(found)
        self.show_worst()

    def _show_matrix(self, found: Evaluation) -> None:
        self._classes = shown_classes(found.confusion)
        self.matrix.show_matrix(found.classes, found.confusion, self._classes)
        words = self.tr("{0}, {1} images").format(split_word(found.split), count(len(found.images)))
        if len(self._classes) < sum(1 for one in found.per_class if one.support):
            words = self.tr("{0} · the {1} classes most often confused").format(words, count(len(self._classes)))
        self.matrix_second.setText(words)

    def _show_warnings(self) -> None:
        for row in self._warnings:
            self._said.removeWidget(row)
            row.deleteLater()
        self._warnings = []
        found, theme = self._evaluator.evaluation, self._studio.theme
        if found is None:
            return
        for message, hint in warnings_of(found):
            self._say(WarningRow(theme, message, hint, has_images=False))
        unknown = (*(path for path, _ in found.unreadable), *found.left_out)
        if unknown:
            row = WarningRow(theme, *left_out_words(found), has_images=True)
            row.show_pressed.connect(lambda: self._studio.show_images(unknown))
            self._say(row)
        for note in found.notes:
            self._say(_note(theme, spoken(note)))
        if self._evaluator.comparison is not None:
            self._say(self._compared())

    def _say(self, row: QWidget) -> None:
        self._said.addWidget(row)
        self._warnings.append(row)

    def _compared(self) -> Frame:
        comparison, theme = self._evaluator.comparison, self._studio.theme
        assert comparison is not None
        title, sentence, chance = compared_words(comparison)
        frame = Frame("card")
        column = QVBoxLayout(frame)
        column.setContentsMargins(12, 10, 12, 12)
        column.setSpacing(4)
        for text, role, color in ((title, "section", "text"), (sentence, "body", "text"), (chance, "small", "text2")):
            column.addWidget(PlainLabel(text, role, color, wrap=True))
        row = QHBoxLayout()
        row.setSpacing(8)
        for name, paths in ((comparison.first, comparison.only_first), (comparison.second, comparison.only_second)):
            words = self.tr("Right only with “{0}”: {1}").format(name, count(len(paths)))
            button = Button(theme, words, "image", is_small=True)
            button.setEnabled(bool(paths))
            button.setToolTip(self.tr("Open these images in Inspect."))
            button.clicked.connect(lambda _on=False, paths=paths: self._studio.show_images(paths))
            row.addWidget(button)
        row.addStretch(1)
        column.addSpacing(4)
        column.addLayout(row)
        return frame

    def _show_curves(self) -> None:
        found = self._evaluator.evaluation
        if found is None:
            return
        is_roc = self.kind.index() == 0
        name = self.of_class.currentData()
        chosen = [one for one in self.table.rows if one.name == name] or list(self.table.rows[: len(_ROLES)])
        with_points = [one for one in chosen if (one.roc if is_roc else one.pr)]
        lines = [_line(one, role, is_roc=is_roc) for one, role in zip(with_points, _ROLES, strict=False)]
        low = 0.0
        if not is_roc and lines:
            least = min(y for line in lines for _, y in line.points)
            low = max(0.0, int(least * 10) / 10 - 0.1) if least > 0.5 else 0.0
        axes = (
            (self.tr("false positive rate"), self.tr("true positive rate"))
            if is_roc
            else (self.tr("recall"), self.tr("precision"))
        )
        self.curves.show_lines(lines, axes, low=low, is_even=is_roc)
        words = self.tr("{0}: one class against the rest, area under each")
        if not lines:
            words = self.tr("{0}: a curve needs images of the class and of others")
        elif not is_roc:
            words = self.tr("{0}: one class against the rest, average precision")
        start = self.tr(" · the axis begins at {0}").format(decimal(low, 1)) if low else ""
        self.curves_second.setText(words.format(split_word(found.split)) + start)

    def _show_reliability(self, found: Evaluation) -> None:
        bars = [bar for bar in found.reliability if bar.count]
        most = max((bar.count for bar in bars), default=1)
        points = [(bar.confidence or 0.0, bar.accuracy or 0.0) for bar in bars]
        line = Line("", "s1", points, tuple(bar.count / most for bar in bars))
        self.reliability.show_lines(
            [line], (self.tr("probability of the answer"), self.tr("share that was right")), is_even=True
        )
        words = self.tr("{0}: off by {1} on average (ECE)")
        self.reliability_second.setText(words.format(split_word(found.split), percent(found.calibration_error)))

    # --- Images

    def show_worst(self) -> None:
        """The Images with the largest loss."""
        found = self._evaluator.evaluation
        if found is None:
            return
        self.matrix.mark(None)
        self.close_cell.setEnabled(False)
        self._show_images(self.tr("Worst images"), found.images.worst(_MOST_WORST), is_by_loss=True)
        self.images_second.setText(self.tr("largest loss, {0}").format(split_word(found.split)))

    def open_cell(self, true: int, predicted: int) -> None:
        """The Images of a cell of the matrix, as it is shown."""
        found = self._evaluator.evaluation
        if found is None:
            return
        self.matrix.mark((true, predicted))
        self.close_cell.setEnabled(True)
        label, answer = self._classes[true], self._classes[predicted]
        words = self.tr("True {0}, predicted {1}").format(found.classes[label], found.classes[answer])
        rows = found.images.cell(label, answer)
        self._show_images(words, rows, is_by_loss=False)
        self.images_second.setText(
            self.tr("1 image") if len(rows) == 1 else self.tr("{0} images").format(count(len(rows)))
        )

    def _show_images(self, title: str, rows: Sequence[int], *, is_by_loss: bool) -> None:
        found = self._evaluator.evaluation
        self.images_title.setText(title)
        self.rows.show(found.images if found is not None else None, rows, is_by_loss=is_by_loss)
        self.images.scrollToTop()
        for button in (self.open, self.explain):
            button.setEnabled(bool(rows))

    def _on_in_sight(self, first: int, past: int) -> None:
        self.pictures.want([ImageRef(path) for path in self.rows.paths[first:past]])

    def _on_activated(self, index: QModelIndex) -> None:
        self._open_from(index.row())

    def _on_open(self) -> None:
        self._open_from(max(0, self.images.currentIndex().row()))

    def _on_explain(self) -> None:
        self._actions["show_heatmap"].setChecked(True)
        self._on_open()

    def _open_from(self, row: int) -> None:
        """Open all that are shown, this one first, with the Model that judged them."""
        found, classifier = self._evaluator.evaluation, self._studio.classifier
        if found is not None and classifier.model_ref != found.ref:
            classifier.set_model(found.ref)
            self._studio.messages.info(self.tr("“{0}” is the Model in use now.").format(found.model))
        paths = self.rows.paths
        self._studio.show_images((*paths[row:], *paths[:row]))

    def _on_class(self, index: QModelIndex) -> None:
        if index.isValid():
            self.of_class.setCurrentIndex(max(0, self.of_class.findData(self.table.rows[index.row()].name)))
            self._show_curves()


def _line(one: ClassFigures, role: str, *, is_roc: bool) -> Line:
    area = one.roc_auc if is_roc else one.average_precision
    return Line(f"{one.name} {decimal(area, 3)}" if area is not None else one.name, role, one.roc if is_roc else one.pr)


def _note(theme: Theme, text: str) -> Frame:
    frame = Frame("info")
    row = QHBoxLayout(frame)
    row.setContentsMargins(12, 8, 12, 8)
    row.setSpacing(8)
    row.addWidget(IconLabel(theme, "info", "accent"), 0, Qt.AlignmentFlag.AlignTop)
    row.addWidget(PlainLabel(text, "body", wrap=True), 1)
    return frame


def _card(title: str, second: PlainLabel, content: QWidget, *tools: QWidget, is_below: bool = False) -> Frame:
    """`is_below` puts the second words under the head, where it has no room for them."""
    card = Frame("card")
    head = QHBoxLayout()
    head.setSpacing(8)
    head.addWidget(PlainLabel(title, "section"))
    head.addWidget(QWidget() if is_below else second, 1)
    for tool in tools:
        head.addWidget(tool)
    column = QVBoxLayout(card)
    column.setContentsMargins(12, 8, 12, 12)
    column.setSpacing(8)
    column.addLayout(head)
    if is_below:
        column.addWidget(second)
    column.addWidget(content, 1)
    card.setMinimumHeight(_CARD)
    return card
