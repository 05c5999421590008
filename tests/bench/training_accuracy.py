"""Balanced accuracy on the test split: ours against timm's training script with its defaults, at equal time.

Same Images in the same splits, same network, same first weights, same input size, same wall-clock time for all that
comes before the test: reading, features, training, validation. Both keep their best epoch by the validation split. They
take turns; each round has a seed, and so a split, of its own.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from convnext_studio.core import jobs
from convnext_studio.core.context import JobContext
from convnext_studio.core.data.dataset import LabelledImage
from convnext_studio.core.data.read import natural
from convnext_studio.core.data.split_file import read_split
from convnext_studio.core.errors import StudioError
from convnext_studio.core.evaluation import intervals, metrics
from convnext_studio.core.evaluation.report import Evaluation
from convnext_studio.core.models import network
from convnext_studio.core.recipe import from_preset
from convnext_studio.core.requests import Evaluate
from convnext_studio.core.resources import resource
from convnext_studio.core.runs.run import Run
from convnext_studio.core.values import Execution, ModelRef
from tests.bench.timm_train_defaults import EPOCHS, Order
from tests.bench.training_sets import TrainingSet, train_ours, train_timm, training_sets

Start = Literal["sample", "random"]
STARTS: tuple[Start, ...] = ("sample", "random")
_REPLICATES = 2000
_REFERENCE = Execution("cpu", "fp32", "torch")


@dataclass(frozen=True)
class Wanted:
    """What is compared: data sets by name, first weights, seconds for each training, and changes to our Recipe."""

    sets: tuple[str, ...]
    starts: tuple[Start, ...]
    seconds: float
    seeds: tuple[int, ...]
    preset: str = "balanced"
    changes: tuple[tuple[str, str], ...] = ()
    is_ours_alone: bool = False


@dataclass(frozen=True)
class Reached:
    """What one training reached on its test split, in how many seconds, how it went in words, and each answer.

    `answers` have the class number, the one found, and the group of each Image, by path.
    """

    who: str
    data: str
    start: str
    seed: int
    balanced_accuracy: float
    interval: tuple[float, float]
    images: int
    seconds: float
    words: str
    answers: dict[str, tuple[int, int, str]]


def compare(wanted: Wanted, folder: Path) -> Iterator[Reached]:
    """Train all that is wanted, in turn; yields what each reached, as it comes."""
    chosen = [one for one in training_sets(folder) if one.name in wanted.sets or not wanted.sets]
    for seed in wanted.seeds:
        for data in chosen:
            for start in wanted.starts:
                place = folder / f"{data.name}-{start}-{seed}"
                try:
                    run, ours = _ours(wanted, data, start, seed, place)
                    yield ours
                    if not wanted.is_ours_alone:
                        yield _timm(wanted, data, start, seed, run, place)
                except (RuntimeError, StudioError) as error:  # the others shall not pay for it
                    print(f"{data.name}, {start}: {error}", flush=True)


def table(reached: Sequence[Reached]) -> list[str]:
    """The lines of a Markdown table; means where there are several rounds."""
    lines = [
        "| data set | from | rounds x test Images | ours | 95 % | timm's defaults | 95 % | difference | 95 % | |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for data, start in dict.fromkeys((one.data, one.start) for one in reached):
        found = {(one.who, one.seed): one for one in reached if (one.data, one.start) == (data, start)}
        seeds = [seed for who, seed in found if who == "ours" and ("timm", seed) in found]
        if not seeds:
            continue
        pairs = [(found["ours", seed], found["timm", seed]) for seed in seeds]
        ours, timm = (statistics.mean(pair[who].balanced_accuracy for pair in pairs) for who in (0, 1))
        of_ours, of_timm, (low, high) = intervals_of(pairs)
        verdict = "ahead" if low > 0 else "**behind**" if high < 0 else "within chance"
        figures = [f"{one:.3f} | {ends[0]:.2f} to {ends[1]:.2f}" for one, ends in ((ours, of_ours), (timm, of_timm))]
        cells = (f"{len(pairs)} x {pairs[0][0].images}", *figures, f"{ours - timm:+.3f}")
        lines.append(f"| {data} | {start} | {' | '.join(cells)} | {low:+.2f} to {high:+.2f} | {verdict} |")
    return lines


def intervals_of(pairs: Sequence[tuple[Reached, Reached]]) -> tuple[tuple[float, float], ...]:
    """95 % intervals of the mean balanced accuracy over rounds: of the first, of the second, and of first less second.

    A bootstrap in two stages: rounds are drawn, and in each of them groups of Images, the same ones for both sides.
    """
    chance = np.random.default_rng(0)
    drawn = np.array([_drawn_figures(*pair, chance) for pair in pairs])
    rounds = chance.integers(len(pairs), size=(_REPLICATES, len(pairs)))
    first, second = drawn[rounds, :, np.arange(_REPLICATES)[:, None]].mean(axis=1).T
    ends = [np.quantile(one, [0.025, 0.975]) for one in (first, second, first - second)]
    return tuple((float(low), float(high)) for low, high in ends)


def _drawn_figures(ours: Reached, timm: Reached, chance: np.random.Generator) -> NDArray[np.float64]:
    """The balanced accuracy of both on each of many samples of a round's test groups: (2, samples)."""
    paths = sorted(ours.answers.keys() & timm.answers.keys())
    labels = np.array([ours.answers[path][0] for path in paths])
    _, groups = np.unique([ours.answers[path][2] for path in paths], return_inverse=True)
    count = int(groups.max()) + 1
    weights = chance.multinomial(count, np.full(count, 1 / count), _REPLICATES)[:, groups].astype(np.float64)
    member = np.eye(int(labels.max()) + 1)[labels]
    support = weights @ member
    figures = []
    for side in (ours, timm):
        is_right = np.array([side.answers[path][1] for path in paths]) == labels
        recalls = np.divide(
            weights @ (member * is_right[:, None]), support, out=np.zeros_like(support), where=support > 0
        )
        figures.append(recalls.sum(axis=1) / (support > 0).sum(axis=1))
    return np.array(figures)


