"""The one decoder: any picture file -> upright 8-bit RGB, for the screen and for the Model alike.

The content decides what a file is, never its name, and only formats whose decoders neither run code nor fetch
anything are tried. Damaged, cut-off and oversized files are refused with one sentence that begins with the reason.
A large picture may be reduced while it is decoded, by rules that depend on its size and on what is asked for only:

* a JPEG is decoded at 1/2, 1/4 or 1/8 while both sides stay at least twice `target`;
* any other picture of more than `LARGE_PIXELS` is averaged in n x n blocks under the same condition;
* no more than `SHOWN_PIXELS` are ever returned, and fewer where decoding alone took most of the memory allowed.
"""

from __future__ import annotations

import contextlib
import logging
import math
import re
import struct
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import (
    AvifImagePlugin,  # noqa: F401  importing registers a format; Pillow would else import all of them at the first bad file
    BmpImagePlugin,  # noqa: F401
    GifImagePlugin,  # noqa: F401
    IcoImagePlugin,  # noqa: F401
    Image,
    Jpeg2KImagePlugin,  # noqa: F401
    JpegImagePlugin,
    MpoImagePlugin,  # noqa: F401
    PcxImagePlugin,  # noqa: F401
    PngImagePlugin,  # noqa: F401
    PpmImagePlugin,  # noqa: F401
    PsdImagePlugin,  # noqa: F401
    SgiImagePlugin,  # noqa: F401
    TgaImagePlugin,  # noqa: F401
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,  # noqa: F401
)

from convnext_studio.core.errors import ImageError
from convnext_studio.core.images import jpeg, metadata, png, tones
from convnext_studio.core.images.sniff import sniff
from convnext_studio.core.images.source import Source, opened
from convnext_studio.core.values import DEFAULT_MAX_MEGAPIXELS

LARGE_PIXELS = 24_000_000
SHOWN_PIXELS = 40_000_000
_FEWEST_SHOWN_PIXELS = 4_000_000
_MEMORY_BYTES = 400_000_000
_BAND_PIXELS = 2_000_000

# What decoding one pixel takes at its worst, in bytes, where that is more than the four of an RGB pixel in Pillow.
# The pixel limit shrinks in proportion, so that it bounds memory and time for every format.
_COSTS = {"WEBP": 16, "AVIF": 12, "HEIF": 12, "JPEG2000": 24, "PSD": 8}
_MOST_BYTES_PER_PIXEL = 8
_MOST_METADATA_BYTES = 256_000_000
_PLAIN_NETPBM_COST = 40  # numbers written as text, which Pillow reads in Python

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# All that Pillow's decoders are known to raise on hostile input.
_DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    LookupError,
    ArithmeticError,
    TypeError,
    AttributeError,
    AssertionError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
    Warning,
    Image.DecompressionBombError,
)
_RAISE_LIMIT = "Raise “Largest image” in the settings to open it."

# Pillow warns and logs of odd metadata; whatever matters to the user becomes a note or a refusal here.
warnings.filterwarnings("ignore", module=r"PIL\.")
logging.getLogger("PIL").setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class Decoded:
    """An upright RGB picture in Pillow's hands; `width`, `height` are the Image's own pixels, upright."""

    image: Image.Image
    width: int
    height: int
    frames: int
    format: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """`pixels` uint8 RGB (h, w, 3), upright, perhaps reduced; `width`, `height` are the Image's own pixels, upright."""

    pixels: NDArray[np.uint8]
    width: int
    height: int
    frames: int
    format: str
    notes: tuple[str, ...]


def open_pixels(
    path: str,
    frame: int = 0,
    *,
    max_megapixels: float = DEFAULT_MAX_MEGAPIXELS,
    target: tuple[int, int] | None = None,
) -> DecodedImage:
    """Decode frame `frame` of the file at `path`. Raises `ImageError`.

    `target` (width, height) allows a reduction as the module's rules say; without it only `SHOWN_PIXELS` counts.
    """
    found = decode(path, frame, max_megapixels=max_megapixels, target=target)
    return DecodedImage(np.asarray(found.image), found.width, found.height, found.frames, found.format, found.notes)


