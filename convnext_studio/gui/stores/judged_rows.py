"""Some of the Images that were judged, as rows of a grid: true class, what it was called, how sure, how wrong."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from convnext_studio.core.evaluation.report import Judged, JudgedImages
from convnext_studio.core.values import ImageRef
from convnext_studio.gui.widgets.numbers import decimal, percent
from convnext_studio.gui.widgets.tile import TILE_ROLE, Tile

AnyIndex = QModelIndex | QPersistentModelIndex


class JudgedRows(QAbstractListModel):
    """`show` takes rows of an Evaluation's Images; a row becomes a value only when it is looked at."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._images: JudgedImages | None = None
        self._rows: Sequence[int] = ()
        self._is_by_loss = False

    def show(self, images: JudgedImages | None, rows: Sequence[int], *, is_by_loss: bool = False) -> None:
        """Show these rows in their order; `is_by_loss` tells the loss instead of the probability."""
        self.beginResetModel()
        self._images, self._rows, self._is_by_loss = images, rows, is_by_loss
        self.endResetModel()

    @property
    def paths(self) -> tuple[str, ...]:
        """The files, in the order shown."""
        columns = self._images.columns if self._images is not None else None
        return tuple(columns.paths[row] for row in self._rows) if columns is not None else ()

    def image(self, row: int) -> Judged:
        """One of those shown."""
        assert self._images is not None
        return self._images[self._rows[row]]

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        """How many are shown."""
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: AnyIndex, role: int = int(Qt.ItemDataRole.DisplayRole)) -> object:
        """The Tile, or words for a screen reader."""
        if role not in (TILE_ROLE, Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return None
        image = self.image(index.row())
        name = Path(image.path).name
        note = decimal(image.loss, 2) if self._is_by_loss else percent(image.probability, 0)
        if role == TILE_ROLE:
            is_told = image.label == image.found or not self._is_by_loss  # of a cell all are alike
            words = image.found if is_told else f"{image.label} → {image.found}"
            return Tile(ImageRef(image.path), name, "labelled", words, note=note)
        words = self.tr("{0}: is “{1}”, was called “{2}” with {3}, loss {4}")
        return words.format(name, image.label, image.found, percent(image.probability), decimal(image.loss, 2))
