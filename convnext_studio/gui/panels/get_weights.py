"""The calm pane for a Model whose weights are not here: download, a file, a folder, or random weights."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QFileDialog, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from convnext_studio.gui.actions import Actions
from convnext_studio.gui.stores.choosing import Taker, use_model, use_random_weights, use_weights_file
from convnext_studio.gui.stores.fetch import Download
from convnext_studio.gui.stores.model_rows import ModelRow
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.widgets import figures, numbers
from convnext_studio.gui.widgets.buttons import Button
from convnext_studio.gui.widgets.frame import Frame
from convnext_studio.gui.widgets.label import PlainLabel
from convnext_studio.gui.widgets.progress_line import ProgressLine
from convnext_studio.gui.widgets.way import Way


class GetWeights(QWidget):
    """Shows the ways to the weights of `models.asked`; whichever is taken, `taker` then has the Model."""

    def __init__(
        self,
        studio: Studio,
        actions: Actions,  # noqa: ARG002
        parent: QWidget | None = None,
        *,
        taker: Taker | None = None,
    ) -> None:
        super().__init__(parent)
        self._studio = studio
        self._taker: Taker = taker or studio.classifier
        theme = studio.theme
        self.back = Button(theme, self.tr("All Models"), "left", "ghost")
        self.title = PlainLabel("", "title", elide=Qt.TextElideMode.ElideMiddle)
        self.facts = PlainLabel("", "small", "text2", wrap=True)
        self.download = Way(theme, "download", self.tr("Download"), self.tr("Download"), is_primary=True)
        self.line = ProgressLine()
        self.download.body.addWidget(self.line)
        self.copy = Button(theme, self.tr("Copy details"), kind="ghost", is_small=True)
        self.download.body.addWidget(self.copy, 0, Qt.AlignmentFlag.AlignLeft)
        self.file = Way(theme, "open", self.tr("A file of yours"), self.tr("Choose a file…"))
        self.folder = Way(theme, "folder", self.tr("A folder with weights"), self.tr("Choose a folder…"))
        self.random = Way(theme, "warn", self.tr("Random weights"), self.tr("Use random weights"))
        self._lay_out()
        self._connect()
        self._show()

    def _lay_out(self) -> None:
        column = QVBoxLayout()
        column.setContentsMargins(16, 12, 16, 16)
        column.setSpacing(12)
        head = QVBoxLayout()
        head.setSpacing(2)
        head.addWidget(self.title)
        head.addWidget(self.facts)
        column.addWidget(self.back, 0, Qt.AlignmentFlag.AlignLeft)
        column.addLayout(head)
        for way in (self.download, self.file, self.folder, self.random):
            column.addWidget(way)
        column.addStretch(1)
        inner = Frame("panel")
        inner.setLayout(column)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(inner)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        outer = QHBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(area)
        self.random.say(
            self.tr("The answers mean nothing. Good for trying out how fast it is, and as a start without training.")
        )
        self.file.say(
            self.tr(
                "A .safetensors, .pth or .pt file for this network, saved by timm, torchvision or the authors' code."
            )
        )

    def _connect(self) -> None:
        models = self._studio.models
        self.back.clicked.connect(self._on_back)
        self.download.pressed.connect(self._on_download)
        self.file.pressed.connect(self._on_file)
        self.folder.pressed.connect(self._on_folder)
        self.random.pressed.connect(self._on_random)
        self.copy.clicked.connect(self._on_copy)
        models.asked_changed.connect(self._show)
        models.row_changed.connect(self._on_row_changed)
        models.rows_changed.connect(self._on_rows_changed)
        models.downloaded.connect(self._on_downloaded)
        self._studio.settings.changed.connect(self._show)

    @property
    def row(self) -> ModelRow | None:
        """The Model whose weights are wanted."""
        return self._studio.models.row(self._studio.models.asked) if self._studio.models.asked else None

    # --- what it says

    def _show(self) -> None:
        row = self.row
        if row is None:
            return
        self.title.setText(row.title)
        facts = [
            self.tr("%s parameters").replace("%s", figures.millions(row.parameters)) if row.parameters else "",
            self.tr("%s px").replace("%s", numbers.count(row.input_px)) if row.input_px else "",
            self._licence(row),
        ]
        self.facts.setText(" · ".join(fact for fact in facts if fact))
        self.download.setVisible(row.kind == "pretrained")
        self.folder.setVisible(row.kind == "pretrained")
        self._show_download(row)
        self._show_folder()

    def _licence(self, row: ModelRow) -> str:
        if row.kind == "bare":
            return self.tr("no trained weights are published for this name")
        licence = row.licence or self.tr("licence unknown")
        if row.commercial_use is False:
            return self.tr("%s: not for commercial use").replace("%s", licence)
        return licence

    def _show_download(self, row: ModelRow) -> None:
        download = self._studio.models.download_of(row.name) or Download(row.name, "stopped")
        total = download.total_bytes or row.file_bytes
        is_begun = download.done_bytes > 0
        self.line.setVisible(download.is_active or is_begun)
        self.line.set_progress(download.done_bytes, total)
        self.copy.setVisible(download.state == "failed" and bool(download.details))
        if download.is_active:
            self.download.say(self._progress_words(download))
            self.download.set_button(self.tr("Stop"), is_primary=False)
            return
        if download.state == "failed":
            self.download.say(f"{download.message} {download.hint}".strip(), is_error=True)
        elif is_begun:
            came = figures.transfer(download.done_bytes, total)
            self.download.say(self.tr("Stopped at %s; it goes on from there.").replace("%s", came))
        else:
            self.download.say(self._offer_words(row))
        has_come = self.tr("Go on") if is_begun else self.tr("Try again")
        self.download.set_button(has_come if is_begun or download.state == "failed" else self.tr("Download"))

    def _offer_words(self, row: ModelRow) -> str:
        size = figures.size(row.file_bytes)
        return self.tr("%s from the Hugging Face hub. Nothing is sent but the name of the file.").replace("%s", size)

    def _progress_words(self, download: Download) -> str:
        if download.state == "waiting":
            return self.tr("Connecting…")
        words = [figures.transfer(download.done_bytes, download.total_bytes)]
        if download.bytes_per_s > 0:
            words.append(self.tr("%s/s").replace("%s", figures.size(download.bytes_per_s)))
        if download.seconds_left is not None:
            words.append(numbers.time_left(download.seconds_left))
        return " · ".join(words)

    def _show_folder(self) -> None:
        folder = self._studio.models.folder
        if folder:
            said = self.tr("“%s” does not hold these weights. Choose another one, or have them put there.")
            self.folder.say(said.replace("%s", folder))
            return
        self.folder.say(self.tr("A folder that an administrator filled, or a copy from another machine."))

    # --- what is done

    def _on_back(self) -> None:
        self._studio.models.ask("")

    def _on_download(self) -> None:
        row = self.row
        if row is None:
            return
        download = self._studio.models.download_of(row.name)
        if download is not None and download.is_active:
            self._studio.models.stop_download(row.name)
        else:
            self._studio.models.download(row.name)

    def _on_file(self) -> None:
        row = self.row
        title = self.tr("Choose a file with weights")
        filters = self.tr("Weights (%s)").replace("%s", "*.safetensors *.pth *.pt")
        path = QFileDialog.getOpenFileName(self, title, "", filters)[0]
        if path and row is not None:
            use_weights_file(row, path, self._studio.models, self._taker)

    def _on_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, self.tr("Choose a folder with weights"))
        if folder:
            self._studio.settings.update(weights_folder=folder)
            self._studio.models.look_once()

    def _on_random(self) -> None:
        if self.row is not None:
            use_random_weights(self.row, self._studio.models, self._taker)

    def _on_copy(self) -> None:
        row = self.row
        download = self._studio.models.download_of(row.name) if row is not None else None
        if download is not None:
            QApplication.clipboard().setText(f"{download.message}\n{download.details}")

    def _on_row_changed(self, name: str) -> None:
        row = self.row
        if row is not None and row.name == name:
            self._show_download(row)

    def _on_rows_changed(self) -> None:
        """The weights may have turned up in the folder."""
        row = self.row
        if row is not None and self.isVisible() and self._studio.models.is_ready(row):
            use_model(row, self._studio.models, self._taker)
        else:
            self._show()

    def _on_downloaded(self, name: str) -> None:
        row = self.row
        if row is not None and row.name == name and self.isVisible():
            use_model(row, self._studio.models, self._taker)
