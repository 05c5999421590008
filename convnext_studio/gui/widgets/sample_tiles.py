"""A few Images, always the same, with what a Model in training said of them and where it looked; one can go back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QSlider, QVBoxLayout, QWidget

from convnext_studio.core.run_events import Sample, SamplesShown
from convnext_studio.core.values import ImageRef
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.label import PlainLabel
from convnext_studio.gui.widgets.numbers import count, percent
from convnext_studio.gui.widgets.picture_flow import Picture, PictureFlow

SIDE = 104
_OPACITY = 0.75


class SampleTiles(QWidget):
    """`pressed` hands over the paths, the one pressed first. The slider stands at the last epoch until it is moved.

    `thumbnail` is asked for the picture of an Image; `refresh` says that there are more.
    """

    pressed = Signal(tuple)

    def __init__(self, theme: Theme, thumbnail: Callable[[ImageRef], QPixmap | None]) -> None:
        super().__init__()
        self._thumbnail = thumbnail
        self._shown: tuple[SamplesShown, ...] = ()
        self._painted: dict[str, QPixmap] = {}  # of the epoch that is shown
        self._painted_epoch = -1
        self.flow = PictureFlow(theme, self.tr("Where it looks"), SIDE, lines=2)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setAccessibleName(self.tr("Epoch to look back to"))
        self.slider.setToolTip(self.tr("Go back to earlier epochs"))
        self.slider.setPageStep(1)
        self.slider.hide()
        self.words = PlainLabel("", "small", "text2")
        self.words.setMinimumWidth(64)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.slider, 1)
        row.addWidget(self.words)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.flow, 1)
        column.addLayout(row)
        self.slider.valueChanged.connect(self._show)
        self.flow.pressed.connect(self._on_pressed)

    def show_samples(self, shown: Sequence[SamplesShown]) -> None:
        """Show the last, or the one that was gone back to."""
        if list(shown) == list(self._shown):
            return
        is_last = self.slider.value() >= len(self._shown) - 1
        before = {sample[0] for one in self._shown for sample in one.samples}
        self._shown = tuple(shown)
        if not before & {sample[0] for one in shown for sample in one.samples}:
            self._painted.clear()
            is_last = True
        self.slider.setEnabled(len(shown) > 1)
        self.slider.setVisible(bool(shown))
        self.slider.blockSignals(True)
        self.slider.setRange(0, max(0, len(shown) - 1))
        if is_last:
            self.slider.setValue(len(shown) - 1)
        self.slider.blockSignals(False)
        self._show()

    def refresh(self) -> None:
        """More thumbnails are there."""
        self._painted.clear()
        self._show()

    @property
    def _now(self) -> SamplesShown | None:
        return self._shown[min(self.slider.value(), len(self._shown) - 1)] if self._shown else None

    def _show(self) -> None:
        now = self._now
        if now is None:
            self.flow.show_pictures(())
            self.words.setText("")
            return
        words = self.tr("epoch {0}").format(count(now.epoch)) if now.epoch else self.tr("head alone")
        self.words.setText(words)
        self.slider.setAccessibleDescription(words)
        self.flow.show_pictures([self._tile(sample, now.epoch) for sample in now.samples])

    def _tile(self, sample: Sample, epoch: int) -> Picture:
        path, true, predicted, share, *_rest = sample
        is_right = true == predicted
        called = self.tr("✓ {0}").format(percent(share, 0)) if is_right else self.tr("✗ {0}").format(predicted)
        said = self.tr("{0}: is “{1}”, was called “{2}” with {3}").format(
            Path(path).name, true, predicted, percent(share)
        )
        return Picture(self._pixmap(sample, epoch), true, called, said)

    def _pixmap(self, sample: Sample, epoch: int) -> QPixmap | None:
        """The thumbnail with the heat over it, made once while its epoch is shown."""
        path = sample[0]
        if epoch != self._painted_epoch:
            self._painted.clear()
            self._painted_epoch = epoch
        if path not in self._painted:
            below = self._thumbnail(ImageRef(path))
            if below is None or below.isNull():
                return None
            self._painted[path] = overlaid(below, sample)
        return self._painted[path]

    def _on_pressed(self, number: int) -> None:
        now = self._now
        if now is not None:
            paths = [sample[0] for sample in now.samples]
            self.pressed.emit((*paths[number:], *paths[:number]))


def overlaid(below: QPixmap, sample: Sample) -> QPixmap:
    """A thumbnail with the cells of a Sample's Grad-CAM laid over it; cold places show it untouched."""
    *_said, (width, height), region, seen, rows = sample
    made = below.copy()
    if not rows or not rows[0] or not width or not height:
        return made
    across, down = below.width() / width, below.height() / height
    painter = QPainter(made)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.setClipRect(_placed(seen, across, down))
    painter.setOpacity(_OPACITY)
    heat = _heat(rows)
    painter.drawImage(_placed(region, across, down), heat, QRectF(heat.rect()))
    painter.end()
    return made


def _placed(region: tuple[float, float, float, float], across: float, down: float) -> QRectF:
    left, top, right, bottom = region
    return QRectF(left * across, top * down, (right - left) * across, (bottom - top) * down)


def _heat(rows: tuple[str, ...]) -> QImage:
    """The cells as premultiplied colours whose opacity is the value itself."""
    table = _colours()
    cells = [bytes.fromhex(row) for row in rows]
    pixels = b"".join(table[value] for row in cells for value in row)
    form = QImage.Format.Format_RGBA8888_Premultiplied
    return QImage(pixels, len(cells[0]), len(cells), 4 * len(cells[0]), form).copy()


@cache
def _colours() -> tuple[bytes, ...]:
    from convnext_studio.core.explain.colours import colour_table
    from convnext_studio.gui.widgets.heat_layer import MAPS

    return tuple(
        bytes((*(round(part * value / 255) for part in colour), value))
        for value, colour in enumerate(colour_table(MAPS[0]).tolist())
    )
