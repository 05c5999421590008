"""A network run by ONNX Runtime on the CPU, in fp32."""

from __future__ import annotations

import copy
import io
import warnings
from typing import Any, cast

import numpy as np
import onnxruntime
import torch
from torch import nn

from convnext_studio.core.predict.device import usable_cores
from convnext_studio.core.predict.runners.base import Batch, Logits, Plan, scale_and_bias
from convnext_studio.core.values import Preprocessing


class _Normalising(nn.Module):
    """The network with its normalisation in front: (n, h, w, 3) uint8 in, logits out."""

    def __init__(self, network: nn.Module, preprocessing: Preprocessing) -> None:
        super().__init__()
        self.network = network
        self.scale, self.bias = (torch.from_numpy(part).view(1, 3, 1, 1) for part in scale_and_bias(preprocessing))

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        x = pixels.permute(0, 3, 1, 2).float()
        return cast(torch.Tensor, self.network(x * self.scale + self.bias))


class OnnxRunner:
    """Runs a network exported to ONNX in memory."""

    def __init__(self, network: nn.Module, preprocessing: Preprocessing, plan: Plan) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = max(1, usable_cores() // plan.streams)
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            _exported(network, preprocessing), options, providers=["CPUExecutionProvider"]
        )

    def run(self, batch: Batch) -> Logits:
        """Return the logits of `batch`."""
        return np.asarray(self._session.run(None, {"pixels": batch})[0], np.float32)


def _exported(network: nn.Module, preprocessing: Preprocessing) -> bytes:
    """The network as ONNX bytes, any batch size."""
    example = torch.zeros(2, preprocessing.height, preprocessing.width, 3, dtype=torch.uint8)
    module = _Normalising(copy.deepcopy(network).cpu().float(), preprocessing).eval()
    buffer = io.BytesIO()
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # the exporter warns about its own future
        torch.onnx.export(
            module,
            (example,),
            cast(Any, buffer),
            dynamo=False,
            input_names=["pixels"],
            dynamic_axes={"pixels": {0: "n"}},
        )
    return buffer.getvalue()
