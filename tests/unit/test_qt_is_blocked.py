"""The block on Qt itself, and that the whole core and launch do without."""

from __future__ import annotations

import subprocess
import sys

import pytest

WITHOUT_QT = """
import importlib, pkgutil, sys
for name in ("PySide6", "shiboken6", "pyqtgraph"):
    sys.modules[name] = None
import convnext_studio.core, convnext_studio.launch
for package in (convnext_studio.core, convnext_studio.launch):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError as error:
            if error.name not in ("openvino", "onnxruntime"):  # extras
                raise
"""


@pytest.mark.parametrize("name", ["PySide6", "PySide6.QtCore", "pyqtgraph"])
def test_a_unit_test_cannot_import_qt(name: str) -> None:
    with pytest.raises(ImportError):
        __import__(name)


def test_every_module_of_core_and_launch_imports_without_qt() -> None:
    subprocess.run([sys.executable, "-c", WITHOUT_QT], check=True, timeout=120, cwd=sys.path[0])
