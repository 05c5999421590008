"""A network as a chain of steps that can be cut at any layer: no hooks, and nothing in the network changes.

Each step is a part of the network itself, called as its own `forward` calls it. ConvNeXt, ResNet, Swin and ViT are
understood; they differ in how features lie in memory and where the last layer is that still has places.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor, nn

from convnext_studio.core.errors import ModelError, UsageError

Call = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Geometry:
    """Where cells are: the centre of cell i lies at `start` + i * `stride` input pixels (pixel centres at .5)."""

    start: float = 0.5
    stride: float = 1.0

    def after(self, kernel: int, stride: int, padding: int) -> Geometry:
        """The cells behind a convolution or a pooling over these cells."""
        return Geometry(self.start + self.stride * (kernel / 2 - padding - 0.5), self.stride * stride)

    def span(self, cells: int) -> tuple[float, float]:
        """First and last input coordinate that `cells` cells cover."""
        return self.start - self.stride / 2, self.start + self.stride * (cells - 0.5)


@dataclass(frozen=True)
class Step:
    """One step: the call, the layers it completes (our names first, then timm's), and where its cells are."""

    call: Call
    names: tuple[str, ...]
    geometry: Geometry
    title: str = ""
    is_stage: bool = False


@dataclass(frozen=True)
class SplitNetwork:
    """`steps` one after the other, then `head`, are the network. `to_maps` lays features out as (n, c, h, w).

    `is_pooled_at_once` says that nothing but a mean over all places comes between the last stage and the classifier's
    own layers: then the gradient is the same everywhere, and several methods coincide.
    """

    family: str
    steps: tuple[Step, ...]
    head: Call
    to_maps: Call
    default_layer: str
    is_pooled_at_once: bool = False

    def cut(self, layer: str) -> int:
        """How many steps come before the cut behind `layer`. Raises `UsageError` for a layer that does not exist."""
        wanted = layer.strip().lower().replace(" ", "") or self.default_layer
        for number, step in enumerate(self.steps, start=1):
            if wanted in step.names:
                return number
        offered = ", ".join(step.names[0] for step in self.steps if step.is_stage)
        raise UsageError(f"There is no layer “{layer}” in this Model.", f"Choose one of: {offered}, or a block in one.")

    def name(self, cut: int) -> str:
        """Our name of the layer before a cut."""
        return self.steps[cut - 1].names[0]

    @property
    def last_layer(self) -> str:
        """The last layer that has places and reaches the answer."""
        return self.offered[-1][1].names[0]

    @property
    def offered(self) -> tuple[tuple[int, Step], ...]:
        """The cuts that can be asked for, from the input to the output."""
        return tuple((number, step) for number, step in enumerate(self.steps, start=1) if step.names)


def split(network: nn.Module) -> SplitNetwork:
    """Split `network`. Raises `ModelError` when it has no layer with places that we know of."""
    for marks, splitter in _SPLITTERS:
        if all(hasattr(network, mark) for mark in marks):
            return splitter(network)
    raise ModelError(
        f"A {type(network).__name__} cannot be explained: it has no layer with places in it that we know.",
        "Choose a ConvNeXt, ResNet, Swin or ViT.",
    )


def _split_convnext(network: Any) -> SplitNetwork:
    geometry = _behind(Geometry(), _convolutions(network.stem))
    steps = [Step(network.stem, ("stem",), geometry, "Stem", is_stage=True)]
    for number, stage in enumerate(network.stages, start=1):
        geometry = _behind(geometry, _convolutions(stage.downsample))
        steps.append(Step(stage.downsample, (), geometry))
        steps += _blocks(stage.blocks, number, f"stages.{number - 1}", "blocks.", geometry)
    return SplitNetwork(
        family="ConvNeXt",
        steps=tuple(steps),
        head=lambda x: network.forward_head(network.norm_pre(x)),
        to_maps=_as_they_are,
        default_layer=f"stage{len(network.stages) - 1}",  # it points best: see tests/bench/explain_pointing.py
        is_pooled_at_once=isinstance(network.norm_pre, nn.Identity),
    )


def _split_resnet(network: Any) -> SplitNetwork:
    geometry = _behind(Geometry(), [*_convolutions(network.conv1), network.maxpool])
    steps = [
        Step(lambda x: network.maxpool(network.act1(network.bn1(network.conv1(x)))), ("stem",), geometry, "Stem", True)
    ]
    for number in range(1, 5):
        blocks = getattr(network, f"layer{number}")
        for place, block in enumerate(blocks):
            convolutions = [getattr(block, name) for name in ("conv1", "conv2", "conv3") if hasattr(block, name)]
            geometry = _behind(geometry, convolutions)
            steps.append(_block(block, (number, place, len(blocks)), f"layer{number}", "", geometry))
    return SplitNetwork("ResNet", tuple(steps), network.forward_head, _as_they_are, "stage4", True)


def _split_swin(network: Any) -> SplitNetwork:
    geometry = _behind(Geometry(), _convolutions(network.patch_embed))
    steps = [Step(network.patch_embed, ("stem", "patch_embed"), geometry, "Stem", is_stage=True)]
    for number, stage in enumerate(network.layers, start=1):
        if not isinstance(stage.downsample, nn.Identity):
            geometry = geometry.after(2, 2, 0)
        steps.append(Step(stage.downsample, (), geometry))
        steps += _blocks(stage.blocks, number, f"layers.{number - 1}", "blocks.", geometry)
    last = len(network.layers)
    return SplitNetwork(
        "Swin", tuple(steps), lambda x: network.forward_head(network.norm(x)), _from_channels_last, f"stage{last}"
    )


def _split_vit(network: Any) -> SplitNetwork:
    """Where only the class token is read, the places of the last block reach nothing: the layer before is the last."""
    geometry = _behind(Geometry(), _convolutions(network.patch_embed))
    height, width = network.patch_embed.grid_size

    def embed(x: Tensor) -> Tensor:
        embedded: Tensor = network.norm_pre(network.patch_drop(network._pos_embed(network.patch_embed(x))))
        return embedded

    def to_maps(tokens: Tensor) -> Tensor:
        places = tokens[:, network.num_prefix_tokens :]
        return places.transpose(1, 2).reshape(len(tokens), -1, height, width)

    steps = [Step(embed, ("stem", "patch_embed"), geometry, "Stem", is_stage=True)]
    for number, block in enumerate(network.blocks, start=1):
        names = (f"block{number}", f"blocks.{number - 1}")
        steps.append(Step(block, names, geometry, f"Block {number}", is_stage=True))
    if network.global_pool == "token":
        steps[-1] = replace(steps[-1], names=())
    default = next(step.names[0] for step in reversed(steps) if step.names)
    return SplitNetwork("ViT", tuple(steps), lambda x: network.forward_head(network.norm(x)), to_maps, default)


_SPLITTERS: tuple[tuple[tuple[str, ...], Callable[[Any], SplitNetwork]], ...] = (
    (("stem", "stages", "norm_pre", "head"), _split_convnext),
    (("conv1", "bn1", "layer4"), _split_resnet),
    (("patch_embed", "layers", "norm"), _split_swin),
    (("patch_embed", "blocks", "num_prefix_tokens"), _split_vit),
)


def _blocks(blocks: Sequence[nn.Module], number: int, stage: str, prefix: str, geometry: Geometry) -> list[Step]:
    return [_block(block, (number, place, len(blocks)), stage, prefix, geometry) for place, block in enumerate(blocks)]


def _block(block: Call, where: tuple[int, int, int], stage: str, prefix: str, geometry: Geometry) -> Step:
    """A block of a stage; the last one completes the stage and bears its name too."""
    number, place, count = where
    names: tuple[str, ...] = (f"stage{number}.block{place + 1}", f"{stage}.{prefix}{place}")
    if place + 1 < count:
        return Step(block, names, geometry, f"Stage {number}, block {place + 1}")
    return Step(block, (f"stage{number}", stage, *names), geometry, f"Stage {number}", is_stage=True)


def _convolutions(module: nn.Module) -> list[nn.Module]:
    return [part for part in module.modules() if isinstance(part, nn.Conv2d)]


def _behind(geometry: Geometry, parts: Sequence[nn.Module]) -> Geometry:
    for part in parts:
        if isinstance(part, (nn.Conv2d, nn.MaxPool2d)):
            kernel, stride, padding = (_first(value) for value in (part.kernel_size, part.stride, part.padding))
            geometry = geometry.after(kernel, stride, padding)
    return geometry


def _first(value: int | tuple[int, ...] | str) -> int:
    if isinstance(value, str):  # "same" and "valid", which timm does not use with a stride
        return 0
    return value[0] if isinstance(value, tuple) else value


def _as_they_are(features: Tensor) -> Tensor:
    return features


def _from_channels_last(features: Tensor) -> Tensor:
    return features.permute(0, 3, 1, 2)
