"""Lets a process that trains keep the memory that it frees.

glibc gives the top of the heap back as soon as 64 MiB of it are free, and asks for it again within the same step: seen
of a step in two of five processes were 50,000 page faults, a tenth of its time (`tests/bench/RESULTS.md`).
"""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # malloc.h
_NEVER = -1
_LARGEST = 32 * 2**20  # the most that glibc takes for it


def keep_freed_memory() -> bool:
    """Tell the allocator of this process; returns whether it understood. It cannot be taken back."""
    if sys.platform != "linux":
        return False
    tell = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if tell is None:
        return False
    return all([tell(_MMAP_THRESHOLD, _LARGEST), tell(_TRIM_THRESHOLD, _NEVER)])
