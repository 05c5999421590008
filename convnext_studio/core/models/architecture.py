"""timm's networks by name: built with fresh weights, or only described."""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import timm
import torch
from timm.models import ConvNeXt
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from convnext_studio.core.errors import ModelError, UsageError
from convnext_studio.core.models.card import Card, Option
from convnext_studio.core.models.weights import unknown
from convnext_studio.core.values import Fit, Preprocessing

_NONE: Mapping[str, Option] = MappingProxyType({})
_CHANGES_OF_NUMBERS = {"uniform_", "normal_", "erfinv_", "mul_", "add_", "clamp_", "fill_", "zero_"}
_FIT_OF_CROP_MODE: dict[str, Fit] = {"center": "crop", "squash": "squash", "border": "letterbox"}


def build(
    architecture: str, outputs: int | None = None, options: Mapping[str, Option] = _NONE, **while_training: float
) -> nn.Module:
    """Build a network with fresh weights, in eval mode; `outputs` None = as many as its pretrained weights have.

    `options` are what differs from what the name says; `while_training` is what no weights file knows of
    (`drop_path_rate`). Raises `UsageError` for a name that timm does not know, or options that it cannot have.
    """
    if not is_architecture(architecture):
        raise unknown(architecture)
    wanted = {**options, **while_training} | ({} if outputs is None else {"num_classes": outputs})
    try:
        network = _made(architecture, wanted)
    except (TypeError, AssertionError, RuntimeError, ValueError) as error:
        if not options:
            raise
        changes = ", ".join(f"{name} = {value}" for name, value in options.items())
        raise UsageError(f"“{architecture}” cannot be built with {changes}.", "Change these values.") from error
    return network.eval()


def _made(architecture: str, wanted: Mapping[str, Any]) -> nn.Module:
    """As `timm.create_model` makes it, which takes None for "as usual": here it means None, no layer scale say."""
    network: nn.Module
    if all(value is not None for value in wanted.values()):
        network = timm.create_model(architecture, pretrained=False, **wanted)
    else:
        name, _, tag = architecture.partition(".")
        network = timm.model_entrypoint(name)(pretrained=False, pretrained_cfg=tag or None, **wanted)
    return network


@contextlib.contextmanager
def without_numbers() -> Iterator[None]:
    """What is built within has shapes alone: initialising weights that are replaced at once takes seconds."""
    with torch.device("meta"), _NoNumbers():
        yield


class _NoNumbers(TorchFunctionMode):
    """Leaves out what would only change numbers: tensors on the meta device have none, and yet it takes its time."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if getattr(func, "__name__", "") in _CHANGES_OF_NUMBERS and args and args[0].is_meta:
            return args[0]
        return func(*args, **(kwargs or {}))


def is_architecture(name: str) -> bool:
    """Whether timm knows it: an architecture, or one with a tag of pretrained weights."""
    architecture, dot, _ = name.partition(".")
    return bool(timm.is_model(architecture) and (not dot or timm.is_model_pretrained(name)))


def pretrained_outputs(name: str) -> int:
    """How many outputs the pretrained weights of a catalogue name have; 0 = no head."""
    return int(timm.get_pretrained_cfg(name).num_classes)


def build_with(
    architecture: str, outputs: int, tensors: Mapping[str, Tensor], options: Mapping[str, Option] = _NONE
) -> nn.Module:
    """Build a network around the given weights, as float32; their names and shapes have been checked."""
    with without_numbers():
        network = build(architecture, outputs, options)
    wanted = network.state_dict()
    if any(name not in wanted for name, _ in network.named_buffers()):
        network = build(architecture, outputs, options)  # some buffers are computed and in no file
    ready = {
        name: (tensors[name].float() if tensors[name].is_floating_point() else tensors[name]).contiguous()
        for name in wanted
    }
    network.load_state_dict(ready, strict=True, assign=True)
    return network.eval()


def takes_any_size(network: nn.Module) -> bool:
    """Whether it computes the same of a small input as of a large one: no part of it knows the size of its input."""
    return isinstance(network, ConvNeXt)


def knows_its_size(network: nn.Module) -> bool:
    """Whether it is built for one size of its input, and takes another as its option `img_size`."""
    return hasattr(network, "set_input_size")


def resized(tensors: Mapping[str, Tensor], network: nn.Module) -> dict[str, Tensor]:
    """Weights of the same architecture for another size of its input: places are interpolated as timm does it."""
    refit = getattr(sys.modules[type(network).__module__], "checkpoint_filter_fn", None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of how timm itself asks torch
        return dict(tensors if refit is None else refit(dict(tensors), network))


def outputs_of(network: nn.Module) -> int:
    """How many classes the head has; 0 = no head."""
    return int(getattr(network, "num_classes", 0))


def outputs_in(shapes: Mapping[str, tuple[int, ...]], architecture: str) -> int:
    """How many classes the head in a weights file has; 0 = no head."""
    return shapes.get(f"{timm.get_pretrained_cfg(architecture).classifier}.weight", (0,))[0]


def count_parameters(network: nn.Module) -> int:
    """Number of weights that training can change."""
    return sum(parameter.numel() for parameter in network.parameters())


def needed_shapes(
    architecture: str, outputs: int | None = None, options: Mapping[str, Option] = _NONE
) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor the network needs, found without allocating any. Raises `UsageError`."""
    with without_numbers():
        network = build(architecture, outputs, options)
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


def shapes_of(card: Card) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor that the card's network needs. Raises `ModelError`."""
    try:
        return needed_shapes(card.architecture, len(card.classes), card.options)
    except UsageError as error:
        if is_architecture(card.architecture):
            what = f"The Model's card cannot be used. {error.message}"
            raise ModelError(what, "Choose another Model file.") from error
        raise ModelError(
            f"The Model's card cannot be used. “architecture”: there is none named “{card.architecture}”.",
            "Choose another Model file, or update the program.",
        ) from error


def renamed_by_timm(tensors: Mapping[str, Tensor], architecture: str, outputs: int) -> dict[str, Tensor]:
    """Let timm rename what its older versions wrote, for architectures other than ConvNeXt. Raises `ModelError`."""
    if architecture.startswith("convnext"):
        return dict(tensors)
    with without_numbers():
        network = build(architecture, outputs)
    rename = getattr(sys.modules[type(network).__module__], "checkpoint_filter_fn", None)
    try:
        return dict(tensors) if rename is None else dict(rename(dict(tensors), network))
    except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:
        raise ModelError(f"These weights do not fit {architecture}.", "Choose another file.") from error


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
