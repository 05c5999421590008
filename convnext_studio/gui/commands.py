"""Serves the actions that belong to no Panel: opening, pasting, colours, classifying, leaving."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtGui import QActionGroup, QGuiApplication, QImage
from PySide6.QtWidgets import QFileDialog, QWidget

from convnext_studio.core.events import EngineStopped, Failed
from convnext_studio.core.requests import KeepPasted
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.settings import Settings
from convnext_studio.gui.stores.drops import has_paths, paths_of
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.theme.theme import MODES


class Commands(QObject):
    """Connects the actions and keeps them enabled and checked as the Stores say."""

    def __init__(self, studio: Studio, actions: Actions, window: QWidget) -> None:
        super().__init__(window)
        self._studio = studio
        self._actions = actions
        self._window = window
        self._opened_before: tuple[str, ...] = ()  # when something was pasted
        actions.connect("open_files", self._open_files)
        actions.connect("open_folder", self._open_folder)
        actions.connect("paste", self._paste)
        actions.connect("open_sample", studio.sample.open_sample)
        actions.connect("clear_recent", studio.recent.clear)
        actions.connect("quit", window.close)
        actions.connect("classify", studio.classifier.classify_rest)
        actions.connect("stop", studio.classifier.stop)
        self._group = QActionGroup(self)
        for mode in MODES:
            self._group.addAction(actions[f"theme_{mode}"])
            actions.connect(f"theme_{mode}", self._on_theme)
        studio.settings.changed.connect(self._show_settings)
        studio.recent.changed.connect(self._show_recent)
        for changed in (
            studio.classifier.state_changed,
            studio.classifier.info_changed,
            studio.library.counts_changed,
        ):
            changed.connect(self._show_classifier)
        self._show_settings(studio.settings.value)
        self._show_recent()
        self._show_classifier()

    def _open_files(self) -> None:
        self._choose(QFileDialog.FileMode.ExistingFiles, self.tr("Open images"))

    def _open_folder(self) -> None:
        self._choose(QFileDialog.FileMode.Directory, self.tr("Open folder"))

    def _choose(self, mode: QFileDialog.FileMode, title: str) -> None:
        dialog = QFileDialog(self._window, title, self._studio.memory.folder("open_folder"))
        dialog.setFileMode(mode)
        dialog.filesSelected.connect(self._on_chosen)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _on_chosen(self, paths: list[str]) -> None:
        if paths:
            self._studio.memory.keep("open_folder", str(Path(paths[0]).parent))
            self._studio.open_paths(tuple(paths))

    def _paste(self) -> None:
        mime = QGuiApplication.clipboard().mimeData()
        image = QGuiApplication.clipboard().image()
        if mime is not None and has_paths(mime):
            self._studio.open_paths(paths_of(mime))
        elif not image.isNull():
            self._open_pasted(image)
        else:
            self._studio.messages.info(self.tr("There is no image on the clipboard."))

    def _open_pasted(self, image: QImage) -> None:
        formats = QImage.Format  # blue first in memory, as most of what is pasted is already
        plain = image.convertToFormat(formats.Format_ARGB32 if image.hasAlphaChannel() else formats.Format_RGB32)
        request = KeepPasted(
            bytes(plain.constBits()),
            plain.width(),
            plain.height(),
            image.hasAlphaChannel(),
            str(self._studio.places.cache / "pasted"),
        )
        self._opened_before = self._studio.opened
        handle = self._studio.lanes["interactive"].submit(request, replaces="paste")
        handle.succeeded.connect(self._on_kept)
        handle.failed.connect(self._on_not_kept)

    def _on_kept(self, path: str) -> None:
        if self._studio.opened is self._opened_before:  # else something else was opened meanwhile
            self._studio.show_images((path,))

    def _on_not_kept(self, end: Failed | EngineStopped) -> None:
        self._studio.messages.failed(end, self.tr("The pasted image could not be kept."))

    def _on_theme(self) -> None:
        checked = self._group.checkedAction()
        if checked is not None:
            self._studio.settings.update(theme=checked.objectName().removeprefix("theme_"))

    def _show_settings(self, value: Settings) -> None:
        self._actions[f"theme_{value.theme}"].setChecked(True)

    def _show_recent(self) -> None:
        self._actions["clear_recent"].setEnabled(bool(self._studio.recent.places))

    def _show_classifier(self) -> None:
        self._actions["classify"].setEnabled(self._studio.classifier.can_classify)
        self._actions["stop"].setEnabled(self._studio.classifier.state == "classifying")
