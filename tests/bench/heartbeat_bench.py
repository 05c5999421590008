"""How late a 10 ms timer of the window comes while the Engine works on every core.

    python -m tests.bench.heartbeat_bench [--images 120] [--side 640] [--model sample]

The goal while a folder is classified: p99 <= 16 ms, max <= 50 ms. A thread notes where the GUI thread was whenever it
was late by more than 50 ms. The last rows are the real window, from its first turn on the screen to the last
Prediction; the others receive the same Events and show nothing.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).parents[2]))

from PySide6.QtCore import QEventLoop, QObject, Qt, QTimer
from PySide6.QtWidgets import QApplication

from convnext_studio.core.requests import Classify, FindImages, LoadModel, MakeSample, MakeThumbnails
from convnext_studio.core.values import ImageRef, ModelRef
from convnext_studio.gui.engine_host import EngineHost
from convnext_studio.gui.jobs import JobHandle
from tests import helpers

BEAT_MS = 10
STALL_MS = 50
LONGEST_WINDOW_MS = 180_000


@dataclass(frozen=True)
class Lateness:
    """What a Heartbeat heard, in ms."""

    late: list[float]
    stalls: list[str] = field(default_factory=list)

    def at(self, share: float) -> float:
        """The lateness that `share` of the beats did not exceed."""
        ordered = sorted(self.late) or [0.0]
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Heartbeat(QObject):
    """Measures the GUI thread's lateness from `start` to `stop`."""

    def start(self) -> None:
        self._late: list[float] = []
        self._stalls: list[str] = []
        self._last = time.perf_counter()
        self._timer = QTimer(self, interval=BEAT_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_beat)
        self._timer.start()
        self._is_over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="watch")
        self._watcher.start()

    def stop(self) -> Lateness:
        self._on_beat()
        self._timer.stop()
        self._is_over.set()
        self._watcher.join()
        return Lateness(self._late, self._stalls)

    def _on_beat(self) -> None:
        now = time.perf_counter()
        self._late.append(max(0.0, (now - self._last) * 1e3 - BEAT_MS))
        self._last = now

    def _watch(self) -> None:
        main, noted = threading.main_thread().ident, 0.0
        while not self._is_over.wait(STALL_MS / 4000):
            if (time.perf_counter() - self._last) * 1e3 > STALL_MS + BEAT_MS and self._last != noted:
                noted = self._last
                frame = sys._current_frames().get(main or 0)
                self._stalls.append("".join(traceback.format_stack(frame)[-3:]) if frame else "")
                del frame  # it holds a painter that has to end


def wait_for(handles: list[JobHandle]) -> list[object]:
    """Run the event loop until all have ended; return what they reported, one after the other."""
    reported: list[object] = []
    open_ones = set(map(id, handles))
    loop = QEventLoop()
    for handle in handles:
        handle.events.connect(reported.extend)
        handle.failed.connect(lambda failure: print(failure.message, getattr(failure, "details", ""), file=sys.stderr))

        def on_closed(key: int = id(handle)) -> None:
            open_ones.discard(key)
            if not open_ones:
                loop.quit()

        handle.closed.connect(on_closed)
    loop.exec()
    return reported


def print_row(name: str, late: Lateness, took_s: float) -> None:
    figures = f"{late.at(0.5):.1f} | {late.at(0.99):.1f} | {late.at(1.0):.1f} | {len(late.late)} | {took_s:.1f}"
    print(f"| {name} | {figures} |", flush=True)
    for stall in late.stalls[:5]:
        print(f"  late at:\n{stall}", file=sys.stderr)


def measure(name: str, work: Callable[[], list[JobHandle]], limit_s: float | None = None) -> None:
    """Print one row for `work`; with a limit, cancel it then."""
    heart = Heartbeat()
    heart.start()
    since = time.perf_counter()
    handles = work()
    if limit_s is not None:
        QTimer.singleShot(int(limit_s * 1000), lambda: [handle.cancel() for handle in handles])
    wait_for(handles)
    took = time.perf_counter() - since
    print_row(name, heart.stop(), took)


