"""What Pillow does not tell of a JPEG: that it ends before its picture does, and that bytes follow its end.

Where an end mark comes too early, libjpeg fills what is missing with middle grey and says so nowhere. A picture that
ends in that grey is decoded once more with other bytes before its end mark: they change it if they are asked for.
(A progressive JPEG is coarse then and not grey, which is not noticed.)
"""

from __future__ import annotations

import io

from PIL import Image, JpegImagePlugin

from convnext_studio.core.errors import ImageError
from convnext_studio.core.images.png import DAMAGED_HINT, Buffer

_END = b"\xff\xd9"
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
    if len(data) > _MOST_BYTES:
        return
    whole = data[: len(data)]
    end = whole.rfind(_END)
    if end >= 0 and _small(whole) != _small(whole[:end] + _OTHER_BYTES + whole[end:]):
        raise ImageError("The picture is cut off: its file ends too early.", DAMAGED_HINT)


def _small(data: bytes) -> bytes:
    """The pixels at an eighth of the size, which needs little memory."""
    image = JpegImagePlugin.JpegImageFile(io.BytesIO(data))
    image.draft(None, (image.width // 8, image.height // 8))
    return image.tobytes()
