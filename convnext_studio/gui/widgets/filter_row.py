"""Which Images are shown: chips for all, errors and doubtful ones, a select for the class; one select when narrow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.chip import FilterChip
from convnext_studio.gui.widgets.numbers import count, percent
from convnext_studio.gui.widgets.select import Select

MOST_CLASSES = 200  # of a Model with 22,000 classes nobody scrolls through more

Choice = tuple[str, str]  # what is let through ("all", "errors", "below"), and the class


class Chosen(Protocol):
    """What is chosen now."""

    @property
    def only(self) -> str: ...

    @property
    def class_name(self) -> str: ...

    @property
    def below(self) -> float: ...


class FilterRow(QWidget):
    """`chosen` hands over what is to be let through and of which class."""

    chosen = Signal(str, str)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.all_chip = FilterChip(theme, "")
        self.error_chip = FilterChip(theme, "", "warn")
        self.doubt_chip = FilterChip(theme, "", "again")
        self.classes = Select(self.tr("Class"))
        self._is_compact = False
        self._shown: tuple[object, ...] = ()
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(12, 0, 8, 8)
        self._row.setSpacing(4)
        for chip, choice in ((self.all_chip, "all"), (self.error_chip, "errors"), (self.doubt_chip, "below")):
            self._row.addWidget(chip)
            chip.clicked.connect(lambda _is_on, only=choice: self.chosen.emit(only, ""))
        self.error_chip.setToolTip(self.tr("Images that could not be read"))
        self.doubt_chip.setToolTip(self.tr("Images whose most probable class is less probable than this"))
        self.error_chip.setAccessibleName(self.tr("Errors"))
        self._row.addWidget(self.classes, 1)
        self.classes.setMinimumWidth(72)
        self.classes.activated.connect(self._on_activated)

    def set_compact(self, *, is_compact: bool) -> None:
        """One select in place of the chips."""
        if is_compact != self._is_compact:
            self._is_compact = is_compact
            for chip in (self.all_chip, self.error_chip, self.doubt_chip):
                chip.setVisible(not is_compact)
            self._shown = ()

    def set_counts(self, total: int, errors: int, classes: Mapping[str, int], now: Chosen) -> None:
        """Show how many there are of each, and what is chosen."""
        self.setEnabled(total > 0)
        self.all_chip.set_text(self.tr("All {0}").format(count(total)))
        self.error_chip.set_text(count(errors))
        self.doubt_chip.setAccessibleName(self.tr("Below {0}").format(percent(now.below, 0)))
        self.error_chip.setAccessibleName(self.tr("Errors: {0}").format(count(errors)))
        self.doubt_chip.set_text(self.tr("< {0}").format(percent(now.below, 0)))
        self.all_chip.setChecked(now.only == "all" and not now.class_name)
        self.error_chip.setChecked(now.only == "errors")
        self.doubt_chip.setChecked(now.only == "below")
        ranked = sorted(((name, n) for name, n in classes.items() if n > 0), key=lambda item: (-item[1], item[0]))
        shown = (self._is_compact, tuple(ranked), total, errors, now.only, now.class_name)
        if shown != self._shown and not self.classes.view().isVisible():
            self._shown = shown
            self._fill(ranked[:MOST_CLASSES], total, errors, now)

    def _fill(self, ranked: list[tuple[str, int]], total: int, errors: int, now: Chosen) -> None:
        entries: list[tuple[str, Choice]] = []
        if self._is_compact:
            entries.append((self.tr("All {0}").format(count(total)), ("all", "")))
            entries.append((self.tr("Errors {0}").format(count(errors)), ("errors", "")))
            entries.append((self.tr("Below {0}").format(percent(now.below, 0)), ("below", "")))
        else:
            entries.append((self.tr("All classes"), ("all", "")))
        entries += [(f"{name}  {count(number)}", ("all", name)) for name, number in ranked]
        if now.class_name and now.class_name not in dict(ranked):
            entries.append((now.class_name, ("all", now.class_name)))
        self.classes.clear()
        for text, choice in entries:
            self.classes.addItem(text, choice)
        wanted = ("all", now.class_name) if now.class_name or not self._is_compact else (now.only, "")
        self.classes.setCurrentIndex(next((n for n, (_, choice) in enumerate(entries) if choice == wanted), 0))

    def _on_activated(self, number: int) -> None:
        only, class_name = self.classes.itemData(number)
        self.chosen.emit(only, class_name)
