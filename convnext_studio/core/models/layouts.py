"""Bring the tensor names of other ConvNeXt code to timm's.

Known are the original code of V1 (arXiv:2201.03545) and V2 (arXiv:2301.00808), and torchvision's. A tensor that differs
only in sides of length 1 (a linear layer written as a 1x1 convolution, a scale written as (c, 1, 1)) is reshaped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

Shape = tuple[int, ...]
_Rules = tuple[tuple[str, str], ...]

_PREFIXES = ("module.", "_orig_mod.", "model.", "backbone.", "encoder.")  # DDP, torch.compile, and common wrappers

_ORIGINAL: _Rules = (
    (r"downsample_layers\.0\.(\d)\.(\w+)", r"stem.\1.\2"),
    (r"downsample_layers\.(\d)\.(\d)\.(\w+)", r"stages.\1.downsample.\2.\3"),
    (r"stages\.(\d)\.(\d+)\.dwconv\.(\w+)", r"stages.\1.blocks.\2.conv_dw.\3"),
    (r"stages\.(\d)\.(\d+)\.pwconv([12])\.(\w+)", r"stages.\1.blocks.\2.mlp.fc\3.\4"),
    (r"stages\.(\d)\.(\d+)\.grn\.gamma", r"stages.\1.blocks.\2.mlp.grn.weight"),
    (r"stages\.(\d)\.(\d+)\.grn\.beta", r"stages.\1.blocks.\2.mlp.grn.bias"),
    (r"stages\.(\d)\.(\d+)\.(norm\.\w+|gamma)", r"stages.\1.blocks.\2.\3"),
    (r"norm\.(\w+)", r"head.norm.\1"),
    (r"head\.(weight|bias)", r"head.fc.\1"),
)
_TORCHVISION: _Rules = (
    (r"features\.0\.(\d)\.(\w+)", r"stem.\1.\2"),
    (r"classifier\.0\.(\w+)", r"head.norm.\1"),
    (r"classifier\.2\.(\w+)", r"head.fc.\1"),
    *(
        (rf"features\.{2 * stage}\.(\d)\.(\w+)", rf"stages.{stage}.downsample.\1.\2")  # features 2, 4, 6
        for stage in (1, 2, 3)
    ),
    *(
        rule
        for stage in (0, 1, 2, 3)  # features 1, 3, 5, 7
        for rule in (
            (rf"features\.{2 * stage + 1}\.(\d+)\.layer_scale", rf"stages.{stage}.blocks.\1.gamma"),
            (rf"features\.{2 * stage + 1}\.(\d+)\.block\.0\.(\w+)", rf"stages.{stage}.blocks.\1.conv_dw.\2"),
            (rf"features\.{2 * stage + 1}\.(\d+)\.block\.2\.(\w+)", rf"stages.{stage}.blocks.\1.norm.\2"),
            (rf"features\.{2 * stage + 1}\.(\d+)\.block\.3\.(\w+)", rf"stages.{stage}.blocks.\1.mlp.fc1.\2"),
            (rf"features\.{2 * stage + 1}\.(\d+)\.block\.5\.(\w+)", rf"stages.{stage}.blocks.\1.mlp.fc2.\2"),
        )
    ),
)
_RULES_BY_STEM = {"downsample_layers.0.0.weight": _ORIGINAL, "features.0.0.weight": _TORCHVISION}


def without_prefixes(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Drop what wrappers put before every name."""
    found = dict(tensors)
    while prefix := next((each for each in _PREFIXES if found and all(name.startswith(each) for name in found)), ""):
        found = {name.removeprefix(prefix): tensor for name, tensor in found.items()}
    return found


def to_timm(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the tensors of a ConvNeXt as timm names them; those already so, and unknown ones, keep their names."""
    rules = next((rules for stem, rules in _RULES_BY_STEM.items() if stem in tensors), ())
    return {_renamed(name, rules): tensor for name, tensor in tensors.items()}


def reshaped(tensors: Mapping[str, Tensor], needed: Mapping[str, Shape]) -> dict[str, Tensor]:
    """Reshape the tensors that differ from the needed shape only in sides of length 1."""
    return {name: _fitted(tensor, needed.get(name)) for name, tensor in tensors.items()}


def _renamed(name: str, rules: _Rules) -> str:
    for pattern, replacement in rules:
        if match := re.fullmatch(pattern, name):
            return match.expand(replacement)
    return name


def _fitted(tensor: Tensor, shape: Shape | None) -> Tensor:
    if shape is None or tuple(tensor.shape) == shape:
        return tensor
    if [side for side in tensor.shape if side != 1] == [side for side in shape if side != 1]:
        return tensor.reshape(shape)
    return tensor
