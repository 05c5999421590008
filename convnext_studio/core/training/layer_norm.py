"""The layer norms of a network trained on a CPU in bfloat16, with an exact gradient of their weights.

There torch adds up this gradient in bfloat16: over the 100,000 places of a feature map the sum stands still long before
the end, and is wrong by up to a third.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from timm.layers import LayerNorm, LayerNorm2d
from torch import Tensor


class ExactNorm(LayerNorm):  # type: ignore[misc]
    """timm's layer norm over the last dimension in everything but its gradient."""

    def forward(self, x: Tensor) -> Tensor:
        """Norm (..., channels)."""
        if not _is_inexact(self, x):
            return cast(Tensor, super().forward(x))
        return cast(Tensor, _Norm.apply(x, self.weight, self.bias, self.eps))


class ExactNorm2d(LayerNorm2d):  # type: ignore[misc]
    """The same for (n, channels, h, w)."""

    def forward(self, x: Tensor) -> Tensor:
        """Norm (n, channels, h, w)."""
        if not _is_inexact(self, x):
            return cast(Tensor, super().forward(x))
        rows = x.permute(0, 2, 3, 1)
        return cast(Tensor, _Norm.apply(rows, self.weight, self.bias, self.eps)).permute(0, 3, 1, 2)


class _Norm(torch.autograd.Function):
    """y = w (x - mean) r + b with r = 1 / sqrt(var(x) + eps), over the last dimension.

    dL/dw = sum(g x r) - sum(g mean r) and dL/db = sum(g), over all places: matrix products, which add up in float32.
    """

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
        result, mean, inverse = torch.native_layer_norm(inputs, weight.shape, weight, bias, eps)
        ctx.save_for_backward(inputs, weight, mean, inverse)
        return result

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        inputs, weight, mean, inverse = ctx.saved_tensors
        kind, channels = inputs.dtype, inputs.shape[-1]
        gradient = gradients[0].to(kind).contiguous()
        before, _, _ = torch.ops.aten.native_layer_norm_backward(
            gradient, inputs, weight.shape, mean, inverse, weight, None, [True, False, False]
        )
        rows = gradient.view(-1, channels)
        shifts = torch.stack([(mean * inverse).view(-1), torch.ones_like(mean).view(-1)]).to(kind)
        shifted, of_bias = (shifts @ rows).to(weight.dtype)
        products = rows * inputs.reshape(-1, channels)
        of_weight = (inverse.view(1, -1).to(kind) @ products).to(weight.dtype).view(-1) - shifted
        return before, of_weight, of_bias, None


def _is_inexact(module: LayerNorm | LayerNorm2d, inputs: Tensor) -> bool:
    is_trained = module.training and torch.is_grad_enabled() and module.weight is not None and module.bias is not None
    return is_trained and inputs.device.type == "cpu" and inputs.dtype == torch.bfloat16
