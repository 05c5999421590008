"""A choice among all classes of a Model: first none in particular, then the most probable ones, then the others."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QStringListModel, Signal
from PySide6.QtWidgets import QComboBox, QListView

from convnext_studio.gui.theme.fonts import font
from convnext_studio.gui.widgets.select import Select


class ClassSelect(Select):
    """Quick with twenty thousand classes as well; typing finds a name."""

    chosen = Signal(str)  # the class, "" for none in particular

    def __init__(self, name: str) -> None:
        super().__init__(name)
        view = QListView()
        view.setUniformItemSizes(True)
        view.setFont(font("small"))
        view.setAccessibleName(name)
        self.setView(view)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(8)
        self._names = QStringListModel(self)
        self.setModel(self._names)
        self._shown: tuple[str, tuple[str, ...], tuple[str, ...]] = ("", (), ())
        self._rows: list[str] = []  # as they stand in the list
        self.activated.connect(self._on_activated)

    def show_classes(self, first: str, top: Sequence[str], classes: Sequence[str], chosen: str) -> None:
        """Offer `first` for none in particular, and mark `chosen`."""
        wanted = (first, tuple(top), tuple(classes))
        if wanted != self._shown and not self.view().isVisible():
            self._shown = wanted
            known = set(top)
            self._rows = [first, *top, *(name for name in classes if name not in known)]
            self._names.setStringList(self._rows)
        self.setCurrentIndex(self._rows.index(chosen, 1) if chosen in self._rows[1:] else 0)

    def _on_activated(self, row: int) -> None:
        self.chosen.emit(self._rows[row] if row > 0 else "")
