"""How fast this machine would train: the parts of a training are timed on a few Images, and nothing is kept.

On a CPU what counts is the computing time of one thread, shared out over the cores: other programs that work meanwhile
would make a clock on the wall say anything.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import psutil
import torch
from torch import Tensor

from convnext_studio.core.context import JobContext
from convnext_studio.core.errors import DataError, DeviceError, ImageError
from convnext_studio.core.events import TrainingMeasured
from convnext_studio.core.images.preprocess import load_input
from convnext_studio.core.predict.device import precisions_on, settle_device, usable_cores
from convnext_studio.core.requests import MeasureTraining
from convnext_studio.core.training.augment import Augmentation
from convnext_studio.core.training.batches import Batch
from convnext_studio.core.training.head_first import fit_head
from convnext_studio.core.training.looking import looking
from convnext_studio.core.training.network import start_network
from convnext_studio.core.training.rehearsal import Rehearsal, rehearse
from convnext_studio.core.values import DeviceName, Preprocessing

_AT_ONCE = {"cpu": 8, "cuda": 32, "mps": 32}  # Images in a batch that is timed, at the most
_FIRST = 2  # Images to find out whether more would take too long
_QUICK_S = 0.5  # what those may take for that
_NOTABLE = 0.97  # bf16 must take less than this share of fp32's time
_HEAD_IMAGES = 128
_COPIES = 4  # of the weights, that a step needs: the gradient and two moments too
_SCALING = 0.8  # so many cores compute as fast as cores ** _SCALING would alone


def measure_training(request: MeasureTraining, ctx: JobContext) -> TrainingMeasured:
    """Time reading, learning, predicting and the head. Raises `DataError`, `DeviceError` and `ModelError`."""
    recipe = request.recipe
    device = settle_device(recipe.device)
    names = tuple(f"class {number}" for number in range(max(2, request.classes)))
    began = time.thread_time()
    start = start_network(recipe, names)
    load_s = time.thread_time() - began
    ctx.check()
    weight_bytes = sum(weight.nbytes for weight in start.network.parameters())
    _require_room(weight_bytes)
    way_in = start.card.preprocessing
    with _alone(device) as clock, torch.random.fork_rng():
        read_s, pixels = _timed_reading(request.images, way_in, ctx)
        alter_s = _timed_altering(Augmentation(recipe, way_in), pixels)
        rehearsal = rehearse(recipe, start, [0, 1], device)
        learned = _learn(rehearsal, pixels, clock, ctx)
        predict_s = _timed_prediction(rehearsal, pixels, learned, clock, ctx)
        update_s = _timed_update(rehearsal, clock)
        width = int(start.network.num_features)  # type: ignore[arg-type]
        head_s = _timed_head(width, len(names))
    return TrainingMeasured(
        device=device,
        read_s=read_s,
        alter_s=alter_s,
        learn_s=learned.seconds,
        predict_s=predict_s,
        head_s=head_s,
        update_s=update_s,
        load_s=load_s,
        weight_bytes=weight_bytes,
        activation_bytes=learned.activation_bytes,
        pixel_bytes=way_in.height * way_in.width * 3,
        free_bytes=_free_bytes(device),
    )


def _free_bytes(device: DeviceName) -> int:
    if device == "cuda":
        return int(torch.cuda.mem_get_info()[0])
    return int(psutil.virtual_memory().available)


Clock = Callable[[Callable[[], object]], float]


@contextlib.contextmanager
def _alone(device: DeviceName) -> Iterator[Clock]:
    """A clock for what the device does: seconds, for a CPU those that all its cores would take."""
    if device != "cpu":
        yield _wall_seconds
        return
    threads, speed = torch.get_num_threads(), usable_cores() ** _SCALING
    torch.set_num_threads(1)
    try:
        yield lambda work: _thread_seconds(work) / speed
    finally:
        torch.set_num_threads(threads)


def _wall_seconds(work: Callable[[], object]) -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    began = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - began


def _thread_seconds(work: Callable[[], object]) -> float:
    began = time.thread_time()
    work()
    return time.thread_time() - began


def _require_room(weight_bytes: int) -> None:
    needed = _COPIES * weight_bytes
    if needed > psutil.virtual_memory().available:
        raise DeviceError(
            f"This Model is too large to learn here: it takes {needed / 1e9:.0f} GB and more.",
            "Choose a smaller Model, or the last layer only (Instant).",
        )


def _timed_reading(paths: tuple[str, ...], way_in: Preprocessing, ctx: JobContext) -> tuple[float, Tensor]:
    """Seconds an Image with a thread on each core, and what was read: uint8 (n, 3, height, width)."""
    read = []
    began = time.thread_time()
    for path in paths:
        ctx.check()
        with contextlib.suppress(ImageError):
            read.append(load_input(path, 0, way_in).input)
    seconds = time.thread_time() - began
    if not read:
        raise DataError("Not one Image that was tried can be read.", "Look at what the data set's check says.")
    return seconds / len(read) / usable_cores(), torch.from_numpy(np.stack(read)).permute(0, 3, 1, 2)


def _timed_altering(augmentation: Augmentation, pixels: Tensor) -> float:
    inputs = [one.permute(1, 2, 0).numpy() for one in pixels]
    seconds = _thread_seconds(lambda: [augmentation.apply(one, 0, 1, place) for place, one in enumerate(inputs)])
    return seconds / len(inputs) / usable_cores()


@dataclass(frozen=True)
class _Learned:
    """Seconds and bytes an Image, and how many Images and which precision that was found with."""

    seconds: float
    activation_bytes: int
    images: int
    is_bf16: bool


def _learn(rehearsal: Rehearsal, pixels: Tensor, clock: Clock, ctx: JobContext) -> _Learned:
    """Compute gradients: of one Image to be warm, of two, and where those do not take long, of more."""
    recipe = rehearsal.recipe
    device: DeviceName = rehearsal.place.type  # type: ignore[assignment]
    wanted = "bf16" in precisions_on(device) if recipe.precision == "auto" else recipe.precision == "bf16"

    def timed(count: int, *, is_bf16: bool) -> float:
        """Seconds an Image."""
        stepper = rehearsal.stepper(is_bf16=is_bf16)
        batch = _batch(rehearsal, pixels, count)
        return clock(lambda: stepper.gradients(batch, 0, count, ctx)) / count

    with _counting(rehearsal) as kept:
        timed(1, is_bf16=wanted)
    activation_bytes = sum(kept.values())
    seconds = timed(_FIRST, is_bf16=wanted)
    if seconds * _FIRST > _QUICK_S:
        return _Learned(seconds, activation_bytes, _FIRST, wanted)
    size = max(_FIRST, min(recipe.batch_size, _AT_ONCE[device]))
    seconds = min(timed(size, is_bf16=wanted) for _ in range(2))
    if wanted and recipe.precision == "auto" and device == "cpu":
        plain_s = min(timed(size, is_bf16=False) for _ in range(2))
        if seconds >= _NOTABLE * plain_s:
            return _Learned(plain_s, activation_bytes, size, is_bf16=False)
    return _Learned(seconds, activation_bytes, size, wanted)


def _batch(rehearsal: Rehearsal, pixels: Tensor, count: int) -> Batch:
    """A batch of so many of the Images read; few are taken again and again."""
    numbers = [number % len(pixels) for number in range(count)]
    labels = torch.arange(count) % rehearsal.classes
    inputs = pixels[numbers].contiguous(memory_format=torch.channels_last)
    return Batch(0, inputs, labels, tuple(numbers), ("",) * count, 0.0)


@contextlib.contextmanager
def _counting(rehearsal: Rehearsal) -> Iterator[dict[int, int]]:
    """Collect, by address, the bytes of what is kept for the way back, the weights left out."""
    weights = {weight.untyped_storage().data_ptr() for weight in rehearsal.network.parameters()}
    found: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            found[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        yield found


def _timed_prediction(rehearsal: Rehearsal, pixels: Tensor, learned: _Learned, clock: Clock, ctx: JobContext) -> float:
    network, place = rehearsal.network.eval(), rehearsal.place
    batch = _batch(rehearsal, pixels, learned.images).pixels.to(place)
    with (
        torch.inference_mode(),
        torch.autocast(place.type, torch.bfloat16, enabled=learned.is_bf16),
        looking(network, ctx.check),
    ):
        return min(clock(lambda: network(rehearsal.normalise(batch))) for _ in range(2)) / learned.images


def _timed_head(width: int, classes: int) -> float:
    """Seconds an Image; chance instead of features, for which the search takes as many turns or more."""
    chance = torch.Generator().manual_seed(0)
    values, labels = torch.randn(_HEAD_IMAGES, width, generator=chance), torch.arange(_HEAD_IMAGES) % classes
    return _thread_seconds(lambda: fit_head(values, labels, classes, np.arange(_HEAD_IMAGES))) / _HEAD_IMAGES


def _timed_update(rehearsal: Rehearsal, clock: Clock) -> float:
    """Seconds of one optimizer step, and of the moving average, which goes over the weights as well."""
    for weight in rehearsal.network.parameters():
        weight.grad = torch.zeros_like(weight)
    return min(clock(rehearsal.optimizer.step) for _ in range(2)) * (1.5 if rehearsal.recipe.ema_decay else 1.0)
