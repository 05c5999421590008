"""A Model on a split of a labelled data set: classify, and count."""

from __future__ import annotations

import time
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from convnext_studio.core.context import JobContext
from convnext_studio.core.data.dataset import LabelledImage
from convnext_studio.core.data.names import counted, shown
from convnext_studio.core.errors import DataError, ModelError
from convnext_studio.core.evaluation.count import About, Answers, evaluation_of
from convnext_studio.core.evaluation.kept import keep, of_run, reads_of_test
from convnext_studio.core.evaluation.labelled import ALL, find_labelled
from convnext_studio.core.evaluation.learned import learned_from, may_have_learned
from convnext_studio.core.evaluation.report import Evaluation
from convnext_studio.core.events import FolderUnread, ImagesClassified, ImagesFound, Noticed
from convnext_studio.core.images.jpeg import DAMAGED
from convnext_studio.core.predict.classify import classify
from convnext_studio.core.predict.ready import ready_model
from convnext_studio.core.requests import Classify, Evaluate
from convnext_studio.core.runs.run import RECIPE
from convnext_studio.core.values import ImageRef, ModelInfo, Prediction

_DOUBT = (
    "The Model learned from a data set of this name. Which of its Images cannot be told without the Run: "
    "the figures may look better than they are."
)
MANY_READS = 2  # of a test split: once by the training at its end, once to look closer
_TOLD_AT_ONCE = 2_000  # Images: the window takes in no long lists
_NAMED = 3  # of the classes or files that a sentence is about


def evaluate(request: Evaluate, ctx: JobContext) -> Evaluation:
    """Classify the labelled Images and count what was right.

    A Run folder stands for its Model or its data set. The Evaluation of a Run's own Model on its test split is kept in
    the Run folder, with the times at which that split was read; others where the Request says. Images of classes that
    the Model does not know are left out, and so are unreadable ones; both are named. Raises `DataError` where nothing
    is left, and what classifying raises.
    """
    started = time.monotonic()
    request = replace(request, model=of_run(request.model), data=_from_root(request.data))
    labelled = find_labelled(request.data, request.split, ctx)
    ready = ready_model(
        request.model,
        request.execution,
        request.fit,
        ctx,
        on_loaded=lambda model: _match(labelled.images, model.title, model.classes),
    )
    matched = _match(labelled.images, ready.info.title, ready.info.classes)
    doubts = (_DOUBT,) if may_have_learned(request.model.name, request.data) else ()
    for problem in labelled.unread:
        ctx.emit(FolderUnread(problem))
    for note in (*labelled.notes, *doubts, *matched.notes):
        ctx.emit(Noticed(note))
    predictions = _predictions(request, matched.images, ready.info, ctx)
    answers, unreadable = _answers(matched, predictions, ready.info.classes)
    seen = _damaged(predictions) + _absent(answers)
    for note in seen:
        ctx.emit(Noticed(note))
    about = About(
        labelled.split,
        ready.info.title,
        ready.info.identity,
        request.data,
        unreadable,
        matched.left_out,
        labelled.unread + labelled.notes + doubts + matched.notes + seen,
        time.monotonic() - started,
    )
    now = datetime.now(UTC).isoformat(timespec="seconds")
    trained_on, chosen_by = learned_from(request.model.name, request.data, answers.paths, ctx)
    evaluation = replace(
        evaluation_of(answers, about),
        at=now,
        ref=request.model,
        trained_on=trained_on,
        chosen_by=chosen_by,
        test_reads=_reads(request, labelled.split, now),
    )
    for note in warnings(evaluation):
        ctx.emit(Noticed(note))
    return keep(request, evaluation, ctx)


def warnings(evaluation: Evaluation) -> tuple[str, ...]:
    """What must be said before the figures: they look better than they are, or the test split was read before."""
    said = []
    images = len(evaluation.images)
    if evaluation.trained_on:
        said.append(
            f"The Model was trained on {evaluation.trained_on} of these {images} Images: "
            "the figures look better than they are."
        )
    if evaluation.chosen_by:
        said.append(
            f"The Model's best epoch was chosen by {evaluation.chosen_by} of these {images} Images: "
            "the figures look a little better than they are."
        )
    if len(evaluation.test_reads) > MANY_READS:
        said.append(
            f"The test split has been read {len(evaluation.test_reads)} times. It is for reporting only: "
            "whoever chooses by it can no longer trust it."
        )
    return tuple(said)


def _from_root(data: str) -> str:
    """Named so that it can be found again from anywhere; nothing stays nothing, for reading to complain of."""
    return str(Path(data).expanduser().absolute()) if data.strip() else data


def _reads(request: Evaluate, split: str, now: str) -> tuple[str, ...]:
    """Each time the Run's test split was read, this one included; nothing for other splits and data sets."""
    is_run = (Path(request.data) / RECIPE).is_file()
    return (*reads_of_test(request.data), now) if is_run and split in ("test", ALL) else ()


