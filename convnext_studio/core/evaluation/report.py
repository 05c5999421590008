"""What an Evaluation says, as plain values, and its JSON. No numpy here: the window imports this.

A figure that has no meaning (the precision curve of a class that does not occur) is None.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, astuple, dataclass, field, replace
from pathlib import Path
from typing import Any

from convnext_studio.core.errors import DataError
from convnext_studio.core.evaluation.judged import Judged, JudgedImages
from convnext_studio.core.files import ILLEGIBLE, replacing
from convnext_studio.core.values import ModelRef

FILE_NAME = "evaluation.json"
Interval = tuple[float, float]
Points = tuple[tuple[float, float], ...]

_VERSION = 1


@dataclass(frozen=True)
class ClassFigures:
    """How well one class is told from the others; intervals are 95 % ones, of Images taken as independent.

    `missed_at_most` is the share of the class that may be missed (one-sided, 95 %), even where none was. `roc` holds
    pairs of false and true positive rate, `pr` pairs of recall and precision, of this class against all others.
    """

    name: str
    precision: float
    recall: float
    f1: float
    support: int
    precision_interval: Interval
    recall_interval: Interval
    f1_interval: Interval
    missed: int
    missed_at_most: float
    roc_auc: float | None
    average_precision: float | None
    roc: Points = ()
    pr: Points = ()


@dataclass(frozen=True)
class Bin:
    """A bar of the reliability diagram: Images whose found class had a probability in `low`..`high`."""

    low: float
    high: float
    count: int
    confidence: float | None
    accuracy: float | None


@dataclass(frozen=True)
class Evaluation:
    """A Model on one split of a labelled data set.

    `confusion` has a row for each true class and a column for each found one, in the order of `classes`. `groups` is
    how many parts the balanced accuracy's interval was drawn from, 0 where each Image stands for itself. `unreadable`
    are pairs of path and reason, `left_out` Images of classes that the Model does not know; they count nowhere.
    `notes` are sentences on what does not fit. `brier` is the sum over the classes of the squared distance of
    probability and truth, its mean over the Images (0 to 2). `at` is the time of the evaluation in UTC, ISO form.
    `trained_on` of the Images taught this Model, and by `chosen_by` its best epoch was chosen: figures on both look
    better than they are. `test_reads` are the times at which the test split of the Run was read, this one included.
    `kept_at` is the file it is kept in, "" if there is none.
    """

    split: str
    model: str
    identity: str
    data: str
    classes: tuple[str, ...]
    accuracy: float
    balanced_accuracy: float
    accuracy_interval: Interval
    balanced_accuracy_interval: Interval
    macro_f1: float
    log_loss: float
    calibration_error: float
    per_class: tuple[ClassFigures, ...]
    confusion: tuple[tuple[int, ...], ...]
    reliability: tuple[Bin, ...]
    images: JudgedImages
    unreadable: tuple[tuple[str, str], ...] = ()
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    groups: int = 0
    seconds: float = 0.0
    brier: float = 0.0
    at: str = ""
    trained_on: int = 0
    chosen_by: int = 0
    test_reads: tuple[str, ...] = ()
    ref: ModelRef = field(default_factory=ModelRef)
    kept_at: str = field(default="", compare=False)

    def worst(self, count: int) -> tuple[Judged, ...]:
        """The Images with the largest loss, the worst first."""
        return tuple(self.images[row] for row in self.images.worst(count))

    def cell(self, label: str, found: str) -> tuple[Judged, ...]:
        """The Images of one cell of the confusion matrix, the worst first."""
        rows = self.images.cell(self.classes.index(label), self.classes.index(found))
        return tuple(self.images[row] for row in rows)


@dataclass(frozen=True)
class KeptEvaluation:
    """One Evaluation in a line. `at` is UTC in ISO form."""

    path: str
    model: str
    data: str
    split: str
    at: str
    images: int
    balanced_accuracy: float


def to_json(evaluation: Evaluation) -> str:
    """Write an Evaluation; the keys that scripts rely on come first."""
    document: dict[str, Any] = {
        "split": evaluation.split,
        "classes": list(evaluation.classes),
        "support": [one.support for one in evaluation.per_class],
        "accuracy": evaluation.accuracy,
        "balanced_accuracy": evaluation.balanced_accuracy,
        "per_class": {one.name: _figures(one) for one in evaluation.per_class},
        "confusion_matrix": evaluation.confusion,
        "intervals": {
            "accuracy": evaluation.accuracy_interval,
            "balanced_accuracy": evaluation.balanced_accuracy_interval,
            "per_class": {one.name: _intervals(one) for one in evaluation.per_class},
        },
        "macro_f1": evaluation.macro_f1,
        "log_loss": evaluation.log_loss,
        "brier": evaluation.brier,
        "calibration_error": evaluation.calibration_error,
        "reliability": [asdict(one) for one in evaluation.reliability],
        "curves": {one.name: {"roc": one.roc, "pr": one.pr} for one in evaluation.per_class},
        "model": evaluation.model,
        "identity": evaluation.identity,
        "data": evaluation.data,
        "at": evaluation.at,
        "trained_on": evaluation.trained_on,
        "chosen_by": evaluation.chosen_by,
        "test_reads": evaluation.test_reads,
        "ref": asdict(evaluation.ref),
        "groups": evaluation.groups,
        "seconds": evaluation.seconds,
        "notes": evaluation.notes,
        "unreadable": evaluation.unreadable,
        "left_out": evaluation.left_out,
        "images": [_row(one) for one in evaluation.images],
        "version": _VERSION,
    }
    return json.dumps(document, allow_nan=False, indent=None, separators=(",", ":"))


def from_json(text: str) -> Evaluation:
    """Read what `to_json` wrote. Raises `DataError`."""
    try:
        document = json.loads(text)
        fields = {name: _frozen(value) for name, value in document.items() if name in _AS_WRITTEN}
        intervals, curves = document["intervals"], document["curves"]
        found = Evaluation(
            **fields,
            accuracy_interval=_frozen(intervals["accuracy"]),
            balanced_accuracy_interval=_frozen(intervals["balanced_accuracy"]),
            per_class=tuple(
                _class(name, document["per_class"][name], intervals["per_class"][name], curves[name])
                for name in document["classes"]
            ),
            confusion=_frozen(document["confusion_matrix"]),
            reliability=tuple(Bin(**one) for one in document["reliability"]),
            images=JudgedImages.of(fields["classes"], (Judged(**one) for one in document["images"])),
            ref=ModelRef(**document.get("ref", {})),
        )
        _check(found)
    except ILLEGIBLE as error:
        raise DataError("This is no Evaluation that can be read.", "Evaluate the Model once more.") from error
    return found


def write(path: Path, evaluation: Evaluation) -> None:
    """Write an Evaluation to a file, whole or not at all. Raises `StorageError`."""
    with replacing(path) as part:
        part.write_text(to_json(evaluation), encoding="ascii")


def read(path: Path) -> Evaluation:
    """Read an Evaluation from a file. Raises `DataError`."""
    try:
        return replace(from_json(path.read_text(encoding="ascii")), kept_at=str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"“{path.name}” cannot be read.", "Evaluate the Model once more.") from error


def _check(one: Evaluation) -> None:
    """Raise `ValueError` unless every value is what a front end takes it for: the file may come from anywhere."""
    texts = (one.split, one.model, one.identity, one.data, one.at, *one.classes, *one.notes, *one.left_out)
    texts += (*one.test_reads, *(text for path, why in one.unreadable for text in (path, why)))
    texts += (*astuple(one.ref), *one.images.columns.paths, *one.images.columns.groups)
    pairs = [one.accuracy_interval, one.balanced_accuracy_interval]
    shares = [one.accuracy, one.balanced_accuracy, one.macro_f1, one.log_loss, one.calibration_error, one.brier]
    counts = [one.trained_on, one.chosen_by, one.groups, *(cell for row in one.confusion for cell in row)]
    for figures in one.per_class:
        pairs += [figures.precision_interval, figures.recall_interval, figures.f1_interval, *figures.roc, *figures.pr]
        shares += [figures.precision, figures.recall, figures.f1, figures.missed_at_most]
        shares += [area for area in (figures.roc_auc, figures.average_precision) if area is not None]
        counts += [figures.support, figures.missed]
    for bar in one.reliability:
        shares += [value for value in (bar.low, bar.high, bar.confidence, bar.accuracy) if value is not None]
        counts.append(bar.count)
    numbers = [*shares, one.seconds, *(value for low, high in pairs for value in (low, high))]
    columns = one.images.columns
    is_square = len(one.confusion) == len(one.classes) and {len(row) for row in one.confusion} <= {len(one.classes)}
    if not (
        is_square
        and all(type(text) is str for text in texts)
        and all(type(count) is int and count >= 0 for count in counts)
        and all(type(number) in (int, float) and math.isfinite(number) for number in numbers)
        and all(map(math.isfinite, (*columns.probabilities, *columns.losses, *columns.table)))
    ):
        raise ValueError


_AS_WRITTEN = {
    "split",
    "model",
    "identity",
    "data",
    "classes",
    "accuracy",
    "balanced_accuracy",
    "macro_f1",
    "log_loss",
    "brier",
    "calibration_error",
    "at",
    "trained_on",
    "chosen_by",
    "test_reads",
    "groups",
    "seconds",
    "notes",
    "unreadable",
    "left_out",
}
__all__ = [
    "FILE_NAME",
    "Bin",
    "ClassFigures",
    "Evaluation",
    "Interval",
    "Judged",
    "JudgedImages",
    "KeptEvaluation",
    "Points",
    "from_json",
    "read",
    "to_json",
    "write",
]
_FIGURES = ("precision", "recall", "f1", "support", "roc_auc", "average_precision", "missed", "missed_at_most")
_WITH_INTERVAL = ("precision", "recall", "f1")


def _figures(one: ClassFigures) -> dict[str, Any]:
    return {name: getattr(one, name) for name in _FIGURES}


def _row(one: Judged) -> dict[str, Any]:
    """As `asdict` has it, which takes a second for twenty thousand."""
    return {
        "path": one.path,
        "label": one.label,
        "found": one.found,
        "probability": one.probability,
        "loss": one.loss,
        "group": one.group,
        "probabilities": one.probabilities,
    }


def _intervals(one: ClassFigures) -> dict[str, Interval]:
    return {name: getattr(one, f"{name}_interval") for name in _WITH_INTERVAL}


def _class(name: str, figures: dict[str, Any], intervals: dict[str, Any], curves: dict[str, Any]) -> ClassFigures:
    between = {f"{one}_interval": _frozen(intervals[one]) for one in _WITH_INTERVAL}
    return ClassFigures(
        name=name,
        **{one: figures[one] for one in _FIGURES},
        **between,
        roc=_frozen(curves["roc"]),
        pr=_frozen(curves["pr"]),
    )


def _frozen(value: Any) -> Any:
    return tuple(_frozen(one) for one in value) if isinstance(value, list) else value
