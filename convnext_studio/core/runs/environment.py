"""What a Run was made with and from: `environment.json` (machine, versions, command) and `data.json` (the data set)."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import shlex
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from convnext_studio import __version__
from convnext_studio.core.data.dataset import DataSetCard
from convnext_studio.core.files import ILLEGIBLE, replacing
from convnext_studio.core.runs.run import Run

_PACKAGES = ("torch", "torchvision", "timm", "numpy", "pillow", "safetensors")


def add_part(run: Run, **more: Any) -> None:
    """Note where the Run is worked on from now on. Raises `StorageError`.

    `more` is what only the training knows: device, precision, threads, world_size.
    """
    part = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "convnext_studio": __version__,
        "python": platform.python_version(),
        **{name: _version(name) for name in _PACKAGES},
        "system": platform.platform(),
        "host": socket.gethostname(),
        "cores": os.cpu_count(),
        "command": shlex.join(sys.argv),
        **more,
    }
    _write(run.environment_path, [*read_parts(run), part])


def read_parts(run: Run) -> list[dict[str, Any]]:
    """Every part of the Run so far, the first one first; empty where nothing (legible) was noted."""
    found = _read(run.environment_path)
    return [part for part in found if isinstance(part, dict)] if isinstance(found, list) else []


def write_data(run: Run, card: DataSetCard) -> None:
    """Keep what was known of the data set when the Run began, its fingerprint first. Raises `StorageError`."""
    document = {
        "fingerprint": card.fingerprint,
        "source": card.source,
        "classes": card.classes,
        "counts": card.counts,
        "grouping": card.grouping,
        "groups": card.groups,
        "sizes": card.sizes,
        "channels": card.channels,
        "ignored": card.ignored,
        "unreadable": card.unreadable,
        "warnings": [
            {"kind": one.kind, "message": one.message, "hint": one.hint, "images": one.images} for one in card.warnings
        ],
    }
    _write(run.data_path, document)


def read_data(run: Run) -> dict[str, Any]:
    """What `write_data` kept; empty where there is nothing (legible)."""
    found = _read(run.data_path)
    return found if isinstance(found, dict) else {}


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _write(path: Path, document: Any) -> None:
    """ASCII only: names of files may hold bytes that are no UTF-8, and come back exactly this way."""
    with replacing(path) as part:
        part.write_text(json.dumps(document, indent=1, default=dict), encoding="ascii")


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ILLEGIBLE:
        return None
