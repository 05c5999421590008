"""What a network is made of, from its real modules: parts, shapes, parameters and multiply-accumulates.

Nothing is computed or allocated: the network is built and run on torch's meta device, so weights need not be here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from convnext_studio.core.context import JobContext
from convnext_studio.core.explain.split import SplitNetwork, split
from convnext_studio.core.explain.viewer import SAME_AT_POOL
from convnext_studio.core.explain.words import kind_of, plain_sentence, plain_title, sentence_of, title_of
from convnext_studio.core.explanations import METHODS, LayerInfo, NetworkDescription, NetworkPart
from convnext_studio.core.models.architecture import (
    build,
    count_parameters,
    is_architecture,
    preprocessing_of,
    pretrained_outputs,
)
from convnext_studio.core.models.card import Option
from convnext_studio.core.models.card_file import read_card_in_file
from convnext_studio.core.models.weights import SAMPLE, unknown
from convnext_studio.core.requests import DescribeNetwork
from convnext_studio.core.resources import resource
from convnext_studio.core.values import ModelRef

NO_OPTIONS: Mapping[str, Option] = MappingProxyType({})
_SPLICED = (nn.Sequential, nn.ModuleList)  # containers that say nothing by themselves
_SPLICED_NAMES = ("Mlp", "GlobalResponseNormMlp")
_STAGES_OF_RESNET = ("layer1", "layer2", "layer3", "layer4")
_LEAVES = ("norm", "activation", "grn", "linear", "convolution", "depthwise", "pool")
_TWICE = ("SwinTransformerBlock", "Block")  # these add up behind the attention, and once more at their end


def describe_network(request: DescribeNetwork, ctx: JobContext) -> NetworkDescription:
    """Serve `DescribeNetwork`. Raises `UsageError` for an unknown name and `ModelError` for a broken Model file."""
    architecture, outputs, (height, width), options = _wanted(request.model)
    ctx.check()
    return describe(architecture, outputs, height, width, options)


def describe(
    architecture: str, outputs: int, height: int, width: int, options: Mapping[str, Option] = NO_OPTIONS
) -> NetworkDescription:
    """Describe an architecture with `outputs` classes (0 = none) for inputs of height x width pixels.

    `options` are what differs from what its name says.
    """
    with torch.device("meta"):
        network = build(architecture, outputs, options)
        image = torch.zeros(1, 3, height, width)
    chain = split(network)
    measured = _measure(network, image)
    layers = {name: step.names[0] for step in chain.steps for name in step.names}
    root = _Builder(measured, layers).part(network, "", 0)
    has_stem = any("stem" in step.names for step in chain.steps)
    root = replace(root, parts=_in_three(root.parts, "stem" if has_stem else ""))
    return NetworkDescription(
        architecture=architecture,
        family=chain.family,
        network=root,
        input_height=height,
        input_width=width,
        layers=tuple(_layers(chain, image)),
        default_layer=chain.default_layer,
        methods=tuple(METHODS),
        same_at_last=SAME_AT_POOL if chain.is_pooled_at_once else (),
    )


def _wanted(ref: ModelRef) -> tuple[str, int, tuple[int, int], Mapping[str, Option]]:
    """Architecture, outputs, input height and width, and options of the Model that `ref` names."""
    if ref.name == SAMPLE or ref.name.endswith(".safetensors"):
        path = resource("sample", "model.safetensors") if ref.name == SAMPLE else Path(ref.name)
        card = read_card_in_file(path).card
        size = card.preprocessing.height, card.preprocessing.width
        return card.architecture, len(card.classes), size, card.options
    if not is_architecture(ref.name):
        raise unknown(ref.name)
    preprocessing = preprocessing_of(ref.name)
    size = preprocessing.height, preprocessing.width
    return ref.name.partition(".")[0], pretrained_outputs(ref.name), size, NO_OPTIONS


@dataclass(frozen=True)
class _Measured:
    """Multiply-accumulates and shape of the output, by name in the network."""

    macs: Mapping[str, float]
    shapes: Mapping[str, tuple[int, ...]]


def _measure(network: nn.Module, image: Tensor) -> _Measured:
    """Run a network of our own on the meta device, watching its modules."""
    shapes: dict[str, tuple[int, ...]] = {}

    def watch(name: str) -> Any:
        def seen(module: nn.Module, args: object, output: object) -> None:  # noqa: ARG001
            if isinstance(output, Tensor):
                shapes[name] = tuple(output.shape[1:])

        return seen

    handles = [module.register_forward_hook(watch(name)) for name, module in network.named_modules()]
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        network(image)
    for handle in handles:
        handle.remove()
    prefix = type(network).__name__
    macs = {
        name.removeprefix(prefix).removeprefix("."): sum(of_part.values()) / 2
        for name, of_part in counter.get_flop_counts().items()
        if name != "Global"
    }
    return _Measured(macs, shapes)


@dataclass(frozen=True)
class _Builder:
    """Builds the tree of parts."""

    measured: _Measured
    layers: Mapping[str, str]

    def part(self, module: nn.Module, name: str, number: int, features: int = 3) -> NetworkPart:
        """One part with all below it; `number` counts its kind among its siblings, from 1; `features` come in."""
        kind = kind_of(module, name)
        is_leaf = kind in _LEAVES or isinstance(module, nn.Linear)
        parts = () if is_leaf else tuple(self._below(module, name, features))
        return NetworkPart(
            name=name,
            title=title_of(kind, module, name, number),
            kind=kind,
            sentence=sentence_of(kind, module),
            parameters=count_parameters(module),
            gmacs=self.measured.macs.get(name, 0.0) / 1e9,
            shape=self.measured.shapes.get(name, ()),
            layer=self.layers.get(name, ""),
            parts=parts,
            adds=_adds(module, [part.kind for part in parts]) if kind == "block" else (),
            features=_features_behind(module, parts, features),
        )

    def _below(self, module: nn.Module, name: str, features: int) -> Iterator[NetworkPart]:
        counts: dict[str, int] = {}
        entering = features
        for child_name, child in _children(module, name):
            kind = kind_of(child, child_name)
            if not self._says_something(child, child_name, kind):
                continue
            counts[kind] = counts.get(kind, 0) + 1
            part = self.part(child, child_name, counts[kind], entering if kind == "shortcut" else features)
            features = features if kind == "shortcut" else part.features
            yield part
        for own_name, parameter in module.named_parameters(recurse=False):
            full = f"{name}.{own_name}" if name else own_name
            kind = "layer scale" if own_name in ("gamma", "gamma1", "gamma2") else "other"
            yield NetworkPart(
                name=full,
                title=title_of(kind, module, full, 1),
                kind=kind,
                sentence=sentence_of(kind, module),
                parameters=parameter.numel(),
                gmacs=0.0,
                shape=tuple(parameter.shape),
                features=0 if kind == "other" else features,
            )

    def _says_something(self, module: nn.Module, name: str, kind: str) -> bool:
        """Whether a part is worth a line: it has weights, computes, or bends or pools what goes through."""
        has_work = count_parameters(module) > 0 or self.measured.macs.get(name, 0) > 0
        return has_work or kind in ("activation", "pool")


def _features_behind(module: nn.Module, parts: Sequence[NetworkPart], before: int) -> int:
    if isinstance(module, nn.Conv2d):
        return module.out_channels
    if isinstance(module, nn.Linear):
        return module.out_features
    if parts:
        return [part.features for part in parts if part.kind not in ("shortcut", "other")][-1]
    learned = getattr(module, "weight", None)
    return learned.numel() if isinstance(learned, Tensor) and learned.dim() == 1 else before


def _adds(block: nn.Module, kinds: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Where a block adds what went in to what it made of it, as its `forward` does."""
    way = [number for number, kind in enumerate(kinds) if kind != "shortcut"]
    if type(block).__name__ in _TWICE:
        second = [number for number in way if kinds[number] == "norm"][1]
        return (way[0], second - 1), (second, way[-1])
    ends_bent = kinds[way[-1]] == "activation"  # ResNet adds first and bends then
    return ((way[0], way[-2] if ends_bent else way[-1]),)


