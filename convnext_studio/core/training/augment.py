"""Augmentation: each Image a little different each time, by chance that depends on (seed, epoch, place) alone.

Everything a Recipe allows is drawn at once into an `Alteration`, from numbers of its own: switching one kind off leaves
the others as they were. Geometry is one resampling. What lies outside the Image is its mirror image: black corners, or
the edge of any colour, would be a mark that only pictures in training have, and looks like a scratch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import torchvision.transforms.v2.functional as tv
from numpy.typing import NDArray
from torch import Tensor

from convnext_studio.core.recipe import Recipe
from convnext_studio.core.values import Preprocessing

_DRAWS = 16
_LEAST_ERASED, _MOST_ERASED = 0.02, 0.12  # share of the Image's area
_BLUR_SIDE = 5
_GREY = np.array([0.299, 0.587, 0.114])  # what red, green and blue add to lightness (ITU-R BT.601)


@dataclass(frozen=True)
class Alteration:
    """What happens to one Image. Lengths are shares of its sides; `box` is left, top, width, height."""

    is_mirrored: bool = False
    is_upside_down: bool = False
    quarter_turns: int = 0
    angle: float = 0.0  # degrees
    shift: tuple[float, float] = (0.0, 0.0)
    zoom: float = 1.0
    brightness: float = 1.0
    contrast: float = 1.0
    saturation: float = 1.0
    hue: float = 0.0  # turns
    blur: float = 0.0  # sigma in pixels, 0 = none
    box: tuple[float, float, float, float] | None = None

    @property
    def is_warped(self) -> bool:
        """Whether the pixels have to be resampled."""
        return bool(self.angle or self.shift != (0.0, 0.0) or self.zoom != 1.0)

    @property
    def is_relit(self) -> bool:
        """Whether light or colours change."""
        return (self.brightness, self.contrast, self.saturation, self.hue) != (1.0, 1.0, 1.0, 0.0)


class Augmentation:
    """What a Recipe lets happen to Images. `apply` may be called from several threads at once."""

    def __init__(self, recipe: Recipe, preprocessing: Preprocessing) -> None:
        self._recipe = recipe
        self._is_square = preprocessing.height == preprocessing.width
        self._mean = torch.tensor(preprocessing.mean).mul(255).round().clamp(0, 255).to(torch.uint8).view(3, 1, 1)

    def drawn(self, seed: int, epoch: int, place: int) -> Alteration:
        """Draw what happens to the Image at a place of an epoch."""
        recipe = self._recipe
        random = np.random.Generator(np.random.Philox(np.random.SeedSequence((seed, epoch, place, 7))))
        draws = [float(draw) for draw in random.random(_DRAWS)]
        signed = [2 * draw - 1 for draw in draws]
        turns = int(4 * draws[2]) if self._is_square else 2 * int(2 * draws[2])
        return Alteration(
            is_mirrored=recipe.is_mirrored and draws[0] < 0.5,
            is_upside_down=recipe.is_upside_down and draws[1] < 0.5,
            quarter_turns=turns if recipe.is_quarter_turned else 0,
            angle=recipe.rotation * signed[3],
            shift=(recipe.shift * signed[4], recipe.shift * signed[5]),
            zoom=(1 + recipe.zoom) ** signed[6],
            brightness=(1 + recipe.light) ** signed[7],
            contrast=(1 + recipe.light) ** signed[8],
            saturation=(1 + recipe.colour) ** signed[9],
            hue=recipe.colour * signed[10] / 10,
            blur=0.3 + 1.2 * draws[12] if draws[11] < recipe.blur else 0.0,
            box=_box(draws[14], draws[15], random) if draws[13] < recipe.erasing else None,
        )

    def apply(self, pixels: NDArray[np.uint8], seed: int, epoch: int, place: int) -> Tensor:
        """Alter uint8 RGB (h, w, 3); returns uint8 (3, h, w). `pixels` stay as they are."""
        return self.altered(pixels, self.drawn(seed, epoch, place))

    def altered(self, pixels: NDArray[np.uint8], wanted: Alteration) -> Tensor:
        """Carry out an Alteration on uint8 RGB (h, w, 3); returns uint8 (3, h, w)."""
        picture = torch.from_numpy(pixels).permute(2, 0, 1)
        if wanted.is_mirrored:
            picture = tv.horizontal_flip(picture)
        if wanted.is_upside_down:
            picture = tv.vertical_flip(picture)
        if wanted.quarter_turns:
            picture = torch.rot90(picture, wanted.quarter_turns, (1, 2))
        if wanted.is_warped or wanted.is_relit or wanted.blur:
            exact = _warped(picture.float(), wanted) if wanted.is_warped else picture.float()
            if wanted.blur:
                exact = tv.gaussian_blur(exact, [_BLUR_SIDE, _BLUR_SIDE], [wanted.blur, wanted.blur])
            if wanted.is_relit:
                exact = _relit(exact, wanted)
            picture = exact.round_().clamp_(0, 255).to(torch.uint8)
        if wanted.box is not None:
            picture = self._erased(picture, wanted.box)
        return picture

    def _erased(self, picture: Tensor, box: tuple[float, float, float, float]) -> Tensor:
        """Cover a box with the mean colour, which the network reads as nothing."""
        height, width = picture.shape[1:]
        left, top, across, down = (round(part * side) for part, side in zip(box, (width, height) * 2, strict=True))
        erased: Tensor = tv.erase(picture, top, left, max(1, down), max(1, across), self._mean)
        return erased


def _box(area: float, shape: float, random: np.random.Generator) -> tuple[float, float, float, float]:
    """A box of some share of the area, up to twice as long as wide, anywhere in the Image."""
    share = _LEAST_ERASED + area * (_MOST_ERASED - _LEAST_ERASED)
    across = math.sqrt(share * 2 ** (2 * shape - 1))
    down = share / across
    left, top = random.random(2)
    return float(left) * (1 - across), float(top) * (1 - down), across, down


def _warped(picture: Tensor, wanted: Alteration) -> Tensor:
    """Turn, shift and zoom (3, h, w) about its middle in one bilinear resampling.

    torchvision's `affine` fills what lies outside with a colour; this mirrors it. The grid is `affine_grid`'s, written
    out: as a product of matrices it took as long as the resampling.
    """
    height, width = picture.shape[1:]
    turn = math.radians(wanted.angle)
    cosine, sine = math.cos(turn) / wanted.zoom, math.sin(turn) / wanted.zoom
    across, down = (2 * part for part in wanted.shift)  # the grid runs from -1 to 1
    columns, rows = _middles(width), _middles(height)[:, None]
    grid = torch.empty(1, height, width, 2)
    grid[0, ..., 0] = cosine * columns + (
        rows * (-sine * height / width) + (sine * down * height / width - cosine * across)
    )
    grid[0, ..., 1] = sine * width / height * columns + (
        rows * cosine - (sine * across * width / height + cosine * down)
    )
    return torch.nn.functional.grid_sample(picture[None], grid, "bilinear", "reflection", align_corners=False)[0]


def _middles(count: int) -> Tensor:
    """Where the middles of `count` pixels lie between -1 and 1, the outer edges."""
    return (2 * torch.arange(count) + 1) / count - 1


def _relit(picture: Tensor, wanted: Alteration) -> Tensor:
    """Change light and colours of float (3, h, w) in one step: a mixing of the channels and an offset.

    torchvision would need a pass over the pixels for each kind, and seven times as long for all.
    """
    mixing = torch.from_numpy(_mixing(wanted)).float()
    mean = float(picture[1, ::4, ::4].mean()) * wanted.brightness
    if wanted.saturation == 1.0 and wanted.hue == 0.0:
        return picture.mul(float(mixing[0, 0])).add_((1 - wanted.contrast) * mean)
    mixed = (mixing @ picture.reshape(3, -1)).view_as(picture)
    return mixed.add_((1 - wanted.contrast) * mean)


def _mixing(wanted: Alteration) -> NDArray[np.float64]:
    """How much of each channel goes into each: saturation about grey, hue as a turn about the axis of greys."""
    gain = wanted.brightness * wanted.contrast
    if wanted.saturation == 1.0 and wanted.hue == 0.0:
        return gain * np.eye(3)
    axis = np.ones(3) / math.sqrt(3)
    cross = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / math.sqrt(3)
    angle = 2 * math.pi * wanted.hue
    turned = math.cos(angle) * np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * np.outer(axis, axis)
    saturated = wanted.saturation * np.eye(3) + (1 - wanted.saturation) * np.tile(_GREY, (3, 1))
    mixing: NDArray[np.float64] = gain * saturated @ turned
    return mixing
