"""timm's training script with its defaults, as a function: what most people fine-tune with.

SGD with momentum (0.9, weight decay 2e-5), learning rate 0.1 per 256 Images, cosine with 5 epochs of warm-up from 1e-5,
label smoothing 0.1, RandomResizedCrop of 8 % to 100 %, mirroring, colour jitter 0.4, a random interpolation, batches of
128, 4 loader processes, fp32, NCHW, no averaging; the epoch with the best top-1 on the validation split is kept.
Three things are kinder than the script: its 300 epochs become as many as fit into the time (or the schedule would never
come down), the warm-up is half of them at the most, and where 128 leave fewer than four batches an epoch, the batch is
smaller, its learning rate by the same rule.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from PIL import Image
from safetensors.torch import load_file
from timm.data import create_loader, resolve_data_config
from timm.loss import LabelSmoothingCrossEntropy
from timm.optim import create_optimizer_v2
from timm.scheduler import create_scheduler_v2
from torch import nn
from torch.utils.data import Dataset

EPOCHS, WARMUP_EPOCHS, WARMUP_RATE = 300, 5, 1e-5
BATCH, RATE, RATE_BATCH = 128, 0.1, 256
MOMENTUM, WEIGHT_DECAY, SMOOTHING = 0.9, 2e-5, 0.1
WORKERS = 4
Files = list[tuple[str, int]]  # path and class number


@dataclass(frozen=True)
class Order:
    """What to train: files of each split, and the seconds there are for training and validation together.

    `weights` is a safetensors file to begin from, "" = random weights; tensors of another shape, such as its head, are
    left out. `size`, `mean`, `std` 0 or empty: as timm's configuration of the architecture says.
    """

    architecture: str
    classes: int
    train: Files
    validation: Files
    test: Files
    seconds: float
    weights: str = ""
    size: int = 0
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    seed: int = 42
    is_amp: bool = False
    is_channels_last: bool = False
    device: str = "cpu"
    most_steps: int = 0  # 0 = no other limit than the time
    batch: int = 0  # 0 = the script's


@dataclass
class Done:
    """What came out: probabilities of the test split in its order, and how it went."""

    probabilities: list[list[float]] = field(default_factory=list)
    epochs: int = 0
    steps: int = 0
    best_epoch: int = 0
    seconds: float = 0.0
    step_s: list[float] = field(default_factory=list)  # of the training loop, waiting for the loader included
    curve: list[float] = field(default_factory=list)  # top-1 on the validation split


class _Pictures(Dataset[tuple[Any, int]]):
    """Files as timm's ImageDataset reads them; `create_loader` sets the transform."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self.transform: Callable[[Image.Image], Any] | None = None

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, number: int) -> tuple[Any, int]:
        path, label = self._files[number]
        with Image.open(path) as opened:
            picture = opened.convert("RGB")
        return (self.transform(picture) if self.transform else picture), label


