"""fp32 probabilities equal those of a plain timm loop, on generated pictures and on real photos where there are any."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import timm
import torch
from PIL import Image

from convnext_studio.core import jobs
from convnext_studio.core.context import JobContext
from convnext_studio.core.events import ImagesClassified
from convnext_studio.core.models import network
from convnext_studio.core.predict.device import engines_on
from convnext_studio.core.requests import Classify
from convnext_studio.core.values import EngineName, Execution, ImageRef, ModelRef, Prediction

MODEL = ModelRef("test_convnext.r160_in1k", "random")
DATA = Path(os.environ.get("CONVNEXT_STUDIO_DATA", Path(__file__).parents[4] / "shared" / "data"))
ENGINES: tuple[EngineName, ...] = ("torch", "openvino", "onnxruntime")


def _plain_timm(images: tuple[ImageRef, ...]) -> torch.Tensor:
    """What everyone writes: create_model, create_transform, PIL, one Image at a time."""
    net = timm.create_model(MODEL.name, pretrained=False).eval()
    net.load_state_dict(network.load(MODEL).network.state_dict())
    transform = timm.data.create_transform(**timm.data.resolve_data_config(model=net), is_training=False)
    with torch.inference_mode():
        rows = [net(transform(Image.open(image.path).convert("RGB"))[None]) for image in images]
    return torch.cat(rows).softmax(dim=1)


def _ours(images: tuple[ImageRef, ...], engine: EngineName) -> dict[ImageRef, Prediction]:
    found: dict[ImageRef, Prediction] = {}

    def on_event(event: object) -> None:
        if isinstance(event, ImagesClassified):
            found.update((one.image, one) for one in event.predictions)

    jobs.run(Classify(images, MODEL, Execution("cpu", "fp32", engine), top=10**6), JobContext(on_event))
    return found


def _worst_difference(images: tuple[ImageRef, ...], engine: EngineName) -> float:
    names = {name: index for index, name in enumerate(network.load(MODEL).classes)}
    expected, found = _plain_timm(images), _ours(images, engine)
    worst = 0.0
    for row, image in zip(expected, images, strict=True):
        one = found[image]
        assert not one.error
        order = torch.tensor([names[name] for name in one.classes])
        worst = max(worst, float((row[order] - torch.tensor(one.probabilities)).abs().max()))
    return worst


@pytest.mark.parametrize("engine", ENGINES)
def test_generated_pictures_get_timms_probabilities(photos: tuple[ImageRef, ...], engine: EngineName) -> None:
    if engine not in engines_on("cpu"):
        pytest.skip(f"{engine} is not installed")
    assert _worst_difference(photos[:8], engine) <= 1e-4


@pytest.mark.parametrize("engine", ENGINES[:2])
def test_real_photos_get_timms_probabilities(engine: EngineName) -> None:
    paths = sorted((DATA / "clothing_cc0").rglob("*.jpg"))[:8]
    if not paths or engine not in engines_on("cpu"):
        pytest.skip("there are no photos here, or no such engine")
    assert _worst_difference(tuple(ImageRef(str(path)) for path in paths), engine) <= 1e-4
