"""What every engine looks like from outside: a batch of pictures in, logits out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from convnext_studio.core.values import DeviceName, EngineName, Precision, Preprocessing

Layout = Literal["channels_last", "contiguous", ""]
Batch = NDArray[np.uint8]  # (n, height, width, 3), RGB
Logits = NDArray[np.float32]  # (n, classes)


@dataclass(frozen=True)
class Plan:
    """How a network is run: everything that calibration decides.

    `workers` threads call the Runner at once, each with `batch` Images at most. `streams` is how many calls it serves
    side by side; the cores are shared out among them.
    """

    device: DeviceName
    engine: EngineName
    precision: Precision
    layout: Layout
    batch: int
    workers: int
    streams: int

    @property
    def title(self) -> str:
        """Short text for logs and notices."""
        return " ".join(part for part in (self.engine, self.precision, self.layout) if part)


class Runner(Protocol):
    """A network made ready on one engine; `run` may be called from several threads at once."""

    def run(self, batch: Batch) -> Logits:
        """Return the logits of `batch`, which still has to be normalised: uint8 RGB, 0..255."""
        ...


def scale_and_bias(preprocessing: Preprocessing) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Per channel factors with `(x / 255 - mean) / std == x * scale + bias` for x in 0..255."""
    mean = np.asarray(preprocessing.mean, np.float64)
    std = np.asarray(preprocessing.std, np.float64)
    return (1 / (255 * std)).astype(np.float32), (-mean / std).astype(np.float32)
