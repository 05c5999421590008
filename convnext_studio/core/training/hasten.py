"""What makes a network learn faster on a CPU: the same function, in fewer passes over memory.

Such a network's step is bound by memory, not by arithmetic: each pass over a block's feature maps counts. The modules
keep their weights, names and place; only while they are trained on a CPU do they compute in another order.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from timm.layers import LayerNorm, LayerNorm2d, Mlp, SimpleNorm, SimpleNorm2d
from timm.models.convnext import ConvNeXtBlock
from torch import Tensor, nn
from torch.nn import functional

from convnext_studio.core.training.depthwise import Depthwise, is_plain
from convnext_studio.core.training.layer_norm import ExactNorm, ExactNorm2d


def hasten(network: nn.Module) -> None:
    """Let every module that has a faster or more exact form for training take it; its weights stay the same."""
    for module in network.modules():
        if type(module) is nn.Conv2d and is_plain(module):
            module.__class__ = Depthwise
        elif type(module) is ConvNeXtBlock and module.gamma is not None and type(module.mlp) is Mlp:
            module.__class__ = Block
        elif type(module) is SimpleNorm2d and module.weight is not None:
            module.__class__ = SpreadNorm2d
        elif type(module) is SimpleNorm and module.weight is not None:
            module.__class__ = SpreadNorm
        elif type(module) is LayerNorm:
            module.__class__ = ExactNorm
        elif type(module) is LayerNorm2d:
            module.__class__ = ExactNorm2d


class Block(ConvNeXtBlock):  # type: ignore[misc]
    """A block whose layer scale is multiplied into the last weights, not into the feature maps.

    Its MLP is a plain one: what norms the responses in it (GRN) is not computed here.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Compute (n, channels, h, w) from (n, channels, h, w)."""
        if not _is_trained_here(self, x):
            return cast(Tensor, super().forward(x))
        rows = self.conv_dw(x)
        rows = self.norm(rows if self.use_conv_mlp else rows.permute(0, 2, 3, 1))
        mlp, scale = self.mlp, self.gamma
        rows = mlp.drop1(mlp.act(mlp.fc1(rows)))
        weight, bias = mlp.fc2.weight, mlp.fc2.bias * scale
        if self.use_conv_mlp:
            rows = functional.conv2d(rows, weight * scale.view(-1, 1, 1, 1), bias)
        else:
            rows = functional.linear(rows, weight * scale.view(-1, 1), bias).permute(0, 3, 1, 2)
        return cast(Tensor, self.drop_path(rows) + self.shortcut(x))


class SpreadNorm(SimpleNorm):  # type: ignore[misc]
    """Division by the standard deviation over the channels, the last dimension, with a gradient written out."""

    def forward(self, x: Tensor) -> Tensor:
        """Norm (..., channels)."""
        if not _is_trained_here(self, x):
            return cast(Tensor, super().forward(x))
        return cast(Tensor, _Spread.apply(x, self.weight, self.eps))


class SpreadNorm2d(SimpleNorm2d):  # type: ignore[misc]
    """The same for (n, channels, h, w)."""

    def forward(self, x: Tensor) -> Tensor:
        """Norm (n, channels, h, w)."""
        if not _is_trained_here(self, x):
            return cast(Tensor, super().forward(x))
        return cast(Tensor, _Spread.apply(x.permute(0, 2, 3, 1), self.weight, self.eps)).permute(0, 3, 1, 2)


class _Spread(torch.autograd.Function):
    """y = w x r with r = 1 / sqrt(var(x) + eps), the variance over C channels with C - 1 degrees of freedom.

    dL/dx = w g r - (x - mean(x)) r^3 sum(w g x) / (C - 1), and dL/dw = sum(g x r) over all places.
    """

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, weight: Tensor, eps: float) -> Tensor:
        channels = inputs.shape[-1]
        # torch's variance takes several passes in bfloat16, its layer norm one, with the statistics in float32
        _, mean, inverse = torch.native_layer_norm(inputs, (channels,), weight, None, eps)
        variance = (inverse.square().reciprocal() - eps) * (channels / max(1, channels - 1))
        factor = torch.rsqrt(variance + eps)
        ctx.save_for_backward(inputs, weight, mean, factor)
        return (inputs * factor.to(inputs.dtype)).mul_(weight.to(inputs.dtype))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        inputs, weight, mean, factor = ctx.saved_tensors
        kind, channels = inputs.dtype, inputs.shape[-1]
        gradient, small = gradients[0].to(kind), weight.to(kind)
        products = (gradient * inputs).reshape(-1, channels)
        of_weight = (factor.to(kind).reshape(1, -1) @ products).view(-1).to(weight.dtype)
        sums = (products @ small).to(factor.dtype).view_as(factor)
        pull = sums * factor.pow(3) / max(1, channels - 1)
        before = (gradient * small).mul_(factor.to(kind))
        return before.addcmul_(inputs, -pull.to(kind)).add_((mean * pull).to(kind)), of_weight, None


def _is_trained_here(module: nn.Module, inputs: Tensor) -> bool:
    return module.training and torch.is_grad_enabled() and inputs.device.type == "cpu"
