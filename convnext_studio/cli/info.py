"""`convnext-studio --info`: versions, devices and folders, for a report."""

from __future__ import annotations

import importlib.metadata
import platform

import platformdirs

from convnext_studio import __version__
from convnext_studio.cli.talking import DONE
from convnext_studio.core import jobs, requests
from convnext_studio.core.context import JobContext


def show_info() -> int:
    """Print it."""
    print(f"convnext-studio {__version__}, Python {platform.python_version()}, {platform.platform()}")
    for package in (
        "torch",
        "torchvision",
        "timm",
        "pillow",
        "openvino",
        "onnxruntime",
        "pyarrow",
        "PySide6-Essentials",
    ):
        try:
            print(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            print(f"{package} is not installed")
    found = jobs.run(requests.FindDevices(), JobContext())
    assert isinstance(found, tuple)
    for device in found:
        cores = f", {device.cores} core{'s' if device.cores > 1 else ''}" if device.cores else ""
        print(f"{device.kind}: {device.name}{cores}; {', '.join(device.engines)}; {', '.join(device.precisions)}")
    print(f"cache: {platformdirs.user_cache_dir('convnext-studio', appauthor=False)}")
    return DONE
