"""Maps are those of an independent reference: hooks, `backward()`, float64, and the formulas written down anew."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from convnext_studio.core.explain import slow
from convnext_studio.core.explain.cams import FROM_GRADIENT
from convnext_studio.core.explain.gradient import Target, sensitivity
from convnext_studio.core.explain.split import split
from tests.unit.explain.conftest import lively

STAGES = ("stage1", "stage2", "stage3", "stage4")
_PIXELS = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def hooked(network: nn.Module, place: str, batch: Tensor, index: int) -> tuple[Tensor, Tensor]:
    """Features and gradient at a module, by hooks on a float64 copy."""
    network = copy.deepcopy(network).double().requires_grad_(True)
    kept: dict[str, Tensor] = {}

    def keep(module: nn.Module, args: object, output: Tensor) -> None:
        output.retain_grad()
        kept["features"] = output

    handle = network.get_submodule(place).register_forward_hook(keep)
    network(batch.double())[:, index].sum().backward()
    handle.remove()
    gradient = kept["features"].grad
    assert gradient is not None
    return kept["features"].detach(), gradient


def reference(method: str, features: Tensor, gradient: Tensor) -> Tensor:
    """One map per row, loop by loop as the papers have it."""
    maps = []
    for a, g in zip(features, gradient, strict=True):
        if method == "gradcam":
            map_ = sum(g[k].mean() * a[k] for k in range(len(a)))
        elif method == "hirescam":
            map_ = sum(g[k] * a[k] for k in range(len(a)))
        elif method == "layercam":
            map_ = sum(g[k].clamp(min=0) * a[k] for k in range(len(a)))
        else:
            weights = []
            for k in range(len(a)):
                below = 2 * g[k] ** 2 + a[k].sum() * g[k] ** 3
                alpha = torch.where(below != 0, g[k] ** 2 / below, 0)
                weights.append((alpha * g[k].clamp(min=0)).sum())
            map_ = sum(weight * a[k] for k, weight in enumerate(weights))
        assert isinstance(map_, Tensor)
        maps.append(map_.clamp(min=0))
    return torch.stack(maps)


@pytest.mark.parametrize("architecture", ["test_convnext", "test_convnext2"])
@pytest.mark.parametrize("is_frozen", [False, True])
def test_maps_equal_a_float64_reference_with_hooks_at_every_stage(architecture: str, is_frozen: bool) -> None:
    network = lively(architecture).requires_grad_(not is_frozen)
    chain = split(network)
    cuts = [chain.cut(stage) for stage in STAGES]
    found = sensitivity(chain, _PIXELS, cuts, lambda logits: (Target(2),))
    for place, features in enumerate(found.features):
        expected = hooked(network, f"stages.{place}", _PIXELS, 2)
        for method in ("gradcam", "hirescam", "layercam"):
            ours = FROM_GRADIENT[method](features, found.gradients[0][place])
            theirs = reference(method, *expected)
            # Relative to what is added up: before a LayerNorm the sum of HiResCAM cancels to nothing.
            scale = (expected[0] * expected[1]).abs().sum(dim=1).max() if method == "hirescam" else theirs.max()
            assert float(scale) > 0
            assert float((ours - theirs).abs().max() / scale) < 1e-5, (method, place)


def test_grad_cam_plus_plus_equals_the_reference_in_double_precision() -> None:
    network = lively("test_convnext").double()  # its quotient may be ill-conditioned, so both sides count alike
    chain = split(network)
    found = sensitivity(chain, _PIXELS.double(), [chain.cut("stage3")], lambda logits: (Target(1),))
    ours = FROM_GRADIENT["gradcam++"](found.features[0], found.gradients[0][0])
    theirs = reference("gradcam++", *hooked(network, "stages.2", _PIXELS, 1))
    assert torch.allclose(ours, theirs, rtol=1e-6)


def test_at_the_last_stage_grad_cam_and_hirescam_coincide() -> None:
    chain = split(lively("test_convnext"))
    assert chain.is_pooled_at_once
    found = sensitivity(chain, _PIXELS, [chain.cut("stage4")], lambda logits: (Target(0),))
    first, second = (FROM_GRADIENT[name](found.features[0], found.gradients[0][0]) for name in ("gradcam", "hirescam"))
    assert torch.allclose(first, second, rtol=1e-4, atol=1e-7)


def test_many_classes_and_layers_at_once_give_what_each_gives_alone() -> None:
    chain = split(lively("test_convnext2"))
    cuts = [chain.cut("stage2"), chain.cut("stage4")]
    targets = (Target(0), Target(3), Target(1, versus=2))
    together = sensitivity(chain, _PIXELS, cuts, lambda logits: targets)
    for number, target in enumerate(targets):
        for place, cut in enumerate(cuts):
            alone = sensitivity(chain, _PIXELS, [cut], lambda logits, one=target: (one,))  # type: ignore[misc]
            assert torch.allclose(together.gradients[number][place], alone.gradients[0][0], rtol=1e-4, atol=1e-7)


def test_a_batch_gives_what_each_image_gives_alone() -> None:
    chain = split(lively("test_convnext"))
    cut = [chain.cut("stage3")]
    whole = sensitivity(chain, _PIXELS, cut, lambda logits: (Target(4),))
    single = sensitivity(chain, _PIXELS[1:], cut, lambda logits: (Target(4),))
    assert torch.allclose(whole.gradients[0][0][1:], single.gradients[0][0], rtol=1e-4, atol=1e-7)


def test_half_precision_gives_float32_maps_that_look_the_same() -> None:
    network = lively("test_convnext")
    maps = []
    for one in (network, copy.deepcopy(network).bfloat16()):
        chain, pixels = split(one), _PIXELS.to(next(one.parameters()).dtype)
        found = sensitivity(chain, pixels, [chain.cut("stage4")], lambda logits: (Target(2),))
        maps.append(FROM_GRADIENT["gradcam"](found.features[0], found.gradients[0][0]))
    assert maps[1].dtype == torch.float32
    assert float(torch.corrcoef(torch.stack([one.flatten() for one in maps]))[0, 1]) > 0.97


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    layer=st.sampled_from(["stem", "stage1", "stage2.block1", "stage4"]),
    frozen=st.sets(st.integers(0, 20)),
    is_training=st.booleans(),
    has_grad=st.booleans(),
)
def test_nothing_of_the_network_changes(layer: str, frozen: set[int], is_training: bool, has_grad: bool) -> None:
    network = lively("test_convnext").train(is_training)
    for number, parameter in enumerate(network.parameters()):
        parameter.requires_grad_(number not in frozen)
        parameter.grad = torch.full_like(parameter, 7.0) if has_grad and number not in frozen else None
    before = [
        (p.requires_grad, p.grad, None if p.grad is None else p.grad.clone(), p.clone()) for p in network.parameters()
    ]
    modes = [module.training for module in network.modules()]
    chain = split(network)
    sensitivity(chain, _PIXELS[:1, :, :32, :32], [chain.cut(layer)], lambda logits: (Target(0), Target(1)))

    assert modes == [module.training for module in network.modules()]
    assert not any(module._forward_hooks or module._backward_hooks for module in network.modules())
    for parameter, (flag, grad, value, weights) in zip(network.parameters(), before, strict=True):
        assert parameter.requires_grad == flag
        assert parameter.grad is grad
        assert value is None or (grad is not None and torch.equal(grad, value))
        assert torch.equal(parameter, weights)


def test_integrated_gradients_add_up_to_the_change_of_the_score() -> None:
    network = lively("test_convnext").double()
    image, target = _PIXELS[:1].double() * 0.3, Target(1)
    found = slow.integrated_gradients(network, image, target)
    with torch.no_grad():
        change = float(network(image)[0, 1] - network(torch.zeros_like(image))[0, 1])
    assert float(found.sum()) == pytest.approx(change, rel=0.02, abs=1e-4)


def test_ablation_cam_weighs_a_channel_by_the_fall_without_it() -> None:
    network = lively("test_convnext").double()
    chain, image = split(network), _PIXELS[:1].double()
    cut = chain.cut("stage4")
    ours = slow.ablation_cam(chain, image, cut, Target(3))
    with torch.no_grad():
        features = network.forward_features(image)  # type: ignore[operator]
        whole = network.forward_head(features)[0, 3]  # type: ignore[operator]
        map_ = torch.zeros(features.shape[2:], dtype=torch.float64)
        for channel in range(features.shape[1]):
            without = features.clone()
            without[:, channel] = 0
            fall = (whole - network.forward_head(without)[0, 3]) / whole.abs()  # type: ignore[operator]
            map_ += fall * features[0, channel]
    assert torch.allclose(ours[0], map_.clamp(min=0), rtol=1e-8)


@pytest.mark.parametrize("architecture", ["resnet18", "test_vit", "test_convnext", "convnext_zepto_rms_ols"])
def test_the_steps_one_after_the_other_are_the_network(architecture: str) -> None:
    network = lively(architecture)
    chain = split(network)
    size = network.default_cfg["input_size"][-2:] if architecture == "test_vit" else (64, 64)  # type: ignore[index]
    x = batch = torch.randn(1, 3, *size)
    with torch.no_grad():
        for step in chain.steps:
            x = step.call(x)
        assert torch.allclose(chain.head(x), network(batch), rtol=1e-5, atol=1e-6)
