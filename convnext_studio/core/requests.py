"""What can be asked for: frozen, picklable, and nothing heavy imported. `core/jobs.py` says who serves each."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import Literal

from convnext_studio.core.explanations import Heatmap, Method
from convnext_studio.core.recipe import Recipe
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
class LookAtPlaces:
    """Whether something lies at each path. Returns `tuple[events.PlaceSeen, ...]`, in order, within `seconds`."""

    paths: tuple[str, ...]
    seconds: float = 3.0


@dataclass(frozen=True)
class ReadDates:
    """When the file at each path was changed. Returns seconds since 1970, in order; 0 where nobody can say."""

    paths: tuple[str, ...]


@dataclass(frozen=True)
class OpenImage:
    """Decode one Image for the screen. Returns `events.OpenedImage`."""

    image: ImageRef
    max_megapixels: float = DEFAULT_MAX_MEGAPIXELS


@dataclass(frozen=True)
class KeepPasted:
    """Write pixels of 4 bytes, blue first, the last one alpha or nothing, as a PNG. Returns its path."""

    pixels: bytes
    width: int
    height: int
    has_alpha: bool
    folder: str


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
    """Load, calibrate and keep a Model. Emits `ModelLoading`; returns `values.ModelInfo`.

    `is_measured_anew` throws away what was measured of it here.
    """

    model: ModelRef
    execution: Execution = Execution()
    fit: Fit | None = None  # None: as the weights say
    is_measured_anew: bool = False


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


# --- data sets and training


@dataclass(frozen=True)
class CheckDataSet:
    """Read, check and split the data set of a Recipe. Emits `DataSetChecked`; returns `data.dataset.DataSetCard`.

    `is_quick` leaves out what needs every Image decoded (sizes, broken files, near duplicates).
    """

    recipe: Recipe
    is_quick: bool = False


@dataclass(frozen=True)
class EditLabels:
    """Note a change of labels in the data set's journal; the user's files stay as they are. Returns `EditsKept`.

    `undo` and `redo` take no paths; `move` takes a label.
    """

    data: str
    action: Literal["move", "exclude", "include", "undo", "redo"]
    paths: tuple[str, ...] = ()
    label: str = ""


@dataclass(frozen=True)
class PreviewAugmentation:
    """What the network gets of some Images while training. Returns `tuple[events.ModelInput, ...]`, `count` an Image.

    Another `roll`, another chance.
    """

    recipe: Recipe
    images: tuple[ImageRef, ...]
    count: int = 4
    roll: int = 0


@dataclass(frozen=True)
class FindLearningRate:
    """Try rising learning rates for a few steps. Returns `events.RateFound`; nothing is kept."""

    recipe: Recipe
    steps: int = 60


@dataclass(frozen=True)
class MeasureTraining:
    """Time what a training of `recipe` is made of, on a few of its Images. Returns `events.TrainingMeasured`.

    `classes` is how many there are to learn. Nothing is kept.
    """

    recipe: Recipe
    images: tuple[str, ...]
    classes: int


@dataclass(frozen=True)
class Train:
    """Work on the Run in the folder `run` to its end, here: begin, or go on from where it stopped.

    Emits what `run_events` holds; returns `run_events.RunEnded`. `accepts_changes` goes on although the data or the
    settings changed; else such a change raises `training.resume.ChangedSince`, which lists the differences.
    """

    run: str
    accepts_changes: bool = False


@dataclass(frozen=True)
class StartRun:
    """Make a Run folder in `runs` and start its own process, which outlives the window. Returns the Run folder."""

    recipe: Recipe
    runs: str
    name: str = ""


@dataclass(frozen=True)
class ResumeRun:
    """Start a process that goes on with a Run. Returns the Run folder; raises as `Train` does where it can be told."""

    run: str
    accepts_changes: bool = False


@dataclass(frozen=True)
class FollowRun:
    """Relay a Run's lines as they are written. Emits `run_events.Line` in tuples; returns `runs.summary.RunSummary`.

    Ends when the Run has ended or its process is gone. `after` is the number of the last line that is known.
    With `is_gathered` what was written before comes first, as one `runs.history.History`: a long Run is there at once.
    """

    run: str
    after: int = 0
    is_gathered: bool = False


@dataclass(frozen=True)
class FindAnswered:
    """The Images of class `true` that a Run's last validation called `found`. Returns their paths, the surest first."""

    run: str
    true: str
    found: str


@dataclass(frozen=True)
class SavePlot:
    """Write a plot to `path`: `picture` as it is, else `curves` as CSV, with `axis` as a heading. Returns the path.

    A curve is the Run's name, its own, and places on the axis with their values.
    """

    path: str
    axis: str = ""
    curves: tuple[tuple[str, str, tuple[array[float], array[float]]], ...] = ()
    picture: bytes = b""


@dataclass(frozen=True)
class FindRuns:
    """All Runs in a folder, newest first. Returns `tuple[runs.summary.RunSummary, ...]`."""

    runs: str


@dataclass(frozen=True)
class SteerRun:
    """Ask a Run, whoever hosts it, for something. Returns None at once; the Run reports when it obeys."""

    run: str
    wanted: Literal["stop", "pause", "go on", "finish epoch", "lower rate"]


