"""The Job that writes a kept Evaluation for others: a report to read, a table of its Images, or all of it."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from pathlib import Path

from convnext_studio.core.context import JobContext
from convnext_studio.core.data.split_file import escaped
from convnext_studio.core.errors import UsageError
from convnext_studio.core.evaluation.page import page
from convnext_studio.core.evaluation.report import Evaluation, read
from convnext_studio.core.files import replacing
from convnext_studio.core.requests import SaveEvaluation

SUFFIXES = (".html", ".csv", ".json")


def save_evaluation(request: SaveEvaluation, ctx: JobContext) -> str:
    """Write it as the suffix says. Raises `UsageError` for another suffix, `DataError` and `StorageError`."""
    path, source = Path(request.path), Path(request.kept_at)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(f"“{path.name}” ends in no known way.", "Let the name end in .html, .csv or .json.")
    evaluation = read(source)
    ctx.check()
    with replacing(path) as part:
        if suffix == ".json":
            shutil.copyfile(source, part)
        elif suffix == ".csv":
            with part.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
                csv.writer(file, lineterminator="\r\n").writerows(_rows(evaluation))
        else:
            part.write_text(page(evaluation), encoding="utf-8", errors="backslashreplace")
    return str(path)


def _rows(evaluation: Evaluation) -> Iterator[list[str]]:
    """A head, and a row an Image; one that a spreadsheet could take for a formula has an apostrophe in front."""
    has_all = any(image.probabilities for image in evaluation.images[:1])
    names = [f"probability of {name}" for name in evaluation.classes] if has_all else []
    yield [escaped(cell) for cell in ("path", "true", "predicted", "is_right", "probability", "loss", "group", *names)]
    for image in evaluation.images:
        texts = (image.path, image.label, image.found)
        numbers = (str(int(image.label == image.found)), repr(image.probability), repr(image.loss))
        more = [repr(value) for value in image.probabilities]
        yield [*(escaped(text) for text in texts), *numbers, escaped(image.group), *more]
