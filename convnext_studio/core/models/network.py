"""Build the network that a `ModelRef` names and fill it with weights: here a Model comes into being."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from convnext_studio.core.events import ModelLoading
from convnext_studio.core.models.architecture import (
    build,
    build_with,
    count_parameters,
    is_architecture,
    needed_shapes,
    outputs_in,
    outputs_of,
    preprocessing_of,
    pretrained_outputs,
    renamed_by_timm,
)
from convnext_studio.core.models.card import Card, Provenance
from convnext_studio.core.models.catalogue import FEATURES_ONLY, CatalogueEntry, find_entry
from convnext_studio.core.models.checkpoint import check_file_hash, fit_weights, read_weights
from convnext_studio.core.models.labels import label_names, label_set_of, numbered_names
from convnext_studio.core.models.model_file import load_model_file
from convnext_studio.core.models.tensors import identity_of
from convnext_studio.core.models.weights import SAMPLE, hash_in_cache, is_path, missing, unknown, weights_of
from convnext_studio.core.resources import resource
from convnext_studio.core.values import ModelRef, Preprocessing

RANDOM_SEED = 0
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
    emit(ModelLoading(f"Loading “{Path(ref.name).name}”"))
    if ref.name == SAMPLE:
        return _from_file(resource("sample", "model.safetensors"))
    if is_path(ref.name):
        return _from_file(Path(ref.name))
    if ref.weights == "random":
        return _with_random_weights(ref)
    if ref.file:
        return _with_foreign_weights(ref.name, Path(ref.file))
    entry = find_entry(ref.name)
    if entry is None:
        raise unknown(ref.name)
    return _from_catalogue(entry, ref.folder)


def _from_file(path: Path) -> LoadedModel:
    network, card, identity, warnings = load_model_file(path)
    if not card.title:
        card = replace(card, title=path.stem)
    return LoadedModel(network, card, identity, count_parameters(network), warnings=warnings)


def _from_catalogue(entry: CatalogueEntry, folder: str) -> LoadedModel:
    """Load pretrained weights that are on this machine already."""
    found = weights_of(entry, folder)
    if found is None:
        raise missing(entry)
    path = Path(found.path)
    recorded = entry.sha256 or hash_in_cache(path)
    if recorded:
        check_file_hash(path, recorded)
    outputs = pretrained_outputs(entry.name)
    needed = needed_shapes(entry.architecture, outputs)
    weights = read_weights(path)
    weights = replace(weights, tensors=renamed_by_timm(weights.tensors, entry.architecture, outputs))
    weights = fit_weights(weights, needed, path.name)
    card = Card(
        architecture=entry.architecture,
        classes=label_names(entry.label_set) if entry.classes else (),
        preprocessing=preprocessing_of(entry.name),
        title=entry.name,
        licence=entry.licence,
        commercial_use=entry.commercial_use,
        training_data=entry.training_data,
    )
    return _finished(build_with(entry.architecture, outputs, weights.tensors), card, weights.warnings)


def _with_foreign_weights(name: str, path: Path) -> LoadedModel:
    """Load a weights file that others made, for the architecture `name`; the head takes the file's class count."""
    architecture = name.partition(".")[0]
    if not is_architecture(architecture):
        raise unknown(name)
    weights = read_weights(path)
    outputs = outputs_in(weights.shapes, architecture)
    weights = fit_weights(weights, needed_shapes(architecture, outputs), path.name)
    label_set = label_set_of(outputs)
    warnings = weights.warnings
    if label_set:
        warnings += (f"The file names no classes; with {outputs} of them they are taken to be those of {label_set}.",)
    elif outputs:
        warnings += ("The file names no classes, so they are numbered.",)
    card = Card(
        architecture=architecture,
        classes=label_names(label_set) if label_set else numbered_names(outputs),
        preprocessing=preprocessing_of(name, fit=None if label_set else "squash"),
        title=path.stem,
        provenance=Provenance(data=f"unknown: from the weights file {path.name}"),
    )
    return _finished(build_with(architecture, outputs, weights.tensors), card, warnings)


def _with_random_weights(ref: ModelRef) -> LoadedModel:
    """Make a Model that guesses: for looking at an architecture and for measuring its speed."""
    if not is_architecture(ref.name):
        raise unknown(ref.name)
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
    model = _finished(network, card, ("These weights are random: the predictions mean nothing.",))
    return replace(model, is_meaningless=True)


def _finished(network: nn.Module, card: Card, warnings: tuple[str, ...]) -> LoadedModel:
    """Put together what was made here, not in a Model file that records its identity."""
    if not card.classes:
        warnings += (f"“{card.title}” cannot classify. {FEATURES_ONLY}",)
    identity = identity_of(card, network.state_dict())
    return LoadedModel(network, card, identity, count_parameters(network), warnings=warnings)
