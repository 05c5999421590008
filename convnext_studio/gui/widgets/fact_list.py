"""Labels and values under each other, in as much room as there is."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QScrollArea, QWidget

from convnext_studio.gui.widgets.label import PlainLabel, SelectableLabel


class FactList(QScrollArea):
    """Values are plain text, wrap, and can be selected and copied."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.facts: tuple[tuple[str, str], ...] = ()

    def show_facts(self, facts: Iterable[tuple[str, str]]) -> None:
        """Show label, value pairs in place of those before."""
        wanted = tuple(facts)
        if wanted == self.facts and self.widget() is not None:
            return
        self.facts = wanted
        inner = QWidget()
        grid = QGridLayout(inner)
        grid.setContentsMargins(0, 4, 12, 4)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(8)
        grid.setColumnMinimumWidth(0, 92)
        grid.setColumnStretch(1, 1)
        for line, (label, value) in enumerate(wanted):
            name, said = PlainLabel(label, "small", "text3", wrap=True), SelectableLabel(value)
            said.setAccessibleName(f"{label}: {value}")
            grid.addWidget(name, line, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(said, line, 1, Qt.AlignmentFlag.AlignTop)
        grid.setRowStretch(len(wanted), 1)
        self.setWidget(inner)
