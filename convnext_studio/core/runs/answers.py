"""What a Run's last validation said of each Image, so that a cell of its confusion matrix can show whom it counts."""

from __future__ import annotations

import json
from collections.abc import Iterable

from convnext_studio.core.context import JobContext
from convnext_studio.core.errors import RunError
from convnext_studio.core.files import ILLEGIBLE, replacing
from convnext_studio.core.requests import FindAnswered
from convnext_studio.core.runs.run import Run

ANSWERS = "answers.json"  # in the Run's folder
Answer = tuple[str, str, str, float]  # path, true class, predicted class, its probability


def keep_answers(run: Run, epoch: int, answers: Iterable[Answer]) -> None:
    """Keep what the validation of `epoch` said in place of what one before did. Raises `StorageError`."""
    rows = [[path, true, found, round(probability, 4)] for path, true, found, probability in answers]
    with replacing(run.folder / ANSWERS, is_flushed=False) as part:
        part.write_text(json.dumps({"epoch": epoch, "answers": rows}), encoding="ascii")


def find_answered(request: FindAnswered, ctx: JobContext) -> tuple[str, ...]:
    """Serve `FindAnswered`: the surest first. Raises `RunError` where the Run did not keep its answers."""
    ctx.check()
    run = Run.open(request.run)
    try:
        kept = json.loads((run.folder / ANSWERS).read_text(encoding="ascii"))
        rows = [(float(row[3]), str(row[0])) for row in kept["answers"] if row[1:3] == [request.true, request.found]]
    except ILLEGIBLE as error:
        raise RunError(
            f"“{run.name}” did not keep what it said of each Image.", "Evaluate its Model to see them."
        ) from error
    return tuple(path for _, path in sorted(rows, reverse=True))
