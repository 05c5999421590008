"""The network that is trained: built for the new classes, filled with the weights it grows from."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from timm.models.convnext import ConvNeXt
from torch import Tensor, nn

from convnext_studio.core.errors import UsageError
from convnext_studio.core.models.architecture import build, knows_its_size, preprocessing_of, resized
from convnext_studio.core.models.card import Card, Option, Provenance
from convnext_studio.core.models.network import LoadedModel, load
from convnext_studio.core.models.weights import SAMPLE
from convnext_studio.core.recipe import Recipe
from convnext_studio.core.training.drop_path import let_be_drawn
from convnext_studio.core.training.hasten import hasten
from convnext_studio.core.values import Preprocessing

_LAYER_SCALE = 0.5  # of random weights: timm's 1e-6 lets a block do nothing for the first thousands of steps
_GAIN = 2.0  # what an activation takes of the variance (He et al., "Delving Deep into Rectifiers", 2015)
_LARGE_INPUT = 512 * 512  # pixels from which on activations are computed twice rather than kept


@dataclass(frozen=True)
class Start:
    """What a Run begins with: its network (float32, CPU), the card so far, and the Model it grows from, if any."""

    network: nn.Module
    card: Card
    grown_from: LoadedModel | None = None


def start_network(recipe: Recipe, classes: tuple[str, ...]) -> Start:
    """Build the network of a Recipe, with a new head for `classes`. Raises `ModelError` and `UsageError`."""
    if recipe.weights == "random":
        return _from_random(recipe, classes)
    model = load(recipe.model_ref)
    options = dict(model.card.options) | _size_of(model.network, recipe)
    with _chance_of(recipe):
        network = _built(model.architecture, len(classes), options, recipe)
    new, old = network.state_dict(), model.network.state_dict()
    kept = {
        name: tensor
        for name, tensor in (old if options == model.card.options else resized(old, network)).items()
        if name in new and new[name].shape == tensor.shape and not _is_head(network, name)
    }
    network.load_state_dict(kept, strict=False)
    return Start(network, _card(recipe, classes, replace(model.card, options=options), model), model)


def set_head(network: nn.Module, weight: Tensor, bias: Tensor) -> None:
    """Put a fitted head, (classes, width) and (classes,), into the network."""
    head = _classifier(network)
    with torch.no_grad():
        head.weight.copy_(weight)
        head.bias.copy_(bias)


def head_of(network: nn.Module) -> tuple[Tensor, Tensor]:
    """The head's weight, (classes, width), and bias, (classes,), on the CPU."""
    head = _classifier(network)
    return head.weight.detach().cpu(), head.bias.detach().cpu()


def needs_checkpointing(recipe: Recipe, preprocessing: Preprocessing) -> bool:
    """Whether activations are computed anew for the backward pass rather than kept."""
    if recipe.is_checkpointed != "auto":
        return recipe.is_checkpointed == "yes"
    return preprocessing.height * preprocessing.width >= _LARGE_INPUT


def options_of(recipe: Recipe) -> dict[str, Option]:
    """The Recipe's own architecture, as timm's arguments."""
    options: dict[str, Option] = {}
    values = (
        ("depths", recipe.depths),
        ("dims", recipe.widths),
        ("kernel_sizes", recipe.kernel_size),
        ("patch_size", recipe.patch_size),
        ("norm_layer", recipe.norm),
        ("act_layer", recipe.activation),
    )
    options |= {name: value for name, value in values if value}
    if recipe.norm == "batchnorm2d":
        options["conv_mlp"] = True  # it norms whole maps, which only this form of a block has
    if recipe.grn != "auto":
        options["use_grn"] = recipe.grn == "yes"
        options["ls_init_value"] = None if recipe.grn == "yes" else 1e-6  # GRN takes the place of layer scale
    return options


def _from_random(recipe: Recipe, classes: tuple[str, ...]) -> Start:
    if recipe.model == SAMPLE or recipe.model.endswith(".safetensors"):
        model = load(recipe.model_ref)
        options = dict(model.card.options) | _size_of(model.network, recipe)
        architecture, way_in = model.architecture, model.preprocessing
    else:
        architecture = recipe.model.partition(".")[0]
        with torch.device("meta"):
            options = _size_of(build(recipe.model), recipe)  # raises for a name that nobody knows
        way_in = preprocessing_of(recipe.model)
    options |= options_of(recipe)
    with _chance_of(recipe):
        network = _built(architecture, len(classes), options, recipe)
        _scatter(network)
    card = Card(architecture=architecture, classes=classes, preprocessing=way_in, options=options)
    return Start(network, _card(recipe, classes, card, None))


@contextlib.contextmanager
def _chance_of(recipe: Recipe) -> Iterator[None]:
    """Within, weights are drawn as the Recipe's seed says; chance elsewhere is left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        yield


def _scatter(network: nn.Module) -> None:
    """Draw the weights so that every layer changes what goes through it, and features differ from the first step on.

    timm draws them with a spread of 0.02: of a small network's block almost nothing comes out then, and its activations
    see only their straight part. A head fitted to such features knows less, and training takes longer.
    """
    with torch.no_grad():
        for name, weight in network.named_parameters():
            if name.endswith(".gamma"):
                weight.fill_(_LAYER_SCALE)
        for name, module in network.named_modules() if isinstance(network, ConvNeXt) else ():
            if isinstance(module, nn.Conv2d | nn.Linear) and not _is_head(network, f"{name}.weight"):
                module.weight.normal_(0.0, math.sqrt(_GAIN / module.weight[0].numel()))


def _size_of(network: nn.Module, recipe: Recipe) -> dict[str, Option]:
    """The option that another input size takes of a network that is built for one, a transformer say."""
    return {"img_size": recipe.input_size} if recipe.input_size and knows_its_size(network) else {}


def _built(architecture: str, outputs: int, options: Any, recipe: Recipe) -> nn.Module:
    more = {"drop_path_rate": recipe.drop_path} if recipe.drop_path else {}
    try:
        network = build(architecture, outputs, options, **more)
    except TypeError as error:
        raise UsageError(f"“{architecture}” cannot be trained with drop path.", "Set drop_path = 0.") from error
    hasten(network)
    let_be_drawn(network)
    return network


def _card(recipe: Recipe, classes: tuple[str, ...], base: Card, model: LoadedModel | None) -> Card:
    """What the new Model says of itself before it has learned anything."""
    way_in = replace(base.preprocessing, fit=recipe.fit)
    if recipe.input_size:
        way_in = replace(way_in, height=recipe.input_size, width=recipe.input_size)
    return Card(
        architecture=base.architecture,
        classes=classes,
        preprocessing=way_in,
        licence=model.licence if model else "",
        commercial_use=model.commercial_use if model else None,
        provenance=Provenance(grew_from=f"{model.title} ({model.identity[:12]})" if model else "", seed=recipe.seed),
        options=base.options,
    )


def _classifier(network: nn.Module) -> nn.Linear:
    head = network.get_classifier()  # type: ignore[operator]
    assert isinstance(head, nn.Linear), "every network here ends in one linear layer"
    return head


def _is_head(network: nn.Module, name: str) -> bool:
    return name.rpartition(".")[0] == network.pretrained_cfg["classifier"]  # type: ignore[index]