def measure_window(folder: str, images: int) -> int:
    """Open `folder` in the program's own window and wait until every Image has its Prediction; 1 if not all get one."""
    from convnext_studio.gui.app import App
    from convnext_studio.gui.app import main as run

    def begin(app: App) -> None:
        heart = Heartbeat(app)
        heart.start()
        since = time.perf_counter()
        library, classifier = app.studio.library, app.studio.classifier
        look = QTimer(app, interval=100)
        phase[0] = "opens the folder and loads the Model"

        def row() -> None:
            nonlocal since
            print_row(f"(window) {phase[0]}", heart.stop(), time.perf_counter() - since)
            since = time.perf_counter()

        def on_look() -> None:
            if phase[0].startswith("opens") and library.classified:
                row()
                phase[0] = "classifies and shows the folder"
                heart.start()
            if classifier.state == "ready" and library.classified + library.errors == images:
                look.stop()
                row()
                phase[0] = ""
                app.window.close()

        def give_up() -> None:
            print(
                f"| (window) {phase[0]} | missed: not done after {LONGEST_WINDOW_MS / 1000:.0f} s | | | | |", flush=True
            )
            heart.stop()
            app.window.close()

        QTimer.singleShot(LONGEST_WINDOW_MS, app, give_up)
        look.timeout.connect(on_look)
        look.start()

    phase = [""]
    run([folder], begin)
    return 1 if phase[0] else 0


def main(images: int, side: int, model: str, window: str) -> int:
    if window:
        return measure_window(window, images)
    app = QApplication([])
    host = EngineHost(extra_jobs=helpers.EXTRA_JOBS)
    app.aboutToQuit.connect(host.shutdown)
    host.start()
    cores = os.cpu_count() or 1
    reference = ModelRef(model, weights="pretrained" if model == "sample" else "random")
    with tempfile.TemporaryDirectory() as folder:
        wait_for([host.lanes["files"].submit(MakeSample(folder, count=images, size=side))])
        found = tuple(ImageRef(str(path)) for path in sorted(Path(folder).rglob("*.png")))
        print(f"{len(found)} Images of {side} px, {model}, {cores} cores, load {os.getloadavg()[0]:.1f}\n")
        print("| the Engine | p50 ms | p99 ms | max ms | beats | s |\n|---|---|---|---|---|---|")
        measure("does nothing", lambda: [host.lanes["batch"].submit(helpers.Count(30, pause_s=0.1))])
        measure("loads the Model, torch's import included", lambda: [host.lanes["batch"].submit(LoadModel(reference))])
        measure("classifies a folder", lambda: [host.lanes["batch"].submit(Classify(found, reference))])
        measure(
            "scans, makes thumbnails and classifies",
            lambda: [
                host.lanes["scan"].submit(FindImages((folder,))),
                host.lanes["thumbnails"].submit(MakeThumbnails(found, 160)),
                host.lanes["batch"].submit(Classify(found, reference)),
            ],
        )
        measure(
            "burns twice as many threads as there are cores, reporting",
            lambda: [host.lanes["batch"].submit(helpers.Burn(4.0, 2 * cores))],
        )
        measure("reports 50,000 Events", lambda: [host.lanes["batch"].submit(helpers.Count(50_000))])
        measure("sends an 8k x 8k Image", lambda: [host.lanes["batch"].submit(helpers.MakeArray((8000, 8000, 3)))])
        host.shutdown()
        homes = {f"XDG_{kind}_HOME": f"{folder}/{kind}" for kind in ("CONFIG", "DATA", "CACHE", "STATE")}
        command = [sys.executable, "-m", "tests.bench.heartbeat_bench", "--window", folder, "--images", str(len(found))]
        return subprocess.run(command, check=False, env=os.environ | homes).returncode


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=120)
    parser.add_argument("--side", type=int, default=640)
    parser.add_argument("--model", default="sample", help="the sample, or an architecture with random weights")
    parser.add_argument("--window", default="", help=argparse.SUPPRESS)
    sys.exit(main(**vars(parser.parse_args())))
