"""Plots of a Run to files: where to is asked, then the picture or the values are handed on."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QWidget

from convnext_studio.core.requests import SavePlot
from convnext_studio.gui.stores.curves import axis_words
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.widgets.plot_card import PlotCard
from convnext_studio.gui.widgets.plot_view import PlotView


class PlotSaving(QObject):
    """Asks in front of `panel`, and saves what is drawn there of the Run that `training.view` follows."""

    def __init__(self, studio: Studio, plots: PlotView, panel: QWidget) -> None:
        super().__init__(panel)
        self._studio, self._plots, self._panel = studio, plots, panel

    def ask(self, plot: PlotCard, run: str) -> None:
        """Let the user say where to, and as what."""
        kinds = {
            self.tr("Picture") + " (*.png)": "png",
            self.tr("Drawing") + " (*.svg)": "svg",
            self.tr("Values") + " (*.csv)": "csv",
        }
        start = Path(self._studio.training.view.folder).parent.parent / f"{run} {plot.title}.png".replace("/", "-")
        dialog = QFileDialog(self._panel, self.tr("Save {0}").format(plot.title), str(start))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilters(list(kinds))
        dialog.setDefaultSuffix("png")
        dialog.filterSelected.connect(lambda chosen: dialog.setDefaultSuffix(kinds[chosen]))
        dialog.fileSelected.connect(lambda path: self.save(plot, run, path))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def save(self, plot: PlotCard, run: str, path: str) -> None:
        """Write a plot as the ending of `path` says."""
        suffix = Path(path).suffix.lower()
        picture = plot.picture(suffix) if suffix in {".png", ".svg"} else b""
        curves = tuple(
            (curve.run or run, curve.name, curve.table)
            for curve in plot.plot.shown
            if curve.title not in self._plots.hidden
        )
        axis = axis_words(self._plots.axis, self._studio.training.view.history)
        self._studio.exporter.save_plot(SavePlot(path, axis, () if picture else curves, picture))
