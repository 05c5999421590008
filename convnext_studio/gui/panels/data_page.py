"""The Data place: what is in the data set and what to know about it, its Images, and changes to their labels."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QScrollArea, QVBoxLayout, QWidget

from convnext_studio.core.data.dataset import SPLITS
from convnext_studio.core.values import ImageRef
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.stores.drops import data_set_of
from convnext_studio.gui.stores.labelled_rows import EXCLUDED, MOVED, LabelledRows
from convnext_studio.gui.stores.small_pictures import SmallPictures
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.widgets.buttons import ActionIconButton, Button, bind
from convnext_studio.gui.widgets.data_card import DataCard
from convnext_studio.gui.widgets.frame import Frame, Hairline
from convnext_studio.gui.widgets.label import PlainLabel
from convnext_studio.gui.widgets.numbers import count
from convnext_studio.gui.widgets.page_drop import DropCover, PageDrop
from convnext_studio.gui.widgets.select import Select
from convnext_studio.gui.widgets.thumbnail_grid import ThumbnailGrid
from convnext_studio.gui.widgets.warning_rows import WarningRows

_SIDE = 112
_LEFT, _LEFT_NARROW, _NARROW = 420, 364, 1050


class DataPage(QWidget):
    """A change of labels is noted by the program; the files themselves stay as they are."""

    def __init__(self, studio: Studio, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._pictures = SmallPictures(studio.lanes, "data set", 2 * _SIDE, self)
        self._make_parts(actions)
        self._lay_out()
        self._connect(actions)
        self._take_drops()
        self._show()

    def _take_drops(self) -> None:
        lines = (
            self.tr("A folder with one folder for each class, or a CSV with the columns path and label."),
            self.tr("They stay where they are; nothing is copied or changed."),
        )
        cover = DropCover(self._studio.theme, "data", lines, self)
        self.drop = PageDrop(self, cover, self.tr("Drop to look through its labels"), data_set_of)
        self.drop.dropped.connect(self._studio.data_sets.choose)

    def _make_parts(self, actions: Actions) -> None:
        theme = self._studio.theme
        self.card = DataCard(theme, is_narrow=True)
        self.train = Button(theme, self.tr("Train on it…"), "train", "primary")
        bind(self.train, actions["new_run"])
        self.rows = LabelledRows(self)
        self.grid = ThumbnailGrid(theme, self._pictures, self.tr("Images of the data set"))
        self.grid.setModel(self.rows)
        self.grid.set_side(_SIDE)
        self.grid.setDragEnabled(False)
        self.classes = Select(self.tr("Class"))
        self.splits = Select(self.tr("Split"))
        for select in (self.classes, self.splits):
            select.setMinimumWidth(120)
        words = {"train": self.tr("Training"), "validation": self.tr("Validation"), "test": self.tr("Test")}
        self.splits.addItem(self.tr("All splits"), "")
        for split in SPLITS:
            self.splits.addItem(words[split], split)
        self.splits.addItem(self.tr("Class changed by hand"), MOVED)
        self.splits.addItem(self.tr("Left out"), EXCLUDED)
        self.move_to = Button(theme, self.tr("Move to class…"), "right")
        self.exclude = Button(theme, self.tr("Leave out"), "x")
        self.undo = ActionIconButton(theme, actions["undo_label"], "undo")
        self.redo = ActionIconButton(theme, actions["redo_label"], "redo")
        self.counted = PlainLabel("", "small", "text2")
        self.promise = PlainLabel(
            self.tr("Changes are noted by the program; your files stay as they are."), "small", "text3", wrap=True
        )

    def _lay_out(self) -> None:
        inner = QWidget()
        left = QVBoxLayout(inner)
        left.setContentsMargins(12, 4, 12, 16)
        left.setSpacing(12)
        left.addWidget(self.card)
        self.warnings = WarningRows(self._studio.theme)
        self.warnings.show_pressed.connect(self._studio.show_images)
        self.warnings.repair_pressed.connect(lambda values: self._studio.set_up.set(**values))
        left.addWidget(self.warnings)
        left.addStretch(1)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setWidget(inner)
        head = QHBoxLayout()
        head.setContentsMargins(12, 14, 12, 8)
        head.addWidget(PlainLabel(self.tr("Data"), "display"))
        head.addStretch(1)
        head.addWidget(self.train)
        side = QVBoxLayout()
        side.setSpacing(0)
        side.addLayout(head)
        side.addWidget(self.area, 1)
        self._side = QWidget()
        self._side.setLayout(side)
        side.setContentsMargins(0, 0, 0, 0)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self._side)
        row.addWidget(self._images_side(), 1)

    def _images_side(self) -> Frame:
        frame = Frame("panel", "left")
        tools = QHBoxLayout()
        tools.setContentsMargins(12, 10, 12, 8)
        tools.setSpacing(8)
        for widget in (self.classes, self.splits):
            tools.addWidget(widget)
        tools.addStretch(1)
        for button in (self.move_to, self.exclude):
            tools.addWidget(button)
        foot = QHBoxLayout()
        foot.setContentsMargins(12, 6, 12, 8)
        foot.setSpacing(16)
        foot.addWidget(self.counted)
        foot.addWidget(self.promise, 1)
        for tool in (self.undo, self.redo):
            foot.addWidget(tool)
        column = QVBoxLayout(frame)
        column.setContentsMargins(1, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(tools)
        column.addWidget(Hairline())
        column.addWidget(self.grid, 1)
        column.addWidget(Hairline())
        column.addLayout(foot)
        return frame

    def _connect(self, actions: Actions) -> None:
        studio = self._studio
        self.card.choose_pressed.connect(actions["train_folder"].trigger)
        self.card.sample_pressed.connect(actions["train_sample"].trigger)
        self.card.changed.connect(lambda values: studio.set_up.set(**values))
        self.card.choose_file.hide()
        studio.data_sets.changed.connect(self._show)
        studio.data_sets.progress_changed.connect(self._show_progress)
        studio.sample.changed.connect(self._show_progress)
        studio.set_up.changed.connect(self._show)
        self._pictures.made.connect(self.grid.viewport().update)
        self.grid.in_sight_changed.connect(self._on_in_sight)
        self.grid.selectionModel().selectionChanged.connect(self._show_tools)
        self.grid.doubleClicked.connect(self._on_opened)
        self.classes.activated.connect(self._filter)
        self.splits.activated.connect(self._filter)
        self.move_to.clicked.connect(self._open_move)
        self.exclude.clicked.connect(self._on_exclude)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A small window leaves more to the Images."""
        super().resizeEvent(event)
        self._side.setFixedWidth(_LEFT if self.width() >= _NARROW else _LEFT_NARROW)

    # --- what is shown

    def _show(self) -> None:
        data, set_up = self._studio.data_sets, self._studio.set_up
        self.card.show_data(set_up.recipe, data.card, is_thorough=data.is_thorough)
        self.card.show_failure(*data.refusal)
        self.card.show_problem(set_up.problems.get("group_pattern", ""))
        self._show_progress()
        self.warnings.tell(data.card.warnings if data.card is not None else ())
        chosen = self.classes.currentData() or ""
        names = data.card.classes if data.card is not None else ()
        self.classes.clear()
        self.classes.addItem(self.tr("All classes"), "")
        for name in names:
            self.classes.addItem(name, name)
        self.classes.setCurrentIndex(max(0, self.classes.findData(chosen)))
        self.train.setEnabled(data.card is not None)
        self._filter()

    def _show_progress(self) -> None:
        data, sample = self._studio.data_sets, self._studio.sample
        done, total = (sample.done, sample.total) if sample.is_making else (data.done, data.total)
        self.card.show_progress(done, total, is_running=sample.is_making or data.is_checking)

    def _filter(self) -> None:
        card = self._studio.data_sets.card
        self.rows.show(card, self.classes.currentData() or "", self.splits.currentData() or "")
        self.counted.setText(self.tr("{0} images").format(count(len(self.rows.images))))
        self._show_tools()

    def _show_tools(self) -> None:
        has_some = bool(self.grid.selectionModel().selectedIndexes())
        self.move_to.setEnabled(has_some)
        self.exclude.setEnabled(has_some)
        is_out = self.splits.currentData() == EXCLUDED
        self.exclude.set_text(self.tr("Put back") if is_out else self.tr("Leave out"))
        self.exclude.set_icon("undo" if is_out else "x")
        for widget in (self.classes, self.splits):
            widget.setEnabled(self._studio.data_sets.card is not None)

    def _on_in_sight(self, first: int, past: int) -> None:
        self._pictures.want([ImageRef(image.path) for image in self.rows.images[first:past]])

    # --- what is done

    @property
    def _selected(self) -> tuple[str, ...]:
        rows = sorted(index.row() for index in self.grid.selectionModel().selectedIndexes())
        return tuple(self.rows.images[row].path for row in rows)

    def _open_move(self) -> None:
        menu = QMenu(self)
        card = self._studio.data_sets.card
        for name in card.classes if card is not None else ():
            action = menu.addAction(name.replace("&", "&&"))
            action.triggered.connect(lambda _on=False, name=name: self._on_move(name))
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.move_to.mapToGlobal(QPoint(0, self.move_to.height() + 4)))

    def _on_move(self, label: str) -> None:
        self._studio.data_sets.edit("move", self._selected, label)

    def _on_exclude(self) -> None:
        is_out = self.splits.currentData() == EXCLUDED
        self._studio.data_sets.edit("include" if is_out else "exclude", self._selected)

    def _on_opened(self) -> None:
        row = self.grid.currentIndex().row()
        self._studio.show_images(tuple(image.path for image in (*self.rows.images[row:], *self.rows.images[:row])))
