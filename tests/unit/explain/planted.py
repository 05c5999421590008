"""Pictures where one patch decides the class, and a Model that learned it in seconds: only its head is fitted."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from convnext_studio.core.explain.lens import Lens
from convnext_studio.core.models.architecture import build, count_parameters
from convnext_studio.core.models.card import Card
from convnext_studio.core.models.network import LoadedModel
from convnext_studio.core.values import Preprocessing

CLASSES = ("red", "green", "blue", "none")
SIDE = 160
PREPROCESSING = Preprocessing(SIDE, SIDE, "squash", "bilinear", (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
COLOURS = np.array([[230, 40, 40], [40, 210, 40], [50, 50, 240]])
_TRAINED_ON = 256


@dataclass(frozen=True)
class Planted:
    """A Model and the share of its training pictures that it names rightly."""

    model: LoadedModel
    accuracy: float


def planted_picture(
    rng: np.random.Generator, label: int, size: tuple[int, int] = (SIDE, SIDE), share: float = 0.3
) -> tuple[NDArray[np.uint8], tuple[int, int, int, int]]:
    """A grey picture of `size` (width, height) with a patch in the class's colour, if any; and its box."""
    width, height = size
    pixels = np.clip(rng.normal(170, 4, (height, width, 1)) + rng.normal(0, 3, 3), 0, 255)
    across, down = round(width * share), round(height * share)
    left, top = int(rng.integers(0, width - across)), int(rng.integers(0, height - down))
    if label < len(COLOURS):
        pixels[top : top + down, left : left + across] = COLOURS[label]
    return pixels.astype(np.uint8), (left, top, left + across, top + down)


def planted_model(side: int = SIDE, seed: int = 0) -> Planted:
    """Fit the head of a small ConvNeXt with fresh weights on the pooled features of a few pictures of `side` pixels."""
    torch.manual_seed(seed)
    network = build("test_convnext", len(CLASSES))
    preprocessing = replace(PREPROCESSING, width=side, height=side)
    lens, rng = Lens(network, preprocessing), np.random.default_rng(seed)
    labels = np.arange(_TRAINED_ON) % len(CLASSES)
    with torch.no_grad():
        features = []
        for start in range(0, _TRAINED_ON, 32):
            pictures = np.stack(
                [
                    planted_picture(rng, int(label), (side, side), float(rng.uniform(0.25, 0.45)))[0]
                    for label in labels[start : start + 32]
                ]
            )
            features.append(
                lens.network.forward_head(lens.network.forward_features(lens.input(pictures)), pre_logits=True)
            )  # type: ignore[operator]
    x, y = torch.cat(features), torch.from_numpy(labels)
    mean, spread = x.mean(0), x.std(0) + 1e-3
    weight, bias = (
        torch.zeros(len(CLASSES), x.shape[1], requires_grad=True),
        torch.zeros(len(CLASSES), requires_grad=True),
    )
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=100)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = functional.cross_entropy(((x - mean) / spread) @ weight.T + bias, y) + 1e-3 * weight.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    with torch.no_grad():
        fitted = weight / spread
        network.get_parameter("head.fc.weight").copy_(fitted)
        network.get_parameter("head.fc.bias").copy_(bias - fitted @ mean)
        accuracy = float((((x - mean) / spread @ weight.T + bias).argmax(1) == y).float().mean())
    card = Card("test_convnext", CLASSES, preprocessing, title="Planted")
    return Planted(LoadedModel(network, card, "planted", count_parameters(network)), accuracy)
