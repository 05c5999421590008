"""Build the network that a `ModelRef` names and fill it with weights: here a Model comes into being."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import timm
import torch
from torch import Tensor, nn

from convnext_studio.core.errors import MissingWeights, UsageError
from convnext_studio.core.events import ModelLoading
from convnext_studio.core.models.card import Card, card_to_json
from convnext_studio.core.models.labels import numbered_names
from convnext_studio.core.values import Fit, ModelRef, Preprocessing

RANDOM_SEED = 0
_FIT_OF_CROP_MODE: dict[str, Fit] = {"center": "crop", "squash": "squash", "border": "letterbox"}
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
    raise MissingWeights(f"The weights of {ref.name} are not on this machine.")


def build(architecture: str, outputs: int | None = None) -> nn.Module:
    """Build a network of timm's with fresh weights, in eval mode; `outputs` None = as its pretrained weights have.

    Raises `UsageError` for a name that timm does not know.
    """
    if not timm.is_model(architecture):
        raise UsageError(
            f"There is no Model named “{architecture}”.", "`convnext-studio models` lists those there are."
        )
    options = {} if outputs is None else {"num_classes": outputs}
    network: nn.Module = timm.create_model(architecture, pretrained=False, **options)
    return network.eval()


def outputs_of(network: nn.Module) -> int:
    """How many classes the head has; 0 = no head."""
    return int(getattr(network, "num_classes", 0))


def preprocessing_of(name: str, *, fit: Fit | None = None) -> Preprocessing:
    """The Preprocessing that belongs to a catalogue name's weights; `fit` overrides how Images are made to fit."""
    cfg = timm.get_pretrained_cfg(name)
    _, height, width = cfg.input_size
    return Preprocessing(
        height=height,
        width=width,
        fit=fit or _FIT_OF_CROP_MODE[cfg.crop_mode],
        interpolation=cfg.interpolation,
        mean=cfg.mean,
        std=cfg.std,
        crop_pct=cfg.crop_pct,
    )


def identity_of(card: Card, tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 over the card and all weights: sorted names, each with dtype, shape and bytes."""
    digest = hashlib.sha256(card_to_json(card).encode())
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(json.dumps([name, str(tensor.dtype), list(tensor.shape)]).encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


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
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        is_meaningless=True,
        warnings=("These weights are random: the predictions mean nothing.",),
    )
