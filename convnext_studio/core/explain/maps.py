"""From an Image to Heatmaps: which layer and method, which classes, the map, and the part of the Image it covers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from convnext_studio.core.errors import UsageError
from convnext_studio.core.explain import slow
from convnext_studio.core.explain.cams import FROM_GRADIENT, scaled
from convnext_studio.core.explain.gradient import Target, at_least_float32, sensitivity
from convnext_studio.core.explain.lens import Lens
from convnext_studio.core.explain.split import Geometry, SplitNetwork
from convnext_studio.core.explanations import METHODS, Heatmap, Method, Region
from convnext_studio.core.images.preprocess import PreparedImage, region, to_image
from convnext_studio.core.values import Preprocessing

DEFAULT_METHOD: Method = "gradcam"  # by the evidence of tests/bench/explain_pointing.py, as is the default layer
GRAIN = 8  # Integrated Gradients are summed over squares of this many pixels: single pixels are noise
INPUT = "input"  # the layer of methods that look at the input itself
Check = Callable[[], None]
Tell = Callable[[float], None]


def _nobody(_share: float) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Question:
    """What to explain. `classes` empty: the `top` most probable ones. `layers` empty: the default one.

    `is_free` where nobody chose method and layer: once trust is measured, a faithful map may replace the usual one.
    """

    method: Method = DEFAULT_METHOD
    layers: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    versus: str = ""
    top: int = 1
    is_free: bool = False

    @classmethod
    def asked(
        cls,
        method: Method | None,
        layers: tuple[str, ...],
        classes: tuple[str, ...],
        versus: str = "",
        top: int = 1,
    ) -> Question:
        """As a Request asks, which may leave method and layer open."""
        is_free = method is None and not layers
        return cls(method or DEFAULT_METHOD, layers, classes, versus, top, is_free=is_free)


@dataclass(frozen=True)
class RawMap:
    """A map in its own units, (h, w) without negative values, and where its cells are on the input."""

    target: Target
    layer: str
    values: Tensor
    across: Geometry
    down: Geometry


@dataclass(frozen=True)
class Answer:
    """The logits (classes,) and the maps, layer by layer and in each class by class."""

    logits: Tensor
    maps: tuple[RawMap, ...]


def answer(
    lens: Lens, batch: Tensor, classes: Sequence[str], question: Question, check: Check, *, tell: Tell = _nobody
) -> Answer:
    """Explain one normalised Image (1, 3, height, width). Raises `UsageError` for an unknown class or layer.

    A slow method calls `check`, and `tell` with the share that is done, before each of its batches.
    """
    choose = chooser(classes, question)
    cuts = cuts_of(lens.split, question)
    if question.method in FROM_GRADIENT:
        return _from_gradient(lens.split, batch, cuts, choose, question.method)
    with torch.no_grad():
        logits = at_least_float32(lens.forward(batch))
    makers = {"scorecam": slow.score_cam, "ablationcam": slow.ablation_cam}
    maps: list[RawMap] = []
    wanted = list(product(cuts if METHODS[question.method].has_layer else (0,), choose(logits)))

    def step(share: float) -> None:
        check()
        tell((len(maps) + share) / len(wanted))

    for cut, target in wanted:
        if cut:
            values = makers[question.method](lens.split, batch, cut, target, step)
            maps.append(_at_layer(lens.split, cut, target, values[0]))
        else:
            maps.append(_at_input(lens, batch, target, question.method, step))
    return Answer(logits[0], tuple(maps))


def chooser(classes: Sequence[str], question: Question) -> Callable[[Tensor], tuple[Target, ...]]:
    """How to pick the targets once the logits (1, classes) are known. Raises `UsageError` for an unknown class."""
    versus = None if not question.versus else index_of(question.versus, classes)
    named = tuple(index_of(name, classes) for name in question.classes)
    if versus in named:
        raise UsageError(f"“{question.versus}” cannot be compared with itself.", "Choose two different classes.")

    def choose(logits: Tensor) -> tuple[Target, ...]:
        order = logits[0].argsort(descending=True).tolist()
        picked = named or tuple(index for index in order if index != versus)[: max(1, question.top)]
        return tuple(Target(index, versus) for index in picked)

    return choose


def index_of(name: str, classes: Sequence[str]) -> int:
    """The number of a class. Raises `UsageError` with the names there are."""
    if name in classes:
        return list(classes).index(name)
    same = [one for one in classes if one.casefold() == name.strip().casefold()]
    if len(same) == 1:
        return list(classes).index(same[0])
    some = ", ".join(f"“{one}”" for one in classes[:8]) + (" and others" if len(classes) > 8 else "")
    raise UsageError(f"This Model has no class “{name}”.", f"It knows {some}.")


def cuts_of(network: SplitNetwork, question: Question) -> tuple[int, ...]:
    """Where to cut for the wanted layers, each once. Raises `UsageError` for a layer that does not exist."""
    wanted = question.layers or (network.default_layer,)
    return tuple(dict.fromkeys(network.cut(layer) for layer in wanted))


def heatmap(raw: RawMap, method: Method, classes: Sequence[str], place: tuple[PreparedImage, Preprocessing]) -> Heatmap:
    """Bring a raw map to 0..1 and say which part of the Image its cells cover."""
    values, peaks = scaled(raw.values[None].float())
    prepared, preprocessing = place
    versus = raw.target.versus
    return Heatmap(
        class_name=classes[raw.target.index],
        versus="" if versus is None else classes[versus],
        method=method,
        layer=raw.layer,
        values=values[0].cpu().numpy().astype(np.float32),
        region=region_of((raw.across, raw.down), raw.values.shape, prepared, preprocessing),
        seen=region(preprocessing, prepared.width, prepared.height),
        peak=float(peaks[0]),
    )


def region_of(
    geometry: tuple[Geometry, Geometry], shape: Sequence[int], prepared: PreparedImage, preprocessing: Preprocessing
) -> Region:
    """The part of an Image that a map's rows and columns cover, given the geometry across and down."""
    (left, right), (top, bottom) = geometry[0].span(shape[1]), geometry[1].span(shape[0])
    corners = np.array([[left, top], [right, bottom]])
    (left, top), (right, bottom) = to_image(corners, preprocessing, prepared.width, prepared.height).tolist()
    return left, top, right, bottom


