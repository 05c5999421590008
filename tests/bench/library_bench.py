"""The window with 50,000 files: opened, scrolled end to end, sorted and filtered; and an 8k x 8k Image dragged about.

    python -m tests.bench.library_bench [--files 50000]

Goals: first thumbnails <= 1 s, the GUI timer never more than 50 ms late, added memory <= 300 MB, sort and filter
<= 200 ms, a paint of the 8k x 8k Image about 16 ms. The window, its Lanes and the Engine are the real ones.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).parents[2]))

import psutil
from PySide6.QtCore import QEventLoop, QPointF, QTimer
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication

from convnext_studio.core.values import Prediction
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.engine_host import EngineHost
from convnext_studio.gui.litter import Litter
from convnext_studio.gui.main_window import MainWindow
from convnext_studio.gui.panels.canvas_panel import CanvasPanel
from convnext_studio.gui.panels.images_panel import ImagesPanel
from convnext_studio.gui.stores.places import Places
from convnext_studio.gui.stores.studio import Studio, build_studio
from convnext_studio.gui.theme.fonts import load_fonts
from convnext_studio.gui.theme.theme import Theme
from tests.bench.heartbeat_bench import Heartbeat

CLASSES = ("good", "scratch", "pit", "stain", "crack", "dent")
SCROLL_STEPS = 400


def wait(until: Callable[[], bool], limit_s: float = 60.0) -> float:
    """Run the event loop until it is so; the seconds it took."""
    since = time.perf_counter()
    loop = QEventLoop()
    timer = QTimer(interval=2)
    timer.timeout.connect(lambda: loop.quit() if until() or time.perf_counter() - since > limit_s else None)
    timer.start()
    loop.exec()
    timer.stop()
    return time.perf_counter() - since


def make_files(folder: Path, count: int) -> None:
    """So many names for 64 pictures, in folders of 5,000."""
    sources = []
    for number in range(64):
        image = QImage(640, 480, QImage.Format.Format_RGB32)
        image.fill(QColor.fromHsv(number * 5, 120, 180))
        path = folder / f".source_{number}.jpg"
        image.save(str(path), quality=90)
        sources.append(path)
    for number in range(count):
        into = folder / f"batch {number // 5000}"
        into.mkdir(exist_ok=True)
        os.link(sources[number % 64], into / f"part_{number}.jpg")


def row(what: str, figure: str, goal: str = "") -> None:
    print(f"| {what} | {figure} | {goal} |", flush=True)


class Bench:
    """One window, measured step by step."""

    def __init__(self, app: QApplication, folder: Path, files: Path) -> None:
        load_fonts()
        self.files = files
        self.litter = Litter(app)
        self.host = EngineHost()
        places = Places(*(folder / name for name in ("config", "data", "cache", "state")))
        theme = Theme(app, "dark", is_motion_reduced=True)
        self.studio: Studio = build_studio(theme, places, dict(self.host.lanes))
        self.studio.settings.update(classifies_at_once=False)
        self.window = MainWindow(self.studio, Actions(theme))
        self.window.show()
        self.host.start()
        self.heart = Heartbeat()

    def late(self, what: str, work: Callable[[], object]) -> None:
        """Do it and say how late the GUI timer was meanwhile."""
        self.heart.start()
        work()
        late = self.heart.stop()
        row(
            f"GUI timer while {what}: p50 / p99 / max",
            f"{late.at(0.5):.0f} / {late.at(0.99):.0f} / {late.at(1.0):.0f} ms",
            "50 ms",
        )
        for stall in late.stalls[:2]:
            print(stall, file=sys.stderr)

    def run(self, count: int) -> None:
        """Everything, one row each."""
        library, thumbnails = self.studio.library, self.studio.thumbnails
        self._first_image()
        memory = psutil.Process().memory_info().rss
        self.late("the files are found and the first are shown", lambda: self._open(count))
        panel = self.window.findChild(ImagesPanel)
        assert panel is not None
        self.late("scrolled end to end", lambda: self._scroll(panel))
        end = [library.image_at(n) for n in panel.grid.rows_in_sight()]
        row("last thumbnails after the scroll", f"{wait(lambda: all(thumbnails.pixmap(ref) for ref in end)):.2f} s")
        self.late("predictions come in", self._predict)
        self.late("cycles are looked for among all rows", gc.collect)
        self._arrange()
        added = psutil.Process().memory_info().rss - memory
        row("added memory in the window", f"{added / 1e6:.0f} MB", "300 MB")

    def _first_image(self) -> None:
        """Before the Engine and the window have imported what pictures need."""
        since = time.perf_counter()
        self.studio.open_paths((str(self.files / ".source_0.jpg"),))
        wait(lambda: bool(self.studio.thumbnails._pixmaps) and self.studio.viewer.opened is not None)
        row("one image on the screen, from the start of the Engine on", f"{time.perf_counter() - since:.2f} s")
        self.studio.library.clear()

    def _open(self, count: int) -> None:
        library, thumbnails = self.studio.library, self.studio.thumbnails
        since = time.perf_counter()
        self.studio.open_paths((str(self.files),))
        wait(lambda: bool(thumbnails._pixmaps))
        row("first thumbnails after", f"{time.perf_counter() - since:.2f} s", "1 s")
        wait(lambda: library.total == count and not library.is_finding)
        row(f"{count} rows after", f"{time.perf_counter() - since:.2f} s")

    def _scroll(self, panel: ImagesPanel) -> None:
        bar = panel.grid.verticalScrollBar()
        for step in range(SCROLL_STEPS + 1):
            bar.setValue(bar.maximum() * step // SCROLL_STEPS)
            wait(lambda: True)

    def _predict(self) -> None:
        library = self.studio.library
        for start in range(0, library.total, 64):
            images = [library.image_of_record(n) for n in range(start, min(start + 64, library.total))]
            library.set_predictions(
                Prediction(ref, CLASSES[:5], (0.5 + n % 499 / 1000, 0.2, 0.1, 0.05, 0.01), n % 100 / 100, 5.0)
                if n % 50
                else Prediction(ref, error="This is not an image.")
                for n, ref in enumerate(images, start)
            )
            if start % 256 == 0:
                wait(lambda: True)

    def _arrange(self) -> None:
        library = self.studio.library
        for changes in (
            {"sort": "class"},
            {"sort": "probability", "is_descending": True},
            {"sort": "error"},
            {"text": "77"},
            {"text": "", "only": "errors"},
            {"only": "below", "below": 0.6},
            {"only": "all", "sort": "name", "is_descending": False},
        ):
            since = time.perf_counter()
            library.arrange(**changes)
            QApplication.processEvents()
            took = 1e3 * (time.perf_counter() - since)
            row(f"arrange {changes}, views included", f"{took:.0f} ms", "200 ms")

    def show_large(self) -> None:
        """Drag and zoom 8,000 x 8,000 pixels."""
        import numpy as np

        panel = self.window.findChild(CanvasPanel)
        assert panel is not None
        canvas = panel.canvas
        pixels = np.random.default_rng(0).integers(0, 255, (8000, 8000, 3), np.uint8)
        paints: list[float] = []

        def paint() -> None:
            since = time.perf_counter()
            canvas.repaint()
            paints.append(1e3 * (time.perf_counter() - since))

        def work() -> None:
            canvas.set_picture(pixels, 8000, 8000)
            wait(lambda: canvas._pyramid is not None and not canvas._pyramid._timer.isActive())

        self.late("8k x 8k is taken in", work)
        for zoom in (canvas.fit_zoom, 0.3, 0.51, 1.0, 4.0):
            canvas.zoom_to(zoom)
            for _ in range(40):
                canvas.pan(QPointF(-17, -9))
                paint()
        middle, most = statistics.median(paints), max(paints)
        row("a paint of 8k x 8k while dragged, at five zooms: median / max", f"{middle:.1f} / {most:.1f} ms", "16 ms")


def main(files: int) -> None:
    app = QApplication([])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "files").mkdir()
        make_files(folder / "files", files)
        bench = Bench(app, folder, folder / "files")
        print(f"{files} files, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
        print("| what | seen | goal |\n|---|---|---|")
        bench.run(files)
        bench.show_large()
        bench.window.close()
        bench.host.shutdown()
        bench.litter.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=50_000)
    main(**vars(parser.parse_args()))
