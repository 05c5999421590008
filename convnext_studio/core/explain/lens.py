"""A Model made ready to be explained: a copy of its network on the right device, split, with its normalisation."""

from __future__ import annotations

import copy
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from convnext_studio.core.errors import DeviceError, ModelError
from convnext_studio.core.explain.split import SplitNetwork, split
from convnext_studio.core.predict.classify import is_out_of_memory
from convnext_studio.core.predict.ready import ReadyModel
from convnext_studio.core.predict.runners.base import scale_and_bias
from convnext_studio.core.values import DeviceName, Preprocessing

KEPT = 2


class Lens:
    """A network to look through, in float32 on its device; the Model's own network is left alone."""

    def __init__(self, network: nn.Module, preprocessing: Preprocessing, device: DeviceName = "cpu") -> None:
        self._device = torch.device(device)
        own = copy.deepcopy(network).eval().requires_grad_(False)
        self.network = own.to(self._device, torch.float32).to(memory_format=torch.channels_last)
        self.split: SplitNetwork = split(self.network)
        self._scale, self._bias = (
            torch.from_numpy(part).to(self._device).view(1, 3, 1, 1) for part in scale_and_bias(preprocessing)
        )

    def input(self, pixels: NDArray[np.uint8]) -> Tensor:
        """Normalise uint8 (n, height, width, 3) to (n, 3, height, width) on the device."""
        x = torch.from_numpy(pixels).to(self._device).permute(0, 3, 1, 2)
        return x.to(torch.float32, memory_format=torch.channels_last).mul_(self._scale).add_(self._bias)

    def forward(self, batch: Tensor) -> Tensor:
        """The logits of a normalised batch."""
        return cast(Tensor, self.network(batch))

    def pooled(self, batch: Tensor) -> Tensor:
        """What the last layer of the network gets of a normalised batch, (n, features)."""
        network = cast(Any, self.network)
        return cast(Tensor, network.forward_head(network.forward_features(batch), pre_logits=True))

    def decided(self, pooled: Tensor) -> Tensor:
        """The logits that the last layer makes of such features."""
        return cast(Tensor, cast(Any, self.network).get_classifier()(pooled))


_kept: OrderedDict[tuple[str, DeviceName], Lens] = OrderedDict()
_making = threading.Lock()


def lens_for(ready: ReadyModel) -> Lens:
    """The Lens of a Model, from memory if it was used lately. Raises `ModelError` for one without classes or places."""
    if not ready.info.classes:
        raise ModelError(
            f"“{ready.info.title}” has no classes, so there is no answer to explain.",
            "Choose a Model with classes, or fine-tune this one on your own pictures.",
        )
    key = (ready.info.identity, ready.plan.device)
    with _making:
        lens = _kept.get(key) or Lens(ready.model.network, ready.info.preprocessing, ready.plan.device)
        _kept[key] = lens
        _kept.move_to_end(key)
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
    return lens


def forget_lenses() -> None:
    """Give their memory back."""
    with _making:
        _kept.clear()


@contextmanager
def memory_in_words() -> Iterator[None]:
    """Turn running out of memory into a `DeviceError`."""
    try:
        yield
        return
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    raise DeviceError(
        "Memory is too short to explain this Image.",
        "Choose a later layer, fewer classes, a smaller Model or another device, or close other programs.",
    )