class Training:
    """One training, epoch by epoch."""

    def __init__(self, order: Order) -> None:
        torch.manual_seed(order.seed)
        np.random.seed(order.seed)
        self._order = order
        self._device = torch.device(order.device)
        self.network = _network(order).to(self._device)
        if order.is_channels_last:
            self.network = self.network.to(memory_format=torch.channels_last)
        self._batch = order.batch or _batch_size(len(order.train))
        self._config = _data_config(order, self.network)
        self._loader = self._loaded(order.train, is_training=True)
        self._optimizer = create_optimizer_v2(
            self.network,
            opt="sgd",
            lr=RATE * self._batch / RATE_BATCH,
            weight_decay=WEIGHT_DECAY,
            momentum=MOMENTUM,
        )
        self._loss = LabelSmoothingCrossEntropy(SMOOTHING)
        self._schedule: Any = None
        self.steps = 0
        self.step_s: list[float] = []
        self.plan(EPOCHS, 0)

    def plan(self, epochs: int, epoch: int) -> None:
        """Lay the cosine over `epochs`, of which `epoch` are done."""
        self._schedule, _ = create_scheduler_v2(
            self._optimizer,
            sched="cosine",
            num_epochs=epochs,
            warmup_lr=WARMUP_RATE,
            warmup_epochs=min(WARMUP_EPOCHS, epochs // 2),
            min_lr=0.0,
        )
        self._schedule.step(epoch)

    def epoch(self, number: int, until: float = math.inf) -> None:
        """Train for one epoch, or until the time is over."""
        self.network.train()
        started = time.perf_counter()
        for images, labels in self._loader:
            with self._amp():
                loss = self._loss(self.network(self._placed(images)).float(), labels.to(self._device))
            self._optimizer.zero_grad()
            loss.backward()
            self._optimizer.step()
            if self._device.type == "cuda":
                torch.cuda.synchronize()
            now = time.perf_counter()
            self.step_s.append(now - started)
            started = now
            self.steps += 1
            if now > until or self.steps == self._order.most_steps:
                break
        self._schedule.step(number + 1)

    def predict(self, files: Files) -> np.ndarray[Any, Any]:
        """Probabilities (n, classes) as timm's validation computes them."""
        self.network.eval()
        found = []
        with torch.inference_mode(), self._amp():
            for images, _ in self._loaded(files, is_training=False):
                found.append(self.network(self._placed(images)).float().softmax(-1).cpu().numpy())
        return np.concatenate(found)

    def _placed(self, images: torch.Tensor) -> torch.Tensor:
        layout = torch.channels_last if self._order.is_channels_last else torch.contiguous_format
        return images.to(self._device).contiguous(memory_format=layout)

    def _amp(self) -> torch.autocast:
        return torch.autocast(self._device.type, torch.bfloat16, enabled=self._order.is_amp)

    def _loaded(self, files: Files, *, is_training: bool) -> Any:
        augmentation = {"scale": (0.08, 1.0), "ratio": (3 / 4, 4 / 3), "hflip": 0.5, "color_jitter": 0.4}
        config = dict(self._config)
        if is_training:
            config |= {**augmentation, "interpolation": "random"}
        return create_loader(
            _Pictures(files),
            batch_size=self._batch,
            is_training=is_training,
            use_prefetcher=False,
            num_workers=WORKERS,
            device=self._device,
            persistent_workers=is_training,
            **config,
        )


def train(order: Order) -> Done:
    """Train for `order.seconds`, keep the best epoch, and predict the test split (whose time does not count)."""
    started = time.perf_counter()
    training, done = Training(order), Done()
    best, state = -1.0, {}
    truth = np.array([label for _, label in order.validation])
    epochs, number = EPOCHS, 0
    while number < epochs:
        training.epoch(number, started + order.seconds)
        top1 = float((training.predict(order.validation).argmax(1) == truth).mean())
        done.curve.append(top1)
        number += 1
        if top1 > best:
            best, done.best_epoch = top1, number
            state = {name: tensor.clone() for name, tensor in training.network.state_dict().items()}
        each = (time.perf_counter() - started) / number
        if number == 1:
            epochs = min(EPOCHS, max(1, int(order.seconds / each)))
            training.plan(epochs, number)
        if each * (number + 0.5) > order.seconds or training.steps == order.most_steps:
            break
    done.epochs, done.steps, done.seconds = number, training.steps, time.perf_counter() - started
    done.step_s = training.step_s
    training.network.load_state_dict(state)
    if order.test:
        done.probabilities = training.predict(order.test).tolist()
    return done


def _network(order: Order) -> nn.Module:
    network: nn.Module = timm.create_model(order.architecture, pretrained=False, num_classes=order.classes)
    if order.weights:
        own = network.state_dict()
        found = load_file(order.weights)
        network.load_state_dict(
            own | {name: tensor for name, tensor in found.items() if own[name].shape == tensor.shape}
        )
        nn.init.trunc_normal_(network.get_parameter("head.fc.weight"), std=0.02)  # a new head, as timm begins it
        nn.init.zeros_(network.get_parameter("head.fc.bias"))
    return network


def _data_config(order: Order, network: nn.Module) -> dict[str, Any]:
    asked: dict[str, Any] = {"input_size": (3, order.size, order.size)} if order.size else {}
    asked |= {name: value for name, value in (("mean", order.mean), ("std", order.std)) if value}
    config = resolve_data_config(asked, model=network)
    return {key: config[key] for key in ("input_size", "interpolation", "mean", "std", "crop_pct")}


def _batch_size(images: int) -> int:
    return min(BATCH, 1 << int(math.log2(max(images, 4) / 4)))


def main() -> None:
    """Carry out the `Order` in the JSON file that is named on the command line; print what was done as JSON."""
    order = Order(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    print(json.dumps(asdict(train(order))))
