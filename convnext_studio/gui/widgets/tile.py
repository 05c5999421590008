"""What a model hands to the views of Images: one small value a row, and the roles it comes under."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import Qt

from convnext_studio.core.values import ImageRef

TILE_ROLE = int(Qt.ItemDataRole.UserRole) + 1

TileState = Literal["waiting", "done", "error", "labelled"]


@dataclass(frozen=True, slots=True)
class Tile:
    """A row as the grid draws it. `reason` says why there is no Prediction; `note` stands at the right of a label."""

    image: ImageRef
    name: str
    state: TileState = "waiting"
    class_name: str = ""
    probability: float = 0.0
    reason: str = ""
    note: str = ""
