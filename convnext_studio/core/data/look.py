"""What is known of each Image after one look: content, size, colour, and a small picture to compare by.

A look decodes the Image by the one decoder, in threads. What was seen is kept in the cache by path, size and time of
change, so that a second look at the same files is quick.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import numpy as np
from PIL import Image

from convnext_studio.core.context import JobContext
from convnext_studio.core.data.seen import SMALL, Seen, SeenBefore
from convnext_studio.core.errors import ImageError
from convnext_studio.core.events import DataSetChecked
from convnext_studio.core.images.jpeg import DAMAGED
from convnext_studio.core.images.open import decode
from convnext_studio.core.images.source import cannot_read
from convnext_studio.core.values import DEFAULT_MAX_MEGAPIXELS

_REPORT_S = 0.1
_WHOLE_BYTES, _PART_BYTES = 256 << 20, 16 << 20
_COLOURLESS = 6  # how far red, green and blue may lie apart in a grey picture that was saved as JPEG


def look_at(
    paths: Sequence[str], ctx: JobContext, *, is_quick: bool = False, max_megapixels: float = DEFAULT_MAX_MEGAPIXELS
) -> dict[str, Seen]:
    """Look at every Image; one that cannot be read has an `error`. Emits `DataSetChecked`; raises `Cancelled`."""
    found: dict[str, Seen] = {}
    reported = time.monotonic()
    with SeenBefore() as before:
        for path in paths:
            known = before.recall(path)
            if known is not None and known.width * known.height > 1e6 * max_megapixels:
                continue  # it was allowed to be larger then
            if known is not None and (known.small is not None or is_quick):
                found[path] = known
        todo = [path for path in paths if path not in found]
        for path, seen in _looked(todo, ctx, _hash_only if is_quick else partial(_look, max_megapixels)):
            found[path] = seen
            before.remember(path, seen)
            if time.monotonic() - reported > _REPORT_S:
                reported = time.monotonic()
                ctx.emit(DataSetChecked(len(found), len(paths)))
    ctx.emit(DataSetChecked(len(paths), len(paths)))
    return {path: found[path] for path in paths}


def _looked(paths: Sequence[str], ctx: JobContext, look: Callable[[str], Seen]) -> Iterator[tuple[str, Seen]]:
    """Keep few Images in work, so that a stop waits for few of them."""
    threads = max(1, min(16, os.cpu_count() or 1, len(paths)))
    pool = ThreadPoolExecutor(threads, thread_name_prefix="look")
    in_work: deque[tuple[str, Future[Seen]]] = deque()
    try:
        for path in paths:
            ctx.check()
            if len(in_work) > 4 * threads:
                name, future = in_work.popleft()
                yield name, future.result()
            in_work.append((path, pool.submit(look, path)))
        while in_work:
            ctx.check()
            name, future = in_work.popleft()
            yield name, future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _hash_only(path: str) -> Seen:
    try:
        return Seen(_content(path))
    except OSError as error:
        return Seen(error=cannot_read(error).message)


def _look(max_megapixels: float, path: str) -> Seen:
    try:
        found = decode(path, max_megapixels=max_megapixels, target=(SMALL, SMALL))
        content = _content(path)
    except ImageError as error:
        return Seen(error=error.message)
    except OSError as error:
        return Seen(error=cannot_read(error).message)
    small = np.asarray(found.image.resize((SMALL, SMALL), Image.Resampling.BOX, reducing_gap=None))
    channels = small.astype(np.int16)
    is_grey = int(np.abs(channels - channels[..., 1:2]).max()) <= _COLOURLESS
    grey = np.asarray(Image.fromarray(small).convert("L"))
    return Seen(content, found.width, found.height, is_grey, DAMAGED in found.notes, grey)


def _content(path: str) -> str:
    """SHA-256 of the file; of a very large one its size, beginning and end: a pretended size must not keep us."""
    with open(path, "rb", opener=_open_at_once) as file:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode):
            raise OSError(errno.EINVAL, "this is not an ordinary file")
        if facts.st_size <= _WHOLE_BYTES:
            return hashlib.file_digest(file, "sha256").hexdigest()
        parts = hashlib.sha256(str(facts.st_size).encode() + file.read(_PART_BYTES))
        file.seek(-_PART_BYTES, os.SEEK_END)
        parts.update(file.read(_PART_BYTES))
        return parts.hexdigest()


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
