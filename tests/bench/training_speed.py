"""How fast training is: the loop against timm's, Instant, time and memory of the presets, two processes by torchrun."""

from __future__ import annotations

import argparse
import itertools
import json
import math
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from convnext_studio.core import jobs
from convnext_studio.core.context import JobContext
from convnext_studio.core.data.dataset import DataSetCard
from convnext_studio.core.data.prepare import prepare_data
from convnext_studio.core.recipe import PRESETS, Recipe, from_preset
from convnext_studio.core.requests import EditLabels, MakeSample, Train
from convnext_studio.core.run_events import RunEnded
from convnext_studio.core.runs.run import Run
from tests.bench.table import Row
from tests.bench.timm_train_defaults import Order
from tests.bench.training_sets import Trained, train_ours, train_timm

BATCH, ROUNDS = 32, 3
IMAGES = 400
_MIB = 2**20


def throughput(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """Images/s of our loop and of timm's with --amp --channels-last, in turn: same Images, network and batch.

    What counts is the time of whole epochs after the first: steps, and what the loops wait for between them. The median
    of the steps alone leaves out what timm's workers take before the first steps of each epoch, and is told beside it.
    """
    steel = _steel(folder, 600)
    for architecture, size in itertools.product(options.architectures, options.throughput_sizes):
        ours: list[list[float]] = []
        timm: list[list[float]] = []
        waits = []
        for number in range(ROUNDS):
            recipe = _recipe(
                steel,
                model=architecture,
                weights="random",
                input_size=size,
                batch_size=BATCH,
                is_head_first=False,
                epochs=options.epochs,
            )
            card = prepare_data(recipe, JobContext())
            first = math.ceil(len(card.of("train")) / BATCH)
            place = folder / f"{architecture}-{size}-{number}"
            steps = _steps(train_ours(recipe, place, "ours"))[first:]
            done = train_timm(_order(card, architecture, size, first * options.epochs), place / "timm.json")
            ours.append([BATCH / step["images_per_s"] for step in steps])
            timm.append(done.step_s[first:])
            waits.append(statistics.mean(step["data_wait"] for step in steps))
        what = f"{architecture}, {size} px"
        for name, over in (("epochs", statistics.mean), ("median step", statistics.median)):
            mine, theirs = ([over(step_s) for step_s in rounds] for rounds in (ours, timm))
            ratio = statistics.median(their / my for my, their in zip(mine, theirs, strict=True))
            yield Row(f"fit ({what}, batch {BATCH}), {name}", BATCH / statistics.median(mine), "images/s")
            yield Row(f"timm --amp --channels-last ({what}), {name}", BATCH / statistics.median(theirs), "images/s")
            yield Row(f"fit / timm ({what}), {name}", ratio, "x", ">= 1.2 on a CPU" if name == "epochs" else "")
        yield Row(f"fit, waiting for Images ({what})", 100 * statistics.median(waits), "%", "<= 5")


def instant(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """Whole Runs of the preset on 400 Images, in this process: the first, the second, and one after a changed label."""
    steel = _steel(folder, IMAGES)
    recipe = _recipe(steel, preset="instant", model="sample")
    jobs.job_for(Train(""))  # imports torch and timm
    rounds = {"features computed": "", "features cached": "<= 10", "one label changed": "<= 1"}
    for what, goal in rounds.items():
        if what == "one label changed":
            changed = sorted(Path(steel).rglob("good/*.png"))[0]
            jobs.run(EditLabels(steel, "move", (str(changed),), "stain"), JobContext())
        whole_s, fitting_s = _run_s(recipe, folder)
        yield Row(f"instant, {IMAGES} Images, {what}: whole Run", whole_s, "s", goal if "cached" in what else "")
        yield Row(f"instant, {IMAGES} Images, {what}: new head", fitting_s, "s", goal if "changed" in what else "")


def presets(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """Each preset with one epoch of the whole network, on 200 Images: Images/s, the whole Run, most memory in use."""
    steel = _steel(folder, 200)
    for size in options.sizes:
        for preset in PRESETS:
            epochs = {} if preset == "instant" else {"epochs": 1}
            recipe = _recipe(steel, preset=preset, model="sample", input_size=size, **epochs)
            trained = train_ours(recipe, folder / f"{preset}-{size}", "ours")
            planned = from_preset(preset).epochs
            if planned:
                steps = _steps(trained)
                yield Row(f"{preset}, {size} px: training", _rate(steps), "images/s")
                yield Row(f"{preset}, {size} px: {planned} epochs of 1,000", 1000 * planned / _rate(steps), "s")
            yield Row(f"{preset}, {size} px: this Run", trained.seconds, "s")
            yield Row(f"{preset}, {size} px: most memory", trained.memory_bytes / _MIB, "MiB")


def torchrun(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """One process and two by torchrun at the same global batch: how far the loss curves are apart, and Images/s."""
    steel = _steel(folder, 120)
    chosen = {"epochs": 2, "batch_size": 16, "input_size": 96, "drop_path": 0.0, "precision": "fp32", "device": "cpu"}
    settings = [f"--set={name}={value}" for name, value in chosen.items()]
    train = ["-m", "convnext_studio", "train", steel, "--runs", str(folder / "runs"), *settings]
    starts = {
        "one": [sys.executable, *train],
        "two": [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", *train],
    }
    curves = {}
    for name, command in starts.items():
        started = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
        if done.returncode:
            raise RuntimeError(f"training by {name} ended with {done.returncode}: {done.stderr[-2000:]}")
        run = Run(Path(done.stdout.splitlines()[-1]))
        rows = run.loss_path.read_text(encoding="utf-8").splitlines()[1:]
        curves[name] = [float(row.split(",")[1]) for row in rows]
        yield Row(f"torchrun, {name} process(es), all in all", time.perf_counter() - started, "s")
    apart = max(abs(one - two) for one, two in zip(curves["one"], curves["two"], strict=True))
    yield Row(f"torchrun, loss curves apart over {len(curves['one'])} steps", apart, "", "<= 1e-4")


def _steel(folder: Path, count: int) -> str:
    place = folder / f"steel{count}"
    if not place.is_dir():
        place.parent.mkdir(parents=True, exist_ok=True)
        jobs.run(MakeSample(str(place), count=count), JobContext())
    return str(place)


def _recipe(data: str, preset: str = "balanced", **fields: Any) -> Recipe:
    return from_preset(preset, data=data, device="cpu", **fields)


def _steps(trained: Trained) -> list[dict[str, Any]]:
    lines = Run(Path(trained.run)).events_path.read_text(encoding="utf-8").splitlines()
    return [line for line in map(json.loads, lines) if line["event"] == "StepEnded"]


def _rate(steps: list[dict[str, Any]]) -> float:
    """Images per second over all steps but the first, each weighing by its time."""
    return float(statistics.harmonic_mean([step["images_per_s"] for step in steps[1:]]))


def _order(card: DataSetCard, architecture: str, size: int, steps: int) -> Order:
    files = [(image.path, card.classes.index(image.label)) for image in card.of("train")]
    return Order(
        architecture,
        len(card.classes),
        files,
        files[:1],
        [],
        seconds=600.0,
        size=size,
        is_amp=True,
        is_channels_last=True,
        most_steps=steps,
        batch=BATCH,
    )


def _run_s(recipe: Recipe, folder: Path) -> tuple[float, float]:
    """Seconds of a whole Run in this process, and of what comes between having the features and the new head."""
    started = time.perf_counter()
    run = Run.create(folder / "runs", "instant", recipe)
    ended = jobs.run(Train(str(run.folder)), JobContext())
    seconds = time.perf_counter() - started
    assert isinstance(ended, RunEnded) and ended.ending == "finished", ended
    lines = [json.loads(line) for line in run.events_path.read_text(encoding="utf-8").splitlines()]
    begun = next(line["s"] for line in lines if line["event"] == "PhaseStarted" and line["phase"] == "head")
    return seconds, next(line["s"] for line in lines if line["event"] == "EpochEnded") - begun
