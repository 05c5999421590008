"""From process start to a painted window, and what was imported on the way: `python tests/bench/startup_bench.py`.

Each run is a fresh process with an empty home folder. The budget is 0.7 s without torch.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BUDGET_S = 0.7
ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "timm", "PIL", "numpy", "openvino", "pyqtgraph")

CHILD = """
import sys, time
from PySide6.QtCore import QTimer
from convnext_studio.gui.app import main

def report(app):
    def painted():
        heavy = [name for name in {heavy} if name in sys.modules]
        print("painted", time.time(), *heavy, flush=True)
        app.host and app.host.ready_changed.connect(lambda ready: print("engine", time.time(), flush=True))
        QTimer.singleShot({linger}, app.window, app.window.close)
    QTimer.singleShot(0, app, painted)

if __name__ == "__main__":
    sys.exit(main([], report))
"""


def run_once(home: Path, linger_ms: int) -> tuple[float, float, list[str]]:
    """Seconds to the painted window, seconds to the end after it was asked to close, heavy modules."""
    script = home / "child.py"
    script.write_text(CHILD.format(heavy=HEAVY, linger=linger_ms))
    env = os.environ | {"HOME": str(home), "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(ROOT)}
    env = {name: value for name, value in env.items() if not name.startswith("XDG_")}
    began = time.time()
    done = subprocess.run(
        [sys.executable, str(script)], env=env, capture_output=True, text=True, check=True, timeout=60
    )
    ended = time.time()
    words = next(line.split() for line in done.stdout.splitlines() if line.startswith("painted"))
    painted = float(words[1])
    return painted - began, ended - painted - linger_ms / 1000, words[2:]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--linger-ms", type=int, default=300)
    options = parser.parse_args()
    starts, ends, heavy = [], [], set()
    with tempfile.TemporaryDirectory(prefix="home") as home:
        run_once(Path(home), options.linger_ms)  # fills the caches of the disk and Python's own
        for _ in range(options.runs):
            start, end, found = run_once(Path(home), options.linger_ms)
            starts.append(start)
            ends.append(end)
            heavy.update(found)
    print(f"window painted after process start: median {statistics.median(starts):.3f} s, worst {max(starts):.3f} s")
    print(f"  budget {BUDGET_S} s; heavy modules in the window's process: {', '.join(sorted(heavy)) or 'none'}")
    print(f"closed to process end: median {statistics.median(ends):.3f} s, worst {max(ends):.3f} s")


if __name__ == "__main__":
    main()
