"""Maps are those of the public `grad-cam` and `captum` packages, where these are installed and have the method."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from convnext_studio.core.explain import slow
from convnext_studio.core.explain.cams import FROM_GRADIENT, scaled
from convnext_studio.core.explain.gradient import Target, sensitivity
from convnext_studio.core.explain.split import split
from tests.unit.explain.conftest import lively

INDEX = 2
_PIXELS = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.fixture(scope="module")
def cams() -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what it imports is not ours to mend
        yield pytest.importorskip("pytorch_grad_cam")


@pytest.fixture(scope="module")
def attributions() -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield pytest.importorskip("captum.attr")


def own(network: nn.Module, method: str, place: int) -> Tensor:
    """Our map behind stage `place` + 1, scaled to 0..1."""
    chain = split(network)
    found = sensitivity(chain, _PIXELS, [chain.cut(f"stage{place + 1}")], lambda logits: (Target(INDEX),))
    return scaled(FROM_GRADIENT[method](found.features[0], found.gradients[0][0]))[0][0]


@pytest.mark.parametrize("architecture", ["test_convnext", "test_convnext2"])
@pytest.mark.parametrize("place", [1, 2, 3])
@pytest.mark.parametrize(
    ("method", "name"), [("gradcam", "GradCAM"), ("hirescam", "HiResCAM"), ("layercam", "LayerCAM")]
)
def test_a_map_is_that_of_the_grad_cam_package(
    cams: Any, architecture: str, place: int, method: str, name: str
) -> None:
    network = lively(architecture).double()
    layer = network.get_submodule(f"stages.{place}")
    with getattr(cams, name)(network, [layer]) as cam:
        outputs = cam.activations_and_grads(_PIXELS)
        outputs[:, INDEX].sum().backward()
        features = cam.activations_and_grads.activations[0].numpy()
        gradients = cam.activations_and_grads.gradients[0].numpy()
        found = cam.get_cam_image(_PIXELS, layer, [], features, gradients, False)  # False: as it is, not smoothed
    theirs = torch.from_numpy(found).clamp(min=0)[0]
    ours = own(network, method, place)
    assert float(ours.max()) == pytest.approx(1.0)
    assert float((ours - theirs / theirs.max()).abs().max()) < 1e-5


def test_the_first_component_is_that_of_the_grad_cam_package_but_for_its_sign(cams: Any) -> None:
    network = lively("test_convnext").double()
    with torch.no_grad():
        features = network.get_submodule("stages")(network.get_submodule("stem")(_PIXELS))
    theirs = torch.from_numpy(cams.utils.svd_on_activations.get_2d_projection(features.numpy().copy())).double()[0]
    flat = features[0].flatten(1).T
    axis = torch.linalg.svd(flat - flat.mean(0), full_matrices=False).Vh[0]
    offset = float((flat.mean(0) @ axis).abs())
    ours = FROM_GRADIENT["eigencam"](features, features)[0]
    best = min(
        float((ours - (sign * (theirs + shift * offset)).clamp(min=0)).abs().max())
        for sign in (1, -1)
        for shift in (1, -1)
    )
    assert best / float(ours.max()) < 1e-5


def test_integrated_gradients_are_those_of_captum(attributions: Any) -> None:
    network = lively("test_convnext").double()
    ours = slow.integrated_gradients(network, _PIXELS, Target(INDEX))
    theirs = attributions.IntegratedGradients(network).attribute(
        _PIXELS, torch.zeros_like(_PIXELS), target=INDEX, n_steps=slow.STEPS, method="gausslegendre"
    )
    assert float((ours - theirs).abs().max() / theirs.abs().max()) < 1e-5


def test_layer_grad_cam_is_that_of_captum(attributions: Any) -> None:
    network = lively("test_convnext2").double()
    found = attributions.LayerGradCam(network, network.get_submodule("stages.2")).attribute(
        _PIXELS, target=INDEX, relu_attributions=True
    )
    theirs = found.detach()[0, 0]
    assert float((own(network, "gradcam", 2) - theirs / theirs.max()).abs().max()) < 1e-5
