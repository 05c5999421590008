"""The list of Images: grid or table over the same rows, with search, filters and order."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QItemSelectionModel, QModelIndex, QSize, Qt, QTimer
from PySide6.QtGui import QAction, QActionGroup, QFontMetrics, QGuiApplication, QResizeEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QMenu, QStackedWidget, QVBoxLayout

from convnext_studio.core.values import Prediction
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.language import spoken
from convnext_studio.gui.settings import Settings
from convnext_studio.gui.stores.arrangement import SortKey
from convnext_studio.gui.stores.rows import Column, heading
from convnext_studio.gui.stores.side_by_side import FEWEST, MOST
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.theme.fonts import font
from convnext_studio.gui.widgets.buttons import ActionIconButton, IconButton
from convnext_studio.gui.widgets.empty_state import EmptyState
from convnext_studio.gui.widgets.filter_row import FilterRow
from convnext_studio.gui.widgets.frame import Frame
from convnext_studio.gui.widgets.label import PlainLabel
from convnext_studio.gui.widgets.numbers import count, percent
from convnext_studio.gui.widgets.result_table import ResultTable
from convnext_studio.gui.widgets.search_field import SearchField
from convnext_studio.gui.widgets.thumbnail_grid import ThumbnailGrid

COUNTS_MS = 300
TYPING_MS = 120
_BESIDE_TITLE = 24  # insets of a column's head
_SORTS: dict[Column, SortKey] = {
    Column.NAME: "name",
    Column.CLASS: "class",
    Column.PROBABILITY: "probability",
    Column.MARGIN: "margin",
    Column.TIME: "time",
    Column.ERROR: "error",
}


class ImagesPanel(Frame):
    """Both views share one selection; the current row is the Image on the canvas."""

    def __init__(self, studio: Studio, actions: Actions) -> None:
        super().__init__("panel", "right")
        self._studio = studio
        self._actions = actions
        self._library = studio.library
        self.search = SearchField(studio.theme, self.tr("Filter by name or class"))
        self.filters = FilterRow(studio.theme)
        self.grid = ThumbnailGrid(studio.theme, studio.thumbnails, self.tr("Images"))
        self.table = ResultTable(studio.theme, self.tr("Images"))
        self.empty = EmptyState(studio.theme, "", "")
        self.views = QStackedWidget()
        self._summary = PlainLabel("", "cap", "text3")
        self._sort_menu = QMenu(self)
        self._scroll = (0, 0)
        self._counting = QTimer(self, interval=COUNTS_MS, singleShot=True)
        self._typing = QTimer(self, interval=TYPING_MS, singleShot=True)
        self.setMinimumWidth(216)
        self._lay_out()
        self._set_up_views()
        self._connect()
        self._on_settings(studio.settings.value)
        self._on_arrangement()
        self._on_counts()
        self._on_current()

    def sizeHint(self) -> QSize:
        """Three columns of thumbnails."""
        return QSize(340, 600)

    # --- set-up

    def _lay_out(self) -> None:
        theme, actions = self._studio.theme, self._actions
        self._sort_button = IconButton(theme, "sort", self.tr("Order"))
        export = IconButton(theme, "export", self.tr("Save or copy results"))
        self._export_menu = QMenu(self)
        self._export_menu.addActions([actions["save_results"], actions["copy_by_class"]])
        export.clicked.connect(lambda: self._export_menu.exec(export.mapToGlobal(export.rect().bottomLeft())))
        self._sort_button.clicked.connect(
            lambda: self._sort_menu.exec(self._sort_button.mapToGlobal(self._sort_button.rect().bottomLeft()))
        )
        head = QHBoxLayout()
        head.setContentsMargins(12, 6, 8, 6)
        head.setSpacing(0)
        head.addWidget(PlainLabel(self.tr("Images"), "section"))
        head.addStretch(1)
        for name in ("view_grid", "view_table"):
            head.addWidget(ActionIconButton(theme, actions[name], "grid" if name == "view_grid" else "list"))
        head.addWidget(ActionIconButton(theme, actions["compare"], "compare"))
        head.addWidget(export)
        row = QHBoxLayout()
        row.setContentsMargins(12, 0, 8, 8)
        row.setSpacing(4)
        row.addWidget(self.search, 1)
        row.addWidget(self._sort_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addLayout(row)
        column.addWidget(self.filters)
        column.addWidget(self.views, 1)
        foot = QHBoxLayout()
        foot.setContentsMargins(12, 4, 12, 6)
        foot.addWidget(self._summary)
        column.addLayout(foot)

    def _set_up_views(self) -> None:
        for view in (self.grid, self.table):
            view.setModel(self._library)
            self.views.addWidget(view)
            view.stepped.connect(self._library.step)
            view.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
            view.addActions(
                [self._actions[name] for name in ("compare", "copy_result", "save_results", "copy_by_class")]
            )
        self.table.setSelectionModel(self.grid.selectionModel())
        self.views.addWidget(self.empty)
        for column, width in zip(Column, (140, 96, 88, 72, 76, 160), strict=True):
            title = QFontMetrics(font("cap")).horizontalAdvance(heading(column))
            self.table.setColumnWidth(column, max(width, title + _BESIDE_TITLE))
        self._make_sort_menu()

    def _make_sort_menu(self) -> None:
        self._sort_group = QActionGroup(self)
        words: dict[SortKey, str] = {
            "name": self.tr("Name"),
            "date": self.tr("Date"),
            "class": self.tr("Class"),
            "probability": self.tr("Probability"),
            "margin": self.tr("Margin"),
            "time": self.tr("Time"),
            "error": self.tr("Error"),
        }
        for key, word in words.items():
            action = QAction(word, self._sort_group, checkable=True)
            action.setData(key)
            self._sort_menu.addAction(action)
        self._sort_menu.addSeparator()
        doubtful = self._sort_menu.addMenu(self.tr("Unsure is below"))
        self._doubt_group = QActionGroup(self)
        for share in (0.3, 0.5, 0.7, 0.9):
            action = QAction(percent(share, 0), self._doubt_group, checkable=True)
            action.setData(share)
            doubtful.addAction(action)
        self._descending = QAction(self.tr("Largest first"), self, checkable=True)
        self._sort_menu.addAction(self._descending)

    def _connect(self) -> None:
        library, actions = self._library, self._actions
        self._sort_group.triggered.connect(lambda action: library.arrange(sort=action.data()))
        self._doubt_group.triggered.connect(lambda action: library.arrange(below=action.data()))
        self._descending.triggered.connect(lambda is_on: library.arrange(is_descending=is_on))
        self.search.textChanged.connect(lambda _text: self._typing.start())
        self._typing.timeout.connect(lambda: library.arrange(text=self.search.text().strip()))
        self.filters.chosen.connect(self._on_filter_chosen)
        self.table.order_wanted.connect(self._on_order_wanted)
        self.grid.selectionModel().currentChanged.connect(self._on_view_current)
        self.grid.in_sight_changed.connect(self._on_in_sight)
        self._studio.thumbnails.made.connect(self.grid.viewport().update)
        self._studio.settings.changed.connect(self._on_settings)
        library.modelAboutToBeReset.connect(self._keep_scroll)
        library.modelReset.connect(self._restore_view)
        library.layoutChanged.connect(self.grid.show_anew)
        library.errors_dropped.connect(self.grid.show_anew)  # their thumbnails are asked for once more
        self._studio.viewer.reread.connect(self.grid.show_anew)  # and that of a file that changed
        library.current_changed.connect(self._on_current)
        library.arrangement_changed.connect(self._on_arrangement)
        library.counts_changed.connect(self._on_counts_soon)
        library.finding_changed.connect(self._on_counts_soon)
        self._counting.timeout.connect(self._on_counts)
        self._views_group = QActionGroup(self)
        for name in ("view_grid", "view_table"):
            self._views_group.addAction(actions[name])
            actions.connect(name, self._on_view_chosen)
        actions["view_grid"].setChecked(True)
        actions.connect("filter_images", self._focus_search)
        actions.connect("next_image", lambda: library.step(1))
        actions.connect("previous_image", lambda: library.step(-1))
        actions.connect("save_results", self.save_results)
        actions.connect("copy_by_class", self.copy_by_class)
        actions.connect("copy_result", self.copy_results)
        actions.connect("compare", self.compare)
        self.grid.selectionModel().selectionChanged.connect(self._show_can_compare)
        library.modelReset.connect(self._show_can_compare)
        self._show_can_compare()
        library.prediction_changed.connect(self._show_can_copy)
        library.current_changed.connect(self._show_can_copy)
        self.empty.pressed.connect(self._show_all)

    # --- what the user does

    def save_results(self) -> None:
        """Ask where to, and save the rows now shown."""
        dialog = QFileDialog(self, self.tr("Save results"), str(self._folder() / "results.csv"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilters(["CSV (*.csv)", "JSON (*.json)", "Parquet (*.parquet)"])
        dialog.setDefaultSuffix("csv")
        dialog.filterSelected.connect(lambda chosen: dialog.setDefaultSuffix(chosen.rpartition(".")[2].rstrip(")")))
        dialog.fileSelected.connect(self._on_save_chosen)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def copy_by_class(self) -> None:
        """Ask where to, and copy the Images of the rows now shown."""
        dialog = QFileDialog(self, self.tr("Copy into folders by class"), str(self._folder()))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(self._on_copy_chosen)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    @property
    def _selected(self) -> list[int]:
        """The selected rows, in order."""
        ranges = self.grid.selectionModel().selection().toList()
        return sorted({row for part in ranges for row in range(part.top(), part.bottom() + 1)})

    def compare(self) -> None:
        """Show the selected Images beside each other."""
        self._studio.side_by_side.show([self._library.image_at(row) for row in self._selected])

    def _show_can_compare(self) -> None:
        ranges = self.grid.selectionModel().selection().toList()
        chosen = sum(part.height() for part in ranges)
        self._actions["compare"].setEnabled(FEWEST <= chosen <= MOST)

    def copy_results(self) -> None:
        """Put the selected rows on the clipboard as text: one with all its classes, several as a table."""
        library = self._library
        rows = self._selected
        found = [library.prediction_at(row) for row in rows] if len(rows) > 1 else [library.current_prediction]
        done = [one for one in found if one is not None]
        if not done:
            return
        QGuiApplication.clipboard().setText(_as_text(done))
        copied = self.tr("The result was copied.") if len(done) == 1 else self.tr("{} results were copied.")
        self._studio.messages.success(copied.format(count(len(done))))

    def _show_can_copy(self) -> None:
        self._actions["copy_result"].setEnabled(self._library.current_prediction is not None)

    def _show_all(self) -> None:
        """Take every filter away; the order stays."""
        self._library.arrange(only="all", class_name="", text="")

    def _folder(self) -> Path:
        return Path(self._studio.memory.folder("save_folder"))

    def _on_save_chosen(self, path: str) -> None:
        self._studio.memory.keep("save_folder", str(Path(path).parent))
        self._studio.exporter.save(self._library.predictions(), path, self._studio.settings.value.top)

    def _on_copy_chosen(self, folder: str) -> None:
        self._studio.memory.keep("save_folder", folder)
        self._studio.exporter.copy_by_class(self._library.predictions(), folder)

    def _focus_search(self) -> None:
        self.search.setFocus()
        self.search.selectAll()

    def _on_view_chosen(self) -> None:
        self._show_view()
        self._on_current()

    def _on_filter_chosen(self, only: str, class_name: str) -> None:
        self._library.arrange(only=only, class_name=class_name)

    def _on_order_wanted(self, column: int) -> None:
        sort = _SORTS[Column(column)]
        now = self._library.arrangement
        self._library.arrange(sort=sort, is_descending=now.sort == sort and not now.is_descending)

    def _on_view_current(self, current: QModelIndex) -> None:
        if current.isValid():
            self._library.set_current_row(current.row())

    def _on_in_sight(self, first: int, last: int) -> None:
        """What is seen, then a page ahead, then a page back."""
        page = last - first
        rows = [*range(first, min(last + page, self._library.shown)), *range(max(0, first - page), first)]
        self._studio.thumbnails.want([self._library.image_at(row) for row in rows])

    # --- what the Stores say

    def _keep_scroll(self) -> None:
        self._scroll = (self.grid.verticalScrollBar().value(), self.table.verticalScrollBar().value())

    def _restore_view(self) -> None:
        self._on_current()
        if self._library.current_row < 0:
            for view, value in zip((self.grid, self.table), self._scroll, strict=True):
                view.verticalScrollBar().setValue(value)
        self._on_counts_soon()

    def _on_current(self) -> None:
        row = self._library.current_row
        selection = self.grid.selectionModel()
        index = self._library.index(row, 0)
        if index.isValid() and selection.currentIndex().row() != row:
            flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
            selection.setCurrentIndex(index, flags)
        if index.isValid():
            for view in (self.grid, self.table):
                if view.isVisible():
                    view.scrollTo(index)

    def _on_settings(self, settings: Settings) -> None:
        self.grid.set_side(settings.thumbnail_side)
        # A little larger than a tile, so that a wider panel needs no new ones.
        self._studio.thumbnails.set_side(round(settings.thumbnail_side * 1.25 * self.devicePixelRatioF()))

    def _on_arrangement(self) -> None:
        now = self._library.arrangement
        for action in self._sort_group.actions():
            action.setChecked(action.data() == now.sort)
        for action in self._doubt_group.actions():
            action.setChecked(action.data() == now.below)
        self._descending.setChecked(now.is_descending)
        for about_answers in (Column.CLASS, Column.PROBABILITY, Column.MARGIN, Column.TIME):
            self.table.setColumnHidden(about_answers, now.only == "errors")  # room for the reasons
        column = next((column for column, sort in _SORTS.items() if sort == now.sort), Column.NAME)
        self.table.show_order(column, is_descending=now.is_descending)
        if now.text != self.search.text().strip() and not self._typing.isActive():
            self.search.setText(now.text)
        self._on_counts()

    def _on_counts_soon(self) -> None:
        if self._library.shown and self.views.currentWidget() is self.empty:
            self._on_counts()  # the first images are shown at once
        elif not self._counting.isActive():
            self._counting.start()

    def _on_counts(self) -> None:
        library = self._library
        self.filters.set_counts(library.total, library.errors, dict(library.class_counts), library.arrangement)
        has_results = bool(library.classified or library.errors)
        self._actions["save_results"].setEnabled(has_results)
        self._actions["copy_by_class"].setEnabled(library.classified > 0)
        for name in ("next_image", "previous_image", "filter_images"):
            self._actions[name].setEnabled(library.total > 0)
        words = [self.tr("{0} of {1} shown").format(count(library.shown), count(library.total))]
        if library.left_out:
            others = self.tr("1 other file left out") if library.left_out == 1 else self.tr("{0} other files left out")
            words.append(others.format(count(library.left_out)))
        self._summary.setText(" · ".join(words) if library.total or library.left_out else "")
        self._show_view()

    def _show_view(self) -> None:
        library = self._library
        if library.shown:
            self.views.setCurrentWidget(self.grid if self._actions["view_grid"].isChecked() else self.table)
            return
        if library.total:
            self.empty.set_words(
                self.tr("No image matches"), self.tr("The filters leave nothing to show."), self.tr("Show all images")
            )
        elif library.is_finding:
            self.empty.set_words(self.tr("Looking for images"), self.tr("The first ones appear here at once."))
        else:
            self.empty.set_words(self.tr("No images open"), self.tr("Images you open are listed here."))
        self.views.setCurrentWidget(self.empty)

    def event(self, event: QEvent) -> bool:
        """On a screen of another pixel ratio the thumbnails are made anew."""
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._on_settings(self._studio.settings.value)
        return super().event(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A narrow panel has one select in place of the chips."""
        super().resizeEvent(event)
        self.filters.set_compact(is_compact=self.width() < 280)
        self._on_counts_soon()  # the select has other words then


def _as_text(predictions: list[Prediction]) -> str:
    """One Image: its path and every class. Several: a line each with path, first class and share, or the error."""
    if len(predictions) == 1:
        done = predictions[0]
        lines = [f"{name}\t{share:.6f}" for name, share in zip(done.classes, done.probabilities, strict=True)]
        return "\n".join([done.image.path, *(lines or [spoken(done.error)])])
    return "\n".join(
        f"{done.image.path}\t{done.classes[0]}\t{done.probabilities[0]:.6f}"
        if done.classes
        else f"{done.image.path}\t{spoken(done.error)}"
        for done in predictions
    )
