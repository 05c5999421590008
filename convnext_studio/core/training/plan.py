"""What was decided by measuring on this machine: written down once, so that a Run that goes on decides the same.

`plan.json` holds the precision, the number of threads and how many steps are planned. Where time is limited, the steps
are planned by measured speed, and anew while the Run works; each such decision is written before it takes effect.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from convnext_studio.core.errors import RunError
from convnext_studio.core.files import replacing
from convnext_studio.core.predict.device import precisions_on
from convnext_studio.core.recipe import Recipe
from convnext_studio.core.values import DeviceName

_TRIES = 2
_SMOOTHING = 0.1  # of the time that a step takes
_LONGEST = 5.0  # a step that takes so many times as long stood still: a pause, a lid that was closed
_NOTABLE = 0.97  # bf16 must take less than this share of fp32's time


@dataclass(frozen=True)
class Stretch:
    """From `step` on, with `share` of the schedule done, `steps` are planned in all."""

    step: int
    share: float
    steps: int


@dataclass(frozen=True)
class Plan:
    """`seconds` is what a step took when it was measured."""

    is_bf16: bool
    threads: int
    steps_per_epoch: int
    stretches: tuple[Stretch, ...]
    seconds: float = 0.0

    @property
    def steps(self) -> int:
        """Steps planned in all."""
        return self.stretches[-1].steps

    @property
    def epochs(self) -> int:
        """Epochs planned in all; the last one may be cut short."""
        return -(-self.steps // self.steps_per_epoch)

    def share(self, done: float) -> float:
        """How much of the schedule is done after `done` steps, 0..1."""
        now = next((one for one in reversed(self.stretches) if one.step <= done), self.stretches[0])
        return now.share + (1 - now.share) * min(1.0, (done - now.step) / max(1, now.steps - now.step))

    def replanned(self, done: int, steps: int) -> Plan:
        """Plan `steps` in all from now on; the schedule goes on from where it is."""
        kept = tuple(one for one in self.stretches if one.step < done)
        return replace(self, stretches=(*kept, Stretch(done, self.share(done), max(steps, done))))


def write_plan(path: Path, plan: Plan) -> None:
    """Write the plan, whole or not at all. Raises `StorageError`."""
    with replacing(path) as part:
        part.write_text(json.dumps(asdict(plan), indent=1), encoding="ascii")


def read_plan(path: Path) -> Plan | None:
    """Read the plan; None where there is none yet. Raises `RunError` if it makes no sense."""
    try:
        row = json.loads(path.read_text(encoding="ascii"))
        stretches = tuple(Stretch(**one) for one in row.pop("stretches"))
        return Plan(**row, stretches=stretches)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise RunError(f"“{path}” cannot be read.", "Begin a new Run.") from error


def measure(compute: Callable[[bool], None], recipe: Recipe, device: DeviceName) -> tuple[bool, float]:
    """Whether bf16 is worth it here, and how long a step then takes; `compute(is_bf16)` is one step's work."""
    choices = [recipe.precision == "bf16"]
    if recipe.precision == "auto" and "bf16" in precisions_on(device):
        choices = [False, True] if device == "cpu" else [True]
    took = {is_bf16: _seconds(compute, is_bf16=is_bf16) for is_bf16 in choices}
    is_bf16 = took.get(True, 1e9) < _NOTABLE * took[False] if False in took else True
    return is_bf16, took[is_bf16]


def steps_within(seconds: float, step_s: float, validation_s: float, steps_per_epoch: int) -> int:
    """How many steps fit into `seconds`, validation after each epoch included."""
    return max(1, int(seconds / (step_s + validation_s / steps_per_epoch)))


def smoothed(pace: float, took: float) -> float:
    """The time that a step takes of late (0 = none yet), after one more of them."""
    return pace + _SMOOTHING * (min(took, _LONGEST * pace) - pace) if pace else took


def _seconds(compute: Callable[[bool], None], *, is_bf16: bool) -> float:
    compute(is_bf16)
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    took = []
    for _ in range(_TRIES):
        began = time.monotonic()
        compute(is_bf16)
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        took.append(time.monotonic() - began)
    return min(took)
