"""What is computed in another order is the same function, with the same gradients."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import timm
import torch
from timm.layers import LayerNorm, LayerNorm2d, SimpleNorm, SimpleNorm2d
from torch import nn
from torch.nn import functional

from convnext_studio.core.training.hasten import Block, SpreadNorm, SpreadNorm2d, hasten

DESIGNS: dict[str, dict[str, Any]] = {
    "linear layers": {"conv_mlp": False},
    "convolutions": {"conv_mlp": True},
    "norm by spread": {"conv_mlp": True, "norm_layer": "simplenorm"},
    "norm by spread, linear layers": {"conv_mlp": False, "norm_layer": "simplenorm"},
}
WITH_GRN = {"linear layers": {"use_grn": True}, "convolutions": {"use_grn": True, "conv_mlp": True}}


def pair(**design: Any) -> tuple[nn.Module, nn.Module]:
    """A network as timm builds it, and the same one hastened."""
    torch.manual_seed(0)
    plain, fast = (timm.create_model("test_convnext", num_classes=3, ls_init_value=0.5, **design) for _ in range(2))
    fast.load_state_dict(plain.state_dict())
    hasten(fast)
    return plain.train(), fast.train()


def learned(network: nn.Module, image: torch.Tensor, *, is_bf16: bool) -> torch.Tensor:
    """The logits; the gradients lie in the weights."""
    with torch.autocast("cpu", torch.bfloat16, enabled=is_bf16):
        logits: torch.Tensor = network(image)
    functional.cross_entropy(logits.to(image.dtype), torch.arange(len(image)) % 3).backward()
    return logits.detach()


@pytest.mark.parametrize("design", DESIGNS)
def test_the_gradients_are_those_of_the_plain_network(design: str) -> None:
    plain, fast = pair(**DESIGNS[design])
    image = torch.randn(4, 3, 64, 64, dtype=torch.float64)
    plain, fast = plain.double(), fast.double()

    assert any(isinstance(module, Block) for module in fast.modules())
    assert torch.allclose(learned(plain, image, is_bf16=False), learned(fast, image, is_bf16=False), rtol=1e-9)
    for (name, one), other in zip(plain.named_parameters(), fast.parameters(), strict=True):
        torch.testing.assert_close(other.grad, one.grad, rtol=1e-6, atol=1e-12, msg=lambda text, name=name: name + text)


@pytest.mark.parametrize("design", WITH_GRN)
def test_a_block_with_layer_scale_and_grn_learns_both(design: str) -> None:
    plain, fast = (network.double() for network in pair(**WITH_GRN[design]))
    for network in (plain, fast):
        for name, weight in network.named_parameters():
            if "grn" in name:
                nn.init.constant_(weight, 0.7)
    image = torch.randn(4, 3, 64, 64, dtype=torch.float64)

    assert torch.allclose(learned(plain, image, is_bf16=False), learned(fast, image, is_bf16=False), rtol=1e-9)
    for (name, one), other in zip(plain.named_parameters(), fast.parameters(), strict=True):
        torch.testing.assert_close(other.grad, one.grad, rtol=1e-6, atol=1e-12, msg=lambda text, name=name: name + text)


@pytest.mark.parametrize("design", DESIGNS)
def test_in_bfloat16_it_is_as_near_to_the_exact_gradients_as_the_plain_network(design: str) -> None:
    plain, fast = pair(**DESIGNS[design])
    exact, _ = pair(**DESIGNS[design])
    image = torch.randn(4, 3, 64, 64).contiguous(memory_format=torch.channels_last)
    learned(exact, image, is_bf16=False)
    learned(plain, image, is_bf16=True)
    learned(fast, image, is_bf16=True)

    def apart(network: nn.Module) -> float:
        pairs = zip(network.parameters(), exact.parameters(), strict=True)
        differences, sizes = zip(*((one.grad - other.grad, other.grad) for one, other in pairs), strict=True)
        return float(nn.utils.get_total_norm(differences) / nn.utils.get_total_norm(sizes))

    assert apart(fast) < max(0.01, 1.5 * apart(plain))


@pytest.mark.parametrize("design", DESIGNS)
def test_outside_of_training_nothing_is_computed_in_another_order(design: str) -> None:
    plain, fast = pair(**DESIGNS[design])
    image = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(plain.eval()(image), fast.eval()(image))
    assert plain.state_dict().keys() == fast.state_dict().keys()


def test_the_norm_by_spread_has_the_gradient_of_its_formula() -> None:
    torch.manual_seed(0)
    norms: tuple[tuple[type[nn.Module], type[nn.Module], tuple[int, ...]], ...] = (
        (SimpleNorm, SpreadNorm, (2, 3, 5)),
        (SimpleNorm2d, SpreadNorm2d, (2, 5, 3, 4)),
    )
    for kind, fast, shape in norms:
        norm = kind(5).double()
        nn.init.normal_(norm.get_parameter("weight"))
        inputs = torch.randn(shape, dtype=torch.float64, requires_grad=True)
        expected = norm(inputs)
        norm.__class__ = fast
        assert torch.allclose(norm(inputs), expected)
        assert torch.autograd.gradcheck(norm, (inputs,))


@pytest.mark.parametrize("kind", ["rows", "maps"])
def test_the_gradient_of_a_layer_norm_is_summed_up_exactly_in_bf16(kind: str) -> None:
    torch.manual_seed(0)
    norm = nn.Sequential(LayerNorm(24) if kind == "rows" else LayerNorm2d(24))
    image = torch.randn(8, 56, 56, 24) + 1
    pull = torch.randn_like(image)
    if kind == "maps":
        image, pull = image.permute(0, 3, 1, 2), pull.permute(0, 3, 1, 2)
    nn.init.normal_(norm[0].weight)
    nn.init.normal_(norm[0].bias)
    exact = copy.deepcopy(norm).double()
    hasten(norm)
    seen = [image.bfloat16().requires_grad_(), image.bfloat16().double().requires_grad_()]
    for network, inputs in zip((norm, exact), seen, strict=True):
        network(inputs).backward(pull.bfloat16().to(inputs.dtype))
    pairs = [*zip(norm.parameters(), exact.parameters(), strict=True), tuple(seen)]
    for one, other in pairs:
        assert one.grad is not None and other.grad is not None
        assert (one.grad - other.grad).norm() < 0.01 * other.grad.norm()
