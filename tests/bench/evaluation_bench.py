"""An evaluation of 20,000 Images in the window: opened from disk, cells of its matrix opened, curves drawn.

    python -m tests.bench.evaluation_bench [--images 20000] [--classes 30]

Goals: a cell shows its Images <= 200 ms, the GUI timer never more than 50 ms late. The window, its Lanes and the Engine
are the real ones; the answers are drawn at random, the pictures are files.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
import psutil
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from convnext_studio.core.evaluation import report
from convnext_studio.core.evaluation.count import About, Answers, evaluation_of
from convnext_studio.core.evaluation.report import KeptEvaluation
from convnext_studio.core.values import ImageRef
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.engine_host import EngineHost
from convnext_studio.gui.main_window import MainWindow
from convnext_studio.gui.panels.evaluation_panel import EvaluationPanel
from convnext_studio.gui.stores.places import Places
from convnext_studio.gui.stores.studio import build_studio
from convnext_studio.gui.theme.fonts import load_fonts
from convnext_studio.gui.theme.theme import Theme
from tests.bench.heartbeat_bench import Heartbeat
from tests.bench.library_bench import make_files, row, wait

PRESSED = 36  # cells, a few of them of the diagonal, where most Images are


def make_evaluation(folder: Path, images: int, classes: tuple[str, ...]) -> Path:
    """Write pictures, and an Evaluation of them as the Job would keep it."""
    make_files(folder, images)
    paths = sorted(str(path) for path in folder.rglob("part_*.jpg"))
    chance = np.random.default_rng(0)
    labels = chance.integers(0, len(classes), images)
    table = chance.random((images, len(classes))) + np.eye(len(classes))[labels]
    parts = [f"part {number // 4}" for number in range(images)]
    answers = Answers(classes, paths, labels, parts, table / table.sum(axis=1, keepdims=True))
    since = time.perf_counter()
    found = evaluation_of(answers, About("test", "bench", "ab" * 32, str(folder)))
    row("Count everything, intervals of grouped Images included", f"{time.perf_counter() - since:.1f} s")
    path = folder / "evaluation.json"
    since = time.perf_counter()
    report.write(path, replace(found, at="2026-01-31T12:00:00+00:00"))
    row("Write it", f"{time.perf_counter() - since:.1f} s, {path.stat().st_size / 1e6:.1f} MB")
    return path


class Bench:
    """One window, measured step by step."""

    def __init__(self, app: QApplication, folder: Path) -> None:
        load_fonts()
        self.host = EngineHost()
        places = Places(*(folder / name for name in ("config", "data", "cache", "state")))
        theme = Theme(app, "dark", is_motion_reduced=True)
        self.studio = build_studio(theme, places, dict(self.host.lanes))
        self.studio.settings.update(classifies_at_once=False)
        self.window = MainWindow(self.studio, Actions(theme))
        self.window.resize(1440, 900)
        self.window.show()
        self.host.start()
        self.heart = Heartbeat()

    def run(self, path: Path, images: int) -> None:
        """Open it, then its cells, the largest and the smallest among them."""
        wait(lambda: self.host.is_ready)
        self.window.evaluation.show()
        evaluator = self.studio.evaluator
        memory = psutil.Process().memory_info().rss
        self.heart.start()
        evaluator.show(KeptEvaluation(str(path), "bench", "", "test", "", images, 0.0))
        taken = wait(lambda: evaluator.evaluation is not None)
        wait(lambda: False, 1.0)  # it is laid out and painted in the turns that follow
        self._late("it opens")
        row(f"Open an evaluation of {images} Images from disk", f"{taken:.2f} s")
        added = (psutil.Process().memory_info().rss - memory) / 1e6
        row("Memory it adds to the window", f"{added:.0f} MB")
        page = self.window.evaluation.page
        panel = page.result if page is not None else None
        assert isinstance(panel, EvaluationPanel)
        self._open_cells(panel)

    def _open_cells(self, panel: EvaluationPanel) -> None:
        shown, seen, most = [], [], 0
        self.heart.start()
        chance, classes = np.random.default_rng(1), len(panel.matrix._classes)
        cells = [(place, place) for place in range(min(classes, PRESSED // 6))]
        cells += [(int(true), int(found)) for true, found in chance.integers(0, classes, (PRESSED - len(cells), 2))]
        for true, found in cells:
            since = time.perf_counter()
            at = panel.matrix._cell(true, found).center().toPoint()
            QTest.mouseClick(panel.matrix, Qt.MouseButton.LeftButton, pos=at)
            panel.images.viewport().repaint()
            shown.append(time.perf_counter() - since)
            most = max(most, panel.rows.rowCount())
            first = panel.rows.paths[:1]
            wait(lambda first=first: not first or panel.pictures.pixmap(ImageRef(first[0])) is not None, 5.0)
            seen.append(time.perf_counter() - since)
        assert most > 0, "no cell was pressed"
        self._late("cells open")
        row(f"A cell shows its Images (up to {most}): longest", f"{1000 * max(shown):.0f} ms", "200 ms")
        middle, longest = 1000 * statistics.median(seen), 1000 * max(seen)
        row("Until its first picture is there: median / longest", f"{middle:.0f} / {longest:.0f} ms")

    def _late(self, what: str) -> None:
        late = self.heart.stop()
        figures = " / ".join(f"{late.at(share):.0f}" for share in (0.5, 0.99, 1.0))
        row(f"GUI timer while {what}: p50 / p99 / max", f"{figures} ms", "50 ms")
        for stall in late.stalls[:2]:
            print(stall, file=sys.stderr)

    def close(self) -> None:
        """End it all."""
        self.studio.training.leave()
        self.studio.viewer.stop()
        self.studio.classifier.stop()
        self.host.shutdown()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--classes", type=int, default=30, help="6 are those of the sample")
    options, _ = parser.parse_known_args()
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "images").mkdir()
        print("| what | measured | goal |\n|---|---|---|")
        path = make_evaluation(
            folder / "images", options.images, tuple(f"class {number:03}" for number in range(options.classes))
        )
        bench = Bench(app, folder)
        bench.run(path, options.images)
        bench.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
