"""Two to four Images beside each other, at the same place and zoom, with what was predicted below each."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from convnext_studio.core.values import ImageRef
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.language import spoken
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.widgets.buttons import IconButton
from convnext_studio.gui.widgets.frame import Frame, Hairline
from convnext_studio.gui.widgets.image_canvas import ImageCanvas
from convnext_studio.gui.widgets.label import PlainLabel, plain_tip
from convnext_studio.gui.widgets.numbers import count, percent
from convnext_studio.gui.widgets.ranked_bars import RankedBars

_CLASSES, _ROOMY = 3, 700
_KEYS = {
    Qt.Key.Key_Plus: "closer",
    Qt.Key.Key_Equal: "closer",
    Qt.Key.Key_Minus: "away",
    Qt.Key.Key_0: "fit",
    Qt.Key.Key_1: "full",
}


class ComparePanel(QWidget):
    """Whichever pane is moved, the others go along."""

    def __init__(self, studio: Studio, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._actions = actions
        self._is_leading = False
        theme = studio.theme
        self.panes: list[_Pane] = []
        self.back = IconButton(theme, "left", self.tr("Back to the images (Esc)"))
        self.closer = IconButton(theme, "plus", self.tr("Zoom in (+)"))
        self.away = IconButton(theme, "minus", self.tr("Zoom out (-)"))
        self.whole = IconButton(theme, "fit", self.tr("Whole images (0)"))
        self.full = IconButton(theme, "image", self.tr("Actual pixels (1)"))
        self.words = PlainLabel("", "small", "text2", elide=Qt.TextElideMode.ElideRight)
        self.zoom = PlainLabel("", "small", "text2")
        head = QHBoxLayout()
        head.setContentsMargins(8, 5, 8, 5)
        head.setSpacing(8)
        head.addWidget(self.back)
        head.addWidget(PlainLabel(self.tr("Compare"), "section"))
        head.addWidget(self.words, 1)
        head.addWidget(self.zoom)
        for button in (self.away, self.closer, self.whole, self.full):
            head.addWidget(button)
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(Hairline())
        column.addLayout(self._grid, 1)
        self.back.clicked.connect(actions["go_inspect"].trigger)
        for button, what in ((self.closer, "closer"), (self.away, "away"), (self.whole, "fit"), (self.full, "full")):
            button.clicked.connect(_Move(self, what).do)
        studio.side_by_side.shown.connect(self._show_panes)
        studio.side_by_side.opened_changed.connect(self._on_opened)
        studio.library.dataChanged.connect(self._show_predictions)
        studio.library.modelReset.connect(self._show_predictions)
        self._show_panes()

    def move_by(self, what: str) -> None:
        """Zoom all panes: closer, away, fit or full."""
        lead = next((pane.canvas for pane in self.panes if pane.canvas.has_picture), None)
        if lead is None:
            return
        if what == "fit":
            lead.fit()
        elif what == "full":
            lead.show_pixels()
        else:
            lead.zoom_by(1 if what == "closer" else -1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """The usual keys zoom, Esc leads back."""
        what = _KEYS.get(Qt.Key(event.key()))
        if event.key() == Qt.Key.Key_Escape:
            self._actions["go_inspect"].trigger()
        elif what is not None:
            self.move_by(what)
        else:
            super().keyPressEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        """Let go of the pixels."""
        super().hideEvent(event)
        self._studio.side_by_side.forget()
        for pane in self.panes:
            pane.canvas.set_words("", "")

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fewer classes where there is little height."""
        super().resizeEvent(event)
        self._show_predictions()

    # --- what is shown

    def _show_panes(self) -> None:
        images = self._studio.side_by_side.images
        for pane in self.panes:
            self._grid.removeWidget(pane)
            pane.hide()
            pane.deleteLater()
        self.panes = [_Pane(self._studio, image) for image in images]
        columns = 2 if len(images) == 4 else max(1, len(images))
        for number, pane in enumerate(self.panes):
            pane.canvas.view_changed.connect(self._on_view_changed)
            self._grid.addWidget(pane, number // columns, number % columns)
        for line in range(4):
            self._grid.setColumnStretch(line, 1 if line < columns else 0)
            self._grid.setRowStretch(line, 1 if line * columns < len(images) else 0)
        self.words.setText(
            self.tr("{0} images at the same place and zoom; move one, and all go along").format(count(len(images)))
        )
        self._show_predictions()
        if self.panes:
            self.setFocusProxy(self.panes[0].canvas)

    def _on_opened(self, image: ImageRef) -> None:
        for pane in self.panes:
            if pane.image == image:
                pane.show_image()

    def _show_predictions(self) -> None:
        rows = _CLASSES if self.height() >= _ROOMY or len(self.panes) < 4 else 1
        for pane in self.panes:
            pane.show_prediction(rows)

    def _on_view_changed(self) -> None:
        lead = self.sender()
        if self._is_leading or not isinstance(lead, ImageCanvas):
            return
        self._is_leading = True
        for pane in self.panes:
            if pane.canvas is not lead:
                pane.canvas.go_along(lead)
        self._is_leading = False
        self.zoom.setText(percent(lead.zoom, 0))


class _Move:
    """One button's wish; the panel holds it by the connection."""

    def __init__(self, panel: ComparePanel, what: str) -> None:
        self._panel = panel
        self._what = what

    def do(self) -> None:
        """Zoom."""
        self._panel.move_by(self._what)


class _Pane(Frame):
    """One Image with its name and classes."""

    def __init__(self, studio: Studio, image: ImageRef) -> None:
        super().__init__("panel")
        self._studio = studio
        self.image = image
        name = Path(image.path).name
        self.canvas = ImageCanvas(studio.theme, name)
        self.canvas.set_words("", self.tr("Opening…"))
        self.name = PlainLabel(name, "strong", elide=Qt.TextElideMode.ElideMiddle)
        self.name.setToolTip(plain_tip(image.path))
        self.facts = PlainLabel("", "small", "text2")
        self.bars = RankedBars(studio.theme)
        self.none = PlainLabel("", "small", "text2", wrap=True)
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self.name, 1)
        line.addWidget(self.facts)
        below = QVBoxLayout()
        below.setContentsMargins(12, 6, 12, 8)
        below.setSpacing(2)
        below.addLayout(line)
        below.addWidget(self.bars)
        below.addWidget(self.none)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.canvas, 1)
        column.addLayout(below)

    def show_image(self) -> None:
        """The picture, or why there is none."""
        store = self._studio.side_by_side
        opened = store.opened.get(self.image)
        if opened is not None:
            self.canvas.set_picture(opened.pixels, opened.width, opened.height)
            self.facts.setText(f"{count(opened.width)} × {count(opened.height)}")
        elif self.image in store.errors:
            self.canvas.set_words(self.tr("This image cannot be shown"), store.errors[self.image], "warn")

    def show_prediction(self, rows: int) -> None:
        """The first classes, or that there are none."""
        library = self._studio.library
        row = library.row_of(self.image)
        found = library.prediction_at(row) if row >= 0 else None
        classes = found.classes[:rows] if found is not None else ()
        self.bars.set_rows(classes, found.probabilities[:rows] if found is not None else ())
        self.bars.setVisible(bool(classes))
        self.none.setText(
            "" if classes else (spoken(found.error) if found and found.error else self.tr("Not classified yet"))
        )
        self.none.setVisible(not classes)
        said = (
            ", ".join(f"{name} {percent(share, 0)}" for name, share in zip(classes, found.probabilities, strict=False))
            if found
            else ""
        )
        self.canvas.setAccessibleDescription(said or self.none.text())
