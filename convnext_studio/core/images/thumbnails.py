"""Small pictures for the grid, several at a time, in the order asked for.

Thumbnails stored inside files are never used: they may show something else than the picture.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from PIL import Image

from convnext_studio.core.context import JobContext
from convnext_studio.core.errors import ImageError
from convnext_studio.core.events import ThumbnailMade
from convnext_studio.core.images.open import decode
from convnext_studio.core.requests import MakeThumbnails
from convnext_studio.core.values import ImageRef

_MOST_THREADS = 4


def make_thumbnails(request: MakeThumbnails, ctx: JobContext) -> int:
    """Serve `MakeThumbnails`."""
    count = 0
    for made in _made_in_order(request, ctx):
        ctx.emit(made)
        count += 1
    return count


def _made_in_order(request: MakeThumbnails, ctx: JobContext) -> Iterator[ThumbnailMade]:
    """Keep as many pictures in work as there are threads, so that a stop waits for few of them."""
    threads = max(1, min(_MOST_THREADS, os.cpu_count() or 1, len(request.images)))
    pool = ThreadPoolExecutor(threads, thread_name_prefix="thumbnails")
    in_work: deque[Future[ThumbnailMade]] = deque()
    try:
        for image in request.images:
            ctx.check()
            if len(in_work) > threads:
                yield in_work.popleft().result()
            in_work.append(pool.submit(_thumbnail, image, request.side, request.max_megapixels))
        while in_work:
            ctx.check()
            yield in_work.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _thumbnail(image: ImageRef, side: int, max_megapixels: float) -> ThumbnailMade:
    try:
        found = decode(
            image.path, image.frame, max_megapixels=max_megapixels, target=(max(1, side // 2), max(1, side // 2))
        )
    except ImageError as error:
        return ThumbnailMade(image, None, error=error.message)
    scale = min(1.0, side / max(found.image.size))
    size = (max(1, round(found.image.width * scale)), max(1, round(found.image.height * scale)))
    small = (
        found.image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
        if size != found.image.size
        else found.image
    )
    return ThumbnailMade(image, np.asarray(small), found.width, found.height)
