"""How long a Run will take and how much memory, from what its parts were measured to take here. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from convnext_studio.core.data.dataset import Split
from convnext_studio.core.events import TrainingMeasured
from convnext_studio.core.recipe import Recipe

_START_S = 4.0  # a process with torch in it
_CHECK_S = 0.002  # to look at an Image before the Run begins; what was seen before is known
_PROGRAM_BYTES = 750_000_000  # of that process, on a CPU, before there is a network
_COPIES = {"cpu": 6, "cuda": 5, "mps": 6}  # weights, gradient, two moments, average; where it grew from
_AT_WORK = 1.3  # what is used beside what is kept
_SHARE_OF_MEMORY = 8_000_000_000  # prepared Images beyond this are hardly kept


@dataclass(frozen=True)
class Expected:
    """`seconds` if no epoch is saved by patience; `memory_bytes` of the GPU where there is one, else of the process."""

    seconds: float
    memory_bytes: int


def expected(measured: TrainingMeasured, recipe: Recipe, images: Mapping[Split, int]) -> Expected:
    """What a Run of `recipe` with so many Images a split takes."""
    return Expected(_seconds(measured, recipe, images), _memory(measured, recipe, images))


def _seconds(measured: TrainingMeasured, recipe: Recipe, images: Mapping[Split, int]) -> float:
    train, validation, test = (images.get(split, 0) for split in ("train", "validation", "test"))
    everything = train + validation + test
    seconds = _START_S + measured.load_s + everything * _CHECK_S + test * measured.predict_s
    seconds += everything * measured.read_s
    if recipe.is_head_first and (recipe.weights == "pretrained" or not recipe.epochs):
        seconds += (train + validation) * measured.predict_s + train * measured.head_s
    if recipe.epochs:
        steps = -(-train // recipe.batch_size)
        on_the_device = train * measured.learn_s + steps * measured.update_s
        altering = train * measured.alter_s
        # A processor does one after the other; a GPU learns while the processor prepares.
        epoch = on_the_device + altering if measured.device == "cpu" else max(on_the_device, altering)
        seconds += recipe.epochs * (epoch + validation * measured.predict_s)
    return min(seconds, 60 * recipe.max_minutes) if recipe.max_minutes else seconds


def _memory(measured: TrainingMeasured, recipe: Recipe, images: Mapping[Split, int]) -> int:
    batch = -(-min(recipe.batch_size, max(2, images.get("train", 0))) // recipe.accumulation)
    copies = _COPIES[measured.device] if recipe.epochs else 3
    network = copies * measured.weight_bytes + _AT_WORK * measured.activation_bytes * (batch if recipe.epochs else 0)
    if measured.device == "cuda":
        return int(network)
    kept = min(sum(images.values()) * measured.pixel_bytes, _SHARE_OF_MEMORY)
    return int(_PROGRAM_BYTES + network + kept)