@dataclass(frozen=True)
class _Matched:
    """Images whose class the Model knows, that class's number, and what did not fit."""

    images: tuple[LabelledImage, ...]
    numbers: Mapping[str, int]  # of a label of the data set
    left_out: tuple[str, ...]
    notes: tuple[str, ...]


def _match(images: Sequence[LabelledImage], title: str, classes: Sequence[str]) -> _Matched:
    """Match labels with the Model's classes: the very name, else one that differs only in case or way of writing.

    Where the very name is there too, what is written otherwise is another class, which the Model does not know.
    Raises `DataError` when none fits, and `ModelError` for a Model without classes.
    """
    if not classes:
        what = "it turns pictures into features only"
        raise ModelError(f"“{title}” has no classes: {what}.", "Choose a Model with classes.")
    exact = {name: number for number, name in enumerate(classes)}
    counts = Counter(image.label for image in images)
    folded = {_folded(name): number for number, name in enumerate(classes) if name not in counts}
    found = {label: exact.get(label, folded.get(_folded(label), -1)) for label in counts}
    numbers = {label: number for label, number in found.items() if number >= 0}
    if not numbers:
        raise DataError(
            f"The Model and the data set share no class: the Model knows {_some(classes)}, "
            f"the Images are {_some(sorted(counts))}.",
            "Choose the Model that was trained for these Images, or name the folders as its classes.",
        )
    left_out = tuple(image.path for image in images if image.label not in numbers)
    notes = []
    if left_out:
        strangers = _some(sorted(set(counts) - set(numbers)))
        notes.append(f"The Model does not know {strangers}: {len(left_out)} Images were left out.")
    known = tuple(image for image in images if image.label in numbers)
    return _Matched(known, numbers, left_out, tuple(notes))


def _damaged(predictions: Mapping[str, Prediction]) -> tuple[str, ...]:
    """Which Images count though a part of them may be wrong."""
    paths = [shown(path) for path, one in predictions.items() if DAMAGED in one.note]
    if not paths:
        return ()
    return (
        f"{counted(len(paths), 'Image is', 'Images are')} damaged, and a part of the picture may be wrong: "
        f"{_some(paths)}.",
    )


def _absent(answers: Answers) -> tuple[str, ...]:
    """What the figures say nothing about: classes without a single Image that can be read."""
    seen = set(answers.labels.tolist())
    absent = [name for number, name in enumerate(answers.classes) if number not in seen]
    return (f"There are no Images of {_some(absent)}: the figures say nothing about that.",) if absent else ()


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold().strip()


def _some(names: Sequence[str]) -> str:
    quoted = [f"“{name}”" for name in names]
    more = len(quoted) - _NAMED
    return ", ".join(quoted[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _predictions(
    request: Evaluate, images: Sequence[LabelledImage], info: ModelInfo, ctx: JobContext
) -> dict[str, Prediction]:
    """Classify, and pass on what the Job says; a path that is there twice is looked at once."""
    found: dict[str, Prediction] = {}

    def on_event(event: object) -> None:
        if isinstance(event, ImagesClassified):
            found.update((prediction.image.path, prediction) for prediction in event.predictions)
        ctx.emit(event)

    refs = tuple(ImageRef(path) for path in dict.fromkeys(image.path for image in images))
    for begin in range(0, len(refs), _TOLD_AT_ONCE):
        ctx.emit(ImagesFound(refs[begin : begin + _TOLD_AT_ONCE]))
    wanted = Classify(
        refs,
        request.model,
        request.execution,
        request.fit,
        top=len(info.classes),
        max_megapixels=request.max_megapixels,
    )
    classify(wanted, JobContext(on_event, ctx.cancel))
    return found


def _answers(
    matched: _Matched, predictions: Mapping[str, Prediction], classes: tuple[str, ...]
) -> tuple[Answers, tuple[tuple[str, str], ...]]:
    """Put Predictions in the Images' order; apart from them, who could not be read and why."""
    unreadable = {path: one.error for path, one in predictions.items() if one.error}
    images = [image for image in matched.images if image.path not in unreadable]
    if not images:
        raise DataError("None of the Images can be read.", next(iter(unreadable.values()), ""))
    order = {name: number for number, name in enumerate(classes)}
    table = np.zeros((len(images), len(classes)))
    for row, image in enumerate(images):
        prediction = predictions[image.path]
        table[row, [order[name] for name in prediction.classes]] = prediction.probabilities
    answers = Answers(
        classes,
        [image.path for image in images],
        np.array([matched.numbers[image.label] for image in images], np.int64),
        [image.group for image in images],
        table,
    )
    return answers, tuple(unreadable.items())
