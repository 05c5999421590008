"""What a Model said of labelled Images, in columns: twenty thousand of them cross to the window in milliseconds.

No numpy here: the window imports this.
"""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import overload


@dataclass(frozen=True, slots=True)
class Judged:
    """What the Model said of one labelled Image. `loss` is the cross-entropy in nats.

    `label` and `found` are class names. `probabilities` are in the order of the Evaluation's classes, or empty where
    there are more classes than `count.MOST_KEPT`.
    """

    path: str
    label: str
    found: str
    probability: float
    loss: float
    group: str = ""
    probabilities: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of `JudgedImages`: `labels` and `found` are class numbers, `table` holds row after row, or nothing.

    `groups` may be empty where no Image has one.
    """

    paths: tuple[str, ...]
    groups: tuple[str, ...]
    labels: array[int]  # "i"
    found: array[int]  # "i"
    probabilities: array[float]  # "d", of the found class
    losses: array[float]  # "d"
    table: array[float]  # "d"


class JudgedImages(Sequence[Judged]):
    """The rows as `Judged`, made when they are asked for."""

    __slots__ = ("classes", "columns")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, classes: tuple[str, ...], columns: Columns) -> None:
        self.classes = classes
        self.columns = columns

    @classmethod
    def of(cls, classes: tuple[str, ...], rows: Iterable[Judged]) -> JudgedImages:
        """Put rows into columns. Raises `KeyError` for a class that is none of `classes`.

        Raises `ValueError` unless all rows have a probability for each class, or none.
        """
        numbers = {name: number for number, name in enumerate(classes)}
        rows = tuple(rows)
        if not any({len(row.probabilities) for row in rows} <= {wide} for wide in (len(classes), 0)):
            raise ValueError("rows of probabilities differ in length")
        groups = tuple(row.group for row in rows)
        columns = Columns(
            tuple(row.path for row in rows),
            groups if any(groups) else (),
            array("i", (numbers[row.label] for row in rows)),
            array("i", (numbers[row.found] for row in rows)),
            array("d", (row.probability for row in rows)),
            array("d", (row.loss for row in rows)),
            array("d", (value for row in rows for value in row.probabilities)),
        )
        return cls(classes, columns)

    def __len__(self) -> int:
        return len(self.columns.paths)

    @overload
    def __getitem__(self, row: int) -> Judged: ...
    @overload
    def __getitem__(self, row: slice) -> tuple[Judged, ...]: ...
    def __getitem__(self, row: int | slice) -> Judged | tuple[Judged, ...]:
        """One row, or several."""
        if isinstance(row, slice):
            return tuple(self[number] for number in range(*row.indices(len(self))))
        columns = self.columns
        number = range(len(self))[row]  # raises IndexError
        wide = len(self.classes) if columns.table else 0
        return Judged(
            columns.paths[number],
            self.classes[columns.labels[number]],
            self.classes[columns.found[number]],
            columns.probabilities[number],
            columns.losses[number],
            columns.groups[number] if columns.groups else "",
            tuple(columns.table[number * wide : (number + 1) * wide]),
        )

    def __iter__(self) -> Iterator[Judged]:
        return (self[number] for number in range(len(self)))

    def __eq__(self, other: object) -> bool:
        same = isinstance(other, JudgedImages)
        return same and (self.classes, self.columns) == (other.classes, other.columns)  # type: ignore[attr-defined]

    def cell(self, label: int, found: int) -> tuple[int, ...]:
        """The rows of one cell of the confusion matrix, the worst first."""
        pairs = zip(self.columns.labels, self.columns.found, strict=True)
        rows = (row for row, pair in enumerate(pairs) if pair == (label, found))
        return tuple(sorted(rows, key=self.columns.losses.__getitem__, reverse=True))

    def worst(self, count: int) -> tuple[int, ...]:
        """The rows with the largest loss, the worst first."""
        return tuple(heapq.nlargest(count, range(len(self)), key=self.columns.losses.__getitem__))
