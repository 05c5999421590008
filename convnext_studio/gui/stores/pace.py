"""How fast a run goes and how long it will take: pure, fed with counts and a monotonic clock."""

from __future__ import annotations

import math
from collections import deque

WINDOW_S = 5.0  # the rate is that of the last seconds: a slow start is soon forgotten


class Pace:
    """Images/s over the last seconds."""

    def __init__(self) -> None:
        self._marks: deque[tuple[float, int]] = deque()

    def start(self, now: float) -> None:
        """Begin to count at `now` seconds."""
        self._marks.clear()
        self._marks.append((now, 0))

    def add(self, now: float, done: int) -> None:
        """So many are done in all at `now`."""
        self._marks.append((now, done))
        while len(self._marks) > 2 and now - self._marks[1][0] > WINDOW_S:
            self._marks.popleft()

    @property
    def images_per_s(self) -> float:
        """0 while unknown."""
        if len(self._marks) < 2:
            return 0.0
        (since, before), (now, done) = self._marks[0], self._marks[-1]
        return (done - before) / (now - since) if now > since else 0.0

    def seconds_left(self, remaining: int) -> float:
        """Infinite while unknown."""
        rate = self.images_per_s
        return remaining / rate if rate > 0 else math.inf
