"""The Model button of the top bar and the popover under it, in which a Model is found and chosen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QModelIndex, QSize, Qt
from PySide6.QtGui import QFontMetrics, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from convnext_studio.core.events import EngineStopped, Failed
from convnext_studio.core.models.cards import CardRead
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.language import spoken
from convnext_studio.gui.stores.choosing import (
    Taker,
    name_in_use,
    short_title,
    use_model,
    use_model_file,
    use_weights_file,
    why_not,
)
from convnext_studio.gui.stores.model_rows import ModelFilter, ModelRow
from convnext_studio.gui.stores.model_table import COLUMN_WIDTHS, Column, ModelTable
from convnext_studio.gui.stores.model_words import browser_words
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.theme.fonts import font
from convnext_studio.gui.widgets.buttons import Button, IconButton
from convnext_studio.gui.widgets.frame import Hairline
from convnext_studio.gui.widgets.label import IconLabel, PlainLabel, plain_tip
from convnext_studio.gui.widgets.popover import Popover
from convnext_studio.gui.widgets.table_browser import TableBrowser

_SIZE = QSize(1080, 660)
_BESIDE = 30  # margins, edges and scroll bar of the table


class ModelPicker(Popover):
    """Type, arrows, Enter, Esc. `pane` offers the ways to weights that are not here, in place of the list."""

    def __init__(self, studio: Studio, pane: QWidget, parent: QWidget, *, taker: Taker | None = None) -> None:
        super().__init__(studio.theme, parent)
        self._studio = studio
        self._taker: Taker = taker or studio.classifier
        self._pane = pane
        self._file = ""  # weights without a card, which want an architecture from the list
        theme = studio.theme
        self.model_table = ModelTable(studio.models, self)
        self.browser = TableBrowser(theme, self.model_table, browser_words(studio.models.rows), COLUMN_WIDTHS)
        self._close = IconButton(theme, "x", self.tr("Close"))
        self._sign = IconLabel(theme, "offline", "text3")
        self.sentence = PlainLabel("", "small", "text2", wrap=True)
        self.from_file = Button(theme, self.tr("From a file…"), "folder")
        self.use = Button(theme, self.tr("Use this Model"), kind="primary")
        self._stack = QStackedWidget()
        self._lay_out()
        self._connect()
        self._on_reset()
        self._on_info_changed()
        self._on_asked_changed()

    def sizeHint(self) -> QSize:
        """Room for all columns, and never over its button; a small window makes it smaller."""
        return QSize(_SIZE.width(), max(360, min(_SIZE.height(), self._frame.height() - 68)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Names matter more than some of the figures."""
        super().resizeEvent(event)
        self.browser.show_columns(self.model_table.fit(self.width() - _BESIDE))

    def open_for(self, anchor: QWidget) -> None:
        """Open under the Model button with the focus in the search field."""
        models = self._studio.models
        models.look_once()
        if (asked := models.row(models.asked) if models.asked else None) is not None and models.is_ready(asked):
            models.ask("")  # it came while nobody looked
        self._on_info_changed()
        self._choose_something()
        self.open_under(anchor)
        (self._pane if models.asked else self.browser.search).setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.browser.search.selectAll()

    # --- how it is built

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(16, 0, 10, 0)
        head.addWidget(PlainLabel(self.tr("Choose a Model"), "title"), 1)
        head.addWidget(self._close)
        foot = QHBoxLayout()
        foot.setContentsMargins(16, 4, 16, 0)
        foot.setSpacing(8)
        foot.addWidget(self._sign)
        foot.addWidget(self.sentence, 1)
        foot.addWidget(self.from_file)
        foot.addWidget(self.use)
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.browser, 1)
        column.addWidget(Hairline())
        column.addLayout(foot)
        self._stack.addWidget(page)
        self._stack.addWidget(self._pane)
        self.body.setContentsMargins(0, 12, 0, 12)
        self.body.addLayout(head)
        self.body.addWidget(self._stack, 1)

    def _connect(self) -> None:
        models = self._studio.models
        self._close.clicked.connect(self.close_popover)
        self.from_file.clicked.connect(self._on_from_file)
        self.use.clicked.connect(self._on_use)
        self.browser.wanted_changed.connect(self._on_wanted)
        self.browser.chosen.connect(self._on_chosen)
        self.browser.taken.connect(self._on_taken)
        self.browser.head_pressed.connect(self.model_table.sort_by)
        self.browser.table.clicked.connect(self._on_clicked)
        self.model_table.modelReset.connect(self._on_reset)
        models.asked_changed.connect(self._on_asked_changed)
        models.measure_failed.connect(self._on_measure_failed)
        models.file_checked.connect(self._on_file_checked)
        self._studio.classifier.info_changed.connect(self._on_info_changed)
        models.taken.connect(self.close_popover)

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
        self._choose_something()

    def _choose_something(self) -> None:
        """Keep a row chosen: the one before, else the Model in use, else the first."""
        table = self.browser.table
        if self.model_table.row_at(table.currentIndex()) is None:
            in_use = self.model_table.index_of(self.model_table.in_use)
            table.choose(in_use if in_use.isValid() else self.model_table.first())
        self._show_foot()

    def _on_chosen(self, _index: QModelIndex) -> None:
        self._show_foot()

    def _show_foot(self) -> None:
        row = self.row
        reason = why_not(row, self._taker) if row is not None else ""
        if reason:
            self._say("info", reason)
        elif self._file:
            said = self.tr("“%s” does not say which network it is for: choose it in the list.")
            self._say("open", said.replace("%s", Path(self._file).name))
        else:
            self._say("offline", self.tr("Offline: Models marked with the arrow need a download you start yourself."))
        self.use.setEnabled(row is not None and not reason)

    def _say(self, icon: str, sentence: str) -> None:
        self._sign.set_icon(icon, "text3")
        self.sentence.setText(sentence)

    def _on_asked_changed(self) -> None:
        is_asked = bool(self._studio.models.asked)
        self._stack.setCurrentIndex(1 if is_asked else 0)
        if not is_asked and self.isVisible():
            self.browser.search.setFocus()

    def _on_info_changed(self) -> None:
        set_up = self._studio.set_up
        in_use = set_up.recipe.model if self._taker is set_up else name_in_use(self._studio.classifier)
        self.model_table.set_in_use(in_use)

    # --- what is done

    def _on_clicked(self, index: QModelIndex) -> None:
        row = self.model_table.row_at(index)
        if row is None or index.column() != Column.SPEED:
            return
        if self._studio.models.measuring == row.name:
            self._studio.models.stop_measuring()
        elif not self._studio.models.speeds(row.name):
            self._studio.models.measure(row)

    def _on_taken(self, index: QModelIndex) -> None:
        if self.model_table.row_at(index) is not None:
            self._on_use()

    def _on_use(self) -> None:
        row = self.row
        if row is None or not self.use.isEnabled():
            return
        if self._file:
            path, self._file = self._file, ""
            use_weights_file(row, path, self._studio.models, self._taker)
        else:
            use_model(row, self._studio.models, self._taker)

    def _on_from_file(self) -> None:
        filters = self.tr("Models and weights (%s)").replace("%s", "*.safetensors *.pth *.pt")
        path = QFileDialog.getOpenFileName(self, self.tr("Choose a Model file or weights"), "", filters)[0]
        if path:
            self._studio.models.check_file(path)

    def _on_file_checked(self, read: CardRead) -> None:
        """A Model file knows what it is; other weights want an architecture from the list."""
        self._file = read.path if read.is_bare else ""
        if read.card is not None:
            use_model_file(read.path, self._studio.models, self._taker)
        elif read.error and not read.is_bare:
            self._studio.messages.error(spoken(read.error), spoken(read.hint))
        self._show_foot()

    def _on_measure_failed(self, end: Failed | EngineStopped) -> None:
        self._studio.messages.failed(end, self.tr("The speed was not measured."))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc goes back to the list first; Ctrl+M measures the chosen Model."""
        if event.key() == Qt.Key.Key_Escape and self._studio.models.asked:
            self._studio.models.ask("")
            return
        if event.key() == Qt.Key.Key_M and event.modifiers() == Qt.KeyboardModifier.ControlModifier:
            self._on_clicked(self.browser.table.currentIndex().siblingAtColumn(Column.SPEED))
            return
        super().keyPressEvent(event)


class ModelButton(Button):
    """Says which Model classifies. Pressed, it opens the picker, which is built then and not at the start.

    `make_pane` makes the pane with the ways to weights that are not here.
    """

    def __init__(self, studio: Studio, actions: Actions, make_pane: Callable[[Studio, Actions], QWidget]) -> None:
        super().__init__(studio.theme, "", "models")
        self._studio = studio
        self._actions = actions
        self._make_pane = make_pane
        self._picker: ModelPicker | None = None
        self.setMaximumWidth(320)
        self.clicked.connect(self.open_picker)
        actions.connect("choose_model", self.open_picker)
        studio.classifier.info_changed.connect(self._show)
        studio.classifier.state_changed.connect(self._show)
        studio.models.downloaded.connect(self._on_downloaded)
        self._show()

    @property
    def picker(self) -> ModelPicker:
        """The popover."""
        if self._picker is None:
            self._picker = ModelPicker(self._studio, self._make_pane(self._studio, self._actions), self)
        return self._picker

    def open_picker(self) -> None:
        """Open the popover, or close it if it is open."""
        if self._picker is not None and self._picker.isVisible():
            self._picker.close_popover()
        else:
            self.picker.open_for(self)

    def _show(self) -> None:
        info = self._studio.classifier.info
        words = short_title(info) if info is not None else self.tr("Choose a Model")
        if self._studio.classifier.state == "loading":
            words = self.tr("Loading…")
        shown = QFontMetrics(font("label")).elidedText(words, Qt.TextElideMode.ElideMiddle, 250)
        self.set_text(shown)
        self.setToolTip(plain_tip(words))
        self.setAccessibleName(self.tr("Model: %s").replace("%s", words))

    def _on_downloaded(self, name: str) -> None:
        is_watched = self._picker is not None and self._picker.isVisible()
        if name != self._studio.models.asked or not is_watched:
            self._studio.messages.success(self.tr("%s is on this machine now.").replace("%s", name))
