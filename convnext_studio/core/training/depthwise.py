"""The depthwise convolutions of a network trained on a CPU in bfloat16, with a faster gradient of their weights.

There torch takes about ten times as long for this gradient as for the convolution, a third of a whole step. In float32
it takes half of that, so this gradient alone is computed there.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional


class Depthwise(nn.Conv2d):
    """`nn.Conv2d` in everything but how the gradient of its weights is computed."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        """Convolve (n, channels, h, w)."""
        is_fast = (
            self.training
            and torch.is_grad_enabled()
            and input.device.type == "cpu"
            and torch.is_autocast_enabled("cpu")
            and torch.get_autocast_dtype("cpu") == torch.bfloat16
        )
        if not is_fast:
            return super().forward(input)
        return cast(Tensor, _Convolution.apply(input.bfloat16(), self.weight, self.bias))


def weight_gradient(inputs: Tensor, gradient: Tensor, side: int) -> Tensor:
    """Gradient of the weights (channels, 1, side, side), float32, of inputs and output gradient (n, channels, h, w)."""
    channels = inputs.shape[1]
    weight = torch.empty(channels, 1, side, side)  # only its shape is looked at
    gradients = torch.ops.aten.convolution_backward(
        gradient.float(),
        inputs.float(),
        weight,
        None,
        [1, 1],
        [side // 2] * 2,
        [1, 1],
        False,  # not transposed
        [0, 0],
        channels,
        (False, True, False),
    )
    return cast(Tensor, gradients[1])


def is_plain(module: nn.Conv2d) -> bool:
    """Whether this is a depthwise convolution that keeps its input's size."""
    side = module.kernel_size[0]
    return (
        module.groups == module.in_channels == module.out_channels
        and module.kernel_size == (side, side)
        and side % 2 == 1
        and module.padding == (side // 2, side // 2)
        and module.stride == module.dilation == (1, 1)
        and module.padding_mode == "zeros"
    )


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, inputs: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(inputs, weight)
        small = weight.bfloat16()
        added = None if bias is None else bias.bfloat16()
        return functional.conv2d(inputs, small, added, padding=weight.shape[-1] // 2, groups=len(weight))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor, Tensor | None]:
        (gradient,) = gradients
        inputs, weight = ctx.saved_tensors
        before = None
        if ctx.needs_input_grad[0]:
            turned = weight.bfloat16().flip(2, 3)
            before = functional.conv2d(gradient, turned, padding=weight.shape[-1] // 2, groups=len(weight))
        exact = gradient.float()
        of_bias = exact.sum((0, 2, 3)) if ctx.needs_input_grad[2] else None
        return before, weight_gradient(inputs, exact, weight.shape[-1]), of_bias
