"""What a benchmark reports, and how it is shown."""

from __future__ import annotations

import math
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """One figure, its unit, and the goal it is measured against, if there is one; NaN where it was missed."""

    name: str
    value: float
    unit: str
    goal: str = ""

    def __str__(self) -> str:
        figure = "missed" if math.isnan(self.value) else f"{self.value:.4g}"
        return f"{self.name:52} {figure:>12} {self.unit:12} {self.goal}"


def show(rows: Callable[[Path], list[Row]]) -> None:
    """Print what `rows` measures, given a folder of its own; the process ends with 1 where a figure was missed."""
    is_missed = False
    with tempfile.TemporaryDirectory() as folder:
        for row in rows(Path(folder)):
            print(row, flush=True)
            is_missed |= math.isnan(row.value)
    if is_missed:
        sys.exit(1)
