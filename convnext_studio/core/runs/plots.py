"""Plots of Runs as files: a picture as the window drew it, or the values as a table for other programs."""

from __future__ import annotations

import csv
import math
from pathlib import Path

from convnext_studio.core.context import JobContext
from convnext_studio.core.data.split_file import escaped
from convnext_studio.core.errors import UsageError
from convnext_studio.core.files import replacing
from convnext_studio.core.requests import SavePlot

SUFFIXES = (".png", ".svg", ".csv")


def save_plot(request: SavePlot, ctx: JobContext) -> str:
    """Serve `SavePlot`. Raises `StorageError`, and `UsageError` for a suffix that is not known."""
    ctx.check()
    path = Path(request.path)
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"“{path.name}” has no suffix that is known here.", f"Use one of: {', '.join(SUFFIXES)}.")
    with replacing(path) as part:
        if request.picture:
            part.write_bytes(request.picture)
        else:
            _write_table(request, part, ctx)
    return request.path


def _write_table(request: SavePlot, part: Path, ctx: JobContext) -> None:
    """A row a value; what is not a number is an empty cell."""
    with part.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        table = csv.writer(file)
        table.writerow(("run", "series", request.axis, "value"))
        for run, series, (places, values) in request.curves:
            ctx.check()
            names = escaped(run), escaped(series)
            for place, value in zip(places, values, strict=True):
                table.writerow((*names, repr(place), repr(value) if math.isfinite(value) else ""))
