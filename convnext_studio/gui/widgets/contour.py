"""Contour lines of a map by marching squares (Lorensen and Cline, 1987, in two dimensions), chained to polylines."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Point = tuple[float, float]
# For each pattern of corners above the level (1 top left, 2 top right, 4 bottom right, 8 bottom left): the sides that
# the line joins, 0 top, 1 right, 2 bottom, 3 left. The two saddles are cut apart.
_JOINED: dict[int, tuple[tuple[int, int], ...]] = {
    1: ((3, 0),),
    2: ((0, 1),),
    3: ((3, 1),),
    4: ((1, 2),),
    5: ((3, 0), (1, 2)),
    6: ((0, 2),),
    7: ((3, 2),),
    8: ((2, 3),),
    9: ((2, 0),),
    10: ((0, 1), (2, 3)),
    11: ((2, 1),),
    12: ((1, 3),),
    13: ((1, 0),),
    14: ((0, 3),),
}


def contour(values: NDArray[np.float32], level: float) -> list[list[Point]]:
    """Lines on which `values` (h, w) cross `level`, as points (x, y) with (0, 0) in the middle of the first cell.

    A line that closes ends where it began; one that leaves the map is open.
    """
    import numpy as np

    above = values >= level
    pattern = above[:-1, :-1] + 2 * above[:-1, 1:] + 4 * above[1:, 1:] + 8 * above[1:, :-1]
    following: dict[tuple[int, int, int], list[tuple[int, int, int]]] = {}
    for row, column in np.argwhere((pattern > 0) & (pattern < 15)).tolist():
        for one, other in _JOINED[int(pattern[row, column])]:
            first, second = _edge(row, column, one), _edge(row, column, other)
            following.setdefault(first, []).append(second)
            following.setdefault(second, []).append(first)
    return [[_crossing(values, level, edge) for edge in line] for line in _chained(following)]


def _edge(row: int, column: int, side: int) -> tuple[int, int, int]:
    """A side of a square as the cell it starts at, and whether it goes right (0) or down (1)."""
    return ((row, column, 0), (row, column + 1, 1), (row + 1, column, 0), (row, column, 1))[side]


def _crossing(values: NDArray[np.float32], level: float, edge: tuple[int, int, int]) -> Point:
    row, column, is_down = edge
    start = float(values[row, column])
    end = float(values[row + is_down, column + 1 - is_down])
    share = (level - start) / (end - start) if end != start else 0.5
    return (column + (0.0 if is_down else share), row + (share if is_down else 0.0))


def _chained(
    following: dict[tuple[int, int, int], list[tuple[int, int, int]]],
) -> list[list[tuple[int, int, int]]]:
    """Walk from edge to edge, first from those where a line leaves the map."""
    lines = []
    for start in sorted(following, key=lambda edge: len(following[edge])):
        if start not in following:
            continue
        line, at = [start], start
        while at in following:
            ways = following.pop(at)
            ahead = next((way for way in ways if way in following), None)
            if ahead is None:
                if len(line) > 2 and line[0] in ways and line[-2] != line[0]:
                    line.append(line[0])
                break
            line.append(ahead)
            at = ahead
        lines.append(line)
    return lines