@dataclass(frozen=True)
class Evaluate:
    """Predict a labelled data set and count. Returns `evaluation.report.Evaluation`.

    Emits `ImagesFound`, `Noticed` where something does not fit, and all that `Classify` does. `data` is a data set, or
    a Run folder, whose split.csv then says what belongs to `split`. `keeps_in` is a folder to keep the Evaluation in.
    """

    model: ModelRef
    data: str
    split: Literal["train", "validation", "test", "all"] = "test"
    execution: Execution = Execution()
    fit: Fit | None = None
    keeps_in: str = ""
    max_megapixels: float = DEFAULT_MAX_MEGAPIXELS


@dataclass(frozen=True)
class OpenEvaluation:
    """Read the Evaluation kept in the file `path`, or the one kept of what is `wanted`.

    Returns `evaluation.report.Evaluation`; None where nothing is kept, or the Model is not the same any more.
    """

    path: str = ""
    wanted: Evaluate | None = None


@dataclass(frozen=True)
class FindEvaluations:
    """The Evaluations kept in a folder. Returns `tuple[evaluation.kept.KeptEvaluation, ...]`, the newest first."""

    folder: str


@dataclass(frozen=True)
class CompareEvaluations:
    """Set two kept Evaluations side by side. Returns `evaluation.compare.Comparison`."""

    first: str
    second: str


@dataclass(frozen=True)
class SaveEvaluation:
    """Write a kept Evaluation to `path` as its suffix says: .html a report, .csv a row an Image, .json all of it.

    Returns the path.
    """

    kept_at: str
    path: str


@dataclass(frozen=True)
class Explain:
    """Show why. Emits `ModelLoaded`, then `HeatmapsMade` at once, then a `TrustMeasured` for each; returns `Explained`.

    `classes` names what to explain; none: the `top` most probable ones, which share all the work but the last step.
    `versus` asks what speaks for each of them against that class. `layers` as `LayerInfo.name` has them (timm's own
    names are understood too); none: the default, chosen by evidence. `method` None: the default. With neither a Heatmap
    that is not faithful gives way, in what comes back, to one of another method or layer that is, and a note says so.
    """

    image: ImageRef
    model: ModelRef
    execution: Execution = Execution()
    fit: Fit | None = None
    method: Method | None = None
    layers: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    versus: str = ""
    top: int = 1
    is_trust_wanted: bool = True
    max_megapixels: float = DEFAULT_MAX_MEGAPIXELS


@dataclass(frozen=True)
class ExplainFolder:
    """Explain every Image and write NAME.overlay.png, NAME.map.npy, NAME.map.tif and NAME.json below `folder`.

    `class_name` "" explains each Image's most probable class, `versus` is as in `Explain`. Emits `ModelLoaded`, where
    trust is wanted an `ExplanationCheck`, and `ImageExplained`; returns `ExplainSummary`.
    """

    images: tuple[ImageRef, ...]
    folder: str
    model: ModelRef
    execution: Execution = Execution()
    fit: Fit | None = None
    method: Method | None = None
    layer: str = ""
    class_name: str = ""
    versus: str = ""
    is_trust_wanted: bool = True
    colours: str = "inferno"
    opacity: float = 0.6
    max_megapixels: float = DEFAULT_MAX_MEGAPIXELS


@dataclass(frozen=True)
class SaveHeatmap:
    """Write one Heatmap; the suffix of each path says as what: .png overlay, .npy or .tif map, .json record.

    Returns the paths. `record` is added to the JSON record, and `colours`, `opacity` count for the overlay.
    """

    image: ImageRef
    heatmap: Heatmap
    paths: tuple[str, ...]
    record: tuple[tuple[str, object], ...] = ()
    colours: str = "inferno"
    opacity: float = 0.6
    max_megapixels: float = DEFAULT_MAX_MEGAPIXELS


@dataclass(frozen=True)
class CheckExplanations:
    """The model-randomisation check, once per Model, on a few Images. Returns `ExplanationCheck`, which is kept."""

    images: tuple[ImageRef, ...]
    model: ModelRef
    execution: Execution = Execution()
    fit: Fit | None = None
    method: Method | None = None
    layer: str = ""
    max_megapixels: float = DEFAULT_MAX_MEGAPIXELS


@dataclass(frozen=True)
class DescribeNetwork:
    """What the network is made of; weights need not be here. Returns `NetworkDescription`."""

    model: ModelRef


@dataclass(frozen=True)
class ShowActivations:
    """The strongest feature maps of a layer for one Image. Returns `Activations`."""

    image: ImageRef
    model: ModelRef
    layer: str
    execution: Execution = Execution()
    fit: Fit | None = None
    count: int = 16
    max_megapixels: float = DEFAULT_MAX_MEGAPIXELS


@dataclass(frozen=True)
class IndexFeatures:
    """Write the features of `images` beside a Model file. Emits `FeaturesIndexed`; returns the path.

    `labels` are those of the Images, in the same order; none: what the Run with this Model file was trained on. An
    Image that cannot be opened is left out and `Noticed`.
    """

    images: tuple[ImageRef, ...]
    labels: tuple[str, ...]
    model: ModelRef
    execution: Execution = Execution()
    max_megapixels: float = DEFAULT_MAX_MEGAPIXELS


@dataclass(frozen=True)
class FindNearest:
    """The indexed Images of a Model that are most like this one. Returns `tuple[Neighbour, ...]`, the nearest first.

    It is empty where the Model has no feature index.
    """

    image: ImageRef
    model: ModelRef
    execution: Execution = Execution()
    fit: Fit | None = None
    count: int = 6
    max_megapixels: float = DEFAULT_MAX_MEGAPIXELS
