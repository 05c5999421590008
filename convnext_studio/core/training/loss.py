"""What training makes small: cross-entropy with smoothed, weighted and mixed labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from timm.data import Mixup
from torch import Tensor
from torch.nn import functional

from convnext_studio.core.recipe import Recipe


class Loss:
    """Cross-entropy over the Images given, in sum: the caller divides by how many the whole batch has."""

    def __init__(self, recipe: Recipe, class_weights: Sequence[float], device: torch.device) -> None:
        weights = torch.tensor(class_weights)
        self._weights = None if bool((weights == 1).all()) else weights.to(device)
        self._smoothing = recipe.label_smoothing
        self._classes = len(class_weights)
        self._mixup = None
        if recipe.mixup or recipe.cutmix:
            self._mixup = Mixup(
                mixup_alpha=recipe.mixup, cutmix_alpha=recipe.cutmix, label_smoothing=0.0, num_classes=self._classes
            )

    def mixed(self, inputs: Tensor, labels: Tensor, seed: int) -> tuple[Tensor, Tensor]:
        """Blend Images in pairs where the Recipe wants it; then labels are shares of classes. `inputs` are altered.

        The last of an odd number has nobody to be paired with, and stays as it is.
        """
        if self._mixup is None:
            return inputs, labels
        shares = functional.one_hot(labels, self._classes).to(inputs.dtype)
        paired = len(labels) // 2 * 2
        if not paired:
            return inputs, shares
        before = np.random.get_state()
        np.random.seed(seed % 2**32)
        try:
            inputs[:paired], shares[:paired] = self._mixup(inputs[:paired], labels[:paired])
        finally:
            np.random.set_state(before)
        return inputs, shares

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Sum over the Images, in float32. `labels` are class numbers (n,), or shares of classes (n, classes)."""
        return functional.cross_entropy(
            logits.float(), labels, self._weights, reduction="sum", label_smoothing=self._smoothing
        )
