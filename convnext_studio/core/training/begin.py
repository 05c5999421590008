"""The ground a Run stands on: its data as split when it began, the network it starts from, the device."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from convnext_studio.core.data.dataset import SPLITS, DataSetCard, LabelledImage, Split
from convnext_studio.core.data.names import commonest, counted
from convnext_studio.core.data.prepare import prepare_data
from convnext_studio.core.data.split_file import read_split, write_split
from convnext_studio.core.errors import DataError
from convnext_studio.core.recipe import Recipe
from convnext_studio.core.runs import environment
from convnext_studio.core.training.desk import Desk
from convnext_studio.core.training.network import Start, start_network
from convnext_studio.core.training.resume import (
    ChangedSince,
    changes_since,
    machine_changes,
    read_begun,
    write_begun,
)
from convnext_studio.core.training.sampler import SettledBalance, class_weights, settle_balance
from convnext_studio.core.values import DeviceName, Preprocessing


@dataclass(frozen=True)
class Data:
    """What is trained on: Images by split, class names in the order of the outputs, and what is to be said of it."""

    recipe: Recipe
    classes: tuple[str, ...]
    images: Mapping[Split, tuple[LabelledImage, ...]]
    fingerprint: str
    warnings: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    is_begun: bool = False

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """Images per split and class."""
        return {
            split: {name: sum(image.label == name for image in images) for name in self.classes}
            for split, images in self.images.items()
        }

    @property
    def labels(self) -> list[int]:
        """Class numbers of the training Images."""
        numbered = {name: number for number, name in enumerate(self.classes)}
        return [numbered[image.label] for image in self.images["train"]]


@dataclass(frozen=True)
class Ground:
    """Everything that is settled before the first step."""

    data: Data
    start: Start
    device: torch.device
    device_name: DeviceName
    balance: SettledBalance

    @property
    def recipe(self) -> Recipe:
        """The Run's Recipe."""
        return self.data.recipe

    @property
    def batch_size(self) -> int:
        """Images per optimizer step: never more than there are to train on, and then an even number, for Mixup."""
        return min(self.recipe.batch_size, max(2, len(self.data.images["train"]) // 2 * 2))

    @property
    def preprocessing(self) -> Preprocessing:
        """The way from Image to input."""
        return self.start.card.preprocessing

    @property
    def class_weights(self) -> list[float]:
        """What each class weighs in the loss."""
        return class_weights(self.data.labels, len(self.data.classes), self.balance)


def lay_ground(desk: Desk, device: DeviceName, *, accepts_changes: bool) -> Ground:
    """Read and split the data, or take the split the Run has, and load what it starts from.

    Raises `DataError`, `ModelError`, and `ChangedSince` unless changes are accepted.
    """
    data = desk.world.shared(lambda: _data(desk, accepts_changes=accepts_changes))
    start = start_network(data.recipe, data.classes)
    place = torch.device(device, desk.world.local_rank) if device == "cuda" else torch.device(device)
    return Ground(data, start, place, device, settle_balance(data.labels, data.recipe.balance))


def note_part(desk: Desk, ground: Ground) -> tuple[str, ...]:
    """Write down where the Run is worked on from now on; returns what differs from the part before."""
    if not desk.world.is_first:
        return ()
    environment.add_part(
        desk.run, device=ground.device_name, threads=torch.get_num_threads(), world_size=desk.world.size
    )
    return machine_changes(environment.read_parts(desk.run))


@contextlib.contextmanager
def exactness(device: DeviceName) -> Iterator[None]:
    """Compute the same numbers every time on a CPU, and leave torch's settings as they were afterwards."""
    threads, was_exact = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    details: Any = torch.utils.deterministic  # which types know nothing of
    fills, searches = details.fill_uninitialized_memory, torch.backends.cudnn.benchmark
    try:
        if device == "cpu":
            torch.use_deterministic_algorithms(True)
            details.fill_uninitialized_memory = False  # it costs time, and nothing reads it
        torch.backends.cudnn.benchmark = device == "cuda"
        with torch.random.fork_rng():
            yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(was_exact)
        details.fill_uninitialized_memory = fills
        torch.backends.cudnn.benchmark = searches


def _data(desk: Desk, *, accepts_changes: bool) -> Data:
    begun = read_begun(desk.run)
    if begun is None:
        return _new_data(desk)
    changes = changes_since(desk.run, begun)
    if changes and not accepts_changes:
        raise ChangedSince(changes)
    images = read_split(desk.run.split_path)
    if changes:
        write_begun(desk.run, images)
    kept = environment.read_data(desk.run)
    seen = {image.label for image in images if image.split == "train"}
    classes = tuple(name for name in kept.get("classes", ()) if name in seen)
    if len(classes) != len(seen):
        raise DataError("The Run's data.json cannot be read.", "Begin a new Run.")
    return Data(desk.run.recipe, classes, _by_split(images), str(kept.get("fingerprint", "")), (), (), changes, True)


def _new_data(desk: Desk) -> Data:
    run, recipe = desk.run, desk.run.recipe
    card = prepare_data(recipe, desk.ctx)
    seen = {image.label for image in card.of("train")}
    classes = tuple(name for name in card.classes if name in seen)
    if len(classes) < 2:
        raise DataError(
            "There are training Images of fewer than two classes.",
            "Add Images, or keep fewer of them aside for validation and test.",
        )
    images = [image for image in card.images if image.label in seen]
    write_split(run.split_path, images)
    environment.write_data(run, card)
    write_begun(run, images)
    warnings = tuple(f"{one.message} {one.hint}".strip() for one in card.warnings)
    return Data(recipe, classes, _by_split(images), card.fingerprint, warnings, _words(card))


def _words(card: DataSetCard) -> tuple[str, ...]:
    looks = f"Images of {commonest(card.sizes)} pixels, {commonest(card.channels)}."
    ignored = f" {counted(card.ignored, 'other file is', 'other files are')} ignored."
    return looks + ignored * bool(card.ignored), card.grouping


def _by_split(images: tuple[LabelledImage, ...] | list[LabelledImage]) -> dict[Split, tuple[LabelledImage, ...]]:
    return {split: tuple(image for image in images if image.split == split) for split in SPLITS}
