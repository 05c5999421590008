"""What Pillow does not tell of a JPEG: damage, that it ends before its picture does, and that bytes follow its end.

libjpeg warns of bytes that make no sense, and decodes on. Pillow drops the warning. Where simplejpeg is installed,
which has the same decoder in it and gives the same bits, it decodes in Pillow's place, and tells: not of CMYK, nor of a
later picture in a file, nor of a file so large that it is read bit by bit.

Where an end mark comes too early, libjpeg fills what is missing with middle grey and says so nowhere. A picture that
ends in that grey is decoded once more with other bytes at the end of its last scan: they change it if they are asked
for. What follows the end mark, a second picture perhaps, plays no part.

Not noticed is a cut where libjpeg asks for no more bytes: of a progressive JPEG, which is coarse then and not grey,
and one exactly before a restart marker. Nor can one in arithmetic coding be told, which reads on behind its end.
"""

from __future__ import annotations

import importlib
import io
import re
from types import ModuleType

import numpy as np
from PIL import Image, JpegImagePlugin, MpoImagePlugin

from convnext_studio.core.errors import ImageError
from convnext_studio.core.images.png import DAMAGED_HINT, Buffer

_END = b"\xff\xd9"
_SCAN = 0xDA
_ENDS = (0xD8, 0xD9)  # a second picture begins, or this one ends
_ARITHMETIC = (0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF)
_MARKER = re.compile(rb"\xff([^\x00\x01\xff\xd0-\xd7])")  # those without a length stand within a scan
_OTHER_BYTES = bytes(range(1, 250))
_GREY = (127, 128)
_MOST_BYTES = 100_000_000
_HARMLESS = re.compile(r"marker 0x(?!d\d)|ICC")  # filling between the parts of a header, and a broken colour profile
_PADDED = re.compile(r"(\d+) extraneous bytes before marker 0xd9")
DAMAGED = "The file is damaged: a part of the picture may be wrong."

_decoder: ModuleType | None
try:
    _decoder = importlib.import_module("simplejpeg")
except ImportError:
    _decoder = None


def load(image: JpegImagePlugin.JpegImageFile, data: Buffer, factor: int) -> tuple[Image.Image, str]:
    """The pixels at 1/`factor` of the size (1, 2, 4 or 8), and a sentence if what is in the file is damaged.

    `data` is the whole file. Raises `ImageError` where it ends too early, and whatever Pillow raises.
    """
    is_usual = image.tell() == 0 and image.mode in ("RGB", "L")
    complaint = ""
    if _decoder is not None and is_usual and isinstance(data, bytes):
        try:
            return _exactly(_decoder, image, data, factor), ""
        except ValueError as error:  # what is wrong with it; Pillow says so in its own way, or opens it all the same
            complaint = str(error)
    if factor > 1:
        image.draft(None, (image.width // factor, image.height // factor))
    image.load()
    check_end(image, data)
    return image, DAMAGED if _is_of_damage(complaint, data) else ""


def _is_of_damage(complaint: str, data: Buffer) -> bool:
    if not complaint.startswith(("Corrupt JPEG data", "Premature end")) or _HARMLESS.search(complaint):
        return False
    if padded := _PADDED.search(complaint):  # some cameras fill up to a round number
        end = _end_of_scans(data[: len(data)])
        return any(data[max(0, end - int(padded[1])) : end])
    return True


def _exactly(decoder: ModuleType, image: Image.Image, data: bytes, factor: int) -> Image.Image:
    """The same bits as Pillow's, or `ValueError` with what libjpeg warns of."""
    width, height = (-(-side // factor) for side in image.size)
    pixels = decoder.decode_jpeg(data, "GRAY" if image.mode == "L" else "RGB", min_height=height, min_width=width)
    made = Image.fromarray(np.squeeze(pixels, 2) if image.mode == "L" else pixels)
    if made.size != (width, height):
        raise ValueError(f"{made.size} in place of {(width, height)}")
    made.info = image.info
    return made


def end_note(data: Buffer) -> tuple[str, ...]:
    """Say whether something follows the end mark."""
    tail = data[-64:].rstrip(b"\0")
    return () if tail.endswith(_END) else ("Extra bytes after the end of the picture were ignored.",)


def check_end(image: Image.Image, data: Buffer) -> None:
    """Raise `ImageError` where the decoded `image` is made up at its end. `data` is the whole file."""
    last = image.getpixel((image.width - 1, image.height - 1))
    if any(value not in _GREY for value in (last if isinstance(last, tuple) else (last,))):
        return
    start = image.offset if isinstance(image, MpoImagePlugin.MpoImageFile) else 0
    if len(data) - start > _MOST_BYTES:
        return
    whole = data[start : len(data)]
    end = _end_of_scans(whole)
    if end and _small(whole) != _small(whole[:end] + _OTHER_BYTES + whole[end:]):
        raise ImageError("The picture is cut off: its file ends too early.", DAMAGED_HINT)


def _end_of_scans(data: bytes) -> int:
    """Where the bytes of the last scan end; 0 where there is none or its coding is arithmetic."""
    end, at = 0, 2
    is_scan = False
    while found := _MARKER.search(data, at):
        kind = found[1][0]
        if kind in _ARITHMETIC:
            return 0
        if is_scan:
            end = found.start()
        if kind in _ENDS:
            break
        is_scan = kind == _SCAN
        at = found.end() + int.from_bytes(data[found.end() : found.end() + 2], "big")
    return len(data[:end].rstrip(b"\xff"))


def _small(data: bytes) -> bytes:
    """The pixels at an eighth of the size, which needs little memory."""
    image = JpegImagePlugin.JpegImageFile(io.BytesIO(data))
    image.draft(None, (max(1, image.width // 8), max(1, image.height // 8)))
    return image.tobytes()
