"""What CUDA could still gain over the way we run now: the network as CUDA graphs, and JPEGs decoded on the device.

Runs where there is CUDA, and says so where there is none. `BENCH_DEVICE=cpu` takes the same steps on a CPU, only to
show that they work.
"""

from __future__ import annotations

import io
import os
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional
from torchvision.io import ImageReadMode, decode_jpeg

from convnext_studio.core.context import JobContext
from convnext_studio.core.images.preprocess import load_input
from convnext_studio.core.models import network
from convnext_studio.core.predict.calibrate import images_per_second
from convnext_studio.core.predict.device import usable_cores
from convnext_studio.core.predict.ready import ready_model
from convnext_studio.core.predict.runners.base import scale_and_bias
from convnext_studio.core.values import DeviceName, Execution, ModelRef, Preprocessing
from tests.bench.table import Row, show

ARCHITECTURE = os.environ.get("BENCH_MODEL", "convnext_atto")
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
BATCH = int(os.environ.get("BENCH_BATCH", "64"))
SECONDS = 1.5


def rows(folder: Path) -> list[Row]:
    """Measure each variant beside what it would replace, in turn, and give medians and ratios."""
    device = cast(DeviceName, os.environ.get("BENCH_DEVICE", "cuda"))
    if device == "cuda" and not torch.cuda.is_available():
        print("There is no CUDA device here: nothing was measured.")
        return []
    ref = ModelRef(ARCHITECTURE, "random")
    preprocessing = network.load(ref).preprocessing
    files = _photos(folder)
    variants = {
        "network, as we run it": lambda: _as_we_run(ref, device),
        "network, compiled into graphs": _compiled(ref, device, preprocessing),
        "decoding, our threads": lambda: _rate(lambda: _decode_here(files, preprocessing), len(files)),
        "decoding, on the device": lambda: _rate(lambda: _decode_there(files, preprocessing, device), len(files)),
    }
    found: dict[str, list[float]] = {name: [measure()] for name, measure in variants.items()}  # the warm-up
    found = {name: [] for name in found}
    for _ in range(ROUNDS):
        for name, measure in variants.items():
            found[name].append(measure())
    table = [Row(f"{name} ({device})", statistics.median(values), "images/s") for name, values in found.items()]
    for now, then in (tuple(variants)[:2], tuple(variants)[2:]):
        ratio = statistics.median(b / a for a, b in zip(found[now], found[then], strict=True))
        table.append(Row(f"{then} / {now}", ratio, "x"))
    return table


def _rate(step: Callable[[], object], images: int) -> float:
    """Images/s of a step that is done when it returns."""
    started, done = time.perf_counter(), 0
    while time.perf_counter() - started < SECONDS:
        step()
        done += images
    return done / (time.perf_counter() - started)


def _as_we_run(ref: ModelRef, device: DeviceName) -> float:
    ready = ready_model(ref, Execution(device, "bf16", "torch"), None, JobContext())
    size = (BATCH, ready.info.preprocessing.height, ready.info.preprocessing.width, 3)
    return images_per_second(ready.runner, ready.plan, np.zeros(size, np.uint8), SECONDS)


def _compiled(ref: ModelRef, device: str, preprocessing: Preprocessing) -> Callable[[], float]:
    """The same work, pinned copy in and logits out, by `torch.compile`, which captures CUDA graphs."""
    model = network.load(ref).network.to(device, torch.bfloat16).to(memory_format=torch.channels_last)
    scale, bias = (torch.from_numpy(part).to(device).view(1, 3, 1, 1) for part in scale_and_bias(preprocessing))

    def forward(pixels: Tensor) -> Tensor:
        x = pixels.permute(0, 3, 1, 2).float() * scale + bias
        return cast(Tensor, model(x.to(torch.bfloat16))).float()

    compiled = torch.compile(forward, mode="reduce-overhead")
    batch = torch.zeros((BATCH, preprocessing.height, preprocessing.width, 3), dtype=torch.uint8)
    if device == "cuda":
        batch = batch.pin_memory()

    def step() -> Tensor:
        with torch.inference_mode():
            return compiled(batch.to(device, non_blocking=True)).cpu()

    return lambda: _rate(step, BATCH)


def _decode_here(files: list[Path], preprocessing: Preprocessing) -> None:
    with ThreadPoolExecutor(usable_cores()) as pool:
        for _ in pool.map(lambda path: load_input(str(path), 0, preprocessing), files):
            pass


def _decode_there(files: list[Path], preprocessing: Preprocessing, device: str) -> Tensor:
    """Bytes to the device, decoded and resized there; not our decoder, so not our pixels: a bound, not a plan."""
    data = [torch.frombuffer(bytearray(path.read_bytes()), dtype=torch.uint8) for path in files]
    size = (preprocessing.height, preprocessing.width)
    resized = [
        functional.interpolate(one[None].float(), size, mode="bicubic", antialias=True)
        for one in decode_jpeg(data, mode=ImageReadMode.RGB, device=device)
    ]
    return torch.cat(resized).cpu()


def _photos(folder: Path) -> list[Path]:
    random = np.random.default_rng(0)
    paths = [folder / f"{number}.jpg" for number in range(BATCH)]
    for path in paths:
        coarse = Image.fromarray(random.integers(0, 256, (66, 50, 3), dtype=np.uint8))
        kept = io.BytesIO()
        coarse.resize((400, 533), Image.Resampling.BICUBIC).save(kept, "JPEG", quality=90)
        path.write_bytes(kept.getvalue())
    return paths


if __name__ == "__main__":
    show(rows)
