"""What a Run reports, as lines of JSON in its `events.jsonl`: the truth that dashboards, curves and resuming read.

One line is `{"n": 17, "at": "2026-01-31T12:00:00.123+00:00", "s": 12.5, "event": "StepEnded", ...fields}`: a number
that counts up without gaps, the time of day in UTC, and the seconds the Run has worked by the monotonic clock, all its
parts together. After a resume the lines after the resumed step are void: `Resumed.step` says where the curve goes on.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

Phase = Literal["features", "head", "full", "test"]
Ending = Literal["finished", "stopped", "failed"]
Why = Literal["", "patience", "time limit", "asked", "not finite", "disk", "memory", "data", "fault"]
Sample = tuple[  # see SamplesShown
    str, str, str, float, tuple[int, int], tuple[float, float, float, float], tuple[float, float, float, float],
    tuple[str, ...],
]  # fmt: skip


@dataclass(frozen=True)
class RunStarted:
    """The Run's first line after its folder was made. `steps`, `epochs` are planned; `counts` per split and class.

    `data` says what the Images are like and which of them stay together.
    """

    name: str
    model: str
    classes: tuple[str, ...]
    counts: Mapping[str, Mapping[str, int]]
    epochs: int
    steps: int
    batch_size: int
    device: str
    precision: str
    world_size: int = 1
    licence: str = ""
    warnings: tuple[str, ...] = ()
    data: tuple[str, ...] = ()


@dataclass(frozen=True)
class Resumed:
    """Work goes on after `step`. `is_exact` is False where the result may differ from an undisturbed Run, and why."""

    step: int
    epoch: int
    is_exact: bool = True
    differences: tuple[str, ...] = ()


@dataclass(frozen=True)
class Planned:
    """How much is planned in all from now on, where that is not what `RunStarted` said, or may not be any more."""

    epochs: int
    steps: int


@dataclass(frozen=True)
class PhaseStarted:
    """A phase begins: caching features, fitting the head, training the whole network, or the test."""

    phase: Phase
    steps: int = 0
    words: str = ""


@dataclass(frozen=True)
class Progressed:
    """How far a phase without steps is (features, test), in Images."""

    phase: Phase
    done: int
    total: int


@dataclass(frozen=True)
class StepEnded:
    """One optimizer step. `epoch` counts from 1; `data_wait` is the share of the step's time spent waiting for Images.

    `load` is the share of the GPU, or of all cores, that is at work on this machine; below 0 where that is not known.
    `norms` are gradient norms per stage and `updates` the size of the step over that of the weights, for experts; they
    come with every tenth step only.
    """

    step: int
    epoch: int
    loss: float
    learning_rate: float
    images_per_s: float
    data_wait: float = 0.0
    gradient_norm: float = 0.0
    memory_bytes: int = 0
    norms: Mapping[str, float] = field(default_factory=dict)
    updates: Mapping[str, float] = field(default_factory=dict)
    load: float = -1.0


@dataclass(frozen=True)
class EpochEnded:
    """Validation after an epoch (0 = of the head alone): by the averaged weights where there are such.

    `confusion` has a row per true class. `interval` is the 95 % one of the balanced accuracy. `worst` are the
    validation Images with the largest loss: path, true class, predicted class, loss.
    """

    epoch: int
    step: int
    train_loss: float
    loss: float
    accuracy: float
    balanced_accuracy: float
    recalls: tuple[float, ...]
    confusion: tuple[tuple[int, ...], ...]
    is_best: bool
    patience_left: int = -1
    interval: tuple[float, float] = (0.0, 1.0)
    worst: tuple[tuple[str, str, str, float], ...] = ()
    seconds_left: float | None = None
    train_balanced_accuracy: float | None = None

    @property
    def is_validated(self) -> bool:
        """Whether there were Images to judge the epoch by; figures of none are no figures."""
        return not self.confusion or any(any(row) for row in self.confusion)


@dataclass(frozen=True)
class SamplesShown:
    """What the weights validated after `epoch` say of a few validation Images, always the same, and where they look.

    Each is path, true class, predicted class, its probability, width and height of the Image, the part of it that the
    cells cover and the part that was seen (left, top, right, bottom in Image pixels), and the cells of its Grad-CAM: a
    text a row, two hexadecimal digits a cell, ff where the most evidence for the predicted class is.
    """

    epoch: int
    step: int
    samples: tuple[Sample, ...] = ()


@dataclass(frozen=True)
class Saved:
    """The resume state is on disk; a Run that dies now goes on after `step`."""

    step: int
    bytes: int
    seconds: float


@dataclass(frozen=True)
class RunNoticed:
    """Something the user should know while the Run goes on ("Memory is short: …")."""

    message: str
    hint: str = ""
    images: tuple[str, ...] = ()


@dataclass(frozen=True)
class Paused:
    """The Run waits, because it was asked to or because something must be mended first."""

    message: str
    hint: str = ""


@dataclass(frozen=True)
class WentOn:
    """The Run no longer waits."""


@dataclass(frozen=True)
class TestEnded:
    """What the best weights reach on the test split, read once."""

    __test__ = False  # for pytest, which would take it for a test

    accuracy: float
    balanced_accuracy: float
    interval: tuple[float, float]
    confusion: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class RunEnded:
    """How the Run ended; `can_go_on` says whether `resume` makes sense."""

    ending: Ending
    message: str
    hint: str = ""
    why: Why = ""
    can_go_on: bool = False
    images: tuple[str, ...] = ()
    best_epoch: int = 0
    best_balanced_accuracy: float = 0.0


RunEvent = (
    RunStarted
    | Resumed
    | Planned
    | PhaseStarted
    | Progressed
    | StepEnded
    | EpochEnded
    | SamplesShown
    | Saved
    | RunNoticed
    | Paused
    | WentOn
    | TestEnded
    | RunEnded
)
KINDS: dict[str, type] = {kind.__name__: kind for kind in RunEvent.__args__}
_PLAIN = frozenset((int, float, str, bool))  # most values by far: a long Run is read in half the time
_MOST_BITS = 63  # of a number: what is longer is no count of anything, and overflows whatever it is put into
_FIELDS = {name: dict.fromkeys(one.name for one in dataclasses.fields(kind)) for name, kind in KINDS.items()}
_OFTEN_EMPTY = {
    name: frozenset(one.name for one in dataclasses.fields(kind) if one.default_factory is dict)
    for name, kind in KINDS.items()
}


@dataclass(frozen=True)
class Line:
    """One line of `events.jsonl`: see the module's text."""

    number: int
    at: str
    seconds: float
    event: RunEvent


