"""Keeps what was pasted as a file, so that it is an Image like any other."""

from __future__ import annotations

import time
from pathlib import Path

from PIL import Image

from convnext_studio.core.context import JobContext
from convnext_studio.core.files import oldest, replacing, storage_error
from convnext_studio.core.requests import KeepPasted

KEPT = 20  # nobody cleans up but this
_LEVEL = 1  # to pack it well would take longer than to look at it


def keep_pasted(request: KeepPasted, ctx: JobContext) -> str:
    """Serve `KeepPasted`. Raises `StorageError`."""
    ctx.check()
    folder = Path(request.folder)
    mode, raw = ("RGBA", "BGRA") if request.has_alpha else ("RGB", "BGRX")
    image = Image.frombytes(mode, (request.width, request.height), request.pixels, "raw", raw)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = _free(folder)
        with replacing(path, is_flushed=False) as part:
            image.save(part, "PNG", compress_level=_LEVEL)
        for old in oldest(folder, "pasted *.png", but=KEPT):
            old.unlink(missing_ok=True)
    except OSError as error:
        raise storage_error(error, folder) from error
    return str(path)


def _free(folder: Path) -> Path:
    """A name that says when; the second of a second gets a number."""
    stem, number = f"pasted {time.strftime('%Y-%m-%d %H.%M.%S')}", 1
    path = folder / f"{stem}.png"
    while path.exists():
        number += 1
        path = folder / f"{stem} {number}.png"
    return path
