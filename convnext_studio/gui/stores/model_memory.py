"""What the window remembers of Models between two starts: measured speeds, and the user's own Model files."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from convnext_studio.core.errors import StorageError
from convnext_studio.core.events import SpeedMeasured
from convnext_studio.core.values import DEVICES, ENGINES, PRECISIONS, Execution
from convnext_studio.gui.settings import write_private

log = logging.getLogger(__name__)

FILE_NAME = "models.json"
MOST_OWN_FILES = 20


@dataclass(frozen=True)
class Speed:
    """Images/s of the network alone, as measured here with one Execution; extrapolated from a `share` of an answer."""

    name: str
    execution: Execution
    images_per_s: float
    batch: int
    share: float = 1.0


class ModelMemory:
    """A small JSON file. A file that cannot be read is forgotten: all of it can be measured or opened again."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        self._speeds: dict[tuple[str, Execution], Speed] = {}
        self._own: list[str] = []
        self._load()

    @property
    def own_files(self) -> tuple[str, ...]:
        """The user's Model files, the last used first."""
        return tuple(self._own)

    def speeds(self, name: str) -> tuple[Speed, ...]:
        """What was measured of one Model, the fastest first."""
        found = (speed for (owner, _), speed in self._speeds.items() if owner == name)
        return tuple(sorted(found, key=lambda speed: -speed.images_per_s))

    def note_speed(self, name: str, measured: SpeedMeasured) -> None:
        """Remember one measurement; a newer one of the same Execution takes its place."""
        speed = Speed(name, measured.execution, measured.images_per_s, measured.batch, measured.share)
        self._speeds[name, measured.execution] = speed
        self._save()

    def note_own_file(self, path: str) -> None:
        """Remember that a Model file was used, as the last one."""
        self._own = [path, *(known for known in self._own if known != path)][:MOST_OWN_FILES]
        self._save()

    def forget_own_file(self, path: str) -> None:
        """Take a Model file off the list; the file itself stays."""
        self._own = [known for known in self._own if known != path]
        self._save()

    def _load(self) -> None:
        try:
            data = json.loads(self._path.read_text(encoding="utf-8"))
            self._own = [path for path in data["own_files"] if isinstance(path, str)]
            speeds = [_speed_from(entry) for entry in data["speeds"]]
        except FileNotFoundError:
            return
        except (OSError, ValueError, TypeError, KeyError) as error:
            log.info("What was remembered of Models is unreadable and starts anew: %s", error)
            return
        self._speeds = {(speed.name, speed.execution): speed for speed in speeds}

    def _save(self) -> None:
        data = {"own_files": self._own, "speeds": [asdict(speed) for speed in self._speeds.values()]}
        try:
            write_private(self._path, json.dumps(data, indent=1), is_flushed=False)
        except StorageError as error:
            log.info("Measured speeds are not kept: %s", error)


def _speed_from(entry: dict[str, Any]) -> Speed:
    execution = Execution(**entry["execution"])
    if (
        execution.device not in DEVICES
        or execution.precision not in PRECISIONS
        or execution.engine not in ENGINES
        or not isinstance(entry["name"], str)
    ):
        raise ValueError(f"no such execution: {execution}")
    share = float(entry.get("share", 1.0))
    return Speed(entry["name"], execution, float(entry["images_per_s"]), int(entry["batch"]), share)
