"""Build the network that a `ModelRef` names and fill it with weights: here a Model comes into being."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from convnext_studio.core.errors import MissingWeights
from convnext_studio.core.events import ModelLoading
from convnext_studio.core.models.architecture import build, count_parameters, outputs_of, preprocessing_of
from convnext_studio.core.models.card import Card
from convnext_studio.core.models.labels import numbered_names
from convnext_studio.core.models.model_file import load_model_file
from convnext_studio.core.models.tensors import identity_of
from convnext_studio.core.resources import resource
from convnext_studio.core.values import ModelRef, Preprocessing

RANDOM_SEED = 0
SAMPLE = "sample"
_Emit = Callable[[object], None]


@dataclass(frozen=True)
class LoadedModel:
    """A network ready to answer, with its card.

    `network` is in eval mode, float32, on the CPU; it maps a normalised (n, 3, height, width) batch to (n, outputs)
    logits, or to (n, width) features where the card has no classes. `identity` is the SHA-256 over weights and card, in
    hex. `is_meaningless` is True for random weights. `warnings` are sentences the user should see.
    """

    network: nn.Module
    card: Card
    identity: str
    parameters: int
    is_meaningless: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Short name to show."""
        return self.card.title or self.card.architecture

    @property
    def architecture(self) -> str:
        """timm's name of the network."""
        return self.card.architecture

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the outputs; empty for a feature-only Model, which cannot classify."""
        return self.card.classes

    @property
    def preprocessing(self) -> Preprocessing:
        """The way from Image to input that belongs to these weights."""
        return self.card.preprocessing

    @property
    def licence(self) -> str:
        """SPDX-like id, "" = unknown."""
        return self.card.licence

    @property
    def commercial_use(self) -> bool | None:
        """Whether commercial use is free; None = unknown."""
        return self.card.commercial_use

    @property
    def training_data(self) -> str:
        """What the weights were trained on, in plain words."""
        return self.card.training_data


def _ignore(event: object) -> None:
    """Drop the event."""


def load(ref: ModelRef, *, emit: _Emit = _ignore) -> LoadedModel:
    """Load the Model that `ref` names, without ever opening a socket.

    Raises `MissingWeights` when its weights are not on this machine, `ModelError` when they cannot be used, and
    `UsageError` when there is no such Model.
    """
    emit(ModelLoading(f"Loading {ref.name}"))
    if ref.weights == "random":
        return _load_random(ref)
    if ref.name == SAMPLE:
        return _from_file(resource("sample", "model.safetensors"))
    if _is_path(ref.name):
        return _from_file(Path(ref.name))
    raise MissingWeights(f"The weights of {ref.name} are not on this machine.")


def _is_path(name: str) -> bool:
    return name.endswith(".safetensors") or "/" in name or os.sep in name


def _from_file(path: Path) -> LoadedModel:
    network, card, identity, warnings = load_model_file(path)
    if not card.title:
        card = replace(card, title=path.stem)
    return LoadedModel(network, card, identity, count_parameters(network), warnings=warnings)


def _load_random(ref: ModelRef) -> LoadedModel:
    """Make a Model that guesses: for looking at an architecture and for measuring its speed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(RANDOM_SEED)
        network = build(ref.name)
    card = Card(
        architecture=ref.name.partition(".")[0],
        classes=numbered_names(outputs_of(network)),
        preprocessing=preprocessing_of(ref.name, fit=None if "." in ref.name else "squash"),
        title=f"{ref.name} (random weights)",
        training_data="nothing: the weights are random",
    )
    return LoadedModel(
        network=network,
        card=card,
        identity=identity_of(card, network.state_dict()),
        parameters=count_parameters(network),
        is_meaningless=True,
        warnings=("These weights are random: the predictions mean nothing.",),
    )
