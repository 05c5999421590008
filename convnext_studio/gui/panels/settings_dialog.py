"""The settings dialog, generated from the fields of `Settings`. A change holds at once; there is nothing to confirm."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from itertools import groupby
from typing import Any

from PySide6.QtCore import QCoreApplication, QObject, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from convnext_studio.gui.actions import Actions
from convnext_studio.gui.settings import FIELDS, Settings, SettingsStore, problem_with
from convnext_studio.gui.stores.look import Look
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.theme.fonts import font
from convnext_studio.gui.widgets.buttons import Button
from convnext_studio.gui.widgets.dialog import Dialog
from convnext_studio.gui.widgets.frame import Frame, Hairline, set_variant
from convnext_studio.gui.widgets.label import PlainLabel
from convnext_studio.gui.widgets.select import Select

_FIELD_WIDTH = 220
Field = dataclasses.Field[Any]


class SettingsDialog(Dialog):
    """One card a section, one row a setting."""

    def __init__(self, studio: Studio, actions: Actions, parent: QWidget | None = None) -> None:  # noqa: ARG002
        super().__init__(studio.theme, self.tr("Settings"), parent)
        self._studio = studio
        self.rows: dict[str, _Row] = {}
        for section, fields in groupby(FIELDS, key=lambda f: f.metadata["section"]):
            self.body.addSpacing(8)
            self.body.addWidget(PlainLabel(self.tr(section), "section"))
            self.body.addWidget(self._card(list(fields)))
        self.body.addStretch(1)
        self._reset = Button(studio.theme, self.tr("Reset to defaults"), "retry", "ghost")
        self._reset.clicked.connect(studio.settings.reset)
        self.buttons.insertWidget(0, self._reset)
        studio.settings.changed.connect(self._show_values)
        self._show_values(studio.settings.value)

    def show_setting(self, name: str) -> None:
        """Put the focus on one setting."""
        self.rows[name].editor.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _card(self, fields: list[Field]) -> Frame:
        card = Frame("card")
        column = QVBoxLayout(card)
        column.setContentsMargins(16, 8, 16, 8)
        column.setSpacing(8)
        for number, field in enumerate(fields):
            if number:
                column.addWidget(Hairline())
            row = _Row(self._studio, field)
            self.rows[field.name] = row
            column.addWidget(row)
        return card

    def done(self, result: int) -> None:
        """What is being typed counts, however the dialog is left."""
        if (typed_in := self.focusWidget()) is not None:
            typed_in.clearFocus()
        super().done(result)

    def _show_values(self, value: Settings) -> None:
        for name, row in self.rows.items():
            row.show_value(getattr(value, name))


class _Row(QWidget):
    """Label and help at the left, the editor at the right, and a sentence below when the value does not fit."""

    def __init__(self, studio: Studio, field: Field) -> None:
        super().__init__()
        self._settings = studio.settings
        self._name = field.name
        self._is_folder = bool(field.metadata.get("is_folder"))
        self._lanes = studio.lanes
        about = field.metadata
        self.editor, self.show_value = _editor(studio, field, self._take)
        self.editor.setAccessibleName(self.tr(about["label"]))
        self.editor.setAccessibleDescription(self.tr(about["help"]))
        self.problem = PlainLabel("", "small", "ng", wrap=True)
        self.problem.hide()
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(PlainLabel(self.tr(about["label"]), "body"))
        words.addWidget(PlainLabel(self.tr(about["help"]), "small", "text2", wrap=True))
        words.addWidget(self.problem)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(16)
        row.addLayout(words, 1)
        row.addWidget(self.editor, 0, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

    def _take(self, value: object) -> None:
        """Take what was typed or chosen if it fits; a folder once it is known to be there."""
        problem = problem_with(self._name, value)
        self._show_problem(problem)
        for wish in self._settings.findChildren(_FolderWish, self._name):
            wish.drop()
        if problem:
            return
        if self._is_folder and value and value != getattr(self._settings.value, self._name):
            wish = _FolderWish(self._settings, Look(self._lanes, f"setting {self._name}"), self._name, str(value))
            wish.refused.connect(self._on_refused)
        else:
            self._settings.update(**{self._name: value})

    def _on_refused(self) -> None:
        self._show_problem(self.tr("This folder does not exist."))

    def _show_problem(self, problem: str) -> None:
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))
        set_variant(self.editor, "st", "error" if problem else "")


class _FolderWish(QObject):
    """A folder that was typed or chosen, taken once the disk has answered, though the dialog may have gone by then."""

    refused = Signal()

    def __init__(self, settings: SettingsStore, look: Look, name: str, path: str) -> None:
        super().__init__(settings)
        self.setObjectName(name)
        self._settings, self._look, self._path = settings, look, path
        look.setParent(self)
        look.changed.connect(self._on_seen)
        look.ask((path,))

    def drop(self) -> None:
        """Something else is wanted now."""
        self.setObjectName("")
        self._look.changed.disconnect(self._on_seen)
        self.deleteLater()

    def _on_seen(self) -> None:
        if self._look.at(self._path) is None:
            return  # a disk that does not answer; nothing is changed before it does
        if self._look.is_folder(self._path):
            self._settings.update(**{self.objectName(): self._path})
        else:
            self.refused.emit()
        self.drop()


Take = Callable[[Any], None]
Editor = tuple[QWidget, Callable[[Any], None]]


def _editor(studio: Studio, field: Field, take: Take) -> Editor:
    """A widget for the field's kind, and the function that shows a value in it."""
    if "choices" in field.metadata:
        return _select(field, take)
    if field.metadata.get("is_folder"):
        return _folder(studio, take)
    if isinstance(field.default, bool):
        box = QCheckBox()
        box.setFixedWidth(_FIELD_WIDTH)  # it stands where the fields begin
        box.toggled.connect(take)
        return box, box.setChecked
    return _number(field, take)


