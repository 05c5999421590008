"""The Models page: catalogue, sample and own files in one table, and all that is known of the chosen one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QModelIndex, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedLayout, QVBoxLayout, QWidget

from convnext_studio.gui.actions import Actions
from convnext_studio.gui.stores.choosing import name_in_use, use_model, why_not
from convnext_studio.gui.stores.model_facts import facts_of, notes_of
from convnext_studio.gui.stores.model_rows import ModelFilter, ModelRow
from convnext_studio.gui.stores.model_table import COLUMN_WIDTHS, Column, ModelTable, licence_cell
from convnext_studio.gui.stores.model_words import browser_words
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.widgets.buttons import Button
from convnext_studio.gui.widgets.chip import Chip
from convnext_studio.gui.widgets.fact_list import FactList
from convnext_studio.gui.widgets.frame import Frame, Hairline
from convnext_studio.gui.widgets.label import PlainLabel
from convnext_studio.gui.widgets.table_browser import TableBrowser

_NARROW = 860  # the table's width under which the details take less
_DETAILS_WIDTH, _DETAILS_NARROW = 360, 300
_BESIDE = 28  # margins and scroll bar of the table


class ModelsPage(QWidget):
    """`make_pane` makes the pane with the ways to weights that are not here; it then takes the whole page."""

    def __init__(
        self,
        studio: Studio,
        actions: Actions,
        make_pane: Callable[[Studio, Actions], QWidget],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._studio = studio
        self._pane = make_pane(studio, actions)
        self.model_table = ModelTable(studio.models, self)
        self.browser = TableBrowser(studio.theme, self.model_table, browser_words(studio.models.rows), COLUMN_WIDTHS)
        self._make_details()
        self._lay_out()
        self._connect()
        self._on_info_changed()
        self._on_reset()
        self._on_asked_changed()

    # --- how it is built

    def _make_details(self) -> None:
        theme = self._studio.theme
        self.title = PlainLabel("", "title", wrap=True)
        self.second = PlainLabel("", "small", "text2", wrap=True)
        self.licence = Chip(theme, "", "question", "none")
        self.notes = PlainLabel("", "small", "again", wrap=True)
        self.facts = FactList(self.tr("What is known of the Model"))
        self.use = Button(theme, self.tr("Use this Model"), kind="primary")
        self.fetch = Button(theme, self.tr("Download"), "download")
        self.measure = Button(theme, self.tr("Measure"), "speed")
        self.inside = Button(theme, self.tr("What is inside"), "stages")
        self.inside.setToolTip(self.tr("Show the blocks this network is made of; its weights need not be here"))
        self.show_file = Button(theme, self.tr("Show in folder"), "folder", "ghost")
        self.forget = Button(theme, self.tr("Take off the list"), "x", "ghost")
        self.forget.setToolTip(self.tr("The file itself stays where it is"))

    def _lay_out(self) -> None:
        theme_head = QVBoxLayout()
        theme_head.setContentsMargins(0, 12, 0, 0)
        theme_head.setSpacing(8)
        head = PlainLabel(self.tr("Models"), "display")
        head.setContentsMargins(16, 0, 16, 0)
        theme_head.addWidget(head)
        theme_head.addWidget(self.browser, 1)
        left = QWidget()
        left.setLayout(theme_head)
        page = QWidget()
        row = QHBoxLayout(page)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(left, 1)
        self._details = self._laid_out_details()
        row.addWidget(self._details)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(page)
        self._stack.addWidget(self._pane)

    def _laid_out_details(self) -> Frame:
        details = Frame("panel", "left")
        details.setFixedWidth(_DETAILS_WIDTH)
        column = QVBoxLayout(details)
        column.setContentsMargins(16, 16, 16, 12)
        column.setSpacing(8)
        for widget in (self.title, self.second):
            column.addWidget(widget)
        column.addWidget(self.licence, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.notes)
        column.addWidget(Hairline())
        column.addWidget(self.facts, 1)
        column.addWidget(Hairline())
        for buttons in ((self.use, self.fetch), (self.inside, self.measure), (self.show_file, self.forget)):
            row = QHBoxLayout()
            row.setSpacing(8)
            for button in buttons:
                row.addWidget(button)
            row.addStretch(1)
            column.addLayout(row)
        return details

    def _connect(self) -> None:
        models, classifier = self._studio.models, self._studio.classifier
        self.browser.wanted_changed.connect(self._on_wanted)
        self.browser.chosen.connect(self._on_chosen)
        self.browser.taken.connect(self._on_taken)
        self.browser.head_pressed.connect(self.model_table.sort_by)
        self.browser.table.clicked.connect(self._on_clicked)
        self.model_table.modelReset.connect(self._on_reset)
        self.use.clicked.connect(self._on_use)
        self.fetch.clicked.connect(self._on_fetch)
        self.measure.clicked.connect(self._on_measure)
        self.inside.clicked.connect(self._on_inside)
        self.show_file.clicked.connect(self._on_show_file)
        self.forget.clicked.connect(self._on_forget)
        models.row_changed.connect(self._on_row_changed)
        models.asked_changed.connect(self._on_asked_changed)
        classifier.info_changed.connect(self._on_info_changed)

    def showEvent(self, event: QShowEvent) -> None:
        """Look what is on disk when the page is first seen."""
        super().showEvent(event)
        self._studio.models.look_once()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where the window is small, the details have what the table has no room for."""
        super().resizeEvent(event)
        details = _DETAILS_NARROW if self.width() - _DETAILS_WIDTH < _NARROW else _DETAILS_WIDTH
        self._details.setFixedWidth(details)
        self.browser.show_columns(self.model_table.fit(self.width() - details - _BESIDE))

    # --- what is shown

    @property
    def row(self) -> ModelRow | None:
        """The Model that is chosen in the list."""
        return self.model_table.row_at(self.browser.table.currentIndex())

    def _on_wanted(self, wanted: dict[str, object]) -> None:
        self.model_table.set_filter(ModelFilter(**wanted))  # type: ignore[arg-type]

    def _on_reset(self) -> None:
        self.browser.table.mark_headings(self.model_table.heading_lines())
        self.browser.count.setText(self.model_table.count_words())
        in_use = self.model_table.index_of(self.model_table.in_use)
        self.browser.table.choose(in_use if in_use.isValid() else self.model_table.first())
        self._show()

    def _on_chosen(self, _index: QModelIndex) -> None:
        self._show()

    def _on_row_changed(self, name: str) -> None:
        row = self.row
        if row is not None and row.name == name:
            self._show()

    def _on_info_changed(self) -> None:
        self.model_table.set_in_use(name_in_use(self._studio.classifier))

    def _on_asked_changed(self) -> None:
        self._stack.setCurrentIndex(1 if self._studio.models.asked else 0)

    def _show(self) -> None:
        row = self.row
        for button in (self.use, self.measure, self.inside):
            button.setVisible(row is not None)
        if row is None:
            self._show_nothing()
            return
        self.title.setText(row.title)
        self.second.setText(self.model_table.second_line(row))
        cell = licence_cell(row, self.tr("%s: not commercial"), self.tr("Unknown"))
        self.licence.set_chip(cell.text, cell.icon, cell.tone or "none")
        self.licence.setVisible(row.kind != "bare")
        notes = notes_of(row)
        self.notes.setText("\n".join(notes))
        self.notes.setVisible(bool(notes))
        self.facts.show_facts(facts_of(row, self._studio.models))
        self._show_buttons(row)

    def _show_nothing(self) -> None:
        self.title.setText(self.tr("Nothing like it"))
        self.second.setText(self.tr("Ask for less: empty the search field or take a filter off."))
        self.facts.show_facts(())
        for widget in (self.licence, self.notes, self.fetch, self.show_file, self.forget):
            widget.hide()

    def _show_buttons(self, row: ModelRow) -> None:
        models = self._studio.models
        self.use.setEnabled(not why_not(row))
        download = models.download_of(row.name)
        self.fetch.setVisible(row.kind == "pretrained" and not models.is_ready(row))
        self.fetch.set_text(
            self.tr("Stop")
            if download is not None and download.is_active
            else self.tr("Go on")
            if download is not None and download.done_bytes
            else self.tr("Download")
        )
        self.measure.set_text(self.tr("Stop") if models.measuring == row.name else self.tr("Measure"))
        self.measure.setEnabled(bool(row.architecture))
        self.inside.setEnabled(bool(row.architecture))
        self.show_file.setVisible(bool(self._file_of(row)))
        self.forget.setVisible(row.kind == "own")

    def _file_of(self, row: ModelRow) -> str:
        if row.kind == "own":
            return row.name
        found = self._studio.models.on_disk(row.name)
        return found.path if found is not None else ""

    # --- what is done

    def _on_taken(self, index: QModelIndex) -> None:
        if self.model_table.row_at(index) is not None:
            self._on_use()

    def _on_clicked(self, index: QModelIndex) -> None:
        row = self.model_table.row_at(index)
        is_button = row is not None and (
            self._studio.models.measuring == row.name or not self._studio.models.speeds(row.name)
        )
        if index.column() == Column.SPEED and is_button:
            self._on_measure()

    def _on_use(self) -> None:
        if self.row is not None:
            use_model(self.row, self._studio.models, self._studio.classifier)

    def _on_fetch(self) -> None:
        row, models = self.row, self._studio.models
        if row is None:
            return
        download = models.download_of(row.name)
        if download is not None and download.is_active:
            models.stop_download(row.name)
        else:
            models.download(row.name)

    def _on_measure(self) -> None:
        row, models = self.row, self._studio.models
        if row is not None and models.measuring == row.name:
            models.stop_measuring()
        elif row is not None:
            models.measure(row)

    def _on_inside(self) -> None:
        if self.row is not None:
            self._studio.architecture.show_model(self._studio.models.ref(self.row), self.row.title)

    def _on_show_file(self) -> None:
        if self.row is not None:
            folder = Path(self._file_of(self.row)).parent
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

    def _on_forget(self) -> None:
        if self.row is not None:
            self._studio.models.forget_own(self.row.name)