def to_line(line: Line) -> str:
    """Write one line, without its end. A number that is not finite is written as `{"float": "nan"}`.

    An empty mapping that is empty by default is left out: of a thousand steps nine hundred have two of them.
    """
    kind = type(line.event).__name__
    fields = {
        name: _plain(value)
        for name in _FIELDS[kind]
        if (value := getattr(line.event, name)) != {} or name not in _OFTEN_EMPTY[kind]
    }
    head = {"n": line.number, "at": line.at, "s": round(line.seconds, 3), "event": kind}
    return json.dumps(head | fields, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def from_line(text: str) -> Line | None:
    """Read one line; None for a half-written one, or an Event of a newer version.

    A field that is missing takes its default, an unknown one is ignored.
    """
    try:
        return from_row(json.loads(text))
    except (ValueError, RecursionError):
        return None


def from_row(row: Any) -> Line | None:
    """As `from_line`, of what the line holds as JSON; None also where a value is not of its field's kind."""
    try:
        kind, fits = KINDS[row["event"]], _FITS[row["event"]]
        fields = {k: v if type(v) in _PLAIN else _rich(v) for k, v in row.items() if k in fits}
        number, at, seconds = row["n"], row["at"], row["s"]
        is_legible = _is_int(number) and type(at) is str and _is_float(seconds) and math.isfinite(seconds)
        if not is_legible or not all(fits[name](value) for name, value in fields.items()):
            return None
        return Line(number, at, float(seconds), kind(**fields))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(one) for one in value]
    return value


def _rich(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"float"} and isinstance(value["float"], str):  # a class may be called "float"
            return float(value["float"])
        return {key: _rich(one) for key, one in value.items()}
    if isinstance(value, list):
        return tuple(_rich(one) for one in value)
    return value


def _is_int(value: Any) -> bool:
    return type(value) is int and value.bit_length() <= _MOST_BITS


def _is_float(value: Any) -> bool:
    return type(value) is float or _is_int(value)


def _check_of(hint: Any) -> Callable[[Any], bool]:
    """What tells whether a value is of the kind that a field declares."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint in (int, float):
        return _is_int if hint is int else _is_float
    if hint in (str, bool, NoneType):
        return lambda value: type(value) is hint
    if origin is Literal:
        return frozenset(inner).__contains__
    checks = [_check_of(one) for one in inner if one is not Ellipsis]
    if origin is UnionType:
        return lambda value: any(check(value) for check in checks)
    if origin is tuple and inner[-1] is Ellipsis:
        return lambda value: type(value) is tuple and all(map(checks[0], value))
    if origin is tuple:
        return lambda value: (
            type(value) is tuple
            and len(value) == len(checks)
            and all(check(one) for check, one in zip(checks, value, strict=True))
        )
    assert origin is Mapping, hint
    return lambda value: type(value) is dict and all(map(checks[1], value.values()))


_FITS = {
    name: {field: _check_of(hint) for field, hint in get_type_hints(kind).items() if field in _FIELDS[name]}
    for name, kind in KINDS.items()
}
