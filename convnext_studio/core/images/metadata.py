"""The few facts the decoder needs from EXIF, colour profiles and TIFF directories, read without trusting them."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import IO

_ORIENTATION = 0x0112
_MAX_PAGES = 100_000


def orientation(info: Mapping[str | tuple[int, int], object]) -> tuple[int, str]:
    """Return the EXIF orientation (1..8) of a Pillow `info` and a note, "" unless the EXIF cannot be read."""
    exif = info.get("exif")
    if not isinstance(exif, bytes) or not exif:
        return 1, ""
    tiff = exif[6:] if exif.startswith(b"Exif\0\0") else exif
    try:
        value = _first_directory_short(tiff, _ORIENTATION)
    except (struct.error, ValueError):
        return 1, "Its EXIF data is unreadable and was ignored."
    return (value if value in range(1, 9) else 1), ""


def profile_note(info: Mapping[str | tuple[int, int], object]) -> str:
    """Return a note when a colour profile is there but broken; profiles are never applied."""
    profile = info.get("icc_profile")
    if not isinstance(profile, bytes) or not profile:
        return ""
    is_sound = len(profile) >= 128 and profile[36:40] == b"acsp"
    return "" if is_sound else "Its colour profile is unreadable and was ignored."


def tiff_pages(file: IO[bytes]) -> int:
    """Count the pages of a TIFF by walking its directories; a loop ends the count. The file position is kept."""
    start = file.tell()
    try:
        return _walk_directories(file)
    except struct.error:
        return 1  # the decoder will say what is wrong with the first page
    finally:
        file.seek(start)


def _walk_directories(file: IO[bytes]) -> int:
    file.seek(0)
    head = file.read(16)
    order = "<" if head[:2] == b"II" else ">"
    is_big = struct.unpack(order + "H", head[2:4])[0] == 43
    count_code, count_bytes, entry_bytes, next_code = ("Q", 8, 20, "Q") if is_big else ("H", 2, 12, "I")
    next_bytes = struct.calcsize(order + next_code)
    offset = struct.unpack_from(order + next_code, head, 8 if is_big else 4)[0]
    seen: set[int] = set()
    while offset and offset not in seen and len(seen) < _MAX_PAGES:
        file.seek(offset)
        raw = file.read(count_bytes)
        if len(raw) < count_bytes:
            break
        seen.add(offset)
        (entries,) = struct.unpack(order + count_code, raw)
        if entries > 0xFFFF:
            break
        file.seek(entries * entry_bytes, 1)
        raw = file.read(next_bytes)
        if len(raw) < next_bytes:
            break
        (offset,) = struct.unpack(order + next_code, raw)
        if offset > 1 << 62:
            break
    return max(1, len(seen))


def _first_directory_short(tiff: bytes, tag: int) -> int:
    """Return the value of a SHORT `tag` in the first directory, 0 when it is absent."""
    if tiff[:4] == b"II*\0":
        order = "<"
    elif tiff[:4] == b"MM\0*":
        order = ">"
    else:
        raise ValueError("no TIFF header")
    (offset,) = struct.unpack_from(order + "I", tiff, 4)
    (count,) = struct.unpack_from(order + "H", tiff, offset)
    for index in range(count):
        found, kind, _, short = struct.unpack_from(order + "HHIH", tiff, offset + 2 + 12 * index)
        if found == tag and kind == 3:
            return int(short)
    return 0
