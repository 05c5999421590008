"""Setting up a training: the data set, the Model to start from, a preset, and everything else folded away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QHideEvent, QPixmap, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QButtonGroup,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from convnext_studio.core.events import EngineStopped, Failed, ModelInput
from convnext_studio.core.recipe import FIELDS, PRESETS
from convnext_studio.core.requests import PreviewAugmentation
from convnext_studio.core.values import ImageRef
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.convert import image_from_array
from convnext_studio.gui.language import spoken
from convnext_studio.gui.stores.expected_words import preset_note
from convnext_studio.gui.stores.model_table import licence_cell
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.theme.fonts import font
from convnext_studio.gui.widgets.buttons import Button, bind
from convnext_studio.gui.widgets.chip import Chip
from convnext_studio.gui.widgets.choice_card import ChoiceCard
from convnext_studio.gui.widgets.data_card import DataCard
from convnext_studio.gui.widgets.fold import Fold
from convnext_studio.gui.widgets.frame import Frame
from convnext_studio.gui.widgets.label import PlainLabel, plain_tip
from convnext_studio.gui.widgets.numbers import percent
from convnext_studio.gui.widgets.picture_flow import Picture, PictureFlow
from convnext_studio.gui.widgets.rate_box import RateBox
from convnext_studio.gui.widgets.recipe_form import RecipeForm
from convnext_studio.gui.widgets.recipe_words import preset_word
from convnext_studio.gui.widgets.warning_rows import WarningRows

_TWO_COLUMNS = 820
_ELSEWHERE = {"data", "group", "group_pattern", "model", "weights_file", "weights_folder", "preset"}
_OF_PARTS = tuple(name for name, about in FIELDS.items() if about.metadata["section"] == "augmentation")
_OTHERS = tuple(name for name in FIELDS if name not in _ELSEWHERE and name not in _OF_PARTS)
_PREVIEWED, _ROLLS = 3, 4
_PAST = 12  # Runs to choose from


class SetUpPanel(QWidget):
    """`pick_model` opens the list of Models under the widget it is given."""

    def __init__(
        self,
        studio: Studio,
        actions: Actions,
        pick_model: Callable[[QWidget], None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._studio = studio
        self._actions = actions
        self._pick_model = pick_model
        self._roll = 0
        self._previewed: tuple[Any, ...] = ()
        self._make_parts()
        self._lay_out()
        self._connect()
        self._show_recipe()
        self._show_data()
        self._show_past()

    # --- how it is built

    def _make_parts(self) -> None:
        theme = self._studio.theme
        self.name = QLineEdit()
        self.name.setFont(font("small"))
        self.name.setFixedHeight(30)
        self.name.setMaximumWidth(280)
        self.name.setPlaceholderText(self.tr("Name of the run: as the data set"))
        self.name.setAccessibleName(self.tr("Name of the run"))
        self.past = Button(theme, self.tr("From a past run…"), "retry", "ghost")
        self.past.setToolTip(plain_tip(self.tr("Begin with the settings of a run that was trained before.")))
        self.card = DataCard(theme)
        self.warnings = WarningRows(self._studio.theme)
        self.warnings.show_pressed.connect(self._studio.show_images)
        self.warnings.repair_pressed.connect(lambda values: self._studio.set_up.set(**values))
        self.model_title = PlainLabel("", "section", elide=Qt.TextElideMode.ElideMiddle)
        self.model_second = PlainLabel("", "small", "text2", wrap=True)
        self.licence = Chip(theme, "", "question", "none")
        self.change_model = Button(theme, self.tr("Choose another…"), "models")
        self.presets = QButtonGroup(self)
        self.preset_cards = [ChoiceCard(theme, *words) for words in self._preset_words()]
        for number, card in enumerate(self.preset_cards):
            self.presets.addButton(card, number)
        self.parts = Fold(
            theme,
            self.tr("How parts may vary"),
            self.tr("Turned, mirrored, lighter, darker: what may change from picture to picture. With a preview."),
            self._make_augmentation,
        )
        self.advanced = Fold(theme, self.tr("All settings"), self.tr("Each has a sensible value."), self._make_advanced)
        self.forms: list[RecipeForm] = []
        self.rate: RateBox | None = None  # comes with the settings
        self.summary = PlainLabel("", "small", "text2", wrap=True)
        self.queue = Button(theme, self._actions["queue_run"].text(), "clock")
        bind(self.queue, self._actions["queue_run"])
        self.start = Button(theme, self._actions["start_run"].text(), "play", "primary")
        bind(self.start, self._actions["start_run"])

    def _preset_words(self) -> tuple[tuple[str, str], ...]:
        return (
            (preset_word("instant"), self.tr("Seconds: only the last layer is fitted. Good for a first look.")),
            (
                preset_word("balanced"),
                self.tr("Minutes: the last layer first, then the whole network. Right for most."),
            ),
            (preset_word("thorough"), self.tr("Three times as many epochs and more patience, for the last per cent.")),
        )

    def _lay_out(self) -> None:
        left, right = QVBoxLayout(), QVBoxLayout()
        for column in (left, right):
            column.setSpacing(12)
        left.addWidget(self.card)
        left.addWidget(self.warnings)
        left.addStretch(1)
        right.addWidget(self._model_card())
        self.preset_group = self._preset_card()
        right.addWidget(self.preset_group)
        right.addStretch(1)
        self._columns = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._columns.setSpacing(12)
        self._columns.addLayout(left, 1)
        self._columns.addLayout(right, 1)
        body = QWidget()
        rows = QVBoxLayout(body)
        rows.setContentsMargins(16, 4, 16, 16)
        rows.setSpacing(12)
        rows.addLayout(self._columns)
        rows.addWidget(self.parts)
        rows.addWidget(self.advanced)
        rows.addStretch(1)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.area.setWidget(body)
        head = QHBoxLayout()
        head.setContentsMargins(16, 14, 16, 8)
        head.setSpacing(16)
        head.addWidget(PlainLabel(self.tr("New run"), "display"))
        head.addStretch(1)
        head.addWidget(self.past)
        head.addWidget(self.name, 1)
        foot = Frame("window", "top")
        row = QHBoxLayout(foot)
        row.setContentsMargins(16, 8, 16, 8)
        row.setSpacing(16)
        row.addWidget(self.summary, 1)
        row.addWidget(self.queue)
        row.addWidget(self.start)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(self.area, 1)
        column.addWidget(foot)

    def _model_card(self) -> Frame:
        card = Frame("card")
        column = QVBoxLayout(card)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(8)
        head = QHBoxLayout()
        head.addWidget(PlainLabel(self.tr("Start from"), "small", "text2"))
        head.addStretch(1)
        head.addWidget(self.licence)
        column.addLayout(head)
        column.addWidget(self.model_title)
        column.addWidget(self.model_second)
        column.addWidget(self.change_model)
        return card

    def _preset_card(self) -> Frame:
        card = Frame("card")
        column = QVBoxLayout(card)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(8)
        column.addWidget(PlainLabel(self.tr("How thorough"), "small", "text2"))
        for preset in self.preset_cards:
            column.addWidget(preset)
        return card

    def _make_augmentation(self) -> QWidget:
        inner = QWidget()
        row = QHBoxLayout(inner)
        row.setSpacing(24)
        row.setContentsMargins(24, 0, 0, 0)
        row.addWidget(self._form(_OF_PARTS, has_headings=False), 3)
        column = QVBoxLayout()
        column.setSpacing(8)
        self.preview = PictureFlow(self._studio.theme, self.tr("What the network gets"), 84)
        self.preview_words = PlainLabel(self.tr("What the network gets"), "small", "text2", wrap=True)
        self.roll = Button(self._studio.theme, self.tr("Roll again"), "retry")
        self.roll.clicked.connect(self._on_roll)
        column.addWidget(self.preview_words)
        column.addWidget(self.preview)
        column.addWidget(self.roll)
        column.addStretch(1)
        row.addLayout(column, 2)
        self._ask_preview()
        return inner

    def _make_advanced(self) -> QWidget:
        form = self._form(_OTHERS)
        finder = self._studio.rate_finder
        self.rate = RateBox(self._studio.theme)
        self.rate.look_pressed.connect(finder.start)
        self.rate.stop_pressed.connect(finder.stop)
        self.rate.use_pressed.connect(lambda rate: self._on_edited("learning_rate", rate))
        form.add_below("learning_rate", self.rate)
        self._show_rate()
        holder = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(24, 0, 0, 0)
        column.addWidget(form)
        return holder

    def _form(self, names: tuple[str, ...], *, has_headings: bool = True) -> RecipeForm:
        form = RecipeForm(names, has_headings=has_headings)
        form.edited.connect(self._on_edited)
        form.show_recipe(self._studio.set_up.recipe, self._studio.set_up.problems)
        self.forms.append(form)
        return form

    def _connect(self) -> None:
        studio, actions = self._studio, self._actions
        self.card.choose_pressed.connect(actions["train_folder"].trigger)
        self.card.sample_pressed.connect(actions["train_sample"].trigger)
        self.card.file_pressed.connect(self._on_choose_file)
        self.card.changed.connect(lambda values: studio.set_up.set(**values))
        self.change_model.clicked.connect(lambda: self._pick_model(self.change_model))
        self.presets.idClicked.connect(lambda number: studio.set_up.set_preset(PRESETS[number]))
        self.name.textChanged.connect(self._on_name)
        self._studio.set_up.name_changed.connect(self._show_name)
        self._show_name()
        self.past.clicked.connect(self._open_past)
        studio.training.runs_changed.connect(self._show_past)
        studio.set_up.changed.connect(self._show_recipe)
        studio.data_sets.changed.connect(self._show_data)
        studio.expectation.changed.connect(self._show_expected)
        studio.rate_finder.changed.connect(self._show_rate)
        studio.data_sets.progress_changed.connect(self._show_progress)
        studio.training.state_changed.connect(self._show_summary)
        studio.sample.changed.connect(self._show_progress)
        studio.models.rows_changed.connect(self._show_model)

    def showEvent(self, event: QShowEvent) -> None:
        """The Model's licence comes from its card: have it read. Measure what a Run takes while this is in sight."""
        super().showEvent(event)
        self._studio.models.look_once()
        self._studio.expectation.set_in_sight(is_in_sight=True)

    def hideEvent(self, event: QHideEvent) -> None:
        """Measure no more."""
        super().hideEvent(event)
        self._studio.expectation.set_in_sight(is_in_sight=False)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """One column in a small window."""
        super().resizeEvent(event)
        is_wide = self.width() >= _TWO_COLUMNS
        directions = QBoxLayout.Direction
        self._columns.setDirection(directions.LeftToRight if is_wide else directions.TopToBottom)

    # --- what is shown

    def _show_recipe(self) -> None:
        set_up = self._studio.set_up
        self.preset_cards[PRESETS.index(set_up.recipe.preset)].setChecked(True)
        for form in self.forms:
            form.show_recipe(set_up.recipe, set_up.problems)
        self.card.show_problem(set_up.problems.get("group_pattern", ""))
        changes = len(set_up.changes)
        said = self.tr("Each has a sensible value.")
        self.advanced.sentence.setText(self.tr("{0} differ from the preset.").format(changes) if changes else said)
        self._show_model()
        self._show_data()
        if self.parts.is_open:
            self._ask_preview()

    def _show_data(self) -> None:
        data, recipe = self._studio.data_sets, self._studio.set_up.recipe
        self.card.show_data(recipe, data.card, is_thorough=data.is_thorough)
        self.card.show_failure(*data.refusal)
        self._show_progress()
        self.warnings.tell(data.card.warnings if data.card is not None else ())
        self._show_summary()

    def _show_progress(self) -> None:
        data, sample = self._studio.data_sets, self._studio.sample
        done, total = (sample.done, sample.total) if sample.is_making else (data.done, data.total)
        self.card.show_progress(done, total, is_running=sample.is_making or data.is_checking)
        self.card.sample.setEnabled(not sample.is_making)
        if sample.is_making:
            self.card.sentence.setText(self.tr("The sample images are being made."))

    def _show_model(self) -> None:
        models, recipe = self._studio.models, self._studio.set_up.recipe
        row = models.row(recipe.model)
        self.model_title.setText(row.title if row is not None else recipe.model)
        self.model_title.setToolTip(plain_tip(recipe.model))
        is_random = recipe.weights == "random"
        said = self.tr("Random weights: everything is learned from your pictures.") if is_random else ""
        if not said and row is not None:
            said = self.tr("Trained on {0}").format(spoken(row.training_data)) if row.training_data else ""
        self.model_second.setText(said)
        self.model_second.setVisible(bool(said))
        self.licence.setVisible(row is not None and not is_random)
        if row is not None:
            cell = licence_cell(row, self.tr("%s: not commercial"), self.tr("Unknown"))
            self.licence.set_chip(cell.text, cell.icon, cell.tone or "none")

    def _show_past(self) -> None:
        self.past.setVisible(bool(self._studio.training.runs))

    def _show_expected(self) -> None:
        expectation = self._studio.expectation
        for preset, card in zip(PRESETS, self.preset_cards, strict=True):
            card.set_note(*preset_note(expectation, preset))

    def _show_rate(self) -> None:
        finder, rate = self._studio.rate_finder, self._studio.set_up.recipe.learning_rate
        if self.rate is not None:
            self.rate.show_found(finder.found, finder.failure, rate)
            self.rate.show_state(
                is_searching=finder.is_searching, can_start=finder.can_start, done=finder.done, total=finder.total
            )

    def _show_summary(self) -> None:
        set_up, data = self._studio.set_up, self._studio.data_sets
        if self._studio.training.is_starting:
            words = self.tr("Starting…")
        elif set_up.problems:
            words = self.tr("Some fields hold what does not fit; each says why.")
        elif not set_up.recipe.data:
            words = self.tr("Choose a data set to train on.")
        elif any(data.refusal):
            words = self.tr("This data set cannot be trained on as it is.")
        else:
            words = self.tr("The training runs on when the window is closed, and is found again.")
        self.summary.setText(words)

    # --- the preview

    def _on_roll(self) -> None:
        self._roll += 1
        self._ask_preview()

    def _ask_preview(self) -> None:
        card, recipe = self._studio.data_sets.card, self._studio.set_up.recipe
        if card is None or not card.images:
            self.preview_words.setText(self.tr("Choose a data set to see what the network gets."))
            return
        step = max(1, len(card.images) // _PREVIEWED)
        images = tuple(ImageRef(image.path) for image in card.images[::step][:_PREVIEWED])
        wanted = (recipe, images, self._roll)
        if wanted == self._previewed:
            return
        self._previewed = wanted
        request = PreviewAugmentation(recipe, images, _ROLLS, self._roll)
        handle = self._studio.lanes["interactive"].submit(request, replaces="preview")
        handle.succeeded.connect(self._on_preview)
        handle.failed.connect(self._on_preview_failed)

    def _on_preview(self, inputs: tuple[ModelInput, ...]) -> None:
        self.preview_words.setText(self.tr("What the network gets"))
        pixmaps = [QPixmap.fromImage(image_from_array(one.pixels)) for one in inputs]
        self.preview.show_pictures([Picture(pixmap) for pixmap in pixmaps])

    def _on_preview_failed(self, end: Failed | EngineStopped) -> None:
        self.preview_words.setText(spoken(end.message))
        self._previewed = ()

    # --- what is done

    def _open_past(self) -> None:
        menu = QMenu(self)
        for run in self._studio.training.runs[:_PAST]:
            best = percent(run.best_balanced_accuracy) if run.best_balanced_accuracy is not None else ""
            words = " · ".join(filter(None, (run.name, run.model, preset_word(run.preset), best)))
            action = menu.addAction(words.replace("&", "&&"))
            action.triggered.connect(
                lambda _on=False, folder=run.folder: self._studio.past_recipes.take(folder, keeps_data=True)
            )
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.past.mapToGlobal(QPoint(0, self.past.height() + 4)))

    def _on_edited(self, name: str, value: object) -> None:
        self._studio.set_up.set(**{name: value})

    def _on_name(self, text: str) -> None:
        self._studio.set_up.set_name(text.strip())

    def _show_name(self) -> None:
        name = self._studio.set_up.name
        if self.name.text().strip() != name:
            self.name.setText(name)

    def _on_choose_file(self) -> None:
        filters = self.tr("Tables (%s)").replace("%s", "*.csv")
        dialog = QFileDialog(self, self.tr("Choose a CSV with the columns path and label"), "", filters)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self._studio.data_sets.choose)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
