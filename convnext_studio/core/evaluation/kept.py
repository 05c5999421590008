"""Evaluations on disk: a Run's own in its folder, others in a folder of the window, with a list of them all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from convnext_studio.core.context import JobContext
from convnext_studio.core.errors import DataError, StudioError
from convnext_studio.core.evaluation.labelled import NOT_SPLIT
from convnext_studio.core.evaluation.report import FILE_NAME, Evaluation, KeptEvaluation, read, write
from convnext_studio.core.events import Noticed
from convnext_studio.core.files import replacing
from convnext_studio.core.models.card_file import read_card_in_file
from convnext_studio.core.requests import Evaluate, FindEvaluations, OpenEvaluation
from convnext_studio.core.run_events import TestEnded, from_line
from convnext_studio.core.runs.run import RECIPE, Run
from convnext_studio.core.values import ModelRef

_LIST = "list.json"
_READS = "test_reads.json"  # in a Run without an Evaluation of its own: when others read its test split
_MOST = 100  # are listed and kept
_TAIL_BYTES = 1 << 24  # with hundreds of classes a single line is megabytes long


def of_run(model: ModelRef) -> ModelRef:
    """A Run folder, given as a Model, means the Model in it; a file is named from the root on, for it is kept."""
    path = Path(model.name)
    if (path / RECIPE).is_file():
        path = Run(path).model_path
    elif not path.is_file():
        return model  # a name, or for loading to complain of
    return replace(model, name=str(path.absolute()))


def is_own(model: ModelRef, data: str) -> bool:
    """Whether `data` is a Run and `model` the Model of it."""
    folder = Path(data).absolute()
    return (folder / RECIPE).is_file() and Path(model.name).absolute() == Run(folder).model_path


def reads_of_test(data: str) -> tuple[str, ...]:
    """When the test split of the Run in `data` was read so far: by the training at its end, and to evaluate."""
    folder = Path(data)
    if not (folder / RECIPE).is_file():
        return ()
    if (folder / FILE_NAME).is_file():
        with suppress(StudioError):
            return read(folder / FILE_NAME).test_reads
    with suppress(OSError, ValueError):
        noted = json.loads((folder / _READS).read_text(encoding="ascii"))
        if isinstance(noted, list) and all(isinstance(one, str) for one in noted):
            return tuple(noted)
    return _read_by_training(Run(folder))


def keep(request: Evaluate, evaluation: Evaluation, ctx: JobContext) -> Evaluation:
    """Keep what the Job found, and note in the Run that its test split was read.

    Emits `Noticed` where the disk does not let us: the figures are there all the same.
    """
    own = Path(request.data).absolute() / FILE_NAME
    path = None
    try:
        if _is_the_runs(request, evaluation.split):
            path = own
        elif request.keeps_in:
            path = Path(request.keeps_in) / f"{_key(request, evaluation.split)}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
        if path is not None:
            kept = replace(evaluation, kept_at=str(path))
            write(path, kept)
            evaluation = kept
        if path != own and evaluation.test_reads:
            _note_reads(own, evaluation.test_reads)
        if request.keeps_in and path is not None:
            _list(Path(request.keeps_in), evaluation)
    except OSError as error:
        ctx.emit(Noticed(f"The evaluation is not kept: {error.strerror or error}."))
    except StudioError as error:
        ctx.emit(Noticed(error.message, error.hint))
    return evaluation


def open_evaluation(request: OpenEvaluation, ctx: JobContext) -> Evaluation | None:  # noqa: ARG001
    """Read a kept Evaluation; None where there is none, or where the Model has changed since.

    Raises `DataError` for a file that was named and cannot be read.
    """
    if request.path:
        return read(Path(request.path))
    assert request.wanted is not None
    wanted = replace(request.wanted, model=of_run(request.wanted.model))
    for path in _places(wanted):
        if path.is_file():
            with suppress(DataError):
                found = read(path)
                if found.split == wanted.split or NOT_SPLIT in found.notes:
                    return None if _has_changed(found, wanted.model) else found
    return None


def find_evaluations(request: FindEvaluations, ctx: JobContext) -> tuple[KeptEvaluation, ...]:  # noqa: ARG001
    """List what is kept and still there, the newest first."""
    return tuple(one for one in _read_list(Path(request.folder)) if Path(one.path).is_file())


def _places(wanted: Evaluate) -> Iterable[Path]:
    if _is_the_runs(wanted, wanted.split):
        yield Path(wanted.data).absolute() / FILE_NAME
    elif wanted.keeps_in:
        yield Path(wanted.keeps_in) / f"{_key(wanted, wanted.split)}.json"
        yield Path(wanted.keeps_in) / f"{_key(wanted, 'all')}.json"  # of a data set that is not split


def _is_the_runs(request: Evaluate, split: str) -> bool:
    """Whether it is kept in the Run: its own Model as that sees Images, on its test split."""
    return split == "test" and request.fit is None and is_own(request.model, request.data)


def _note_reads(own: Path, reads: tuple[str, ...]) -> None:
    """Note when the Run's test split was read, in its own Evaluation if there is one."""
    if own.is_file():
        write(own, replace(read(own), test_reads=reads))
        return
    with replacing(own.with_name(_READS)) as part:
        part.write_text(json.dumps(reads), encoding="ascii")


def _key(request: Evaluate, split: str) -> str:
    ref = request.model
    name = str(Path(ref.name).absolute()) if Path(ref.name).is_file() else ref.name
    parts = (name, ref.weights, ref.file, ref.folder, str(Path(request.data).absolute()), split, request.fit or "")
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:24]


def _has_changed(found: Evaluation, model: ModelRef) -> bool:
    path = Path(model.name)
    if not path.is_file():
        return False  # a Model of the catalogue stays what it is, and one that is gone was what it was
    try:
        return read_card_in_file(path).recorded_hash != found.identity
    except StudioError:
        return True


def _read_by_training(run: Run) -> tuple[str, ...]:
    try:
        with run.events_path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _TAIL_BYTES))
            texts = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ()
    lines = (from_line(text) for text in texts if '"TestEnded"' in text)
    return tuple(line.at for line in lines if line is not None and isinstance(line.event, TestEnded))[-1:]


def _list(folder: Path, evaluation: Evaluation) -> None:
    """Put it first in the list; what falls off its end is deleted, unless it lies in a Run."""
    new = KeptEvaluation(
        evaluation.kept_at,
        evaluation.model,
        evaluation.data,
        evaluation.split,
        evaluation.at,
        len(evaluation.images),
        evaluation.balanced_accuracy,
    )
    folder.mkdir(parents=True, exist_ok=True)
    rows = [new, *(one for one in _read_list(folder) if one.path != new.path)]
    with replacing(folder / _LIST) as part:
        part.write_text(json.dumps([asdict(one) for one in rows[:_MOST]]), encoding="ascii")
    for one in rows[_MOST:]:
        if Path(one.path).parent == folder:
            Path(one.path).unlink(missing_ok=True)


def _read_list(folder: Path) -> list[KeptEvaluation]:
    try:
        rows: Any = json.loads((folder / _LIST).read_text(encoding="ascii"))
        return [KeptEvaluation(**row) for row in rows]
    except (OSError, ValueError, TypeError):
        return []
