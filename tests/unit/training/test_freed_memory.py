"""A process that trains keeps what it frees: a step's memory is not asked for again at every step."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[3]
_STEPS = """
import resource, sys
from convnext_studio.core.training.freed_memory import keep_freed_memory
if sys.argv[1] == "kept":
    assert keep_freed_memory()
def step():
    parts = [bytearray(20 * 2**20) for _ in range(8)]
    for part in parts:
        part[:: 4096] = bytes(len(part[:: 4096]))
step(), step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_freed_memory_is_used_again_without_a_page_fault() -> None:
    faults = {
        way: int(
            subprocess.run(
                [sys.executable, "-c", _STEPS, way], cwd=_ROOT, capture_output=True, check=True, timeout=60
            ).stdout
        )
        for way in ("kept", "given back")
    }
    assert faults["given back"] > 10_000
    assert faults["kept"] < 1_000
