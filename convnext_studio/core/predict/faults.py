"""Faults on demand, so that tests can see what the program does when memory ends or a decoder hangs or dies.

`EXAM_FAULT=point:kind:count` makes the first `count` arrivals at `point` (`decode`, `forward`) fail. Kinds: `oom`
(memory is short), `hang` (never comes back), `crash` (the process dies). Not set, nothing happens.
"""

from __future__ import annotations

import os
import threading
import time

import torch

VARIABLE = "EXAM_FAULT"


class Faults:
    """Counts the arrivals at one point; may be shared by threads."""

    def __init__(self, order: str) -> None:
        self._point, _, rest = order.partition(":")
        self._kind, _, count = rest.partition(":")
        self._left = int(count or 1)
        self._lock = threading.Lock()

    @classmethod
    def ordered(cls) -> Faults:
        """Return those that the environment asks for."""
        return cls(os.environ.get(VARIABLE, ""))

    def arrive(self, point: str) -> None:
        """Fail here if that was ordered."""
        if point != self._point:
            return
        with self._lock:
            self._left -= 1
            if self._left < 0:
                return
        if self._kind == "oom":
            raise torch.OutOfMemoryError("out of memory, as ordered")
        if self._kind == "crash":
            os._exit(139)
        while self._kind == "hang":
            time.sleep(3600)
