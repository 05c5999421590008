"""The Images of a data set as rows of a grid: class, split, name; filtered by class, and by split or change by hand."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from convnext_studio.core.data.dataset import SPLITS, DataSetCard, LabelledImage
from convnext_studio.core.values import ImageRef
from convnext_studio.gui.widgets.tile import TILE_ROLE, Tile

MOVED, EXCLUDED = "moved", "excluded"  # besides the names of splits
AnyIndex = QModelIndex | QPersistentModelIndex


class LabelledRows(QAbstractListModel):
    """`show` says which Images of a card are let through; "" lets all through, `MOVED` and `EXCLUDED` those changed."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.images: tuple[LabelledImage, ...] = ()

    def show(self, card: DataSetCard | None, class_name: str = "", split: str = "") -> None:
        """Take in the Images of `card` that have this class and split."""
        wanted = tuple(image for image in _choice(card, split) if not class_name or image.label == class_name)
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
            return ", ".join(filter(None, (Path(image.path).name, image.label, split)))
        return None


def _choice(card: DataSetCard | None, split: str) -> tuple[LabelledImage, ...]:
    if card is None:
        return ()
    if split == EXCLUDED:
        is_table = card.source.casefold().endswith(".csv")  # then the folder is no class
        return tuple(LabelledImage(path, "" if is_table else Path(path).parent.name) for path in card.excluded)
    if split == MOVED:
        moved = set(card.moved)
        return tuple(image for image in card.images if image.path in moved)
    return card.of(split) if split in SPLITS else card.images
