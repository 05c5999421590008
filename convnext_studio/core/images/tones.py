"""Any Pillow mode -> 8-bit RGB by fixed rules, so that equal pixels in a file always give equal pixels to the Model.

* 16-bit: the high byte (value // 256 of the full range the file declares; a 12-bit file uses its 12 bits).
* Floating point: 0..1 stands for black..white; a picture with values outside is refused.
* 32-bit integers have no agreed range and are refused, unless the format scales them to 16 bits.
* Transparency: laid over white. CMYK and Lab: converted without a colour profile.
No rule looks at what a picture happens to hold in order to stretch it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from convnext_studio.core.errors import ImageError

_HAS_ALPHA = frozenset(("RGBA", "LA", "PA", "RGBa", "La"))
_FLOAT_SLACK = 1e-3
_UNMANAGED = {"CMYK": "CMYK", "LAB": "Lab"}
_WHITE = (255, 255, 255)


def is_plain(image: Image.Image) -> bool:
    """Say whether the picture is 8-bit RGB already."""
    return image.mode == "RGB" and "transparency" not in image.info


@dataclass(slots=True)
class Tones:
    """The conversion of one picture, band by band.

    `bits` is how many bits of an integer sample are used, 0 where the file declares no usable range.
    """

    bits: int
    is_see_through: bool = False  # a transparent pixel was met

    def to_rgb(self, image: Image.Image) -> Image.Image:
        """Return `image`, or a band of it, as mode RGB. Raises `ImageError` where no rule applies."""
        if is_plain(image):
            return image
        if image.mode.startswith("I;16") or image.mode == "I":
            return _from_integers(np.asarray(image), self.bits)
        if image.mode == "F":
            return _from_floats(np.asarray(image))
        if image.mode in _HAS_ALPHA or "transparency" in image.info:
            return self._over_white(image)
        return image.convert("RGB")

    def note(self, mode: str) -> str:
        """Say, after the conversion, what it did to a picture of `mode`; "" where nothing was lost."""
        if mode.startswith("I;16") or mode == "I":
            return f"{self.bits}-bit picture, used in 8 bits."
        if mode == "F":
            return "Floating-point picture, used in 8 bits."
        if self.is_see_through:
            return "Transparent parts are filled with white."
        if mode in _UNMANAGED:
            return f"{_UNMANAGED[mode]} colours, converted without a colour profile."
        return ""

    def _over_white(self, image: Image.Image) -> Image.Image:
        if image.mode == "1":
            image = image.convert("L")
        layer = image.convert("RGBA")
        alpha = layer.getchannel("A")
        if alpha.getextrema() == (255, 255):
            return layer.convert("RGB")
        self.is_see_through = True
        flat = Image.new("RGB", image.size, _WHITE)
        flat.paste(layer, mask=alpha)
        return flat


def _from_integers(values: NDArray[np.generic], bits: int) -> Image.Image:
    if not bits:
        raise ImageError(
            "Its pixels are 32-bit or signed integers, for which no range is agreed.", "Save it as 16-bit."
        )
    high_byte = np.clip(values.astype(np.int32) >> max(0, bits - 8), 0, 255)
    return Image.fromarray(high_byte.astype(np.uint8)).convert("RGB")


def _from_floats(values: NDArray[np.float32]) -> Image.Image:
    low, high = float(values.min()), float(values.max())
    if not (low >= -_FLOAT_SLACK and high <= 1 + _FLOAT_SLACK):  # written so that NaN is refused too
        raise ImageError(
            f"Its floating-point values run from {low:.4g} to {high:.4g}; only 0 to 1 has an agreed meaning.",
            "Scale it to 0…1 or save it as 16-bit.",
        )
    scaled = np.rint(np.clip(values, 0, 1) * np.float32(255)).astype(np.uint8)
    return Image.fromarray(scaled).convert("RGB")