def _select(field: Field, take: Take) -> Editor:
    choices: dict[object, str] = field.metadata["choices"]
    select = Select(QCoreApplication.translate("Settings", field.metadata["label"]))
    select.setFixedWidth(_FIELD_WIDTH)
    select.addItems([QCoreApplication.translate("Settings", word) for word in choices.values()])
    values = list(choices)
    select.activated.connect(lambda index: take(values[index]))
    return select, lambda value: select.setCurrentIndex(values.index(value))


def _number(field: Field, take: Take) -> Editor:
    box = QDoubleSpinBox() if isinstance(field.default, float) else QSpinBox()
    low, high = field.metadata["range"]
    box.setRange(low, high)
    if isinstance(box, QDoubleSpinBox):
        box.setDecimals(0)
    if unit := field.metadata.get("unit"):
        box.setSuffix(f" {QCoreApplication.translate('Settings', unit)}")
    box.setFont(font("small"))
    box.lineEdit().setTextMargins(6, 0, 0, 0)
    box.setFixedSize(_FIELD_WIDTH, 30)
    box.setKeyboardTracking(False)
    box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    box.valueChanged.connect(take)
    return box, box.setValue


def _folder(studio: Studio, take: Take) -> Editor:
    holder = QWidget()
    line = QLineEdit()
    line.setFont(font("small"))
    line.setFixedHeight(30)
    line.setPlaceholderText(holder.tr("None"))
    line.setAccessibleName(holder.tr("Folder"))
    line.editingFinished.connect(lambda: take(line.text().strip()))
    choose = Button(studio.theme, holder.tr("Choose…"), is_small=True)

    def ask() -> None:
        dialog = QFileDialog(holder.window(), holder.tr("Choose a folder"), line.text())
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.filesSelected.connect(lambda paths: take(paths[0]))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    choose.clicked.connect(ask)
    row = QHBoxLayout(holder)
    row.setContentsMargins(0, 0, 0, 0)
    row.addWidget(line, 1)
    row.addWidget(choose)
    holder.setFixedWidth(_FIELD_WIDTH)
    holder.setFocusProxy(line)
    return holder, line.setText
