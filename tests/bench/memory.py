"""Memory over a long classification: MiB for each 1,000 Images after the first 1,000, and in all."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from convnext_studio.core import jobs
from convnext_studio.core.context import JobContext
from convnext_studio.core.events import ImagesClassified
from convnext_studio.core.requests import Classify
from convnext_studio.core.values import Execution, ImageRef, ModelRef
from tests.bench.table import Row, show

IMAGES = int(os.environ.get("BENCH_MEMORY_IMAGES", "10000"))
_FILES = 200
_WARM_UP = 1000
_MIB = 2**20


def rows(folder: Path) -> list[Row]:
    """Classify `IMAGES` Images, none of whose Predictions are kept, and fit a line through the memory in use."""
    paths = _files(folder)
    images = tuple(ImageRef(paths[number % _FILES]) for number in range(IMAGES))
    process, done = psutil.Process(), 0
    samples: list[tuple[int, float]] = []

    def on_event(event: object) -> None:
        nonlocal done
        if isinstance(event, ImagesClassified):
            before, done = done, done + len(event.predictions)
            if done // 100 > before // 100:
                samples.append((done, process.memory_info().rss / _MIB))

    jobs.run(Classify(images, ModelRef("test_convnext", "random"), Execution("cpu")), JobContext(on_event))
    counts, sizes = np.array([sample for sample in samples if sample[0] > _WARM_UP]).T
    slope = float(np.polyfit(counts, sizes, 1)[0]) * 1000
    return [
        Row(f"memory, slope over {IMAGES} images", slope, "MiB/1000", "<= 1"),
        Row("memory, growth after warm-up", float(sizes.max() - sizes[0]), "MiB", "<= 50"),
        Row("memory, most in use", float(sizes.max()), "MiB"),
    ]


def _files(folder: Path) -> list[str]:
    random = np.random.default_rng(0)
    paths = []
    for number in range(_FILES):
        path = folder / f"{number}.jpg"
        size = (int(random.integers(200, 900)), int(random.integers(200, 900)))
        Image.fromarray(random.integers(0, 256, (9, 9, 3), dtype=np.uint8)).resize(size).save(path)
        paths.append(str(path))
    return paths


if __name__ == "__main__":
    show(rows)
