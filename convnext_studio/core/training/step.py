"""One optimizer step: the batch's gradient, piece by piece, and then all or nothing."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from convnext_studio.core.context import JobContext
from convnext_studio.core.errors import DeviceError
from convnext_studio.core.predict.faults import Faults
from convnext_studio.core.training.batches import Batch, Normalise
from convnext_studio.core.training.distributed import World
from convnext_studio.core.training.drop_path import Drawn
from convnext_studio.core.training.looking import looking
from convnext_studio.core.training.loss import Loss

_DETAILED = 10  # every so many steps the norms per stage are told


class NotFinite(Exception):
    """The loss or the gradient is no finite number; nothing was changed. `images` are those of the batch."""

    def __init__(self, images: tuple[str, ...]) -> None:
        super().__init__("the loss is not finite")
        self.images = images


@dataclass(frozen=True)
class Stepped:
    """The mean loss over the whole batch, the gradient's norm, and norms per stage if they were asked for."""

    loss: float
    gradient_norm: float
    norms: Mapping[str, float] = field(default_factory=dict)
    updates: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Way:
    """How a step is computed."""

    device: torch.device
    is_bf16: bool
    clip_norm: float
    seed: int


class Stepper:
    """Takes optimizer steps. `accumulation` grows where memory is short: `pieces` of a batch, one after the other."""

    def __init__(self, network: nn.Module, normalise: Normalise, loss: Loss, way: Way, world: World) -> None:
        self.accumulation = 1
        self.has_run_short = False
        self._network = network
        self._normalise = normalise
        self._loss = loss
        self._way = way
        self._world = world
        self._faults = Faults.ordered()
        self._weights = [weight for weight in network.parameters() if weight.requires_grad]

    def step(self, batch: Batch, step: int, optimizer: torch.optim.Optimizer, count: int, ctx: JobContext) -> Stepped:
        """Take optimizer step number `step` on this process's part of a batch of `count` Images.

        Raises `NotFinite` and, at any time before, `Cancelled`: either way the weights are as they were before. Raises
        `DeviceError` where a single Image is too much for the memory.
        """
        loss = self.gradients(batch, step, count, ctx)
        gradients = [weight.grad for weight in self._weights if weight.grad is not None]
        self._world.add_up(gradients)
        norm = get_total_norm(gradients)
        if not bool(torch.isfinite(norm)) or loss - loss != 0.0:
            optimizer.zero_grad()
            raise NotFinite(tuple(path for part in self._world.gathered(batch.paths) for path in part))
        is_detailed = step % _DETAILED == 0
        norms = _norms(self._network, gradients=True) if is_detailed else {}
        if self._way.clip_norm:
            clip_grads_with_norm_(self._weights, self._way.clip_norm, norm)
        before = [weight.detach().clone() for weight in self._weights] if is_detailed else []
        optimizer.step()
        optimizer.zero_grad()
        updates = self._updates(before) if is_detailed else {}
        return Stepped(loss, float(norm), norms, updates)

    def gradients(self, batch: Batch, step: int, count: int, ctx: JobContext) -> float:
        """Leave the gradient of the mean loss in the weights; returns this loss, over all processes.

        Where memory runs out all is dropped, and computed anew in twice as many pieces.
        """
        while True:
            loss, is_short = self._tried(batch, step, count, ctx)
            total, short, divisible = self._world.total([loss, is_short, self.accumulation < len(batch)])
            if not short:
                return total
            for weight in self._weights:
                weight.grad = None
            gc.collect()
            if self._way.device.type == "cuda":
                torch.cuda.empty_cache()
            if not divisible:  # in any process: none may give up, or go on, alone
                raise DeviceError(
                    "There is too little memory to train on even one Image at a time.",
                    "Choose a smaller Model or input size, or close other programs.",
                )
            self.accumulation *= 2
            self.has_run_short = True

    def _tried(self, batch: Batch, step: int, count: int, ctx: JobContext) -> tuple[float, bool]:
        """The loss, and whether memory ran out; the error itself is let go of here, and what it holds with it."""
        try:
            return self._computed(batch, step, count, ctx), False
        except (torch.OutOfMemoryError, MemoryError):
            return 0.0, True
        except RuntimeError as error:
            if "memory" not in str(error):  # how torch says it on a CPU
                raise
            return 0.0, True

    def _computed(self, batch: Batch, step: int, count: int, ctx: JobContext) -> float:
        way, seed = self._way, _seed(self._way.seed, step, self._world.rank)
        torch.manual_seed(seed)
        self._faults.arrive("collate")
        pixels = batch.pixels.to(way.device, non_blocking=True)
        labels = batch.labels.to(way.device, non_blocking=True)
        inputs, shares = self._loss.mixed(self._normalise(pixels), labels, seed)
        drawn, first = Drawn(self._network, len(inputs), seed, way.device), 0
        total = torch.zeros((), device=way.device)
        for piece, share in zip(_pieces(inputs, self.accumulation), _pieces(shares, self.accumulation), strict=True):
            drawn.lay_out(first, len(piece))
            first += len(piece)
            with self._looking(ctx):
                with torch.autocast(way.device.type, torch.bfloat16, enabled=way.is_bf16):
                    logits = self._network(piece)
                self._faults.arrive("forward")
                loss = self._loss(logits, share) / count
                loss.backward()  # type: ignore[no-untyped-call]
                self._faults.arrive("backward")
            total += loss.detach()
        self._faults.arrive("step")
        return float(total)

    def _looking(self, ctx: JobContext) -> contextlib.AbstractContextManager[None]:
        """Of several processes none may stop alone; a GPU is done before anybody could look."""
        if self._world.size > 1:
            return contextlib.nullcontext()
        ctx.check()
        return looking(self._network, ctx.check) if self._way.device.type == "cpu" else contextlib.nullcontext()

    def _updates(self, before: list[Tensor]) -> dict[str, float]:
        names = [name for name, weight in self._network.named_parameters() if weight.requires_grad]
        moved: dict[str, list[Tensor]] = {}
        for name, weight, old in zip(names, self._weights, before, strict=True):
            moved.setdefault(_stage(name), []).append(weight.detach() - old)
        sizes = _norms(self._network, gradients=False)
        return {stage: float(get_total_norm(parts)) / max(sizes[stage], 1e-12) for stage, parts in moved.items()}


def _pieces(tensor: Tensor, count: int) -> tuple[Tensor, ...]:
    return torch.tensor_split(tensor, count) if len(tensor) >= count else torch.split(tensor, 1)


def _norms(network: nn.Module, *, gradients: bool) -> dict[str, float]:
    """The norm of each stage's weights, or of their gradients."""
    parts: dict[str, list[Tensor]] = {}
    for name, weight in network.named_parameters():
        tensor = weight.grad if gradients else weight.detach()
        if tensor is not None and weight.requires_grad:
            parts.setdefault(_stage(name), []).append(tensor)
    return {stage: float(get_total_norm(tensors)) for stage, tensors in parts.items()}


def _stage(name: str) -> str:
    """`stages.1.blocks.0.norm.weight` -> `stages.1`, `head.fc.bias` -> `head`."""
    parts = name.split(".")
    return ".".join(parts[:2]) if parts[0] == "stages" else parts[0]


def _seed(seed: int, step: int, rank: int) -> int:
    """Another number for every step and process, the same ones every time."""
    return (seed * 1_000_003 + step) * 4099 + rank