def decode(
    path: str,
    frame: int = 0,
    *,
    max_megapixels: float = DEFAULT_MAX_MEGAPIXELS,
    target: tuple[int, int] | None = None,
) -> Decoded:
    """Like `open_pixels`, but leave the picture with Pillow, so that it can be resized without a copy."""
    with opened(path) as source:
        kind = sniff(source.head, source.suffix)
        _check_bytes(source, kind, max_megapixels)
        notes = png.check_png(source.data) if kind == "PNG" else jpeg.end_note(source.data) if kind == "JPEG" else ()
        if kind == "HEIF":
            _register_heif()
        _raise_pillows_limit(max_megapixels)
        with _decoder_errors(kind, max_megapixels):
            image = Image.open(source.file, formats=(kind,))
            return _finish(image, source, frame, max_megapixels, target, notes)


def _finish(  # noqa: PLR0917  the steps of one decoding, in order
    image: Image.Image,
    source: Source,
    frame: int,
    max_megapixels: float,
    target: tuple[int, int] | None,
    notes: tuple[str, ...],
) -> Decoded:
    kind = image.format or ""
    frames = _count_frames(image, source)
    if frame >= frames:
        raise ImageError(f"The picture has {frames} frames; frame {frame + 1} was asked for.")
    if frames > 1 and image.tell() != frame:
        image.seek(frame)
    _check_size(image, source, max_megapixels)
    turn, exif_note = (1, "") if kind == "TIFF" else metadata.orientation(image.info)  # Pillow turns a TIFF itself
    width, height = image.size
    wanted = (target[1], target[0]) if target and turn >= 5 else target
    factor = _factor(image, width, height, wanted)
    damage = ""
    if isinstance(image, JpegImagePlugin.JpegImageFile):  # an MPO is one too
        image, damage = jpeg.load(image, source.data, factor)
        factor = 1
    else:
        image.load()
    if kind == "PNG":
        _check_last_row(image, source)
        turn, exif_note = metadata.orientation(image.info)  # it may follow the pixels
    if kind in ("TIFF", "ICO"):
        width, height = image.size  # known for certain only now
    converter = tones.Tones(_used_bits(image))
    picture = _reduced_rgb(image, factor, converter)
    frame_note = f"Frame {frame + 1} of {frames}." if frames > 1 else ""
    every_note = (damage, frame_note, converter.note(image.mode), *notes, exif_note, metadata.profile_note(image.info))
    if turn in _TURNS:
        picture = picture.transpose(_TURNS[turn])
        width, height = (height, width) if turn >= 5 else (width, height)
    return Decoded(picture, width, height, frames, kind, tuple(note for note in every_note if note))


