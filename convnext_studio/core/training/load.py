"""How busy what computes is: the GPU, or all cores of this machine. Asked once a step, it looks twice a second."""

from __future__ import annotations

import importlib.util
import time

import psutil
import torch

_LOOK_S = 0.5
UNKNOWN = -1.0


class Load:
    """`share` is 0..1; below 0 where it cannot be known: for a GPU without NVIDIA's management library."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._is_known = device.type == "cpu" or (
            device.type == "cuda" and importlib.util.find_spec("pynvml") is not None
        )
        self._share = UNKNOWN
        self._looked_at = time.monotonic()
        psutil.cpu_percent()  # what comes next counts from here

    @property
    def share(self) -> float:
        """What was seen at the last look."""
        now = time.monotonic()
        if self._is_known and now - self._looked_at >= _LOOK_S:
            self._looked_at = now
            self._share = self._look()
        return self._share

    def _look(self) -> float:
        if self._device.type == "cpu":
            return round(float(psutil.cpu_percent()) / 100, 3)
        try:
            return float(torch.cuda.utilization(self._device)) / 100
        except RuntimeError:  # the library is there, the driver does not answer it
            self._is_known = False
            return UNKNOWN
