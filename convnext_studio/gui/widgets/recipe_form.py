"""Fields for a part of a Recipe, generated from its declarations; a value that does not fit is told at its field."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from convnext_studio.core.recipe import FIELDS, Recipe, from_preset
from convnext_studio.gui.theme.fonts import font
from convnext_studio.gui.widgets.frame import Hairline, set_variant
from convnext_studio.gui.widgets.label import PlainLabel, plain_tip
from convnext_studio.gui.widgets.recipe_words import choice_word, section_word
from convnext_studio.gui.widgets.select import Select

_FIELD_WIDTH, _UNIT_WIDTH = 200, 34  # a unit in another language is longer
Take = Callable[[Any], None]
Show = Callable[[Any], None]


class RecipeForm(QWidget):
    """One row a field, a heading a section; `edited` hands over a field's name and what was typed or chosen."""

    edited = Signal(str, object)

    def __init__(self, names: Iterable[str], *, has_headings: bool = True) -> None:
        super().__init__()
        self.rows: dict[str, _Row] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        section = ""
        for name in names:
            about = FIELDS[name].metadata
            if has_headings and about["section"] != section:
                column.addSpacing(8)
                column.addWidget(PlainLabel(section_word(about["section"]), "section"))
            elif self.rows:
                column.addWidget(Hairline())
            section = about["section"]
            row = self.rows[name] = _Row(FIELDS[name], partial(self.edited.emit, name))
            column.addWidget(row)

    def show_recipe(self, recipe: Recipe, problems: Mapping[str, str]) -> None:
        """Show the values held, why a typed one is not, and what the preset says where it says something else."""
        usual = from_preset(recipe.preset)
        for name, row in self.rows.items():
            row.show_problem(problems.get(name, ""))
            row.show_usual(getattr(usual, name), is_held=getattr(recipe, name) == getattr(usual, name))
            if name not in problems:
                row.show_value(getattr(recipe, name))

    def add_below(self, name: str, widget: QWidget) -> None:
        """Put a tool under a field."""
        self.rows[name].column.addWidget(widget)


class _Row(QWidget):
    """Label and help at the left, the editor at the right, a sentence below when the value does not fit."""

    def __init__(self, field: dataclasses.Field[Any], take: Take) -> None:
        super().__init__()
        about = field.metadata
        self._field = field
        label, help_text = _translated(about["label"]), _translated(about["help"])
        self.editor, self.show_value = _editor(field, take)
        self.editor.setAccessibleName(label)
        self.editor.setAccessibleDescription(help_text)
        self.problem = PlainLabel("", "small", "ng", wrap=True)
        self.usual = PlainLabel("", "small", "accent", wrap=True)
        for line in (self.problem, self.usual):
            line.hide()
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(PlainLabel(label, "body", wrap=True))
        words.addWidget(PlainLabel(help_text, "small", "text2", wrap=True))
        words.addWidget(self.usual)
        words.addWidget(self.problem)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(6)
        row = QHBoxLayout()
        row.setSpacing(8)
        self.column.addLayout(row)
        row.addLayout(words, 1)
        row.addWidget(self.editor, 0, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        unit = PlainLabel(_translated(about.get("unit", "")), "small", "text3")
        unit.setFixedWidth(_UNIT_WIDTH)
        row.addWidget(unit)

    def show_usual(self, value: Any, *, is_held: bool) -> None:
        """Say what the preset says, in the tip, and below the field where another value is held."""
        about = self._field.metadata
        word = _word(self._field, value)
        said = _tr("As the preset says: {0}.").format(word)
        low_high = about.get("range")
        limits = _tr("From {0} to {1}.").format(*(_text(float(end)) for end in low_high)) if low_high else ""
        self.editor.setToolTip(plain_tip(" ".join(filter(None, (_translated(about["help"]), said, limits)))))
        self.usual.setText(_tr("The preset says {0}.").format(word))
        self.usual.setVisible(not is_held)

    def show_problem(self, sentence: str) -> None:
        """Say why the value does not fit; "" if it does."""
        self.problem.setText(sentence)
        self.problem.setVisible(bool(sentence))
        set_variant(self.editor, "st", "error" if sentence else "")


def _editor(field: dataclasses.Field[Any], take: Take) -> tuple[QWidget, Show]:
    if "choices" in field.metadata:
        return _select(field, take)
    if isinstance(field.default, bool):
        box = QCheckBox()
        box.clicked.connect(take)
        return box, box.setChecked
    return _line(field, take)


def _select(field: dataclasses.Field[Any], take: Take) -> tuple[QWidget, Show]:
    values = list(field.metadata["choices"])
    select = Select(_translated(field.metadata["label"]))
    select.setFixedWidth(_FIELD_WIDTH)
    select.addItems([choice_word(field.name, value) for value in values])
    select.activated.connect(lambda index: take(values[index]))
    return select, lambda value: select.setCurrentIndex(values.index(value))


def _line(field: dataclasses.Field[Any], take: Take) -> tuple[QWidget, Show]:
    line = QLineEdit()
    line.setFont(font("small"))
    line.setFixedSize(_FIELD_WIDTH, 30)
    is_decimal = isinstance(field.default, float)
    line.textEdited.connect(lambda text: take(text.replace(",", ".") if is_decimal else text))

    def show(value: Any) -> None:
        if not _same(line.text(), value):
            line.setText(_text(value))

    return line, show


def _same(text: str, value: Any) -> bool:
    """Whether what is being typed already means `value`: then it is left as it is typed."""
    try:
        return float(text.replace(",", ".")) == float(value)
    except (TypeError, ValueError):
        return text == _text(value)


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(str(one) for one in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _word(field: dataclasses.Field[Any], value: Any) -> str:
    """How a value is called: the word of a choice, yes or no, a number with its unit, or that there is none."""
    if "choices" in field.metadata:
        return choice_word(field.name, value)
    if isinstance(value, bool):
        return choice_word(field.name, "yes" if value else "no")
    unit = _translated(field.metadata.get("unit", ""))
    return f"{_text(value)} {unit}".strip() or _tr("nothing")


def _translated(text: str) -> str:
    return QCoreApplication.translate("recipe", text) if text else ""


def _tr(text: str) -> str:
    return QCoreApplication.translate("RecipeForm", text)
