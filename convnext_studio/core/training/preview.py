"""What the network gets to see of some Images while training: the same alterations that a Run makes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from convnext_studio.core.context import JobContext
from convnext_studio.core.events import ModelInput
from convnext_studio.core.images.preprocess import load_input, region
from convnext_studio.core.models.architecture import is_architecture, preprocessing_of
from convnext_studio.core.models.card_file import read_card_in_file
from convnext_studio.core.models.weights import SAMPLE, is_path, unknown
from convnext_studio.core.recipe import Recipe
from convnext_studio.core.requests import PreviewAugmentation
from convnext_studio.core.resources import resource
from convnext_studio.core.training.augment import Augmentation
from convnext_studio.core.values import Preprocessing


def preview_augmentation(request: PreviewAugmentation, ctx: JobContext) -> tuple[ModelInput, ...]:
    """Alter each Image `count` times. Raises `ImageError`, `ModelError` and `UsageError`."""
    way_in = preprocessing_in(request.recipe)
    augmentation = Augmentation(request.recipe, way_in)
    made = []
    for number, image in enumerate(request.images):
        ctx.check()
        prepared = load_input(image.path, image.frame, way_in, request.recipe.max_megapixels)
        seen = region(way_in, prepared.width, prepared.height)
        for place in range(number * request.count, (number + 1) * request.count):
            altered = augmentation.apply(prepared.input, request.recipe.seed, request.roll, place)
            made.append(ModelInput(image, altered.permute(1, 2, 0).contiguous().numpy(), seen))
    return tuple(made)


def preprocessing_in(recipe: Recipe) -> Preprocessing:
    """How Images go into the Recipe's network, found without loading its weights."""
    name = recipe.model
    if name == SAMPLE or is_path(name):
        path = resource("sample", "model.safetensors") if name == SAMPLE else Path(name)
        way_in = read_card_in_file(path).card.preprocessing
    elif is_architecture(name):
        way_in = preprocessing_of(name)
    else:
        raise unknown(name)
    way_in = replace(way_in, fit=recipe.fit)
    return replace(way_in, height=recipe.input_size, width=recipe.input_size) if recipe.input_size else way_in
