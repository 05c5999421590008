"""About: versions, devices, folders, licences; all of it can be copied."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QGridLayout, QWidget

from convnext_studio.core.events import DeviceFound, EngineStopped, Failed
from convnext_studio.core.requests import FindDevices
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.language import spoken
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.widgets.buttons import Button
from convnext_studio.gui.widgets.dialog import Dialog
from convnext_studio.gui.widgets.label import PlainLabel, SelectableLabel
from convnext_studio.gui.widgets.numbers import file_size, with_cores

_PACKAGES = (
    "torch",
    "torchvision",
    "timm",
    "PySide6-Essentials",
    "pillow",
    "numpy",
    "safetensors",
    "openvino",
    "onnxruntime",
)
_LICENCES = (
    ("ConvNeXt Studio", "Apache-2.0"),
    ("Inter", "SIL Open Font License 1.1"),
    ("Qt and PySide6", "LGPL-3.0"),
    ("PyTorch, torchvision", "BSD-3-Clause"),
    ("timm, safetensors", "Apache-2.0"),
    ("Pillow", "MIT-CMU"),
    ("NumPy", "BSD-3-Clause"),
)


class AboutDialog(Dialog):
    """Asks the Engine for the devices when it is opened."""

    def __init__(self, studio: Studio, actions: Actions, parent: QWidget | None = None) -> None:  # noqa: ARG002
        super().__init__(studio.theme, self.tr("About ConvNeXt Studio"), parent)
        self._lines: list[str] = []
        self._add_section(self.tr("Versions"), _versions())
        self._devices = self._add_section(self.tr("Devices"), [(self.tr("Looking…"), "")])
        places = studio.places
        folders = [
            (self.tr("Settings"), str(places.config)),
            (self.tr("Sample images"), str(places.sample)),
            (self.tr("Cache"), str(places.cache)),
            (self.tr("Log"), str(places.log)),
        ]
        self._add_section(self.tr("Folders"), folders)
        self._add_section(self.tr("Licences of what is shipped or used"), list(_LICENCES))
        self.body.addStretch(1)
        copy = Button(studio.theme, self.tr("Copy"), "copy", "ghost")
        copy.clicked.connect(self._copy)
        self.buttons.insertWidget(0, copy)
        self._handle = studio.lanes["interactive"].submit(FindDevices(), replaces="about")
        self._handle.succeeded.connect(self._on_found)
        self._handle.failed.connect(self._on_failed)

    def _add_section(self, title: str, pairs: list[tuple[str, str]]) -> QGridLayout:
        self.body.addSpacing(8)
        self.body.addWidget(PlainLabel(title, "section"))
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(4)
        grid.setColumnMinimumWidth(0, 170)
        grid.setColumnStretch(1, 1)
        self._fill(grid, pairs)
        self.body.addLayout(grid)
        return grid

    def _fill(self, grid: QGridLayout, pairs: list[tuple[str, str]]) -> None:
        for row, (name, value) in enumerate(pairs):
            grid.addWidget(PlainLabel(name, "small", "text2"), row, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(SelectableLabel(value), row, 1)

    def _on_found(self, devices: tuple[DeviceFound, ...]) -> None:
        self._show_devices([(with_cores(device.name, device.cores), _facts(device)) for device in devices])

    def _on_failed(self, end: Failed | EngineStopped) -> None:
        self._show_devices([(self.tr("They could not be listed."), spoken(end.message))])

    def _show_devices(self, pairs: list[tuple[str, str]]) -> None:
        while (item := self._devices.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        self._fill(self._devices, pairs)

    def _copy(self) -> None:
        labels = [label.text() for label in self.findChildren(PlainLabel)]
        QGuiApplication.clipboard().setText("\n".join(labels))


def _versions() -> list[tuple[str, str]]:
    found = [("ConvNeXt Studio", version("convnext-studio") if _has("convnext-studio") else "")]
    found += [
        ("Python", platform.python_version()),
        (QCoreApplication.translate("AboutDialog", "System"), platform.platform()),
    ]
    found += [(name, version(name)) for name in _PACKAGES if _has(name)]
    return found


def _has(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


def _facts(device: DeviceFound) -> str:
    memory = file_size(device.memory_bytes) if device.memory_bytes else ""
    return " · ".join(filter(None, (memory, ", ".join(device.engines), ", ".join(device.precisions))))
