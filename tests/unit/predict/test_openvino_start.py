"""OpenVINO's first use, in a process of its own: what it prepares once must not be prepared by two threads at once."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

if importlib.util.find_spec("openvino") is None:  # asked, not imported: that would let it report home
    pytest.skip("OpenVINO is not installed", allow_module_level=True)

FIRST_USE = """
import os, sys, threading
from pathlib import Path
import numpy as np
from torch import nn
from convnext_studio.core.predict.runners.base import Plan
from convnext_studio.core.predict.runners.openvino_runner import OpenVinoRunner
from convnext_studio.core.values import Preprocessing

network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)).eval()
preprocessing = Preprocessing(32, 32, "squash", "bicubic", (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
plan = Plan("cpu", "openvino", "fp32", "", 1, 4, 2)
runner = OpenVinoRunner(network, preprocessing, plan, "0" * 64, Path(sys.argv[1]))
sys.setswitchinterval(1e-5)
together = threading.Barrier(4)

def first():
    batch = np.zeros((1, 32, 32, 3), np.uint8)
    together.wait()
    runner.run(batch)

threads = [threading.Thread(target=first, daemon=True) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
os._exit(0)
"""


def test_four_threads_may_hand_over_their_first_images_at_once(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", FIRST_USE, str(tmp_path)], cwd=ROOT, check=True, timeout=60)