def _factor(image: Image.Image, width: int, height: int, target: tuple[int, int] | None) -> int:
    """By how much both sides are divided, as the module's rules say; a power of two for a JPEG."""
    pixels = width * height
    is_jpeg = isinstance(image, JpegImagePlugin.JpegImageFile)
    allowed = 1
    if target and (is_jpeg or pixels > LARGE_PIXELS):
        allowed = max(1, min(width // (2 * target[0]), height // (2 * target[1])))
    native_bytes = 0 if is_jpeg else pixels * (4 if len(image.getbands()) > 1 or image.mode in "IF" else 1)
    bound = min(SHOWN_PIXELS, max(_FEWEST_SHOWN_PIXELS, (_MEMORY_BYTES - native_bytes) // 4))
    needed = math.ceil(math.sqrt(pixels / bound))
    if not is_jpeg:
        return max(allowed, needed)
    return min(8, max(1 << (allowed.bit_length() - 1), 1 << (needed - 1).bit_length()))


def _reduced_rgb(image: Image.Image, factor: int, converter: tones.Tones) -> Image.Image:
    """Convert to RGB and average blocks, band by band, so that no second full-size copy is made."""
    width, height = image.size
    if factor == 1 and (tones.is_plain(image) or width * height <= _BAND_PIXELS):
        return converter.to_rgb(image)
    rows = max(1, _BAND_PIXELS // (width * factor)) * factor
    result = Image.new("RGB", (-(-width // factor), -(-height // factor)))
    for top in range(0, height, rows):
        band = converter.to_rgb(image.crop((0, top, width, min(top + rows, height))))
        result.paste(band.reduce(factor) if factor > 1 else band, (0, top // factor))
    return result


def _count_frames(image: Image.Image, source: Source) -> int:
    if image.format == "TIFF":
        return metadata.tiff_pages(source.file)
    if image.format in ("PSD", "ICO", "JPEG", "BMP"):  # Pillow counts the layers of a PSD
        return 1
    return int(getattr(image, "n_frames", 1))


def _used_bits(image: Image.Image) -> int:
    """How many bits an integer sample has, for the modes where Pillow leaves that open; 0 = no agreed range."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return 16
    bits = int(image.tag_v2.get(258, (16,))[0])
    is_signed = 2 in (image.tag_v2.get(339) or ())
    return 0 if is_signed or bits > 16 else bits


def _check_bytes(source: Source, kind: str, max_megapixels: float) -> None:
    """Refuse a file that is larger than any picture within the limit; a TIFF may hold many pages."""
    if kind != "TIFF" and source.size > max_megapixels * 1e6 * _MOST_BYTES_PER_PIXEL + _MOST_METADATA_BYTES:
        raise ImageError(
            f"The file has {source.size / 1e9:,.1f} GB, more than a picture of {max_megapixels:,.0f} megapixels needs.",
            _RAISE_LIMIT,
        )


def _check_size(image: Image.Image, source: Source, max_megapixels: float) -> None:
    """Refuse by the header what would take too much memory or time."""
    is_text = image.format == "PPM" and source.head[:2] in (b"P1", b"P2", b"P3")
    cost = _PLAIN_NETPBM_COST if is_text else _COSTS.get(image.format or "", 4)
    limit = max_megapixels * min(1.0, 4 / cost)
    megapixels = image.width * image.height / 1e6
    if megapixels > limit:
        raise _too_large(f"{megapixels:,.0f}", limit, image.format or "")


def _too_large(megapixels: str, limit: float, kind: str) -> ImageError:
    return ImageError(f"The picture has {megapixels} megapixels; the limit for {kind} is {limit:,.0f}.", _RAISE_LIMIT)


def _check_last_row(image: Image.Image, source: Source) -> None:
    """Pillow leaves missing rows black: a last row that is not proves the picture whole, else count."""
    height = image.height
    last = np.asarray(image.crop((0, height - 1, image.width, height)))
    if png.is_interlaced(source.data) or not last.any():
        png.check_rows(source.data)


def _register_heif() -> None:
    try:
        import pillow_heif
    except ImportError as error:
        raise ImageError(
            "This is a HEIC picture, and the part that opens them is not installed.",
            "Install convnext-studio[heic], or save the picture as JPEG or PNG.",
        ) from error
    pillow_heif.register_heif_opener(thumbnails=False)


def _raise_pillows_limit(max_megapixels: float) -> None:
    """Let Pillow's own guard, which also watches what is nested in a file, follow the setting upwards."""
    wanted = math.ceil(max_megapixels * 1e6)
    if (Image.MAX_IMAGE_PIXELS or 0) < wanted:
        Image.MAX_IMAGE_PIXELS = wanted


@contextlib.contextmanager
def _decoder_errors(kind: str, max_megapixels: float) -> Iterator[None]:
    """Turn what a decoder raises into one sentence."""
    try:
        yield
    except ImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        pixels = re.search(r"(\d+) pixels", str(error))
        raise _too_large(f"{int(pixels[1]) / 1e6:,.0f}" if pixels else "too many", max_megapixels, kind) from error
    except MemoryError as error:
        raise ImageError("There is not enough memory to open the picture.", "Close other programs.") from error
    except _DECODER_ERRORS as error:
        raise _damaged(kind, error) from error


def _damaged(kind: str, error: Exception) -> ImageError:
    words = str(error).strip().rstrip(".")
    if "truncated" in words.lower() or isinstance(error, EOFError):
        return ImageError("The picture is cut off: its file ends too early.", png.DAMAGED_HINT)
    if isinstance(error, UnidentifiedImageError) or not words:
        return ImageError(f"The picture is damaged: it begins like {kind} but cannot be read.", png.DAMAGED_HINT)
    return ImageError(f"The picture is damaged or of an unusual {kind} kind ({words[:120]}).", png.DAMAGED_HINT)
