"""What lies over the window while something is dragged over it: where to drop, what will open, what it promises."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QVBoxLayout, QWidget

from convnext_studio.gui.jobs import LaneLike
from convnext_studio.gui.stores.drops import LOOK_AT, DropSummary, summarise
from convnext_studio.gui.stores.look import Look
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.label import IconLabel, PlainLabel
from convnext_studio.gui.widgets.numbers import count

_CENTRE = Qt.AlignmentFlag.AlignHCenter


class DropTarget(QWidget):
    """Covers its parent; the mouse goes through."""

    def __init__(self, theme: Theme, lanes: Mapping[str, LaneLike], parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._paths: tuple[str, ...] = ()
        self._look = Look(lanes, "drag", self)
        self._look.changed.connect(self._show_summary)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._title = PlainLabel("", "display")
        column = QVBoxLayout(self)
        column.setSpacing(8)
        column.addStretch(1)
        column.addWidget(IconLabel(theme, "image", "accent", 48), 0, _CENTRE)
        column.addSpacing(8)
        column.addWidget(self._title, 0, _CENTRE)
        column.addWidget(PlainLabel(self.tr("Files that are not images are passed over."), "body", "text2"), 0, _CENTRE)
        column.addWidget(
            PlainLabel(self.tr("They stay where they are; nothing is copied or changed."), "body", "text2"), 0, _CENTRE
        )
        self._add_hint = PlainLabel(self.tr("Hold Ctrl to add to what is open."), "body", "text2")
        column.addWidget(self._add_hint, 0, _CENTRE)
        column.addStretch(1)
        self.hide()

    def show_paths(self, paths: tuple[str, ...], *, can_add: bool = False) -> None:
        """Say what will open, and cover the parent; `can_add` if something is open already."""
        self._paths = paths
        self._look.ask(paths[:LOOK_AT])
        self._add_hint.setVisible(can_add)
        self._show_summary()
        parent = self.parentWidget()
        assert parent is not None
        self.setGeometry(parent.rect())
        self.show()
        self.raise_()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """A dashed frame on a plain ground."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), self._theme.color("canvas"))
        soft = self._theme.color("soft")
        soft.setAlphaF(0.5)
        painter.setBrush(soft)
        pen = QPen(self._theme.color("accent"), 2, Qt.PenStyle.CustomDashLine)
        pen.setDashPattern([5, 4])
        painter.setPen(pen)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(24, 24, -24, -24), 12, 12)

    def _show_summary(self) -> None:
        self._title.setText(self._sentence(summarise(self._paths, self._look.is_folder)))

    def _sentence(self, summary: DropSummary) -> str:
        folders = self.tr("1 folder") if summary.folders == 1 else self.tr("{} folders").format(count(summary.folders))
        files = self.tr("1 file") if summary.files == 1 else self.tr("{} files").format(count(summary.files))
        if summary.folders and summary.files:
            return self.tr("Drop to open {} and {}").format(folders, files)
        return self.tr("Drop to open {}").format(folders if summary.folders else files)
