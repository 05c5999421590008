"""What a part of a network is, in a title, a sentence and a few figures."""

from __future__ import annotations

from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from convnext_studio.core.explanations import NetworkPart
from convnext_studio.gui.language import spoken
from convnext_studio.gui.widgets.label import PlainLabel
from convnext_studio.gui.widgets.network_words import gmacs, size_words
from convnext_studio.gui.widgets.numbers import count, percent

_NONE = "–"


class PartFacts(QWidget):
    """Always as many lines, so that nothing jumps when another part is chosen."""

    def __init__(self) -> None:
        super().__init__()
        self.title = PlainLabel("", "title", wrap=True)
        self.sentence = PlainLabel("", "body", "text2", wrap=True)
        self.sentence.setMinimumHeight(36)
        for label in (self.title, self.sentence):
            label.setMinimumWidth(120)  # else the longest word would widen the page
        self._values: dict[str, PlainLabel] = {}
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        words = {
            "size": self.tr("Puts out"),
            "parameters": self.tr("Parameters"),
            "gmacs": self.tr("Computation"),
            "name": self.tr("In the code"),
        }
        for row, (key, word) in enumerate(words.items()):
            self._values[key] = PlainLabel("", "small", wrap=True)
            grid.addWidget(PlainLabel(word, "small", "text3"), row, 0)
            grid.addWidget(self._values[key], row, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.title)
        column.addWidget(self.sentence)
        column.addLayout(grid)

    def show_part(self, part: NetworkPart, title: str, whole: NetworkPart) -> None:
        """Show a part of the network `whole`."""
        self.title.setText(title)
        self.sentence.setText(spoken(part.sentence))
        share = self.tr("{0}, {1} of all")
        parameters = share.format(count(part.parameters), percent(part.parameters / max(1, whole.parameters)))
        work = share.format(gmacs(part.gmacs), percent(part.gmacs / whole.gmacs)) if whole.gmacs else ""
        self._values["size"].setText(size_words(part) or _NONE)
        self._values["parameters"].setText(parameters if part.parameters else self.tr("none"))
        self._values["gmacs"].setText(work if part.gmacs else self.tr("next to nothing"))
        self._values["name"].setText(part.name)
