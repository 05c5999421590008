"""The log: what the program noted, by level, with a search."""

from __future__ import annotations

import logging
import time

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QWidget

from convnext_studio.gui.actions import Actions
from convnext_studio.gui.stores.log_store import LogEntry
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.theme.fonts import font
from convnext_studio.gui.widgets.buttons import Button
from convnext_studio.gui.widgets.dialog import Dialog
from convnext_studio.gui.widgets.search_field import SearchField
from convnext_studio.gui.widgets.segmented import Segmented

_LEVELS = (logging.INFO, logging.WARNING, logging.ERROR)


class LogPanel(Dialog):
    """Grows while it is open."""

    def __init__(self, studio: Studio, actions: Actions, parent: QWidget | None = None) -> None:  # noqa: ARG002
        super().__init__(studio.theme, self.tr("Log"), parent, scrolls=False)
        self.resize(820, 560)
        self._store = studio.log
        self.field = SearchField(studio.theme, self.tr("Search the log"))
        levels = (self.tr("All"), self.tr("Warnings"), self.tr("Errors"))
        self.level = Segmented(studio.theme, levels)
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setFont(font("small"))
        self.text.setAccessibleName(self.tr("Log"))
        self.text.setMaximumBlockCount(20_000)
        tools = QHBoxLayout()
        tools.addWidget(self.field, 1)
        tools.addWidget(self.level)
        self.body.addLayout(tools)
        self.body.addWidget(self.text, 1)
        copy = Button(studio.theme, self.tr("Copy"), "copy", "ghost")
        copy.clicked.connect(self._copy)
        self.buttons.insertWidget(0, copy)
        self.field.textChanged.connect(self._fill)
        self.level.index_changed.connect(self._fill)
        self._store.added.connect(self._on_added)
        self._fill()

    def _fill(self) -> None:
        self.text.setPlainText("\n".join(_line(entry) for entry in self._store.entries if self._is_wanted(entry)))
        self.text.setPlaceholderText(
            self.tr("Nothing like it was noted.")
            if self._store.entries
            else self.tr("Nothing was noted so far: all went well.")
        )
        bar = self.text.verticalScrollBar()
        bar.setValue(bar.maximum())

    def _on_added(self, entry: LogEntry) -> None:
        if self._is_wanted(entry):
            self.text.appendPlainText(_line(entry))

    def _is_wanted(self, entry: LogEntry) -> bool:
        wanted = self.field.text().casefold()
        return entry.level >= _LEVELS[self.level.index()] and wanted in f"{entry.origin} {entry.text}".casefold()

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text.toPlainText())


def _line(entry: LogEntry) -> str:
    when = time.strftime("%H:%M:%S", time.localtime(entry.time))
    origin = entry.origin.removeprefix("convnext_studio.")
    return f"{when}  {logging.getLevelName(entry.level).lower():8} {origin}: {entry.text}"
