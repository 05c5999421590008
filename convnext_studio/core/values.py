"""The plain values that Requests, Events and results are made of; nothing heavy is imported here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Fit = Literal["squash", "letterbox", "crop"]
DeviceName = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["auto", "fp32", "bf16"]
EngineName = Literal["auto", "torch", "openvino", "onnxruntime"]

FITS: tuple[Fit, ...] = ("squash", "letterbox", "crop")
DEVICES: tuple[DeviceName, ...] = ("auto", "cpu", "cuda", "mps")
PRECISIONS: tuple[Precision, ...] = ("auto", "fp32", "bf16")
ENGINES: tuple[EngineName, ...] = ("auto", "torch", "openvino", "onnxruntime")

DEFAULT_MAX_MEGAPIXELS = 100.0
MAX_NAME_LENGTH = 200  # of a class


def described(label: str, help_text: str, section: str, **more: Any) -> dict[str, Any]:
    """What a field of settings says of itself, for forms that are made of it: `choices`, `range`, `unit` and so on."""
    return {"label": label, "help": help_text, "section": section, **more}


@dataclass(frozen=True, slots=True)
class ImageRef:
    """One picture on disk. `path` is absolute, as `os.fsdecode` gives it; `frame` counts from 0."""

    path: str
    frame: int = 0


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """The exact way from Image to input tensor; `core/images/preprocess.py` carries it out.

    `height`, `width` are the input's pixels; `mean`, `std` are per RGB channel on a 0..1 scale;
    `crop_pct` is the share of the resized Image that `crop` keeps (timm's meaning).
    """

    height: int
    width: int
    fit: Fit
    interpolation: Literal["nearest", "bilinear", "bicubic", "lanczos"]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    crop_pct: float = 1.0


@dataclass(frozen=True, slots=True)
class ModelRef:
    """Which Model is wanted.

    `name` is `sample`, a catalogue name (`convnext_tiny.in12k_ft_in1k`), a bare architecture, or the path of a
    Model file. `file` is a foreign weights file for the architecture `name`. `folder` is a folder that an
    administrator filled, searched before the download cache.
    """

    name: str = "sample"
    weights: Literal["pretrained", "random"] = "pretrained"
    file: str = ""
    folder: str = ""


@dataclass(frozen=True, slots=True)
class Execution:
    """Where and how a Model runs; `auto` is settled by a measurement on this machine."""

    device: DeviceName = "auto"
    precision: Precision = "auto"
    engine: EngineName = "auto"


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What the window and the command line may know of a loaded Model."""

    ref: ModelRef
    title: str  # short name to show
    architecture: str  # timm's name
    identity: str  # SHA-256 over weights and card, hex
    classes: tuple[str, ...]  # empty: a feature-only Model that cannot classify
    preprocessing: Preprocessing
    parameters: int
    licence: str  # SPDX-like id, "" = unknown
    commercial_use: bool | None  # None = unknown, never guessed
    training_data: str
    device: str  # "CPU", "NVIDIA H100 80GB"
    device_kind: DeviceName
    engine: EngineName
    precision: Precision
    layout: str  # "channels_last", "contiguous", "" where the engine decides
    images_per_s: float | None  # of the network alone, as calibrated; None = not measured
    is_meaningless: bool = False  # random weights
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Prediction:
    """Ranked classes of one Image by one Model, or the reason why there are none.

    `classes` and `probabilities` run from the most probable down and have the asked-for length at most; `margin` is
    the first probability minus the second; `milliseconds` is this Image's share of decode and network time.
    `error` is one sentence, and then `classes` is empty; `note` says what was odd ("frame 1 of 5").
    `model` is the first 12 digits of the Model's identity.
    """

    image: ImageRef
    classes: tuple[str, ...] = ()
    probabilities: tuple[float, ...] = ()
    margin: float = 0.0
    milliseconds: float = 0.0
    error: str = ""
    note: str = ""
    model: str = ""


def class_name_fault(name: str) -> str:
    """What forbids a class name in a Model file, in words; "" if nothing does.

    A slash between words ("ok/good") is only text, but no file or folder of the name may end up elsewhere.
    """
    if not name.strip() or len(name) > MAX_NAME_LENGTH:
        return "it is empty or too long"
    if any(0xD800 <= ord(letter) < 0xE000 for letter in name):  # what a name's bytes become that are no UTF-8
        return "parts of it are no text"
    if (
        name.startswith(("/", "~"))
        or "\\" in name
        or any(ord(letter) < 32 for letter in name)
        or any(not part.strip(". ") for part in name.split("/"))
    ):
        return "it looks like a path"
    return ""