def _from_gradient(
    network: SplitNetwork,
    batch: Tensor,
    cuts: tuple[int, ...],
    choose: Callable[[Tensor], tuple[Target, ...]],
    method: Method,
) -> Answer:
    found = sensitivity(network, batch, cuts, choose)
    targets = choose(found.logits)
    maps = [
        _at_layer(network, cut, target, FROM_GRADIENT[method](features, gradients[place])[0])
        for place, (cut, features) in enumerate(zip(cuts, found.features, strict=True))
        for target, gradients in zip(targets, found.gradients, strict=True)
    ]
    return Answer(found.logits[0], tuple(maps))


def _at_layer(network: SplitNetwork, cut: int, target: Target, values: Tensor) -> RawMap:
    geometry = network.steps[cut - 1].geometry
    return RawMap(target, network.name(cut), values, geometry, geometry)


def _at_input(lens: Lens, batch: Tensor, target: Target, method: Method, step: slow.Step) -> RawMap:
    if method == "occlusion":
        values = slow.occlusion(lens.forward, batch, target, step)[0]
    else:
        signed = slow.integrated_gradients(lens.forward, batch, target, step).sum(dim=1, keepdim=True)
        values = functional.avg_pool2d(signed, GRAIN)[0, 0]
    height, width = batch.shape[-2:]
    rows, columns = (height, width) if method == "occlusion" else (height // GRAIN * GRAIN, width // GRAIN * GRAIN)
    down, across = rows / values.shape[0], columns / values.shape[1]
    return RawMap(target, INPUT, values.relu(), Geometry(across / 2, across), Geometry(down / 2, down))
