"""The state that a Run goes on from, on disk: two files written in turn, of which the newest whole one counts.

Each is one safetensors file with the numbers as JSON under one metadata key, and a SHA-256 over all of it: a file that
was cut off or altered is never taken for good, and then the one before it is still there.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from convnext_studio.core.errors import ModelError, RunError
from convnext_studio.core.files import replacing, storage_error
from convnext_studio.core.models.safetensors_header import read_header
from convnext_studio.core.models.tensors import hash_of, read_tensors, write_tensors
from convnext_studio.core.predict.faults import Faults
from convnext_studio.core.training.optimizer import moments_of, restore_moments

_NAMES = ("state-a.safetensors", "state-b.safetensors")
_KEY, _HASH = "convnext_studio_state", "sha256"
_WEIGHT, _AVERAGE = "weight.", "average."


@dataclass
class Progress:
    """How far a Run is. `epochs` are validated ones; `losses`, `steps_summed` belong to the epoch under way.

    `rate` is what the user lowered the learning rate to, as a factor; `last_epoch` 0 = as planned. `is_head_done` says
    that the head is fitted, or is not going to be. `saves` counts the states: `step` goes back where settings change.
    """

    step: int = 0
    epochs: int = 0
    losses: float = 0.0
    steps_summed: int = 0
    best_epoch: int = -1
    best_balanced_accuracy: float = -1.0
    best_loss: float = 0.0
    rate: float = 1.0
    last_epoch: int = 0
    accumulation: int = 1
    is_head_done: bool = False
    saves: int = 0


_FIELDS = frozenset(one.name for one in dataclasses.fields(Progress))  # older states say more


@dataclass(frozen=True)
class Found:
    """A state read back. `notice` is a sentence where a newer one could not be used."""

    progress: Progress
    tensors: Mapping[str, Tensor]
    notice: str = ""


class States:
    """Writes and reads the states in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._faults = Faults.ordered()

    def save(self, progress: Progress, tensors: Mapping[str, Tensor]) -> int:
        """Write a state in place of the older one; returns its bytes. Raises `StorageError`."""
        path = self._next()
        try:
            self._folder.mkdir(exist_ok=True)
        except OSError as error:
            raise storage_error(error, self._folder) from error
        progress.saves += 1
        text = json.dumps(dataclasses.asdict(progress), sort_keys=True)
        whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        note = json.dumps({"progress": text, _HASH: hash_of(text, whole)})
        with replacing(path) as part:
            self._faults.arrive("save.write")
            write_tensors(part, whole, {_KEY: note})
            self._faults.arrive("save.rename")
        return sum(tensor.nbytes for tensor in whole.values())

    def load(self) -> Found | None:
        """Read the newest whole state; None where there is none."""
        damaged = []
        for _, path in sorted(self._there(), reverse=True):
            try:
                found = _read(path)
            except ModelError as error:
                damaged.append(f"{error.message}")
                continue
            notice = f"{damaged[0]} The Run goes on from an earlier state." if damaged else ""
            return dataclasses.replace(found, notice=notice)
        if damaged:
            return Found(Progress(), {}, f"{damaged[0]} There is no other state: the Run begins anew.")
        return None

    def _there(self) -> list[tuple[_Age, Path]]:
        """The files there are, each with its age; one that is damaged is the newest for all we know."""
        paths = [self._folder / name for name in _NAMES]
        return [(_age(path), path) for path in paths if path.is_file()]

    def _next(self) -> Path:
        """Where the next state goes: never over the newest whole one."""
        there = {path.name: age for age, path in self._there() if age != _UNKNOWN}
        return self._folder / min(_NAMES, key=lambda name: there.get(name, (-1, -1)))


_Age = tuple[int, int]  # the saves so far; then the steps and epochs, for states that do not count their saves
_UNKNOWN = (1 << 62, 0)


def take(network: nn.Module, average: nn.Module | None, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Everything a state holds."""
    tensors = {_WEIGHT + name: tensor for name, tensor in network.state_dict().items()}
    if average is not None:
        tensors |= {_AVERAGE + name: tensor for name, tensor in average.state_dict().items()}
    return tensors | moments_of(network, optimizer)


def give_back(found: Found, network: nn.Module, average: nn.Module | None, optimizer: torch.optim.Optimizer) -> None:
    """Put a state back where `take` found it. Raises `RunError` when it belongs to another network."""
    parts = [(_WEIGHT, network)] + ([(_AVERAGE, average)] if average is not None else [])
    for prefix, module in parts:
        for name, tensor in module.state_dict().items():
            saved = found.tensors.get(prefix + name)
            if saved is None or saved.shape != tensor.shape:
                raise RunError(
                    "The saved state belongs to another network than the Recipe now describes.",
                    "Undo the changes of the Recipe, or begin a new Run.",
                )
            tensor.copy_(saved)
    restore_moments(network, optimizer, found.tensors, found.progress.step)


def _read(path: Path) -> Found:
    """Read one file whole. Raises `ModelError`."""
    wrong = ModelError(f"The saved state “{path.name}” was cut off or changed.")
    header = read_header(path)
    try:
        note = json.loads(header.metadata[_KEY])
        text, recorded = str(note["progress"]), str(note[_HASH])
        fields = json.loads(text)
        progress = Progress(**{name: value for name, value in fields.items() if name in _FIELDS})
    except (KeyError, TypeError, ValueError) as error:
        raise wrong from error
    tensors = read_tensors(path)
    if hash_of(text, tensors) != recorded:
        raise wrong
    return Found(progress, tensors)


def _age(path: Path) -> _Age:
    try:
        note: Any = json.loads(read_header(path).metadata[_KEY])
        fields = json.loads(note["progress"])
        return int(fields.get("saves", 0)), int(fields["step"]) + int(fields["epochs"])
    except (ModelError, AttributeError, KeyError, TypeError, ValueError):
        return _UNKNOWN
