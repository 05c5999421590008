"""What a network says of a whole split, and what that is worth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from convnext_studio.core.data.dataset import LabelledImage
from convnext_studio.core.errors import DataError
from convnext_studio.core.evaluation import metrics
from convnext_studio.core.evaluation.totals import total
from convnext_studio.core.models.card import Metric
from convnext_studio.core.training.batches import Batches, Normalise
from convnext_studio.core.training.desk import Desk
from convnext_studio.core.training.looking import looking

_WORST = 12


@dataclass(frozen=True)
class Answers:
    """Probabilities (images, classes) of the Images that could be read, and which ones these are."""

    numbers: NDArray[np.int64]
    probabilities: NDArray[np.float64]


@dataclass(frozen=True)
class Scores:
    """What a split's answers are worth; see `run_events.EpochEnded`."""

    images: int
    loss: float
    accuracy: float
    balanced_accuracy: float
    interval: tuple[float, float]
    accuracy_interval: tuple[float, float]
    recalls: tuple[float, ...]
    confusion: tuple[tuple[int, ...], ...]
    worst: tuple[tuple[str, str, str, float], ...]

    def metrics(self, split: str) -> tuple[Metric, ...]:
        """The figures as a card names them."""
        if not self.images:
            return ()
        pairs = (
            ("accuracy", self.accuracy, self.accuracy_interval),
            ("balanced accuracy", self.balanced_accuracy, self.interval),
        )
        return tuple(
            Metric(name, round(value, 4), split, self.images, round(low, 4), round(high, 4))
            for name, value, (low, high) in pairs
        )


def predict(
    network: nn.Module,
    batches: Batches,
    normalise: Normalise,
    desk: Desk,
    *,
    device: torch.device,
    is_bf16: bool,
    on_batch: Callable[[int], None] | None = None,
) -> Answers:
    """Predict every Image of a split once, unaltered; each process its share. Raises `Cancelled` and `DataError`."""
    was_training = network.training
    network.eval()
    numbers: list[int] = []
    found: list[NDArray[np.float64]] = []
    failure: DataError | None = None
    try:
        for batch in batches.in_order(desk.reading):
            if not len(batch):
                continue
            pixels = batch.pixels.to(device, non_blocking=True)
            with (
                torch.inference_mode(),
                torch.autocast(device.type, torch.bfloat16, enabled=is_bf16),
                looking(network, desk.reading.check),
            ):
                logits = network(normalise(pixels))
            found.append(torch.softmax(logits.double(), 1).cpu().numpy())
            numbers += batch.numbers
            if on_batch is not None:
                on_batch(len(numbers))
    except DataError as error:
        failure = error
    finally:
        network.train(was_training)
    desk.check(failure)
    parts = desk.world.gathered((numbers, found))
    all_numbers = np.array([number for part, _ in parts for number in part], np.int64)
    rows = [row for _, part in parts for row in part]
    order = np.argsort(all_numbers, kind="stable")
    return Answers(all_numbers[order], np.concatenate(rows)[order] if rows else np.empty((0, 0)))


def judge(answers: Answers, images: Sequence[LabelledImage], classes: tuple[str, ...]) -> Scores:
    """Count what `answers` are worth for the Images of their split."""
    labels = np.array([classes.index(images[number].label) for number in answers.numbers], np.int64)
    if not len(labels):
        nothing = tuple((0,) * len(classes) for _ in classes)
        return Scores(0, 0.0, 0.0, 0.0, (0.0, 1.0), (0.0, 1.0), (0.0,) * len(classes), nothing, ())
    whole = total(labels, answers.probabilities, [images[number].group for number in answers.numbers])
    worst = np.argsort(-whole.losses, kind="stable")[:_WORST]
    return Scores(
        images=len(labels),
        loss=float(whole.losses.mean()),
        accuracy=whole.accuracy,
        balanced_accuracy=whole.balanced_accuracy,
        interval=whole.balanced_accuracy_interval,
        accuracy_interval=whole.accuracy_interval,
        recalls=tuple(float(one) for one in metrics.recalls(whole.matrix)),
        confusion=tuple(tuple(int(one) for one in row) for row in whole.matrix),
        worst=tuple(
            (
                images[answers.numbers[row]].path,
                classes[labels[row]],
                classes[whole.found[row]],
                float(whole.losses[row]),
            )
            for row in worst
        ),
    )
