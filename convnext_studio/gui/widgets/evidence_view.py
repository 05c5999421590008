"""What a block makes of the current Image: where its evidence lies, and its strongest feature maps."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from convnext_studio.core.explanations import Activations, Heatmap
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.heat_layer import HeatLook
from convnext_studio.gui.widgets.heat_picture import HeatPicture
from convnext_studio.gui.widgets.label import PlainLabel
from convnext_studio.gui.widgets.numbers import count
from convnext_studio.gui.widgets.picture_flow import Picture, PictureFlow

_LARGE, _SMALL = 224, 64
_LINE = 0.5
_MAP_COLOURS = "viridis"  # not those of a Heatmap: a bright place is no evidence


class EvidenceView(QWidget):
    """The large picture shows the Grad-CAM; a press on a feature map shows that one, and once more the Grad-CAM."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._look = HeatLook()
        self._heatmap: Heatmap | None = None
        self._activations: Activations | None = None
        self._pixmaps: tuple[QPixmap, ...] = ()
        self._coming = 0
        self._map = -1  # the feature map that is shown large
        self.state = PlainLabel("", "small", "text2", wrap=True)
        self.picture = HeatPicture(theme, self.tr("Current image with its map"), _LARGE)
        self.caption = PlainLabel("", "small", "text2", wrap=True)
        self.caption.setMinimumHeight(48)
        self.caption.setFixedWidth(_LARGE)
        self.caption.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.maps = PictureFlow(theme, self.tr("Strongest feature maps"), _SMALL, lines=1)
        self.maps_words = PlainLabel("", "small", "text2", wrap=True)
        for label in (self.state, self.maps_words):
            label.setMinimumWidth(120)
        self.maps.pressed.connect(self._on_pressed)
        self._parts = QWidget()
        row = QHBoxLayout(self._parts)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(16)
        for stretch, widgets in enumerate(((self.picture, self.caption), (self.maps, self.maps_words))):
            column = QVBoxLayout()
            column.setSpacing(6)
            for widget in widgets:
                column.addWidget(widget)
            column.addStretch(1)
            row.addLayout(column, stretch)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(PlainLabel(self.tr("In the current image"), "section"))
        column.addWidget(self.state)
        column.addWidget(self._parts)
        column.addStretch(1)

    def show_state(self, words: str) -> None:
        """Say why there is nothing to see; "" shows the pictures."""
        self.state.setText(words)
        self.state.setVisible(bool(words))
        self._parts.setVisible(not words)

    def show_picture(self, picture: QImage | None, width: int, height: int) -> None:
        """The width x height Image itself."""
        self.picture.set_picture(picture, width, height)

    def show_heatmap(self, heatmap: Heatmap | None, look: HeatLook) -> None:
        """Where the evidence lies, in the colours of `look`."""
        self._heatmap, self._look = heatmap, look
        self._show_large()

    def show_activations(self, activations: Activations | None, coming: int = 0) -> None:
        """Feature maps, the strongest first; room for as many as are `coming`, so that nothing jumps."""
        if activations is not self._activations or (activations is None and coming != len(self.maps.pictures)):
            self._activations, self._map, self._coming = activations, -1, coming
            self._pixmaps = _painted(activations) if activations is not None else ()
            self._show_maps()
            self._show_large()

    def _show_maps(self) -> None:
        found = self._activations
        if found is None:
            self.maps.show_pictures([Picture(None)] * self._coming)
            return
        numbers: Sequence[int] = found.channels
        self.maps.show_pictures(
            [
                Picture(pixmap, str(number), tip=self.tr("Feature map {0}").format(count(number)))
                for pixmap, number in zip(self._pixmaps, numbers, strict=True)
            ]
        )
        words = self.tr(
            "The {0} strongest of {1} feature maps, each from its lowest value (dark) to its highest (bright). "
            "Press one to lay it over the image."
        )
        self.maps_words.setText(words.format(len(numbers), count(found.total)))

    def _on_pressed(self, number: int) -> None:
        self._map = -1 if number == self._map else number
        self._show_large()

    def _show_large(self) -> None:
        found = self._activations
        if found is not None and self._map >= 0:
            self.picture.set_heatmap(
                _as_heatmap(found, self._map), HeatLook(True, self._look.opacity, _MAP_COLOURS, 0.0)
            )
            words = self.tr("Feature map {0}: bright where it answers most. Press it again for the Grad-CAM.")
            self.caption.setText(words.format(count(found.channels[self._map])))
        elif self._heatmap is not None:
            shown = HeatLook(True, self._look.opacity, self._look.colours, _LINE)
            self.picture.set_heatmap(self._heatmap, shown)
            is_empty = self._heatmap.peak <= 0
            words = (
                self.tr("Nothing in this image speaks for “{0}” here.")
                if is_empty
                else self.tr("Grad-CAM for “{0}”, made at this place.")
            )
            self.caption.setText(words.format(self._heatmap.class_name))
        else:
            self.picture.set_heatmap(None, self._look)
            self.caption.setText("")


def _painted(activations: Activations) -> tuple[QPixmap, ...]:
    """Each map from its own lowest to its own highest value."""
    import numpy as np

    from convnext_studio.core.explain.colours import coloured
    from convnext_studio.gui.convert import image_from_array

    made = []
    for values in activations.maps:
        shares = (values - values.min()) / max(float(np.ptp(values)), 1e-12)
        picture = image_from_array(np.ascontiguousarray(coloured(shares, _MAP_COLOURS)))
        side = _SMALL * 2
        made.append(
            QPixmap.fromImage(
                picture.scaled(
                    side, side, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
                )
            )
        )
    return tuple(made)


def _as_heatmap(activations: Activations, number: int) -> Heatmap:
    """A feature map as what lies over an Image."""
    import numpy as np

    values = activations.maps[number]
    shares = ((values - values.min()) / max(float(np.ptp(values)), 1e-12)).astype(np.float32)
    return Heatmap("", "", "gradcam", activations.layer, shares, activations.region, activations.region, 1.0)
