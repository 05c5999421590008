"""What an explanation costs: against one forward pass of the same network, for many classes, and over a thousand maps.

The parts that are compared run in turn, and a row is the median round. Where the `grad-cam` package is installed, its
Grad-CAM of the same network and picture is measured beside ours.
"""

from __future__ import annotations

import copy
import importlib.util
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import torch
from PIL import Image

from convnext_studio.core import jobs
from convnext_studio.core.context import JobContext
from convnext_studio.core.explain.lens import Lens
from convnext_studio.core.explain.maps import Question, answer
from convnext_studio.core.explanations import ExplainSummary, HeatmapsMade
from convnext_studio.core.models import network
from convnext_studio.core.requests import Explain, ExplainFolder
from convnext_studio.core.values import Execution, ImageRef, ModelRef
from tests.bench.table import Row, show

ARCHITECTURE = os.environ.get("BENCH_MODEL", "convnext_atto")
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "9"))
MAPS = int(os.environ.get("BENCH_MAPS", "1000"))
_MIB = 2**20


def rows(folder: Path) -> list[Row]:
    """Measure on the best device there is."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = network.load(ModelRef(ARCHITECTURE, "random"))
    lens = Lens(model.network, model.preprocessing, device)
    side = model.preprocessing.height
    pixels = np.random.default_rng(0).integers(0, 256, (1, side, side, 3), dtype=np.uint8)
    batch, classes = lens.input(pixels), model.classes

    def ask(**question: object) -> Callable[[], object]:
        return lambda: answer(lens, batch, classes, Question(**question), lambda: None)  # type: ignore[arg-type]

    variants: dict[str, Callable[[], object]] = {
        "forward": lambda: _forward(lens, batch),
        "Grad-CAM, last stage": ask(layers=("stage4",)),
        "Grad-CAM, stage 3": ask(layers=("stage3",)),
        "Grad-CAM, last stage, 10 classes": ask(layers=("stage4",), top=10),
        "Grad-CAM, four stages at once": ask(layers=("stage1", "stage2", "stage3", "stage4")),
    }
    if importlib.util.find_spec("pytorch_grad_cam") is not None:
        variants["grad-cam package, last stage"] = _package(lens, batch)
    seconds = _in_turn(variants)
    forward = seconds["forward"]
    table = [
        Row(f"{name} ({ARCHITECTURE}, {device})", 1000 * statistics.median(s), "ms") for name, s in seconds.items()
    ]
    goals = {"Grad-CAM, last stage": "<= 1.15", "Grad-CAM, last stage, 10 classes": "<= 1.3"}
    for name in list(variants)[1:]:
        table.append(Row(f"{name} / forward", _ratio(seconds[name], forward), "x", goals.get(name, "")))
    if "grad-cam package, last stage" in seconds:
        theirs, ours = seconds["grad-cam package, last stage"], seconds["Grad-CAM, last stage"]
        table.append(Row("grad-cam package / ours", _ratio(theirs, ours), "x", ">= 2"))
    return [*table, *_jobs(folder), _memory(lens, batch, classes)]


def _forward(lens: Lens, batch: torch.Tensor) -> None:
    with torch.inference_mode():
        lens.forward(batch).cpu()


def _package(lens: Lens, batch: torch.Tensor) -> Callable[[], object]:
    from pytorch_grad_cam import GradCAM  # type: ignore[import-not-found]
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget  # type: ignore[import-not-found]

    own = copy.deepcopy(lens.network).requires_grad_(True)  # it cannot explain a frozen network
    cam = GradCAM(own, [own.get_submodule("stages.3")])
    return lambda: cam(batch, [ClassifierOutputTarget(0)])


def _in_turn(variants: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {name: [] for name in variants}
    for number in range(ROUNDS + 2):
        for name, run in variants.items():
            started = time.perf_counter()
            run()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            if number >= 2:  # the first rounds warm up
                found[name].append(time.perf_counter() - started)
    return found


def _ratio(one: list[float], other: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(one, other, strict=True))


def _jobs(folder: Path) -> list[Row]:
    """The first map of a new selection, with everything but its trust; and a folder."""
    rng, images = np.random.default_rng(1), []
    for number in range(12):
        path = folder / f"{number}.png"
        Image.fromarray(rng.integers(0, 256, (300, 400, 3), dtype=np.uint8)).save(path)
        images.append(ImageRef(str(path)))
    model = ModelRef(ARCHITECTURE, "random")
    latencies = []
    for image in images:
        times = [time.perf_counter()]

        def on_event(event: object, times: list[float] = times) -> None:
            if isinstance(event, HeatmapsMade):
                times.append(time.perf_counter())

        jobs.run(Explain(image, model, Execution(engine="torch"), is_trust_wanted=False), JobContext(on_event))
        latencies.append(times[1] - times[0])
    table = [
        Row("first map of a new selection", 1000 * statistics.median(latencies[2:]), "ms", "<= 100 (CPU), 20 (GPU)")
    ]
    for is_trust_wanted in (False, True):
        request = ExplainFolder(
            tuple(images), str(folder / "out"), model, Execution(engine="torch"), is_trust_wanted=is_trust_wanted
        )
        summary = jobs.run(request, JobContext())
        assert isinstance(summary, ExplainSummary) and not summary.failed
        words = "with trust" if is_trust_wanted else "without trust"
        table.append(Row(f"folder, {words}", summary.images_per_s, "images/s"))
    return table


def _memory(lens: Lens, batch: torch.Tensor, classes: tuple[str, ...]) -> Row:
    """Growth over many maps of a small picture, after a tenth of them."""
    process, small = psutil.Process(), batch[..., :64, :64].contiguous()
    before = 0
    for number in range(MAPS):
        answer(lens, small, classes, Question(layers=("stage3",)), lambda: None)
        if number == MAPS // 10:
            before = process.memory_info().rss
    return Row(f"memory, growth over {MAPS} maps", (process.memory_info().rss - before) / _MIB, "MiB", "<= 20")


if __name__ == "__main__":
    show(rows)
