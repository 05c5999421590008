"""Tab goes as the layouts lie. Qt goes by when widgets were made, and pages are made as they are needed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QLayout, QScrollArea, QSplitter, QWidget

if TYPE_CHECKING:
    _Beside = QWidget
else:
    _Beside = object


class TabAsLaidOut(_Beside):
    """Stands before the Qt class among the bases of a window, or of what Tab goes round in."""

    def focusNextPrevChild(self, is_next: bool) -> bool:
        """Go to the next stop in sight, or back to the one before; at the end to the other end."""
        widgets = list(_in_sight(self))
        focused = self.window().focusWidget()
        if focused not in widgets:
            return super().focusNextPrevChild(is_next)
        place = widgets.index(focused)
        others = widgets[place + 1 :] + widgets[:place]
        stop = next(filter(_is_stop, others if is_next else reversed(others)), None)
        if stop is None:
            return False
        stop.setFocus(Qt.FocusReason.TabFocusReason if is_next else Qt.FocusReason.BacktabFocusReason)
        _scroll_to(stop)
        return True


def _is_stop(widget: QWidget) -> bool:
    """Of choices that exclude each other, the one that holds: arrows lead to the others."""
    if isinstance(widget, QAbstractButton) and (group := widget.group()) is not None and group.exclusive():
        chosen = group.checkedButton()
        if chosen is not None and chosen.isVisible() and chosen.isEnabled():
            return chosen is widget
    return bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus) and widget.focusProxy() is None


def _in_sight(widget: QWidget) -> Iterator[QWidget]:
    for child in _children(widget):
        if child.isVisible() and child.isEnabled() and not child.isWindow():
            yield child
            yield from _in_sight(child)


def _children(widget: QWidget) -> Iterator[QWidget]:
    """What is laid out, then what lies over it by its own place."""
    laid_out = list(_laid_out(widget))
    yield from laid_out
    others = [child for child in widget.children() if isinstance(child, QWidget) and child not in laid_out]
    yield from sorted(others, key=lambda child: (child.y(), child.x()))


def _laid_out(widget: QWidget) -> Iterator[QWidget]:
    if isinstance(widget, QSplitter):
        yield from filter(None, (widget.widget(place) for place in range(widget.count())))
    elif (layout := widget.layout()) is not None:
        yield from _in_layout(layout)


def _in_layout(layout: QLayout) -> Iterator[QWidget]:
    for place in range(layout.count()):
        item = layout.itemAt(place)
        if item is not None and (inner := item.layout()) is not None:
            yield from _in_layout(inner)
        elif item is not None and (widget := item.widget()) is not None:
            yield widget


def _scroll_to(widget: QWidget) -> None:
    above = widget.parentWidget()
    while above is not None:
        if isinstance(above, QScrollArea):
            above.ensureWidgetVisible(widget)
        above = above.parentWidget()
