"""What is in a data set: where it is, its classes as bars, how it is split and what was kept together."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QBoxLayout, QLineEdit, QVBoxLayout

from convnext_studio.core.data.dataset import SPLITS, DataSetCard
from convnext_studio.core.data.names import commonest
from convnext_studio.core.recipe import GROUPINGS, Recipe
from convnext_studio.gui.language import spoken
from convnext_studio.gui.theme.fonts import font
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.buttons import Button
from convnext_studio.gui.widgets.class_bars import ClassBars
from convnext_studio.gui.widgets.frame import Frame, set_variant
from convnext_studio.gui.widgets.label import PlainLabel, plain_tip
from convnext_studio.gui.widgets.numbers import count
from convnext_studio.gui.widgets.progress_line import ProgressLine
from convnext_studio.gui.widgets.recipe_words import choice_word
from convnext_studio.gui.widgets.select import Select


class DataCard(Frame):
    """`choose_pressed`, `file_pressed`, `sample_pressed` ask for another data set; `changed` for another split.

    `is_narrow` puts the buttons under each other.
    """

    choose_pressed = Signal()
    file_pressed = Signal()
    sample_pressed = Signal()
    changed = Signal(object)  # dict of Recipe fields

    def __init__(self, theme: Theme, *, is_narrow: bool = False) -> None:
        super().__init__("card")
        self._is_narrow = is_narrow
        self._suggested: dict[str, str] = {}
        self.title = PlainLabel("", "section", elide=Qt.TextElideMode.ElideMiddle)
        self.sentence = PlainLabel("", "small", "text2", wrap=True)
        self.looks = PlainLabel("", "small", "text2", wrap=True)
        self.progress = ProgressLine()
        self.bars = ClassBars(theme)
        self.split_words = PlainLabel("", "small", "text2", wrap=True)
        self.choose = Button(theme, self.tr("Choose folder…"), "folder")
        self.choose_file = Button(theme, self.tr("CSV file…"), "table", "ghost")
        self.sample = Button(theme, self.tr("Sample data"), "bolt", "ghost")
        self.grouping = Select(self.tr("Keep together"))
        self.grouping.setSizeAdjustPolicy(Select.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.grouping.setMinimumContentsLength(12)
        self.grouping.addItems([choice_word("group", value) for value in GROUPINGS])
        self.pattern = QLineEdit()
        self.pattern.setFont(font("small"))
        self.pattern.setFixedHeight(30)
        self.pattern.setPlaceholderText(self.tr("Pattern in the name, such as ^(.+)_"))
        self.pattern.setAccessibleName(self.tr("Pattern in the name"))
        self.group_words = PlainLabel("", "small", "text2", wrap=True)
        self.problem = PlainLabel("", "small", "ng", wrap=True)
        self.suggestion = PlainLabel("", "small", "again", wrap=True)
        self.take_suggestion = Button(theme, self.tr("Use it"), is_small=True)
        self._lay_out()
        self.choose.clicked.connect(self.choose_pressed)
        self.choose_file.clicked.connect(self.file_pressed)
        self.sample.clicked.connect(self.sample_pressed)
        self.grouping.activated.connect(self._on_grouping)
        self.pattern.editingFinished.connect(self._on_pattern)
        self.take_suggestion.clicked.connect(lambda: self.changed.emit(dict(self._suggested)))

    def _lay_out(self) -> None:
        directions = QBoxLayout.Direction
        tools = QBoxLayout(directions.TopToBottom if self._is_narrow else directions.LeftToRight)
        tools.setSpacing(8)
        for button in (self.choose, self.choose_file, self.sample):
            tools.addWidget(button)
        tools.addStretch(1)
        self._together = PlainLabel(self.tr("Keep together"), "body")
        group = QBoxLayout(directions.TopToBottom if self._is_narrow else directions.LeftToRight)
        group.setSpacing(8)
        group.addWidget(self._together)
        group.addWidget(self.grouping, 1)
        advice = QBoxLayout(directions.TopToBottom if self._is_narrow else directions.LeftToRight)
        advice.setSpacing(8)
        advice.addWidget(self.suggestion, 1)
        advice.addWidget(self.take_suggestion, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(8)
        column.addWidget(self.title)
        column.addWidget(self.sentence)
        column.addWidget(self.looks)
        column.addWidget(self.progress)
        column.addWidget(self.bars)
        column.addWidget(self.split_words)
        column.addLayout(group)
        column.addWidget(self.pattern)
        column.addWidget(self.problem)
        column.addWidget(self.group_words)
        column.addLayout(advice)
        column.addLayout(tools)

    def show_data(self, recipe: Recipe, card: DataSetCard | None, *, is_thorough: bool) -> None:
        """Show what is known of the data set of `recipe`; `card` is None while nothing is."""
        has_data = bool(recipe.data)
        self.title.setText(Path(recipe.data).name if has_data else self.tr("No data set chosen"))
        self.title.setToolTip(plain_tip(recipe.data))
        self.bars.setVisible(card is not None)
        self.split_words.setVisible(card is not None)
        self.looks.setVisible(card is not None and bool(card.sizes))
        for widget in (self._together, self.grouping):
            widget.setVisible(has_data)
        if not self.pattern.hasFocus():  # what is typed there holds only once it is whole
            self.grouping.setCurrentIndex(GROUPINGS.index(recipe.group))
            self.pattern.setVisible(has_data and recipe.group == "name")
            self.pattern.setText(recipe.group_pattern)
        self.choose.set_text(self.tr("Change folder…") if has_data else self.tr("Choose folder…"))
        if card is not None:
            self._show_card(card, is_thorough=is_thorough)
        elif not has_data:
            self.sentence.setText(self.tr("One folder for each class is enough. Drop it here, or choose it."))
        else:
            self.sentence.setText(self.tr("Reading…"))
        self._show_grouping(card)

    def show_progress(self, done: int, total: int, *, is_running: bool) -> None:
        """How far the check is."""
        self.progress.setVisible(is_running)
        self.progress.set_progress(done, total)

    def show_failure(self, message: str, hint: str) -> None:
        """Say why nothing can be trained on this data set; "" if nothing is known against it."""
        self.sentence.set_color("ng" if message else "text2")
        if message:
            self.sentence.setText(f"{message} {hint}".strip())

    def show_problem(self, sentence: str) -> None:
        """Say why the typed pattern does not fit; "" if it does."""
        self.problem.setText(sentence)
        self.problem.setVisible(bool(sentence))
        set_variant(self.pattern, "st", "error" if sentence else "")

    def _show_card(self, card: DataSetCard, *, is_thorough: bool) -> None:
        broken = len(card.unreadable)
        parts = [
            self.tr("{0} classes").format(count(len(card.classes))),
            self.tr("{0} images").format(count(len(card.images))),
        ]
        if is_thorough:
            many = self.tr("{0} cannot be read").format(count(broken))
            parts.append(many if broken else self.tr("no broken files"))
        self.sentence.setText(", ".join(parts))
        self.looks.setText(self._looks(card))
        self.bars.show_counts(card.classes, [card.counts.get(split, {}) for split in SPLITS])
        train, validation, test = (sum(card.counts.get(split, {}).values()) for split in SPLITS)
        self.split_words.setText(
            self.tr("{0} to train on, {1} to choose the best epoch, {2} kept aside for the test.").format(
                count(train), count(validation), count(test)
            )
        )

    def _looks(self, card: DataSetCard) -> str:
        kinds = {"grey": self.tr("grey"), "colour": self.tr("colour")}
        parts = [
            self.tr("{0} pixels").format(commonest(card.sizes)),
            commonest({kinds[name]: number for name, number in card.channels.items()}),
        ]
        if card.ignored:
            parts.append(self.tr("other files, ignored: {0}").format(count(card.ignored)))
        return " · ".join(parts)

    def _show_grouping(self, card: DataSetCard | None) -> None:
        self.group_words.setText(spoken(card.grouping) if card is not None else "")
        self.group_words.setVisible(bool(self.group_words.text()))
        self._suggested = dict(card.suggestion) if card is not None else {}
        words = ""
        if self._suggested:
            value = self._suggested.get("group", "")
            pattern = self._suggested.get("group_pattern", "")
            words = self.tr("Better: {0}").format(choice_word("group", value) + (f" {pattern}" if pattern else ""))
        self.suggestion.setText(words)
        for widget in (self.suggestion, self.take_suggestion):
            widget.setVisible(bool(self._suggested))

    def _on_grouping(self, index: int) -> None:
        value = GROUPINGS[index]
        if value == "name" and not self.pattern.text():
            self.pattern.setVisible(True)  # the choice holds once there is a pattern
            self.pattern.setFocus()
            return
        self.changed.emit({"group": value, "group_pattern": self.pattern.text()})

    def _on_pattern(self) -> None:
        if GROUPINGS[self.grouping.currentIndex()] == "name" and self.pattern.text():
            self.changed.emit({"group": "name", "group_pattern": self.pattern.text()})
