"""The settings: declared once in a dataclass; file, dialog and defaults are derived from it."""

from __future__ import annotations

import dataclasses
import json
import logging
import math
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, QObject, Signal

from convnext_studio.core.errors import StorageError
from convnext_studio.core.files import replacing, storage_error
from convnext_studio.core.values import DEFAULT_MAX_MEGAPIXELS, DeviceName, EngineName, Precision, described

log = logging.getLogger(__name__)

FORMAT = 1  # raise it when an older file can no longer be read field by field


@dataclass(frozen=True)
class Settings:
    """Every field has a label, a help sentence and a section; `choices` (value -> word) or `range` where they apply."""

    theme: str = field(
        default="system",
        metadata=described(
            "Colours",
            "Dark, light, or as the system says.",
            "Look",
            choices={"system": "As the system", "dark": "Dark", "light": "Light"},
        ),
    )
    scale: int = field(
        default=100,
        metadata=described(
            "Size of words and tools",
            "Besides what the system asks for. It holds from the next start.",
            "Look",
            choices={100: "100 %", 125: "125 %", 150: "150 %", 175: "175 %", 200: "200 %"},
        ),
    )
    language: str = field(
        default="system",
        metadata=described(
            "Language",
            "Words, numbers and dates. It holds from the next start.",
            "Look",
            choices={"system": "As the system", "en": "English", "de": "Deutsch"},
        ),
    )
    is_motion_reduced: bool = field(
        default=False, metadata=described("Reduce motion", "Popovers appear at once instead of rising.", "Look")
    )
    thumbnail_side: int = field(
        default=112,
        metadata=described(
            "Thumbnail size",
            "How large the pictures in the list are made.",
            "Images",
            choices={80: "Small", 112: "Medium", 160: "Large"},
        ),
    )
    keeps_zoom: bool = field(
        default=False,
        metadata=described(
            "Keep the zoom", "The next image is shown at the same zoom and place instead of whole.", "Images"
        ),
    )
    max_megapixels: float = field(
        default=DEFAULT_MAX_MEGAPIXELS,
        metadata=described(
            "Largest image",
            "Larger images are refused, because a small file can unpack to more than the memory holds.",
            "Images",
            range=(1.0, 2000.0),
            unit="megapixels",
        ),
    )
    classifies_at_once: bool = field(
        default=True,
        metadata=described("Classify at once", "Start to classify as soon as images are opened.", "Classification"),
    )
    top: int = field(
        default=5,
        metadata=described(
            "Classes shown", "How many classes are kept and shown for each image.", "Classification", range=(1, 20)
        ),
    )
    device: DeviceName = field(
        default="auto",
        metadata=described(
            "Device",
            "What the Model runs on.",
            "Classification",
            choices={"auto": "Fastest found", "cpu": "Processor", "cuda": "NVIDIA graphics", "mps": "Apple graphics"},
        ),
    )
    precision: Precision = field(
        default="auto",
        metadata=described(
            "Precision",
            "bf16 is faster where the device has it; probabilities may differ by up to 0.01.",
            "Classification",
            choices={"auto": "Fastest within tolerance", "fp32": "fp32", "bf16": "bf16"},
        ),
    )
    engine: EngineName = field(
        default="auto",
        metadata=described(
            "Computed by",
            "The library that runs the network.",
            "Classification",
            choices={"auto": "Fastest here", "torch": "PyTorch", "openvino": "OpenVINO", "onnxruntime": "ONNX Runtime"},
        ),
    )
    weights_folder: str = field(
        default="",
        metadata=described(
            "Weights folder",
            "A folder with weights, filled by an administrator; it is searched before anything is downloaded.",
            "Models",
            is_folder=True,
        ),
    )
    runs_folder: str = field(
        default="",
        metadata=described(
            "Runs folder",
            "Where trainings are kept, each in a folder of its own; empty = beside the program's other data.",
            "Training",
            is_folder=True,
        ),
    )
    notifies: bool = field(
        default=True,
        metadata=described(
            "Say when a training ends",
            "A message of the system, while this window is not the one you work in.",
            "Training",
        ),
    )
    opens_in_first_window: bool = field(
        default=True,
        metadata=described(
            "One window", "Starting the program again opens the images in the window that is already there.", "Start"
        ),
    )


FIELDS: tuple[dataclasses.Field[Any], ...] = dataclasses.fields(Settings)
_FOLDERS = {f.name for f in FIELDS if f.metadata.get("is_folder")}


def choice_word(name: str, value: object) -> str:
    """The word for one value of a setting that offers choices."""
    found = next(f for f in FIELDS if f.name == name)
    return _tr(str(found.metadata["choices"].get(value, value)))


