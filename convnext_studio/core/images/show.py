"""One Image for the screen, and what the network sees of it."""

from __future__ import annotations

from pathlib import Path

from convnext_studio.core.context import JobContext
from convnext_studio.core.events import ModelInput, OpenedImage
from convnext_studio.core.images.open import open_pixels
from convnext_studio.core.images.preprocess import load_input, region
from convnext_studio.core.images.source import cannot_read
from convnext_studio.core.requests import OpenImage, ShowModelInput


def open_image(request: OpenImage, ctx: JobContext) -> OpenedImage:
    """Serve `OpenImage`; the largest pictures come reduced, as `core/images/open.py` says. Raises `ImageError`."""
    ctx.check()
    path = request.image.path
    found = open_pixels(path, request.image.frame, max_megapixels=request.max_megapixels)
    try:
        facts = Path(path).stat()
    except OSError as error:
        raise cannot_read(error) from error
    return OpenedImage(
        image=request.image,
        pixels=found.pixels,
        width=found.width,
        height=found.height,
        frames=found.frames,
        format=found.format,
        notes=found.notes,
        file_bytes=facts.st_size,
        modified=facts.st_mtime,
    )


def show_model_input(request: ShowModelInput, ctx: JobContext) -> ModelInput:
    """Serve `ShowModelInput`: the very pixels that a classification feeds the network. Raises `ImageError`."""
    ctx.check()
    image, preprocessing = request.image, request.preprocessing
    prepared = load_input(image.path, image.frame, preprocessing, request.max_megapixels)
    return ModelInput(image, prepared.input, region(preprocessing, prepared.width, prepared.height))
