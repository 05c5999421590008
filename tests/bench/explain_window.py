"""Explanations in the program's own window: from a selection to the map that is painted, through the Engine.

    python -m tests.bench.explain_window

* a selection somewhere in the list, whose Prediction is there: milliseconds to its map (goal 100);
* the next Image of the list: its map was made ahead;
* how late a 10 ms timer of the window comes while class, stage, opacity, line and colours are scrubbed with the overlay
  on (goal 50);
* a slow method: from Stop to the Engine being free for the next Job (goal 200).

The window runs in a process of its own, with settings of its own. `BENCH_MODEL` names the architecture.
"""

from __future__ import annotations

import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from PySide6.QtCore import QEvent, QObject, Qt, QTimer

from tests.bench.table import Row, show

if TYPE_CHECKING:
    from convnext_studio.gui.app import App

MODEL = os.environ.get("BENCH_MODEL", "convnext_atto")
IMAGES = 70
SELECTIONS = 16
SCRUBS = 150
LIMIT_S = 150
STEP_MS = 20
BEAT_MS = 10
LOOKS_MS = 400  # at each Image


def rows(folder: Path) -> list[Row]:
    """Drive the window in a process of its own and read its figures."""
    pictures = folder / "pictures"
    pictures.mkdir()
    rng = np.random.default_rng(0)
    for number in range(IMAGES):
        noise = Image.fromarray(rng.integers(0, 256, (20, 16, 3), dtype=np.uint8))
        noise.resize((400, 533), Image.Resampling.BICUBIC).save(pictures / f"{number:02}.jpg", quality=92)
    homes = {f"XDG_{kind}_HOME": f"{folder}/{kind}" for kind in ("CONFIG", "DATA", "CACHE", "STATE")}
    command = [sys.executable, "-m", "tests.bench.explain_window", str(pictures)]
    said = subprocess.run(
        command, check=True, capture_output=True, text=True, env=os.environ | homes | {"QT_QPA_PLATFORM": "offscreen"}
    ).stdout
    return [
        Row(name, float(value), "ms", goal)
        for name, value, goal in (line.split("\t") for line in said.splitlines() if line.count("\t") == 2)
    ]


def tell(name: str, value: float, goal: str = "") -> None:
    """Say one figure to the process that asked."""
    sys.stdout.write(f"{name}\t{value:.1f}\t{goal}\n")


def drive(folder: str) -> None:
    """Open the window and let the visit take place in it."""
    from convnext_studio.core.values import ModelRef
    from convnext_studio.gui.app import main as run

    def begin(app: App) -> None:
        app.studio.classifier.set_model(ModelRef(MODEL, "random"))
        steps = visit(app)

        def go_on() -> None:
            """Take the next step as soon as what the last one waits for has come."""
            nonlocal waits_for
            if waits_for():
                try:
                    waits_for = next(steps)
                except StopIteration:
                    timer.stop()
                    app.window.close()

        waits_for: Callable[[], bool] = next(steps)
        timer = QTimer(app, interval=1)
        timer.timeout.connect(go_on)
        timer.start()

        def give_up() -> None:
            tell(f"what would come next, after {LIMIT_S} s", math.nan)
            app.window.close()

        QTimer.singleShot(LIMIT_S * 1000, app, give_up)

    run([folder], begin)


def pause(milliseconds: float) -> Callable[[], bool]:
    """Wait for so long."""
    until = time.perf_counter() + milliseconds / 1000
    return lambda: time.perf_counter() >= until


def heartbeat(parent: QObject) -> tuple[list[float], QTimer]:
    """A timer of 10 ms, and by how many milliseconds each of its beats was late."""
    late, last = [], [time.perf_counter()]

    def on_beat() -> None:
        now = time.perf_counter()
        late.append(max(0.0, 1000 * (now - last[0]) - BEAT_MS))
        last[0] = now

    timer = QTimer(parent, interval=BEAT_MS, timerType=Qt.TimerType.PreciseTimer)
    timer.timeout.connect(on_beat)
    timer.start()
    return late, timer


class Painted(QObject):
    """Watches the canvas: a map is there once it was painted over its own Image, not once it has come."""

    def __init__(self, app: App) -> None:
        from convnext_studio.gui.panels.canvas_panel import CanvasPanel

        panel = app.window.findChild(CanvasPanel)
        assert panel is not None
        super().__init__(panel)
        self._explainer, self._canvas = app.studio.explainer, panel.canvas
        self._last: object = None
        self._canvas.installEventFilter(self)

    def is_up_to_date(self) -> bool:
        """Whether the map of the current Image has been painted."""
        return self._explainer.heatmap is not None and self._last is self._explainer.heatmap

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Note what is about to be painted once it has been: a timer of no time comes after."""
        if event.type() == QEvent.Type.Paint:
            heat = self._canvas.heat
            shown = heat.heatmap if heat.is_seen else None
            QTimer.singleShot(0, self, lambda: setattr(self, "_last", shown))
        return super().eventFilter(watched, event)


def visit(app: App) -> Iterator[Callable[[], bool]]:
    """What is done in the window; each step yields what it waits for."""
    studio = app.studio
    library, explainer = studio.library, studio.explainer
    yield lambda: library.classified == IMAGES and explainer.trust is not None
    painted = Painted(app)
    library.set_current_row(51)  # so that 52 is ahead
    yield lambda: explainer.trust is not None
    for name, row_of in (
        ("first map of a new selection", lambda number: 3 * number + 3),
        ("map of the next Image", lambda number: 52 + number),
    ):
        took = []
        for number in range(SELECTIONS):
            since = time.perf_counter()
            library.set_current_row(row_of(number))
            yield painted.is_up_to_date
            took.append(1000 * (time.perf_counter() - since))
            yield lambda: explainer.trust is not None
            yield pause(LOOKS_MS)
        tell(f"{name}, median ({MODEL})", statistics.median(took), "<= 100")
        tell(f"{name}, slowest of {len(took)}", max(took))
    late, beat = heartbeat(app)
    stages = [layer.name for layer in explainer.network.layers if layer.is_stage]
    for number in range(SCRUBS):
        explainer.set_look(opacity=number % 50 / 50, line=number % 20 / 20)
        if number % 10 == 0:
            explainer.set_wish(class_name=explainer.classes[number], layer=stages[number // 10 % len(stages)])
        yield pause(STEP_MS)
    beat.stop()
    tell("GUI timer while scrubbing, late, p99", sorted(late)[int(0.99 * len(late))], "<= 50")
    tell("GUI timer while scrubbing, late, longest", max(late), "<= 50")
    took = []
    for method in ("scorecam", "occlusion", "ablationcam", "integrated-gradients"):
        explainer.set_wish(method=method, layer="", class_name="")
        yield lambda: bool(studio.jobs.entries and studio.jobs.entries[-1].done)
        since = time.perf_counter()
        studio.jobs.entries[-1].stop()
        yield lambda: explainer.error.startswith("Stopped")
        took.append(1000 * (time.perf_counter() - since))
    tell("a slow method, from Stop to the end of its Job, slowest of 4", max(took), "<= 200")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        drive(sys.argv[1])
    else:
        show(rows)