def problem_with(name: str, value: object) -> str:
    """One sentence that says why `value` cannot be the setting `name`; empty if it can. No disk is asked."""
    found = next(f for f in FIELDS if f.name == name)
    label = _tr(found.metadata["label"])
    is_number = isinstance(found.default, float) and isinstance(value, int) and not isinstance(value, bool)
    if type(value) is not type(found.default) and not is_number:
        return _tr("{0}: this kind of value does not fit.").format(label)
    choices = found.metadata.get("choices")
    if choices is not None and value not in choices:
        return _tr("{0}: choose one of the values offered.").format(label)
    if "range" in found.metadata:
        low, high = found.metadata["range"]
        assert isinstance(value, int | float)
        if not (math.isfinite(value) and low <= value <= high):
            return _tr("{0}: between {1} and {2}.").format(label, f"{low:g}", f"{high:g}")
    return ""


def _tr(text: str) -> str:
    return QCoreApplication.translate("Settings", text)


class SettingsStore(QObject):
    """Holds the Settings and keeps them in `path`; `trouble` says once what could not be read or kept."""

    changed = Signal(object)
    troubled = Signal(str, str)  # fact, what to do

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.trouble: tuple[str, str] | None = None
        self.value = self._load()

    def update(self, **changes: object) -> None:
        """Change fields by name and save. Raises ValueError with a sentence for a value that does not fit."""
        for name, value in changes.items():
            if problem := problem_with(name, value):
                raise ValueError(problem)
        new = dataclasses.replace(self.value, **changes)  # type: ignore[arg-type]
        if new != self.value:
            self.value = new
            self._save()
            self.changed.emit(new)

    def reset(self) -> None:
        """Back to the defaults."""
        self.update(**dataclasses.asdict(Settings()))

    def _load(self) -> Settings:
        try:
            return self._take(_read(self.path))
        except (FileNotFoundError, NotADirectoryError):
            return Settings()
        except _Unfit as error:
            return self._set_aside(str(error))

    def _take(self, kept: Mapping[str, object]) -> Settings:
        """Every known field whose value fits; a folder that is gone for now stays what it was."""
        fitting = {name: value for name, value in kept.items() if _fits(name, value)}
        if fitting.keys() != kept.keys():
            return self._set_aside(self.tr("Some settings were not understood."), fitting)
        return Settings(**fitting)  # type: ignore[arg-type]

    def _set_aside(self, fact: str, fitting: Mapping[str, object] | None = None) -> Settings:
        aside = self.path.with_name(f"{self.path.stem}.{time.strftime('%Y%m%d-%H%M%S')}.backup")
        try:
            self.path.replace(aside)
            kept = self.tr("Defaults are used instead; the old file was kept as {0}.").format(aside.name)
        except OSError:
            kept = self.tr("Defaults are used instead.")
        self.trouble = (fact, kept)
        return Settings(**(fitting or {}))  # type: ignore[arg-type]

    def _save(self) -> None:
        text = json.dumps({"format": FORMAT, "settings": dataclasses.asdict(self.value)}, indent=1, ensure_ascii=False)
        try:
            write_private(self.path, text)
        except StorageError as error:
            until = self.tr("They hold until the program ends.")
            self.troubled.emit(self.tr("The settings could not be kept."), f"{until} {error}")


def kept_value(path: Path, name: str) -> object:
    """One setting as the file has it, which stays as it is; its default where the file says nothing sensible."""
    default = next(f.default for f in FIELDS if f.name == name)
    try:
        value = _read(path)[name]
    except (OSError, KeyError, _Unfit):
        return default
    return value if _fits(name, value) else default


class _Unfit(Exception):
    """The file is there and cannot be used; one sentence."""


def _read(path: Path) -> Mapping[str, object]:
    """What the file says, by name. Raises `FileNotFoundError`, `NotADirectoryError` and `_Unfit`."""
    try:
        kept = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise
    except (OSError, ValueError, RecursionError) as error:
        log.info("The settings could not be read: %s", error)
        raise _Unfit(_tr("The settings file could not be read.")) from error
    if not isinstance(kept, dict) or not isinstance(kept.get("settings"), dict):
        raise _Unfit(_tr("The settings file is damaged."))
    if kept.get("format") != FORMAT:
        raise _Unfit(_tr("The settings file is from another version of the program."))
    return dict(kept["settings"])


def _fits(name: str, value: object) -> bool:
    """Whether a kept value is one of ours; a folder's disk, which may be slow or away, is not asked."""
    if name in _FOLDERS:
        return isinstance(value, str)
    return any(f.name == name for f in FIELDS) and not problem_with(name, value)


def write_private(path: Path, text: str, *, is_flushed: bool = True) -> None:
    """Write a file that only its owner may read, whole or not at all. Raises `StorageError`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise storage_error(error, path) from error
    with replacing(path, is_flushed=is_flushed) as part:
        part.write_text(text, "utf-8")
    if os.name == "posix":
        path.chmod(0o600)
