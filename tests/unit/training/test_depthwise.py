"""A faster gradient is the same gradient."""

from __future__ import annotations

import pytest
import timm
import torch
from torch.nn import functional

from convnext_studio.core.training.depthwise import Depthwise, weight_gradient
from convnext_studio.core.training.hasten import hasten


@pytest.mark.parametrize(
    ("side", "shape"), [(7, (3, 5, 8, 6)), (3, (1, 2, 1, 33)), (5, (2, 3, 7, 1)), (7, (2, 1, 56, 56))]
)
def test_the_weights_gradient_is_that_of_torch(side: int, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    inputs, gradient = torch.randn(shape), torch.randn(shape)
    weight = torch.randn(shape[1], 1, side, side, requires_grad=True)
    functional.conv2d(inputs, weight, padding=side // 2, groups=shape[1]).backward(gradient)

    torch.testing.assert_close(weight_gradient(inputs, gradient, side), weight.grad, rtol=1e-4, atol=1e-4)


def test_a_hastened_network_learns_what_the_plain_one_learns() -> None:
    torch.manual_seed(0)
    plain, fast = (timm.create_model("test_convnext", num_classes=3, ls_init_value=0.5).train() for _ in range(2))
    fast.load_state_dict(plain.state_dict())
    hasten(fast)
    image = torch.randn(4, 3, 64, 64)
    for network in (plain, fast):
        with torch.autocast("cpu", torch.bfloat16):
            logits = network(image)
        logits.float().square().sum().backward()

    assert any(isinstance(module, Depthwise) for module in fast.modules())
    assert plain.state_dict().keys() == fast.state_dict().keys()
    for (name, one), other in zip(plain.named_parameters(), fast.parameters(), strict=True):
        assert functional.cosine_similarity(one.grad.flatten(), other.grad.flatten(), dim=0) > 0.999, name
    with torch.inference_mode():
        assert torch.equal(plain(image), fast(image))
