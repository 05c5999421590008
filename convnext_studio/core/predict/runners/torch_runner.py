"""A network run by torch itself, on any device."""

from __future__ import annotations

import copy
import queue
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from convnext_studio.core.predict.device import usable_cores
from convnext_studio.core.predict.runners.base import Batch, Logits, Plan, scale_and_bias
from convnext_studio.core.values import Preprocessing

_IN_FLIGHT = 2  # batches on a CUDA device at once: one is copied while the other computes
# Parts behind the pooling. They cost next to nothing, and a bfloat16 logit would have two digits only.
_HEADS = ("head", "fc", "fc_norm", "head_norm")


class TorchRunner:
    """Runs a timm network: uint8 travels to the device, which normalises."""

    def __init__(self, network: nn.Module, preprocessing: Preprocessing, plan: Plan, *, is_own: bool = False) -> None:
        """`is_own`: nobody else uses `network`, so that no copy has to be made of it."""
        self._device = torch.device(plan.device)
        self._dtype = dtype_of(plan)
        self._format = format_of(plan)
        own = network if is_own else copy.deepcopy(network)  # others may be using the one handed in
        self._network = _prepared(own, self._device, self._dtype, self._format)
        self._scale, self._bias = (
            torch.from_numpy(part).to(self._device).view(1, 3, 1, 1) for part in scale_and_bias(preprocessing)
        )
        self._threads = max(1, usable_cores() // plan.streams)
        self._streams: queue.SimpleQueue[torch.cuda.Stream] = queue.SimpleQueue()
        if plan.device == "cuda":
            torch.backends.cudnn.allow_tf32 = False  # fp32 shall be fp32; bf16 does not care
            for _ in range(_IN_FLIGHT):
                self._streams.put(torch.cuda.Stream())  # type: ignore[no-untyped-call]

    def run(self, batch: Batch) -> Logits:
        """Return the logits of `batch`."""
        if self._device.type == "cuda":
            return self._run_cuda(batch)
        if self._device.type == "cpu" and torch.get_num_threads() != self._threads:
            torch.set_num_threads(self._threads)
        with torch.inference_mode():
            answer: Logits = self._forward(torch.from_numpy(batch).to(self._device)).cpu().numpy()
        return answer

    def _run_cuda(self, batch: Batch) -> Logits:
        """Copy, compute and copy back on a stream that nobody else uses meanwhile, so that threads overlap."""
        # Pinned memory comes from torch's own cache: only the first batch of a size pays for it.
        pinned = torch.empty(batch.shape, dtype=torch.uint8, pin_memory=True)
        pinned.numpy()[...] = batch
        stream = self._streams.get()
        try:
            with torch.inference_mode(), torch.cuda.stream(stream):
                logits = self._forward(pinned.to(self._device, non_blocking=True))
                answer = torch.empty(logits.shape, dtype=torch.float32, pin_memory=True)
                answer.copy_(logits, non_blocking=True)
                stream.synchronize()
        finally:
            self._streams.put(stream)
        return np.array(answer.numpy())

    def _forward(self, pixels: Tensor) -> Tensor:
        x = pixels.permute(0, 3, 1, 2).to(torch.float32, memory_format=self._format)
        x = x.mul_(self._scale).add_(self._bias).to(self._dtype)
        if self._dtype == torch.float32:
            return cast(Tensor, self._network(x))
        network = cast(Any, self._network)  # every network of timm's has these two halves
        return cast(Tensor, network.forward_head(network.forward_features(x).float()))


def restore_threads() -> None:
    """Give threads that start from now on all cores again: torch lets new ones inherit the last setting."""
    torch.set_num_threads(usable_cores())


def dtype_of(plan: Plan) -> torch.dtype:
    """What a Plan computes in."""
    return torch.bfloat16 if plan.precision == "bf16" else torch.float32


def format_of(plan: Plan) -> torch.memory_format:
    """How a Plan lays out what it computes with."""
    return torch.channels_last if plan.layout == "channels_last" else torch.contiguous_format


def _prepared(network: nn.Module, device: torch.device, dtype: torch.dtype, layout: torch.memory_format) -> nn.Module:
    ready = network.eval().requires_grad_(False)
    ready = ready.to(device, dtype).to(memory_format=layout)
    for name in _HEADS:
        part = getattr(ready, name, None)
        if isinstance(part, nn.Module):
            part.float()
    return ready
