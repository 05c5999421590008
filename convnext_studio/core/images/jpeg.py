"""What Pillow does not tell of a JPEG: that it ends before its picture does, and that bytes follow its end.

Where an end mark comes too early, libjpeg fills what is missing with middle grey and says so nowhere. A picture that
ends in that grey is decoded once more with other bytes at the end of its last scan: they change it if they are asked
for. What follows the end mark, a second picture perhaps, plays no part.

Not noticed is a cut where libjpeg asks for no more bytes: of a progressive JPEG, which is coarse then and not grey,
and one exactly before a restart marker. Nor can one in arithmetic coding be told, which reads on behind its end.
"""

from __future__ import annotations

import io
import re

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
