"""Folder -> Predictions, end to end, in images/s: ours against what others do, and against what is possible.

* timm's defaults: `inference.py` on the same files and weights (its own decoder and loader).
* ONNX Runtime, plainly: decode in a pool of threads, batches of 16, one session with all cores.
* The bound: what the same cores could do if decoding and network never waited for each other,
  1 / (1 / decode rate + 1 / network rate), both measured alone on all cores.

All variants run in turn, several rounds; a row is the median round, and ratios are medians of the ratios in each round.
"""

from __future__ import annotations

import os
import queue
import statistics
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

from convnext_studio.core import jobs
from convnext_studio.core.context import JobContext
from convnext_studio.core.events import ClassifySummary
from convnext_studio.core.images.preprocess import load_input
from convnext_studio.core.models import network
from convnext_studio.core.models.model_file import save_model_file
from convnext_studio.core.predict.calibrate import images_per_second
from convnext_studio.core.predict.device import engines_on, usable_cores
from convnext_studio.core.predict.ready import ready_model
from convnext_studio.core.predict.runners.base import Plan
from convnext_studio.core.predict.runners.build import build_runner
from convnext_studio.core.requests import Classify
from convnext_studio.core.values import EngineName, Execution, ImageRef, ModelRef, Precision
from tests.bench import timm_defaults
from tests.bench.table import Row, show

ARCHITECTURE = os.environ.get("BENCH_MODEL", "convnext_atto")
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
IMAGES = int(os.environ.get("BENCH_IMAGES", "302"))
DATA = Path(os.environ.get("CONVNEXT_STUDIO_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
_CPU_VARIANTS: tuple[tuple[EngineName, Precision], ...] = (
    ("auto", "auto"),
    ("openvino", "fp32"),
    ("torch", "bf16"),
    ("torch", "fp32"),
)


def rows(folder: Path) -> list[Row]:
    """Measure on the CPU, and on CUDA where there is one."""
    photos = _photos(folder)
    images = tuple(ImageRef(str(path)) for path in sorted(photos.rglob("*.jpg")))[:IMAGES]
    random = network.load(ModelRef(ARCHITECTURE, "random"))
    save_model_file(folder / "model.safetensors", random.network, random.card)
    save_file(random.network.state_dict(), folder / "weights.safetensors")
    ref = ModelRef(str(folder / "model.safetensors"))
    variants: dict[str, Callable[[], float]] = {
        f"ours, {engine} {precision}": _ours(images, ref, Execution("cpu", precision, engine))
        for engine, precision in _CPU_VARIANTS
        if engine == "auto" or engine in engines_on("cpu")
    }
    first = next(iter(variants))
    variants["timm's defaults"] = lambda: timm_defaults.images_per_second(
        photos, ARCHITECTURE, folder / "weights.safetensors"
    )
    if "onnxruntime" in engines_on("cpu"):
        variants["ONNX Runtime, plainly"] = _plain_onnx(images, ref)
    variants["decoding alone"] = lambda: _decode_rate(images, ref)
    variants["network alone"] = lambda: _network_rate(ref, Execution("cpu"))
    if torch.cuda.is_available():
        variants["ours, cuda bf16"] = _ours(images * 20, ref, Execution("cuda", "bf16"))
        variants["ours, cuda fp32"] = _ours(images * 20, ref, Execution("cuda", "fp32"))
        variants["network alone, cuda bf16"] = lambda: _network_rate(ref, Execution("cuda", "bf16"))
    return _table(_in_turn(variants), first)


def _in_turn(variants: dict[str, Callable[[], float]]) -> dict[str, list[float]]:
    for measure in variants.values():
        measure()  # calibration, caches and lazy imports
    found: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(ROUNDS):
        for name, measure in variants.items():
            found[name].append(measure())
    return found


def _table(found: dict[str, list[float]], ours: str) -> list[Row]:
    table = [Row(f"{name} ({ARCHITECTURE})", statistics.median(values), "images/s") for name, values in found.items()]
    decode, alone = found["decoding alone"], found["network alone"]
    bound = [1 / (1 / d + 1 / n) for d, n in zip(decode, alone, strict=True)]
    table.append(Row("bound", statistics.median(bound), "images/s"))
    goals = {"timm's defaults": 5.0, "ONNX Runtime, plainly": 1.1}
    for name, goal in goals.items():
        if name in found:
            table.append(Row(f"ours / {name}", _ratio(found[ours], found[name]), "x", f">= {goal:g}"))
    table.append(Row("ours / bound", _ratio(found[ours], bound), "x", ">= 0.9"))
    return table


def _ratio(ours: list[float], theirs: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def _ours(images: tuple[ImageRef, ...], ref: ModelRef, execution: Execution) -> Callable[[], float]:
    def measure() -> float:
        summary = jobs.run(Classify(images, ref, execution), JobContext())
        assert isinstance(summary, ClassifySummary) and not summary.failed
        return summary.images_per_s

    return measure


def _decode_rate(images: tuple[ImageRef, ...], ref: ModelRef) -> float:
    preprocessing = ready_model(ref, Execution("cpu"), None, JobContext()).info.preprocessing
    started = time.perf_counter()
    with ThreadPoolExecutor(usable_cores()) as pool:
        count = sum(1 for _ in pool.map(lambda one: load_input(one.path, 0, preprocessing), images))
    return count / (time.perf_counter() - started)


def _network_rate(ref: ModelRef, execution: Execution) -> float:
    ready = ready_model(ref, execution, None, JobContext())
    size = (ready.plan.batch, ready.info.preprocessing.height, ready.info.preprocessing.width, 3)
    batch = np.random.default_rng(0).integers(0, 256, size, dtype=np.uint8)
    return images_per_second(ready.runner, ready.plan, batch, 1.5)


def _plain_onnx(images: tuple[ImageRef, ...], ref: ModelRef) -> Callable[[], float]:
    """A decode pool in front of one session that has all cores: what the documentation leads to."""
    model = network.load(ref)
    plan = Plan("cpu", "onnxruntime", "fp32", "", 16, 1, 1)
    runner = build_runner(model, plan)

    def measure() -> float:
        started = time.perf_counter()
        done = 0
        ready: queue.Queue[np.ndarray | None] = queue.Queue(maxsize=4)
        feeder = threading.Thread(target=_feed, args=(images, model.preprocessing, ready))
        feeder.start()
        while (batch := ready.get()) is not None:
            done += len(runner.run(batch))
        feeder.join()
        return done / (time.perf_counter() - started)

    return measure


def _feed(images: tuple[ImageRef, ...], preprocessing: object, ready: queue.Queue[np.ndarray | None]) -> None:
    with ThreadPoolExecutor(usable_cores()) as pool:
        for start in range(0, len(images), 16):
            part = images[start : start + 16]
            found = pool.map(lambda one: load_input(one.path, 0, preprocessing).input, part)  # type: ignore[arg-type]
            ready.put(np.stack(list(found)))
    ready.put(None)


def _photos(folder: Path) -> Path:
    """Real photos where they are, else made-up ones of the same size."""
    if (DATA / "clothing_cc0").is_dir():
        return DATA / "clothing_cc0"
    photos = folder / "photos" / "made-up"
    photos.mkdir(parents=True)
    random = np.random.default_rng(0)
    for number in range(IMAGES):
        coarse = Image.fromarray(random.integers(0, 256, (66, 50, 3), dtype=np.uint8))
        coarse.resize((400, 533), Image.Resampling.BICUBIC).save(photos / f"{number}.jpg", quality=90)
    return photos.parent


if __name__ == "__main__":
    show(rows)
