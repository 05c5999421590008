"""The speed of a network so large that one answer takes seconds: told by a single one, and within a budget.

Every layer looks at the clock. Where time is up before the answer is there, the rest is extrapolated from the share of
the work that was done; how much there is in all says a pass through a network that has shapes and no numbers.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from convnext_studio.core.context import JobContext, aside
from convnext_studio.core.models.network import LoadedModel
from convnext_studio.core.predict.blank import filled_network
from convnext_studio.core.predict.runners.base import Batch, Plan, Runner
from convnext_studio.core.predict.runners.torch_runner import TorchRunner, dtype_of, format_of

_LAYERS = (nn.Conv2d, nn.Linear)
# What a layer's output costs beside its products: norms, activations and sums pass over it. With this, the share of the
# work was within 0.04 of the share of the time from a tenth of an answer on, of 61 and of 600 GMACs.
_PRODUCTS_AN_OUTPUT = 500
_LEAST = 0.1  # less of the work than this tells nothing: so much is done however long it takes
_AIR = 1.1  # a second answer is begun where so many times the first one fits


@dataclass(frozen=True)
class Answered:
    """Images/s, and the share of one answer that they were measured with."""

    images_per_s: float
    share: float = 1.0


class _TimeIsUp(Exception):
    """Raised by a layer, in the middle of an answer."""


class _Watch:
    """Counts the work of a network's layers as they are done, and stops it when `end_at` has come."""

    def __init__(self, network: nn.Module) -> None:
        self.done = self.all = 0.0
        self.end_at = float("inf")
        for layer in network.modules():
            if isinstance(layer, _LAYERS):
                layer.register_forward_hook(self._on_done)

    def _on_done(self, layer: nn.Module, _inputs: Any, output: Tensor) -> None:
        weight = layer.weight
        assert isinstance(weight, Tensor)
        self.done += output.numel() * (weight.numel() / weight.shape[0] + _PRODUCTS_AN_OUTPUT)
        if time.monotonic() > self.end_at and self.done > _LEAST * self.all:
            raise _TimeIsUp

    def learn(self, network: nn.Module, height: int, width: int) -> None:
        """Find out how much work there is, while the network has no numbers."""
        dtype = next(network.parameters()).dtype
        with torch.inference_mode():
            network(torch.empty(1, 3, height, width, device="meta", dtype=dtype))
        self.all, self.done = self.done, 0.0


def measure_one_answer(model: LoadedModel, plan: Plan, ctx: JobContext, end_at: float) -> Answered:
    """Let `model`, whose weights have no numbers yet, run as `plan` says, until the monotonic `end_at`.

    Where there is time for a second answer, that one counts: the first finds nothing prepared.
    """
    runner, watch = aside(lambda: _ready(model, plan), ctx.check)
    pixels = np.full((1, model.preprocessing.height, model.preprocessing.width, 3), 128, np.uint8)
    watch.end_at = end_at
    found = aside(lambda: _one(runner, watch, pixels), ctx.check)
    if found.share == 1 and time.monotonic() + _AIR / found.images_per_s < end_at:
        again = aside(lambda: _one(runner, watch, pixels), ctx.check)
        found = max(found, again, key=lambda one: (one.share, one.images_per_s))
    return found


def _ready(model: LoadedModel, plan: Plan) -> tuple[Runner, _Watch]:
    """Made in the precision of `plan` at once: the memory of a network of gigabytes is asked for a single time."""
    hollow = model.network.to(dtype_of(plan)).to(memory_format=format_of(plan))
    watch = _Watch(hollow)
    watch.learn(hollow, model.preprocessing.height, model.preprocessing.width)
    return TorchRunner(filled_network(hollow), model.preprocessing, plan, is_own=True), watch


def _one(runner: Runner, watch: _Watch, pixels: Batch) -> Answered:
    watch.done, began = 0.0, time.monotonic()
    try:
        runner.run(pixels)
    except _TimeIsUp:
        share = watch.done / watch.all
        return Answered(share / (time.monotonic() - began), share)
    return Answered(1 / (time.monotonic() - began))
