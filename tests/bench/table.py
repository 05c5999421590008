"""What a benchmark reports, and how it is shown."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """One figure, its unit, and the goal it is measured against, if there is one."""

    name: str
    value: float
    unit: str
    goal: str = ""

    def __str__(self) -> str:
        return f"{self.name:52} {self.value:12.4g} {self.unit:12} {self.goal}"


def show(rows: Callable[[Path], list[Row]]) -> None:
    """Print what `rows` measures, given a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        for row in rows(Path(folder)):
            print(row, flush=True)
