"""The two promises of a PNG that Pillow does not hold it to: right checksums, and as many rows as it announces."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Protocol

from convnext_studio.core.errors import ImageError

_CHECKED = frozenset((b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"))
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_BLOCK = 1 << 20
DAMAGED_HINT = "Copy it again from where it came from, or leave it out."


class Buffer(Protocol):
    """Bytes, in memory or fetched as they are asked for."""

    def __len__(self) -> int: ...
    def __getitem__(self, part: slice, /) -> bytes: ...


def check_png(data: Buffer) -> tuple[str, ...]:
    """Verify the checksums of all chunks that decide pixels; return notes. Raises `ImageError` for a damaged file."""
    has_pixels = has_end = False
    end = 8
    for kind, start, length, is_whole in _chunks(data):
        if not is_whole:
            if kind == b"IEND":
                break
            raise ImageError("The picture is cut off: its file ends too early.", DAMAGED_HINT)
        end = start + length + 4
        if kind in _CHECKED and not _has_right_checksum(data, kind, start, length):
            name = kind.decode("ascii")
            raise ImageError(f"The picture is damaged: the checksum of its {name} part is wrong.", DAMAGED_HINT)
        has_pixels = has_pixels or kind == b"IDAT"
        if kind == b"IEND":
            has_end = True
            break
    if not has_pixels:
        raise ImageError("The picture is damaged: it holds no pixels.", DAMAGED_HINT)
    if not has_end:
        return ("The end mark of the file is missing; the file may be damaged.",)
    return ("Extra bytes after the end of the picture were ignored.",) if end < len(data) else ()


def check_rows(data: Buffer) -> None:
    """Inflate the pixels once more, keeping none, and raise `ImageError` when rows are missing."""
    width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", data[16:29])
    bits = depth * _SAMPLES.get(colour, 1)
    wanted = sum(
        rows * (1 + (columns * bits + 7) // 8)
        for columns, rows in _passes(width, height, is_interlaced=bool(interlace))
    )
    if _inflated_bytes(data, wanted) < wanted:
        raise ImageError("The picture is cut off: rows are missing at its end.", DAMAGED_HINT)


def is_interlaced(data: Buffer) -> bool:
    """Say whether the rows come in seven passes, so that the last row proves nothing."""
    return data[28:29] == b"\x01"


def _chunks(data: Buffer) -> Iterator[tuple[bytes, int, int, bool]]:
    """Yield each chunk's kind, where its body starts, its length, and whether it is wholly there."""
    position, size = 8, len(data)
    while position + 8 <= size:
        length, kind = struct.unpack(">I4s", data[position : position + 8])
        start = position + 8
        yield kind, start, length, start + length + 4 <= size
        position = start + length + 4


def _has_right_checksum(data: Buffer, kind: bytes, start: int, length: int) -> bool:
    value = zlib.crc32(kind)
    for block in range(start, start + length, _BLOCK):
        value = zlib.crc32(data[block : min(block + _BLOCK, start + length)], value)
    return value == int.from_bytes(data[start + length : start + length + 4], "big")


def _passes(width: int, height: int, *, is_interlaced: bool) -> Iterator[tuple[int, int]]:
    """Yield columns and rows of each pass that has any."""
    if not is_interlaced:
        yield width, height
        return
    for left, top, across, down in _ADAM7:
        columns, rows = (width - left + across - 1) // across, (height - top + down - 1) // down
        if columns > 0 and rows > 0:
            yield columns, rows


def _inflated_bytes(data: Buffer, wanted: int) -> int:
    """Count the bytes that the pixel stream inflates to, `wanted` at most, in bounded memory."""
    inflate = zlib.decompressobj()
    count = 0
    for kind, start, length, _ in _chunks(data):
        if kind != b"IDAT":
            continue
        for block in range(start, start + length, _BLOCK):
            feed = data[block : min(block + _BLOCK, start + length)]
            while feed and count < wanted:
                try:
                    count += len(inflate.decompress(feed, _BLOCK))
                except zlib.error:
                    return count
                feed = inflate.unconsumed_tail
        if count >= wanted or inflate.eof:
            break
    return count
