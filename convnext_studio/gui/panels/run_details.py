"""All that is known of one Run beside the table of Runs: its name, tags and notes, its figures, what can be done."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from convnext_studio.core.runs.summary import RunSummary
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.language import spoken
from convnext_studio.gui.stores.runs_table import TONES, interval_words, when_words
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.stores.training_words import length, state_sign, state_word
from convnext_studio.gui.widgets import figures, numbers
from convnext_studio.gui.widgets.buttons import ActionIconButton, Button, bind
from convnext_studio.gui.widgets.chip import Chip
from convnext_studio.gui.widgets.fact_list import FactList
from convnext_studio.gui.widgets.frame import Frame, Hairline
from convnext_studio.gui.widgets.label import PlainLabel
from convnext_studio.gui.widgets.recipe_words import preset_word
from convnext_studio.gui.widgets.text_fields import LineField, NotesField

_NOTES_HEIGHT = 72


class RunDetails(Frame):
    """Shows the Run that `training.view` follows; `opened` asks for its live page."""

    opened = Signal(str)

    def __init__(self, studio: Studio, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__("panel", "left", parent)
        self._training = studio.training
        theme = studio.theme
        self.chip = Chip(theme, "", "play", "accent")
        self.message = PlainLabel("", "small", "text2", wrap=True)
        self.name = LineField(self.tr("Name"), self.tr("What the Run is called; empty = as its folder"), 120)
        self.tags = LineField(self.tr("Tags"), self.tr("Words to find it by, with commas between"), 400)
        self.tags.setPlaceholderText(self.tr("Tags, with commas between"))
        self.notes = NotesField(
            self.tr("Notes"), self.tr("Kept beside the Run, for whoever reads it later"), self.tr("Notes")
        )
        self.notes.setFixedHeight(_NOTES_HEIGHT)
        self.facts = FactList(self.tr("What is known of the Run"))
        self.open = Button(theme, self.tr("Show curves"), "pulse", "primary")
        self.open.setToolTip(self.tr("Show the Run as it learns, or has learned"))
        self.buttons: dict[str, Button] = {}
        for action, icon, words in (
            ("use_run_model", "models", self.tr("Use Model")),
            ("evaluate_run", "evaluate", self.tr("Evaluate")),
            ("repeat_run", "copy", self.tr("Repeat…")),
            ("resume_run", "retry", self.tr("Resume")),
        ):
            self.buttons[action] = Button(theme, words, icon)
            bind(self.buttons[action], actions[action])
        self.tools = [
            ActionIconButton(theme, actions[name], icon)
            for name, icon in (("open_run_folder", "open"), ("delete_run", "trash"))
        ]
        self._lay_out()
        self.open.clicked.connect(lambda: self.opened.emit(self._training.view.folder))
        self.name.done.connect(lambda run, text: self._keep(self.name, run, text, name=text))
        self.tags.done.connect(lambda run, text: self._keep(self.tags, run, text, tags=tuple(text.split(","))))
        self.notes.done.connect(lambda run, text: self._keep(self.notes, run, text, notes=text))
        studio.training.runs_changed.connect(self.show_run)
        studio.training.view.shown_changed.connect(self.show_run)
        self.show_run()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 12)
        column.setSpacing(8)
        column.addWidget(self.name)
        column.addWidget(self.chip, 0, Qt.AlignmentFlag.AlignLeft)
        for widget in (self.message, self.tags, self.notes, Hairline()):
            column.addWidget(widget)
        column.addWidget(self.facts, 1)
        column.addWidget(Hairline())
        self.open.setSizePolicy(QSizePolicy.Policy.Expanding, self.open.sizePolicy().verticalPolicy())
        first = QHBoxLayout()
        first.setSpacing(8)
        first.addWidget(self.open, 1)
        for tool in self.tools:
            first.addWidget(tool)
        column.addLayout(first)
        grid = QGridLayout()
        grid.setSpacing(8)
        for number, button in enumerate(self.buttons.values()):
            button.setSizePolicy(QSizePolicy.Policy.Expanding, button.sizePolicy().verticalPolicy())
            grid.addWidget(button, number // 2, number % 2)
        column.addLayout(grid)

    def _keep(self, field: LineField | NotesField, run: str, text: str, **said: object) -> None:
        self._training.describe(run, **said).failed.connect(lambda _end: field.put_back(run, text))

    def show_run(self) -> None:
        """Show what the list says of the Run."""
        run = self._training.shown
        for widget in (self.name, self.tags, self.notes, self.open, *self.buttons.values(), *self.tools):
            widget.setVisible(run is not None)
        self.chip.setVisible(run is not None)
        if run is None:
            self.message.setText(self.tr("Choose a Run to see what is known of it."))
            self.facts.show_facts(())
            return
        is_waiting = run.state == "running" and bool(run.message)
        icon, role = state_sign(run.state, is_waiting=is_waiting)
        self.chip.set_chip(state_word(run.state, is_waiting=is_waiting), icon, TONES.get(role, "none"))
        said = "" if run.state == "finished" else spoken(f"{run.message} {run.hint}".strip())
        self.message.setText(said)
        self.message.setVisible(bool(said))
        self.name.show_text(run.folder, run.name)
        self.tags.show_text(run.folder, ", ".join(run.tags))
        self.notes.show_text(run.folder, run.notes)
        self.facts.show_facts(self._facts(run))

    def _facts(self, run: RunSummary) -> list[tuple[str, str]]:
        best, test = run.best_balanced_accuracy, run.test_balanced_accuracy
        facts = [
            (self.tr("Validation"), _score(best, run.interval)),
            (self.tr("Test"), _score(test, run.test_interval)),
            (self.tr("Best epoch"), numbers.count(run.best_epoch) if best is not None and run.best_epoch else ""),
            (self.tr("Took"), length(run.seconds) if run.seconds else ""),
            (self.tr("Started"), when_words(run.started)),
            (self.tr("Model"), run.model),
            (self.tr("Licence"), run.licence),
            (self.tr("Data set"), run.data),
            (self.tr("Preset"), preset_word(run.preset)),
            (self.tr("Race"), run.race),
            (self.tr("Speed"), numbers.rate(run.images_per_s) if run.images_per_s else ""),
            (self.tr("Memory"), numbers.file_size(run.memory_bytes) if run.memory_bytes else ""),
            (self.tr("Folder"), run.folder),
        ]
        return [(label, value) for label, value in facts if value and value != figures.UNKNOWN]


def _score(value: float | None, interval: tuple[float, float] | None) -> str:
    if value is None:
        return ""
    return f"{numbers.percent(value)} ({interval_words(interval)})" if interval else numbers.percent(value)