def _in_three(parts: Sequence[NetworkPart], stem_layer: str) -> tuple[NetworkPart, ...]:
    """Bring the network's own parts into a stem, stages and a head, and lose none."""
    middle = [number for number, part in enumerate(parts) if part.kind in ("stage", "block")]
    loose = [part for part in parts if part.kind == "other"]  # a class token, places: added before the first block
    before = [part for part in parts[: middle[0]] if part.kind != "other"]
    behind = [part for part in parts[middle[-1] + 1 :] if part.kind != "other"]
    stages = [part for part in parts[middle[0] : middle[-1] + 1] if part.kind != "other"]
    if stages[0].kind == "block":
        stages = [_joined("stage", stages, title="Blocks")]
    layer = stem_layer or next((part.layer for part in before if part.kind == "stem"), "")
    return _joined("stem", [*before, *loose], layer=layer), *stages, _joined("head", behind)


def _joined(kind: str, parts: Sequence[NetworkPart], *, title: str = "", layer: str = "") -> NetworkPart:
    """One part that holds these; the one of its own kind among them is replaced by what it is made of."""
    if len(parts) == 1 and parts[0].kind == kind and parts[0].parts:
        return parts[0]
    inner: list[NetworkPart] = []
    for part in parts:
        inner += part.parts if part.kind == kind and part.parts else [_as_leaf(part)]
    last = [part for part in parts if part.kind != "other"][-1]
    return NetworkPart(
        name=" + ".join(part.name for part in parts),
        title=title or plain_title(kind),
        kind=kind,
        sentence=plain_sentence("blocks" if title else kind),
        parameters=sum(part.parameters for part in parts),
        gmacs=sum(part.gmacs for part in parts),
        shape=last.shape,
        layer=layer,
        parts=tuple(inner),
        features=last.features,
    )


def _as_leaf(part: NetworkPart) -> NetworkPart:
    """A head that is one matrix is called what it is."""
    if part.kind != "head":
        return part
    return replace(part, kind="linear", title=plain_title("scores"), sentence=plain_sentence("scores"))


def _children(module: nn.Module, name: str) -> Iterator[tuple[str, nn.Module]]:
    """Children, those of mere containers in their place."""
    for own_name, child in module.named_children():
        full = f"{name}.{own_name}" if name else own_name
        is_container = isinstance(child, _SPLICED) and own_name not in (*_STAGES_OF_RESNET, "stem", "downsample")
        if is_container or type(child).__name__ in _SPLICED_NAMES:
            yield from _children(child, full)
        else:
            yield full, child


def _layers(chain: SplitNetwork, image: Tensor) -> Iterator[LayerInfo]:
    with torch.no_grad():
        x = image
        for step in chain.steps:
            x = step.call(x)
            if step.names:
                _, channels, height, width = chain.to_maps(x).shape
                yield LayerInfo(step.names[0], step.title, height, width, channels, step.is_stage)
