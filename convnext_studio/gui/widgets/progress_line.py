"""A line of four pixels: how far something is. There is no endless bar; an unknown length shows an empty line."""

from __future__ import annotations

from PySide6.QtWidgets import QProgressBar


class ProgressLine(QProgressBar):
    """Empty until a total is known."""

    def __init__(self, width: int | None = None) -> None:
        super().__init__()
        self.setTextVisible(False)
        self.setFixedHeight(4)
        self.setRange(0, 1000)
        if width:
            self.setFixedWidth(width)

    def set_progress(self, done: int, total: int) -> None:
        """Show `done` of `total`; 0 is an unknown total. Counts of any size are allowed."""
        self.setValue(round(1000 * min(done, total) / total) if total > 0 else 0)