def _ours(wanted: Wanted, data: TrainingSet, start: Start, seed: int, place: Path) -> tuple[Run, Reached]:
    model = network.load(ModelRef("sample"))
    weights = {"model": "sample"} if start == "sample" else {"model": model.architecture, "weights": "random"}
    fields: dict[str, Any] = {
        **data.fields,
        **weights,
        "input_size": model.preprocessing.height,
        "seed": seed,
        "max_minutes": wanted.seconds / 60,
        "epochs": EPOCHS,  # as many as fit into the time, as with timm
        "device": "cpu",
        **dict(wanted.changes),
    }
    trained = train_ours(from_preset(wanted.preset, **fields), place, "ours")
    run = Run(Path(trained.run))
    found = jobs.run(Evaluate(ModelRef(trained.run), trained.run, execution=_REFERENCE), JobContext())
    assert isinstance(found, Evaluation)
    return run, Reached(
        "ours",
        data.name,
        start,
        seed,
        found.balanced_accuracy,
        found.balanced_accuracy_interval,
        len(found.images),
        trained.seconds,
        _words(run, trained.message),
        {
            one.path: (found.classes.index(one.label), found.classes.index(one.found), one.group or one.path)
            for one in found.images
        },
    )


def _words(run: Run, message: str) -> str:
    """How validation went, epoch by epoch."""
    lines = [json.loads(line) for line in run.events_path.read_text(encoding="utf-8").splitlines()]
    curve = " ".join(f"{line['balanced_accuracy']:.2f}" for line in lines if line["event"] == "EpochEnded")
    tested = next((line["s"] for line in lines if line["event"] == "PhaseStarted" and line["phase"] == "test"), 0.0)
    return f"{message} Validation: {curve}; the test began after {tested:.0f} s."


def _timm(wanted: Wanted, data: TrainingSet, start: Start, seed: int, run: Run, place: Path) -> Reached:
    model = network.load(ModelRef("sample"))
    images = read_split(run.split_path)
    classes = natural(image.label for image in images)
    test = _files(images, "test", classes)
    done = train_timm(
        Order(
            architecture=model.architecture,
            classes=len(classes),
            train=_files(images, "train", classes),
            validation=_files(images, "validation", classes),
            test=test,
            seconds=wanted.seconds,
            weights=str(resource("sample", "model.safetensors")) if start == "sample" else "",
            size=model.preprocessing.height,
            mean=model.preprocessing.mean,
            std=model.preprocessing.std,
            seed=42 + seed,
        ),
        place / "timm.json",
    )
    labels = [label for _, label in test]
    found = np.array(done.probabilities).argmax(axis=1)
    groups = [image.group or image.path for image in images if image.split == "test"]
    answers = {path: (label, int(one), group) for (path, label), one, group in zip(test, found, groups, strict=True)}
    return Reached(
        "timm",
        data.name,
        start,
        seed,
        metrics.balanced_accuracy(metrics.confusion(labels, found, len(classes))),
        intervals.of_balanced_accuracy(labels, found, len(classes), groups),
        len(labels),
        done.seconds,
        f"{done.epochs} epochs, {done.steps} steps. Validation, top-1: {' '.join(f'{one:.2f}' for one in done.curve)}",
        answers,
    )


def _files(images: Sequence[LabelledImage], split: str, classes: Sequence[str]) -> list[tuple[str, int]]:
    return [(image.path, classes.index(image.label)) for image in images if image.split == split]
