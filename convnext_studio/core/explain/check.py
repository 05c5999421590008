"""The model-randomisation check: do the maps change when the Model forgets what it learned? (arXiv:1810.03292)"""

from __future__ import annotations

import threading

import numpy as np
import torch
from torch import nn

from convnext_studio.core.context import JobContext
from convnext_studio.core.errors import ImageError, UsageError
from convnext_studio.core.explain.lens import Lens, lens_for, memory_in_words
from convnext_studio.core.explain.maps import DEFAULT_METHOD, Question, answer, heatmap
from convnext_studio.core.explain.trust import correlation, scene_of
from convnext_studio.core.explanations import METHODS, ExplanationCheck
from convnext_studio.core.images.preprocess import PreparedImage, load_input
from convnext_studio.core.predict.ready import ReadyModel, ready_model
from convnext_studio.core.predict.runners.torch_runner import restore_threads
from convnext_studio.core.requests import CheckExplanations

MOST_IMAGES = 16
ALIKE = 0.5  # a mean rank correlation from here on says that a map hardly depends on what was learned
_HEADS = ("head", "fc")
_SEED = 0

_kept: dict[tuple[str, str, str], ExplanationCheck] = {}
_keeping = threading.Lock()


def check_explanations(request: CheckExplanations, ctx: JobContext) -> ExplanationCheck:
    """Serve `CheckExplanations`; unreadable Images are passed over. Raises as `Explain` does, or for no Images."""
    restore_threads()
    ready = ready_model(request.model, request.execution, request.fit, ctx)
    lens = lens_for(ready)
    question = Question(request.method or DEFAULT_METHOD, (request.layer,) if request.layer else ())
    layer = lens.split.name(lens.split.cut(request.layer)) if METHODS[question.method].has_layer else ""
    key = (ready.info.identity, question.method, layer)
    with _keeping:
        if key in _kept:
            return _kept[key]
    images = _prepared(request, ready)
    with memory_in_words():
        likeness = [
            _similarity((lens, forget(ready)), ready, images, question, ctx) for forget in (_random_head, _random)
        ]
    check = _judged(ready, question, layer, (len(images), likeness[0], likeness[1]))
    with _keeping:
        _kept[key] = check
    return check


def _prepared(request: CheckExplanations, ready: ReadyModel) -> list[PreparedImage]:
    found = []
    for image in request.images[:MOST_IMAGES]:
        try:
            found.append(load_input(image.path, image.frame, ready.info.preprocessing, request.max_megapixels))
        except ImageError:
            continue
    if not found:
        raise UsageError("There is no Image to check the Model's explanations with.", "Open some Images first.")
    return found


def _similarity(
    lenses: tuple[Lens, Lens], ready: ReadyModel, images: list[PreparedImage], question: Question, ctx: JobContext
) -> float:
    """Mean rank correlation of the maps of two networks, for the class that the first one names."""
    info, found = ready.info, []
    for prepared in images:
        ctx.check()
        scene, place = scene_of(prepared, info.preprocessing), (prepared, info.preprocessing)
        maps = []
        classes: tuple[str, ...] = ()
        for one in lenses:
            asked = Question(question.method, question.layers, classes)
            raw = answer(one, one.input(prepared.input[None]), info.classes, asked, ctx.check).maps[0]
            classes = (info.classes[raw.target.index],)
            maps.append(scene.lay(heatmap(raw, question.method, info.classes, place))[scene.seen])
        found.append(correlation(maps[0], maps[1]))
    return float(np.mean(found))


def _random_head(ready: ReadyModel) -> Lens:
    lens = Lens(ready.model.network, ready.info.preprocessing, ready.plan.device)
    for name in _HEADS:
        if isinstance(part := getattr(lens.network, name, None), nn.Module):
            _randomise(part)
    return lens


def _random(ready: ReadyModel) -> Lens:
    lens = Lens(ready.model.network, ready.info.preprocessing, ready.plan.device)
    _randomise(lens.network)
    return lens


def _randomise(module: nn.Module) -> None:
    """Shuffle each weight among its own numbers: as random as can be, and of the same size as what was learned."""
    generator = torch.Generator().manual_seed(_SEED)
    with torch.no_grad():
        for parameter in module.parameters():
            order = torch.randperm(parameter.numel(), generator=generator).to(parameter.device)
            parameter.copy_(parameter.flatten()[order].view_as(parameter))


def _judged(ready: ReadyModel, question: Question, layer: str, figures: tuple[int, float, float]) -> ExplanationCheck:
    images, head, network = figures
    has_passed = network < ALIKE and head < 1 - 1e-3
    title = METHODS[question.method].title
    return ExplanationCheck(
        method=question.method,
        layer=layer,
        images=images,
        similarity_random_head=head,
        similarity_random_network=network,
        has_passed=has_passed,
        sentence=(
            f"With random weights the maps of {title} change (likeness {network:.2f}; random head {head:.2f}), "
            "so they do show what this Model learned."
            if has_passed
            else f"With random weights the maps of {title} hardly change (likeness {network:.2f}; random head "
            f"{head:.2f}), so they say little about this Model."
        ),
        model=ready.info.identity[:12],
    )
