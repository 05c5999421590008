"""What all plots of a page have in common, as controls in a row: axis, smoothing, logarithm, all of it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QSlider, QWidget

from convnext_studio.gui.theme.fonts import font
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.buttons import Button
from convnext_studio.gui.widgets.flow_layout import FlowLayout
from convnext_studio.gui.widgets.label import PlainLabel
from convnext_studio.gui.widgets.numbers import percent
from convnext_studio.gui.widgets.plot_view import AXES, PlotView
from convnext_studio.gui.widgets.segmented import Segmented

_MOST_SMOOTH = 99


class PlotTools(QWidget):
    """Changes `view`; the plots follow it."""

    def __init__(self, theme: Theme, view: PlotView) -> None:
        super().__init__()
        self._view = view
        self.axis = Segmented(theme, (self.tr("Epochs"), self.tr("Steps"), self.tr("Time")))
        self.axis.setAccessibleName(self.tr("What the plots stand on"))
        self.smooth = QSlider(Qt.Orientation.Horizontal)
        self.smooth.setRange(0, _MOST_SMOOTH)
        self.smooth.setValue(round(100 * view.smoothing))
        self.smooth.setFixedWidth(110)
        self.smooth.setAccessibleName(self.tr("Smoothing"))
        self.smooth.setToolTip(self.tr("How much of the past each point holds; the thin line behind is not smoothed"))
        self.smooth_words = PlainLabel("", "small", "text2")
        self.smooth_words.setFixedWidth(40)
        self.log = QCheckBox(self.tr("Logarithmic"))
        self.log.setFont(font("small"))
        self.log.setToolTip(self.tr("Loss, learning rate and gradients by factors instead of sums"))
        self.all = Button(theme, self.tr("Show all"), "fit", "ghost", is_small=True)
        self.all.setToolTip(self.tr("Back from the part that is zoomed to (double-click, or 0 in a plot)"))
        row = FlowLayout(self, spacing=16, row_spacing=4)
        row.addWidget(self.axis)
        row.addWidget(self._smoothing())
        row.addWidget(self.log)
        row.addWidget(self.all)
        self.axis.index_changed.connect(lambda index: view.set_axis(AXES[index]))
        self.smooth.valueChanged.connect(self._on_smooth)
        self.log.toggled.connect(view.set_log)
        self.all.clicked.connect(lambda: view.zoom(None))
        for changed in (view.window_changed, view.changed):
            changed.connect(self._show)
        self._on_smooth(self.smooth.value())
        self._show()

    def _smoothing(self) -> QWidget:
        group = QWidget()
        row = QHBoxLayout(group)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for widget in (PlainLabel(self.tr("Smoothing"), "small", "text2"), self.smooth, self.smooth_words):
            row.addWidget(widget)
        return group

    def _on_smooth(self, value: int) -> None:
        self.smooth_words.setText(percent(value / 100, 0))
        self._view.set_smoothing(value / 100)

    def _show(self) -> None:
        self.all.setEnabled(self._view.window is not None)
