"""What can be asked for: frozen, picklable, and nothing heavy imported. `core/jobs.py` says who serves each."""

from __future__ import annotations

from dataclasses import dataclass

from convnext_studio.core.values import (
    DEFAULT_MAX_MEGAPIXELS,
    Execution,
    Fit,
    ImageRef,
    ModelRef,
    Prediction,
    Preprocessing,
)


@dataclass(frozen=True)
class FindImages:
    """Walk files and folders. Emits `ImagesFound`; returns `events.FindSummary`."""

    paths: tuple[str, ...]


@dataclass(frozen=True)
class OpenImage:
    """Decode one Image for the screen. Returns `events.OpenedImage`."""

    image: ImageRef
    max_megapixels: float = DEFAULT_MAX_MEGAPIXELS


@dataclass(frozen=True)
class MakeThumbnails:
    """Decode small. Emits `ThumbnailMade` per Image, in the order given; returns their count."""

    images: tuple[ImageRef, ...]
    side: int
    max_megapixels: float = DEFAULT_MAX_MEGAPIXELS


@dataclass(frozen=True)
class ShowModelInput:
    """What the network sees of one Image. Returns `events.ModelInput`."""

    image: ImageRef
    preprocessing: Preprocessing
    max_megapixels: float = DEFAULT_MAX_MEGAPIXELS


@dataclass(frozen=True)
class LoadModel:
    """Load, calibrate and keep a Model. Emits `ModelLoading`; returns `values.ModelInfo`."""

    model: ModelRef
    execution: Execution = Execution()
    fit: Fit | None = None  # None: as the weights say


@dataclass(frozen=True)
class Classify:
    """Predict every Image. Emits `ModelLoaded`, `ImagesClassified`, `Noticed`; returns `events.ClassifySummary`.

    `is_careful` predicts one Image at a time and reports each at once, so that whoever crashes the Engine is known.
    """

    images: tuple[ImageRef, ...]
    model: ModelRef
    execution: Execution = Execution()
    fit: Fit | None = None
    top: int = 5
    is_careful: bool = False
    max_megapixels: float = DEFAULT_MAX_MEGAPIXELS


@dataclass(frozen=True)
class FindWeights:
    """Which catalogue weights are on this machine. Returns `dict[str, events.WeightsOnDisk]` by catalogue name."""

    folder: str = ""


@dataclass(frozen=True)
class ReadCards:
    """Read what Model files say of themselves, without their weights. Returns `tuple[models.cards.CardRead, ...]`."""

    paths: tuple[str, ...]


@dataclass(frozen=True)
class DownloadWeights:
    """Fetch the weights of one catalogue name. Emits `DownloadProgressed`; returns `events.WeightsOnDisk`."""

    name: str


@dataclass(frozen=True)
class MeasureSpeed:
    """Images/s of a catalogue architecture here, within `seconds`. Returns `events.SpeedMeasured`."""

    model: ModelRef
    execution: Execution = Execution()
    seconds: float = 10.0


@dataclass(frozen=True)
class FindDevices:
    """Returns `tuple[events.DeviceFound, ...]`, the best first."""


@dataclass(frozen=True)
class SaveResults:
    """Write Predictions to `path` (.csv, .json, .parquet), whole or not at all. Returns the path."""

    predictions: tuple[Prediction, ...]
    path: str
    top: int = 5


@dataclass(frozen=True)
class CopyByClass:
    """Copy Images into one folder per predicted class. Emits `FilesCopied`; returns `events.CopySummary`."""

    predictions: tuple[Prediction, ...]
    folder: str


@dataclass(frozen=True)
class MakeSample:
    """Write the generated surface-defect data set. Emits `SampleWritten`; returns the folder of its Images."""

    folder: str
    count: int = 600
    size: int = 256
    seed: int = 0
