"""What is reported and returned: frozen dataclasses. `Succeeded`, `Failed`, `EngineStopped` and `Stopped` end a Job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from convnext_studio.core.values import DeviceName, EngineName, Execution, ImageRef, ModelInfo, Precision, Prediction

if TYPE_CHECKING:  # the window imports this module at its start: numpy would cost it a tenth of a second
    import numpy as np
    from numpy.typing import NDArray

# --- how a Job ends


@dataclass(frozen=True)
class Succeeded:
    """The Job returned."""

    result: object


@dataclass(frozen=True)
class Failed:
    """The Job raised. Text only: an exception object may not survive a pickle, text does.

    `is_bug` is False for a `StudioError`, whose `message` and `hint` are fit to show; otherwise show a general
    sentence and offer `details`.
    """

    kind: str
    message: str
    hint: str = ""
    details: str = ""
    is_bug: bool = True


@dataclass(frozen=True)
class EngineStopped:
    """The Engine ended while the Job ran; another Engine has been started.

    `is_suspect` is False where another Job is known to be the cause: then this one can simply be asked for again.
    """

    message: str
    is_suspect: bool = True


@dataclass(frozen=True)
class Stopped:
    """The Job was cancelled."""


End = Succeeded | Failed | EngineStopped | Stopped


# --- what Jobs report on the way


@dataclass(frozen=True)
class Noticed:
    """Something the user should know while the Job goes on ("Memory is short: batch halved to 16.")."""

    message: str
    hint: str = ""


@dataclass(frozen=True)
class FolderUnread(Noticed):
    """A folder could not be read, so that what is in it is missing from the result."""


@dataclass(frozen=True)
class FolderLost:
    """An Image could not be read, and its folder is not there any more, or is empty: its drive may have gone."""

    folder: str  # the highest one that is not there


@dataclass(frozen=True)
class ImagesFound:
    """More Images were found; each is reported once."""

    images: tuple[ImageRef, ...]


@dataclass(frozen=True)
class ThumbnailMade:
    """A thumbnail: uint8 RGB (h, w, 3), longest side <= the asked-for; or None and the reason.

    `width`, `height` are the Image's own pixels after EXIF orientation, 0 where unknown.
    """

    image: ImageRef
    pixels: NDArray[np.uint8] | None
    width: int = 0
    height: int = 0
    error: str = ""


@dataclass(frozen=True)
class ModelLoading:
    """A word for the status bar while a Model is made ready ("Measuring this machine")."""

    stage: str


@dataclass(frozen=True)
class ModelLoaded:
    """The Model that a Job uses is ready."""

    info: ModelInfo


@dataclass(frozen=True)
class ImagesClassified:
    """A batch is done, the unreadable Images among it included."""

    predictions: tuple[Prediction, ...]


@dataclass(frozen=True)
class DownloadProgressed:
    """Bytes on disk so far and in all (0 = not known yet)."""

    done_bytes: int
    total_bytes: int


@dataclass(frozen=True)
class FilesCopied:
    """Files copied so far and in all."""

    done: int
    total: int


@dataclass(frozen=True)
class SampleWritten:
    """Sample Images written so far and in all."""

    done: int
    total: int


@dataclass(frozen=True)
class DataSetChecked:
    """Images of a data set looked at so far and in all."""

    done: int
    total: int


# --- what Jobs return


@dataclass(frozen=True)
class FindSummary:
    """How a walk ended: what was found, passed over (not pictures), and could not be entered, one sentence each."""

    found: int
    ignored: int
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class PlaceSeen:
    """What lies at a path, and its mtime in s. "unknown": the disk gave no answer in time."""

    path: str
    kind: Literal["file", "folder", "missing", "unknown"]
    modified: float = 0.0


@dataclass(frozen=True)
class OpenedImage:
    """An Image for the screen: `pixels` uint8 RGB (h, w, 3), upright, perhaps reduced.

    `width`, `height` are the Image's own pixels; `scale` = pixels.shape[1] / width (1.0 = not reduced). `notes` are
    sentences ("16-bit picture, shown in 8 bits."). `format` is a word like "PNG"; `modified` is the file's mtime in s.
    """

    image: ImageRef
    pixels: NDArray[np.uint8]
    width: int
    height: int
    frames: int
    format: str
    notes: tuple[str, ...]
    file_bytes: int
    modified: float

    @property
    def scale(self) -> float:
        """Shown pixels per Image pixel."""
        return float(self.pixels.shape[1]) / self.width


@dataclass(frozen=True)
class ModelInput:
    """What the network sees: `pixels` uint8 RGB (h, w, 3) before mean and std are applied.

    `region` is the part of the Image it came from: left, top, right, bottom in Image pixels; it reaches outside the
    Image where letterbox padded.
    """

    image: ImageRef
    pixels: NDArray[np.uint8]
    region: tuple[float, float, float, float]


@dataclass(frozen=True)
class ClassifySummary:
    """How a classification ended."""

    classified: int
    failed: int
    seconds: float

    @property
    def images_per_s(self) -> float:
        """Images per second, the failed ones included."""
        return (self.classified + self.failed) / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True)
class WeightsOnDisk:
    """Weights that are here: the file, its size, and which of our places it lies in."""

    path: str
    size_bytes: int
    place: str  # "download cache", "administrator's folder"


@dataclass(frozen=True)
class SpeedMeasured:
    """Images/s of the network alone, with the Execution that was the fastest among those allowed.

    Of a network that takes very long only a `share` of one answer was measured, and the rest extrapolated.
    """

    images_per_s: float
    execution: Execution
    batch: int
    share: float = 1.0


@dataclass(frozen=True)
class TrainingMeasured:
    """What the parts of a training take on this machine: seconds for one Image unless another unit is named.

    `training.expected` makes of it what a whole Run takes.
    """

    device: DeviceName
    read_s: float  # to decode and prepare it, every thread at work
    alter_s: float  # to augment it
    learn_s: float  # forth and back
    predict_s: float  # forth only
    head_s: float  # to fit the head to its features
    update_s: float  # of the weights, once a step
    load_s: float  # of the Model, once
    weight_bytes: int
    activation_bytes: int  # kept of one Image for the way back
    pixel_bytes: int  # of one prepared Image
    free_bytes: int  # of the memory that training takes from


@dataclass(frozen=True)
class RateFound:
    """The curve, the rate to take, and why in words. `losses` are smoothed; both have a value per step taken."""

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    suggestion: float
    reason: str


@dataclass(frozen=True)
class DeviceFound:
    """A device this machine has: "cpu", "AMD EPYC"; memory in bytes and cores to be used, 0 = unknown."""

    kind: DeviceName
    name: str
    memory_bytes: int
    engines: tuple[EngineName, ...]
    precisions: tuple[Precision, ...]
    cores: int = 0


@dataclass(frozen=True)
class CopySummary:
    """How a copy into class folders ended; `problems` are one sentence each."""

    copied: int
    folder: str
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class EditsKept:
    """The journal after an edit: how many can be undone and redone, and what the next undo would take back."""

    undoable: int
    redoable: int
    next_undo: str = ""
