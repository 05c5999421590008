"""What calibration found, remembered over restarts in one small text file that may be deleted at any time."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import logging
import time
from pathlib import Path
from typing import Any

from convnext_studio.core.errors import StorageError
from convnext_studio.core.files import replacing
from convnext_studio.core.predict.device import device_title, settle_device, usable_cores
from convnext_studio.core.predict.runners.base import Plan
from convnext_studio.core.predict.runners.build import cache_folder
from convnext_studio.core.values import Execution

_MOST_KEPT = 300
_LASTS_S = 30 * 24 * 3600.0  # then it is measured again: the machine may have been busy, or have changed since
_ENGINES = ("torch", "openvino", "onnxruntime")

_log = logging.getLogger(__name__)


def recall(identity: str, execution: Execution) -> tuple[Plan, float] | None:
    """Return the Plan and images/s found for this Model on this machine, if there are any."""
    entry = _read().get(_key(identity, execution))
    try:
        if not entry or not 0 <= time.time() - float(entry["measured"]) < _LASTS_S:
            return None
        plan = Plan(**entry["plan"])
        return (plan, float(entry["images_per_s"])) if _is_possible(plan) else None
    except (TypeError, KeyError, ValueError):
        return None


def remember(identity: str, execution: Execution, plan: Plan, images_per_s: float) -> None:
    """Keep what was found. Where nothing can be written, the next start measures again."""
    entries = _read()
    key = _key(identity, execution)
    entries.pop(key, None)
    found = {"plan": dataclasses.asdict(plan), "images_per_s": round(images_per_s, 2)}
    entries[key] = {**found, "measured": int(time.time())}
    path = _path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with replacing(path) as part:
            part.write_text(json.dumps(dict(list(entries.items())[-_MOST_KEPT:]), indent=1), encoding="utf-8")
    except (StorageError, OSError) as error:
        _log.info("The measurement was not kept: %s", error)


def _path() -> Path:
    return cache_folder() / "calibration.json"


def _key(identity: str, execution: Execution) -> str:
    device = settle_device(execution.device)
    versions = [f"{name} {_version(name)}" for name in _ENGINES]
    wanted = f"{execution.engine} {execution.precision}"
    return " | ".join([identity[:32], device_title(device), f"{usable_cores()} cores", wanted, *versions])


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "-"


def _read() -> dict[str, Any]:
    """The file's entries; none where it is missing or broken."""
    try:
        entries = json.loads(_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return entries if isinstance(entries, dict) else {}


def _is_possible(plan: Plan) -> bool:
    counts = (plan.batch, plan.workers, plan.streams)
    return all(isinstance(count, int) and 1 <= count <= 4096 for count in counts) and plan.engine in _ENGINES
