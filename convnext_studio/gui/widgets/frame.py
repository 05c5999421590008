"""Grounds: a frame on a palette role with a hairline at one edge, and the hairline alone."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QWidget


class Frame(QFrame):
    """A ground of `rules.qss`: window, panel, canvas, card, inset, popover, soft, ok, ng, again, info, none."""

    def __init__(self, ground: str = "panel", edge: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("ground", ground)
        if edge:
            self.setProperty("edge", edge)

    def set_ground(self, ground: str) -> None:
        """Change the ground."""
        set_variant(self, "ground", ground)


class Hairline(QFrame):
    """A line of one pixel between areas."""

    def __init__(self, *, is_vertical: bool = False, length: int | None = None) -> None:
        super().__init__()
        self.setProperty("ground", "line")
        if is_vertical:
            self.setFixedWidth(1)
            if length:
                self.setFixedHeight(length)
        else:
            self.setFixedHeight(1)


def set_variant(widget: QWidget, name: str, value: object) -> None:
    """Set a dynamic property that the style sheet asks for, and apply it."""
    if widget.property(name) == value:
        return
    widget.setProperty(name, value)
    widget.style().unpolish(widget)
    widget.style().polish(widget)
    widget.update()
