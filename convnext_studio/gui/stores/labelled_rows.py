"""The Images of a data set as rows of a grid: class, split, name; a filter by class and by split or warning."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from convnext_studio.core.data.dataset import DataSetCard, LabelledImage
from convnext_studio.core.values import ImageRef
from convnext_studio.gui.widgets.tile import TILE_ROLE, Tile

AnyIndex = QModelIndex | QPersistentModelIndex


class LabelledRows(QAbstractListModel):
    """`show` says which Images of a card are let through; "" lets all through."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.images: tuple[LabelledImage, ...] = ()

    def show(self, card: DataSetCard | None, class_name: str = "", split: str = "") -> None:
        """Take in the Images of `card` that have this class and split."""
        images = card.images if card is not None else ()
        wanted = tuple(
            image
            for image in images
            if (not class_name or image.label == class_name) and (not split or image.split == split)
        )
        if wanted != self.images:
            self.beginResetModel()
            self.images = wanted
            self.endResetModel()

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        """How many are let through."""
        return 0 if parent.isValid() else len(self.images)

    def data(self, index: AnyIndex, role: int = int(Qt.ItemDataRole.DisplayRole)) -> object:
        """The Tile, or words for a screen reader."""
        image = self.images[index.row()]
        words = {"train": self.tr("training"), "validation": self.tr("validation"), "test": self.tr("test")}
        split = words.get(image.split, "")
        if role == TILE_ROLE:
            return Tile(ImageRef(image.path), Path(image.path).name, "labelled", image.label, note=split)
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return f"{Path(image.path).name}, {image.label}, {split}"
        return None
