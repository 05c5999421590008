"""The bar below: every running Job with Stop, or a word that all is ready; at the right what the pointer is on."""

from __future__ import annotations

import os

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QHBoxLayout, QMenu, QWidget

from convnext_studio.gui.actions import Actions
from convnext_studio.gui.stores.job_list import JobEntry
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.widgets.buttons import Button
from convnext_studio.gui.widgets.frame import Frame, Hairline
from convnext_studio.gui.widgets.label import IconLabel, PlainLabel
from convnext_studio.gui.widgets.numbers import with_cores
from convnext_studio.gui.widgets.progress_line import ProgressLine


class StatusBar(Frame):
    """Shows two Jobs, one in a small window; the others are behind "n more"."""

    def __init__(self, studio: Studio, actions: Actions, parent: QWidget | None = None) -> None:  # noqa: ARG002
        super().__init__("window", "top", parent)
        self._studio = studio
        self._room = 2
        self._is_engine_up = self._is_engine_lost = False
        self._stage = ""
        self._shown: list[_JobLine] = []
        self.setFixedHeight(32)
        self._icon = IconLabel(studio.theme, "ok", "ok")
        self._words = PlainLabel("", "small", "text2", elide=Qt.TextElideMode.ElideRight)
        self._more = Button(studio.theme, "", kind="ghost", is_small=True)
        self._more.clicked.connect(self._open_more)
        self._readout = PlainLabel("", "small", "text2")
        self._jobs = QHBoxLayout()
        self._jobs.setSpacing(12)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 12, 0)
        row.setSpacing(8)
        row.addLayout(self._jobs)
        row.addWidget(self._more)
        row.addWidget(self._icon)
        row.addWidget(self._words, 1)
        row.addWidget(self._readout)
        studio.jobs.changed.connect(self._show_jobs)
        studio.classifier.state_changed.connect(self._show_words)
        studio.classifier.info_changed.connect(self._show_words)
        studio.classifier.stage_changed.connect(self._on_stage)
        self._show_jobs()

    def set_compact(self, *, is_compact: bool) -> None:
        """Room for one Job in a small window."""
        self._room = 1 if is_compact else 2
        self._show_jobs()

    def set_readout(self, text: str) -> None:
        """What the pointer is on; empty if on nothing."""
        self._readout.setText(text)

    def set_hint(self, text: str) -> None:
        """Say what an action does while the pointer is on it; empty: the usual words again."""
        if text and not self._shown:
            self._words.setText(text)
        else:
            self._show_words()

    def set_engine_up(self, is_up: bool) -> None:
        """The Engine came up, or went and is started again."""
        self._is_engine_up, self._is_engine_lost = is_up, False
        self._show_words()

    def set_engine_lost(self) -> None:
        """There is no Engine, and none is being started."""
        self._is_engine_up, self._is_engine_lost = False, True
        self._show_words()

    def _on_stage(self, stage: str) -> None:
        self._stage = stage
        self._show_words()

    def _show_jobs(self) -> None:
        wanted = self._studio.jobs.entries
        for line in self._shown:
            self._jobs.removeWidget(line)
            line.hide()
            line.deleteLater()
        self._shown = [_JobLine(self._studio, entry, is_first=n == 0) for n, entry in enumerate(wanted[: self._room])]
        for line in self._shown:
            self._jobs.addWidget(line)
        hidden = len(wanted) - len(self._shown)
        self._more.setVisible(hidden > 0)
        self._more.set_text(self.tr("1 more job") if hidden == 1 else self.tr("{} more jobs").format(hidden))
        self._icon.setVisible(not wanted)
        self._show_words()

    def _show_words(self) -> None:
        icon, role, words = ("clock", "text3", "") if self._shown else self._state_words()
        self._icon.set_icon(icon, role)
        self._words.setText(words)

    def _state_words(self) -> tuple[str, str, str]:
        classifier = self._studio.classifier
        info = classifier.info
        if self._is_engine_lost:
            return "ng", "ng", self.tr("The engine cannot be started.")
        if not self._is_engine_up:
            return "clock", "text3", self.tr("Starting the engine; you can already open images.")
        if classifier.state == "loading":
            return "clock", "text3", self._stage or self.tr("Loading the Model")
        if info is None:
            return "warn", "again", self.tr("No Model is loaded. Choose one to classify images.")
        device = with_cores("CPU", os.cpu_count() or 1) if info.device_kind == "cpu" else info.device
        return "ok", "ok", self.tr("Ready · {} on {} · works offline").format(info.title, device)

    def _open_more(self) -> None:
        menu = QMenu(self)
        for entry in self._studio.jobs.entries[self._room :]:
            text = self.tr("Stop: {} {}").format(entry.title, entry.words).replace("&", "&&")
            menu.addAction(self._studio.theme.icon("stop"), text).triggered.connect(entry.stop)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self._more.mapToGlobal(QPoint(0, -menu.sizeHint().height() - 4)))


class _JobLine(QWidget):
    """One Job: name, line, words, Stop."""

    def __init__(self, studio: Studio, entry: JobEntry, *, is_first: bool) -> None:
        super().__init__()
        self._entry = entry
        self._line = ProgressLine(96)
        self._line.setAccessibleName(entry.title)
        self._words = PlainLabel("", "small", "text2")
        self._stop = Button(studio.theme, self.tr("Stop"), is_small=True)
        self._stop.setAccessibleName(self.tr("Stop: {}").format(entry.title))
        self._stop.clicked.connect(entry.stop)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        if not is_first:
            row.addWidget(Hairline(is_vertical=True, length=20))
        row.addWidget(IconLabel(studio.theme, entry.icon, "text2"))
        row.addWidget(PlainLabel(entry.title, "strong"))
        for widget in (self._line, self._words, self._stop):
            row.addWidget(widget)
        entry.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        self._line.setVisible(self._entry.total > 0)
        self._line.set_progress(self._entry.done, self._entry.total)
        self._words.setText(self.tr("Stopping…") if self._entry.is_stopping else self._entry.words)
        self._stop.setEnabled(not self._entry.is_stopping)
        width = self._words.sizeHint().width()
        if width > self._words.minimumWidth():  # a fixed slot, so that Stop does not wander
            self._words.setMinimumWidth(width)
