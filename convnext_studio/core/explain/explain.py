"""One Image: Heatmaps at once, then whether they can be trusted; and what single feature maps see."""

from __future__ import annotations

import numpy as np
import torch

from convnext_studio.core.context import JobContext
from convnext_studio.core.events import ModelLoaded
from convnext_studio.core.explain.gradient import at_least_float32
from convnext_studio.core.explain.lens import lens_for, memory_in_words
from convnext_studio.core.explain.maps import Question, region_of
from convnext_studio.core.explain.viewer import Viewer
from convnext_studio.core.explanations import (
    Activations,
    Explained,
    HeatmapProgress,
    HeatmapsMade,
    Trust,
    TrustMeasured,
)
from convnext_studio.core.images.preprocess import load_input
from convnext_studio.core.predict.ready import ready_model
from convnext_studio.core.predict.runners.torch_runner import restore_threads
from convnext_studio.core.requests import Explain, ShowActivations


def explain(request: Explain, ctx: JobContext) -> Explained:
    """Make the Heatmaps, emit them, and then measure their trust; what comes back may hold others in their place.

    Raises `ImageError`, `ModelError` for a Model that has no classes or no layer with places, `UsageError` for a class
    or layer that is not there, and `DeviceError` when memory is short.
    """
    restore_threads()
    ready = ready_model(request.model, request.execution, request.fit, ctx)
    viewer = Viewer(ready)
    ctx.emit(ModelLoaded(ready.info))
    ctx.check()
    prepared = load_input(request.image.path, request.image.frame, ready.info.preprocessing, request.max_megapixels)
    question = Question.asked(request.method, request.layers, request.classes, request.versus, request.top)
    explained = viewer.look(request.image, prepared, question, ctx)
    ctx.emit(HeatmapsMade(explained))
    if not request.is_trust_wanted:
        return explained

    def tell(number: int, trust: Trust) -> None:
        ctx.emit(TrustMeasured(number, trust))

    def begin() -> None:
        ctx.emit(HeatmapProgress(0.0))

    return viewer.judge.trusted(explained, question, prepared, ctx.check, tell=tell, begin=begin)


def show_activations(request: ShowActivations, ctx: JobContext) -> Activations:
    """Serve `ShowActivations`: the channels with the largest mean magnitude. Raises as `explain` does."""
    restore_threads()
    ready = ready_model(request.model, request.execution, request.fit, ctx)
    lens, preprocessing = lens_for(ready), ready.info.preprocessing
    cut = lens.split.cut(request.layer)
    ctx.check()
    prepared = load_input(request.image.path, request.image.frame, preprocessing, request.max_megapixels)
    with memory_in_words(), torch.inference_mode():
        x = lens.input(prepared.input[None])
        for step in lens.split.steps[:cut]:
            x = step.call(x)
        maps = at_least_float32(lens.split.to_maps(x))[0]
        order = maps.abs().mean(dim=(1, 2)).argsort(descending=True)[: max(1, request.count)]
        strongest = maps[order].float().cpu().numpy()
    geometry = lens.split.steps[cut - 1].geometry
    return Activations(
        image=request.image,
        layer=lens.split.name(cut),
        maps=np.ascontiguousarray(strongest),
        channels=tuple(int(channel) for channel in order),
        total=len(maps),
        region=region_of((geometry, geometry), maps.shape[1:], prepared, preprocessing),
        model=ready.info.identity[:12],
    )
