"""What is in the current Image: ranked classes, the Model that says so, and the facts of the file."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from convnext_studio.core.events import OpenedImage
from convnext_studio.core.values import ModelInfo, Prediction
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.language import spoken
from convnext_studio.gui.settings import choice_word
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.widgets.buttons import ActionIconButton, IconButton
from convnext_studio.gui.widgets.chip import Chip
from convnext_studio.gui.widgets.flow_layout import FlowLayout
from convnext_studio.gui.widgets.frame import Frame, Hairline
from convnext_studio.gui.widgets.label import IconLabel, PlainLabel
from convnext_studio.gui.widgets.numbers import count, decimal, file_size, percent
from convnext_studio.gui.widgets.ranked_bars import RankedBars

_UNKNOWN = "–"


class PredictionsPanel(Frame):
    """The right side of the Inspect page."""

    def __init__(self, studio: Studio, actions: Actions) -> None:
        super().__init__("panel", "left")
        self._studio = studio
        self.bars = RankedBars(studio.theme)
        self.state = PlainLabel("", "small", "text2", wrap=True)
        self.figures = PlainLabel("", "small", "text2")
        self.figures.setMinimumHeight(22)  # as high as the chip beside it
        self.unsure = Chip(studio.theme, "", "again", "again")
        self.model = PlainLabel("", "small", "text2", elide=Qt.TextElideMode.ElideMiddle)
        self.execution = PlainLabel("", "small", "text3", wrap=True)
        self.warning = Frame("again")
        self._warning_words = PlainLabel("", "small", "text", wrap=True)
        self._facts: dict[str, PlainLabel] = {}
        self._notes = PlainLabel("", "small", "text2", wrap=True)
        self._copy_path = IconButton(studio.theme, "copy", self.tr("Copy the path"))
        self.setMinimumWidth(240)
        self._lay_out(actions)
        self._connect()
        self._show_prediction()
        self._show_model()
        self._show_facts()

    def sizeHint(self) -> QSize:
        """As the look says."""
        return QSize(320, 600)

    def put_below(self, widget: QWidget) -> None:
        """Place `widget` between Predictions and the facts of the file."""
        self._below.addWidget(Hairline())
        self._below.addWidget(widget)

    def _lay_out(self, actions: Actions) -> None:
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(12, 0, 12, 12)
        column.setSpacing(8)
        copy = ActionIconButton(self._studio.theme, actions["copy_result"], "copy")
        column.addLayout(self._section(self.tr("Predictions"), copy))
        column.addWidget(self.bars)
        column.addWidget(self.state)
        how_sure = FlowLayout(row_spacing=6)
        how_sure.addWidget(self.figures)
        how_sure.addWidget(self.unsure)
        column.addLayout(how_sure)
        column.addWidget(self._make_warning())
        self._model_row = QWidget()
        row = QHBoxLayout(self._model_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.model, 1)
        row.addWidget(ActionIconButton(self._studio.theme, actions["show_network"], "stages"))
        column.addWidget(self._model_row)
        column.addWidget(self.execution)
        self._below = QVBoxLayout()
        self._below.setSpacing(8)
        column.addLayout(self._below)
        column.addWidget(Hairline())
        column.addLayout(self._section(self.tr("Image")))
        column.addLayout(self._fact_rows())
        column.addWidget(self._notes)
        column.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(inner)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(area)

    def _section(self, title: str, tool: QWidget | None = None) -> QHBoxLayout:
        head = QHBoxLayout()
        head.setContentsMargins(0, 5, 0, 0)
        label = PlainLabel(title, "section")
        label.setMinimumHeight(30)
        head.addWidget(label)
        head.addStretch(1)
        if tool is not None:
            head.addWidget(tool)
        return head

    def _make_warning(self) -> Frame:
        row = QHBoxLayout(self.warning)
        row.setContentsMargins(12, 10, 12, 10)
        row.setSpacing(8)
        row.addWidget(IconLabel(self._studio.theme, "warn", "again"), 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self._warning_words, 1)
        return self.warning

    def _fact_rows(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(4)
        grid.setColumnMinimumWidth(0, 56)
        grid.setColumnStretch(1, 1)
        words = {
            "size": self.tr("Size"),
            "format": self.tr("Format"),
            "file": self.tr("File"),
            "path": self.tr("Path"),
        }
        for row, (key, word) in enumerate(words.items()):
            self._facts[key] = PlainLabel(
                "", "small", "text", elide=None if key == "file" else Qt.TextElideMode.ElideMiddle
            )
            grid.addWidget(PlainLabel(word, "small", "text2"), row, 0)
            grid.addWidget(self._facts[key], row, 1)
        grid.addWidget(self._copy_path, len(words) - 1, 2)
        return grid

    def _connect(self) -> None:
        studio = self._studio
        self._copy_path.clicked.connect(self._on_copy_path)
        studio.library.current_changed.connect(self._show_prediction)
        studio.library.current_changed.connect(self._show_facts)
        studio.library.prediction_changed.connect(self._show_prediction)
        studio.library.arrangement_changed.connect(self._show_prediction)
        studio.classifier.info_changed.connect(self._show_model)
        studio.classifier.state_changed.connect(self._show_prediction)
        studio.viewer.opened_changed.connect(self._show_facts)

    # --- Predictions

    def _show_prediction(self) -> None:
        done = self._studio.library.current_prediction
        has_classes = done is not None and bool(done.classes)
        self.bars.setVisible(has_classes)
        self.figures.setVisible(has_classes)
        line = self._studio.library.arrangement.below
        self.bars.set_line(line)
        self.unsure.setVisible(done is not None and has_classes and done.probabilities[0] < line)
        self.unsure.set_chip(self.tr("Unsure: below {0}").format(percent(line, 0)), "again", "again")
        if done is not None and has_classes:
            self.bars.set_rows(done.classes, done.probabilities)
            self.figures.setText(self.tr("Margin {0}").format(percent(done.margin)))
            self.figures.setToolTip(
                self.tr("How far the first class is ahead of the second. Reading and classifying took {0} ms.").format(
                    decimal(done.milliseconds, 1)
                )
            )
        words = self._state_words(done)
        self.state.setText(words)
        self.state.setVisible(bool(words))
        self._show_notes(done)

    def _show_notes(self, done: Prediction | None) -> None:
        """What is odd about the file, but for what stands above already: the answer may be wrong by it."""
        shown = self._opened
        said = done.note if done is not None and not done.error else ""
        notes = [spoken(note) for note in shown.notes if note not in said] if shown is not None else []
        self._notes.setText("\n".join(notes))
        self._notes.setVisible(bool(notes))

    def _state_words(self, done: Prediction | None) -> str:
        classifier = self._studio.classifier
        if done is not None:
            return spoken(done.error or done.note)
        if self._studio.library.current_image is None:
            return self.tr("Pick an image to see its Predictions.")
        if classifier.info is not None and not classifier.info.classes:
            return ""
        words = {
            "loading": self.tr("The Model is loading; this image is classified after that."),
            "classifying": self.tr("This image waits for its turn."),
        }
        return words.get(classifier.state, self.tr("Not classified yet."))

    # --- the Model

    def _show_model(self) -> None:
        info = self._studio.classifier.info
        self._model_row.setVisible(info is not None)
        self.execution.setVisible(info is not None)
        self.model.setText(info.title if info is not None else "")
        self.execution.setText(self._execution_words(info) if info is not None else "")
        warnings = self._warnings(info) if info is not None else []
        self._warning_words.setText("\n".join(warnings))
        self.warning.setVisible(bool(warnings))
        self._show_prediction()

    def _execution_words(self, info: ModelInfo) -> str:
        pre = info.preprocessing
        size = self.tr("{0} × {1} pixels").format(pre.width, pre.height)
        return f"{size} · {choice_word('engine', info.engine)} · {info.precision}"

    def _warnings(self, info: ModelInfo) -> list[str]:
        words = []
        if info.is_meaningless:
            words.append(self.tr("This Model has random weights: its answers mean nothing."))
        if not info.classes:
            words.append(
                self.tr(
                    "This Model gives features only and cannot name classes. Fine-tune it on your own images first."
                )
            )
        return [*words, *(warning for warning in map(spoken, info.warnings) if warning not in words)]

    # --- the file

    def _show_facts(self) -> None:
        image, shown = self._studio.library.current_image, self._opened
        self._facts["size"].setText(f"{count(shown.width)} × {count(shown.height)}" if shown else _UNKNOWN)
        self._facts["format"].setText(shown.format if shown else _UNKNOWN)
        self._facts["file"].setText(file_size(shown.file_bytes) if shown else _UNKNOWN)
        exact = self.tr("{0} bytes").format(count(shown.file_bytes)) if shown else ""
        self._facts["file"].setToolTip(exact)
        self._facts["path"].setText(image.path if image is not None else "")
        self._copy_path.setEnabled(image is not None)
        self._show_prediction()

    @property
    def _opened(self) -> OpenedImage | None:
        """The current Image, if it is the one that is open."""
        opened = self._studio.viewer.opened
        return opened if opened is not None and opened.image == self._studio.library.current_image else None

    def _on_copy_path(self) -> None:
        image = self._studio.library.current_image
        if image is not None:
            QGuiApplication.clipboard().setText(str(Path(image.path)))
