"""A small training for outside judges: `python tests/exam_train.py --run FOLDER --resume` begins it or goes on with it.

It touches the file that READY_FILE names once steps are taken, and ends with the Model file, or as the Run ended. With
`--default` it trains as the Recipe does by default: learned weights, the head first from kept features, and bf16.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
from pathlib import Path

import numpy as np
import timm
import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from convnext_studio.core.context import JobContext
from convnext_studio.core.models.card import Card
from convnext_studio.core.models.model_file import save_model_file
from convnext_studio.core.recipe import Recipe, changed, from_preset
from convnext_studio.core.requests import Train
from convnext_studio.core.run_events import StepEnded
from convnext_studio.core.runs.run import RECIPE, Run
from convnext_studio.core.training import fit, work
from convnext_studio.core.values import Preprocessing

SIDE, COUNT = 40, 30
EXIT_CODES = {"finished": 0, "stopped": 143, "failed": 3}


def draw_data_set(folder: Path, count: int = COUNT) -> Path:
    """Two classes: with a bright square somewhere, and without."""
    chance = np.random.default_rng(0)
    for name in ("bad", "good"):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            pixels = chance.integers(60, 140, (SIDE, SIDE, 3), dtype=np.uint8)
            if name == "bad":
                top, left = chance.integers(2, SIDE - 14, 2)
                pixels[top : top + 10, left : left + 10] = 235
            Image.fromarray(pixels).save(folder / name / f"{number:03}.png")
    return folder


def recipe_for(data: Path, **changes: object) -> Recipe:
    """All that makes chance: shuffling, balance, augmentation, drop path, mixup, averaging."""
    small = {"data": str(data), "model": "test_convnext", "weights": "random", "input_size": 32}
    chance = {"group": "none", "is_head_first": False, "mixup": 0.2, "rotation": 10.0}
    quick = {"epochs": 12, "batch_size": 4, "precision": "fp32", "patience": 0, "layer_decay": 0.9}
    return changed(from_preset("balanced"), {**small, **chance, **quick, **changes})


def draw_model(path: Path) -> Path:
    """A Model file to grow from."""
    torch.manual_seed(0)
    way_in = Preprocessing(SIDE, SIDE, "squash", "bicubic", (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
    card = Card(architecture="test_convnext", classes=("one", "other"), preprocessing=way_in)
    save_model_file(path, timm.create_model("test_convnext", num_classes=2), card)
    return path


def as_by_default(beside: Path) -> dict[str, object]:
    """What `recipe_for` changed and can be left as it is."""
    default = from_preset("balanced")
    names = ("is_head_first", "layer_decay", "mixup", "rotation", "group", "weights")
    model = draw_model(beside / "grown_from.safetensors")
    return {name: getattr(default, name) for name in names} | {"model": str(model), "precision": "bf16"}


def main() -> int:
    """Begin or go on."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--run", "--into", type=Path, required=True, dest="run")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--default", action="store_true")
    parser.add_argument("--stop-at", type=int, default=0)
    parser.add_argument("--save-every", type=float, default=0.5)
    arguments = parser.parse_args()
    folder: Path = arguments.run
    torch.set_num_threads(1)
    work.SAVE_EVERY_S = arguments.save_every
    if (folder / RECIPE).is_file():
        run = Run.open(folder)
    else:
        data = folder.parent / "exam_data"
        if not data.is_dir():
            draw_data_set(data)
        run = Run.create_in(folder, recipe_for(data, **(as_by_default(folder.parent) if arguments.default else {})))

    stop = threading.Event()

    def on_event(event: object) -> None:
        if isinstance(event, StepEnded):
            if "READY_FILE" in os.environ:
                Path(os.environ["READY_FILE"]).touch()
            if event.step == arguments.stop_at:
                stop.set()

    return EXIT_CODES[fit.train(Train(str(run.folder)), JobContext(on_event, stop)).ending]


if __name__ == "__main__":
    sys.exit(main())
