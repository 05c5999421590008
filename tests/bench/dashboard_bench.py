"""The live page: how soon a long Run is shown, how smooth the window stays, what it takes from a training.

    python -m tests.bench.dashboard_bench [--part open live train cost samples tensorboard]

Each part is a process of its own with an empty home folder, the real window and its real Engine, no screen. `open` and
`live` show a Run of 100,000 steps with all plots unfolded; `train` fine-tunes on every core meanwhile. TensorBoard is
started on the same values and asked for them as its page would, and, where there is a Chromium, its page is drawn.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from PySide6.QtCore import QTimer

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).parents[2]))

from convnext_studio.core.recipe import from_preset
from convnext_studio.core.run_events import (
    EpochEnded,
    Line,
    PhaseStarted,
    RunEnded,
    RunEvent,
    RunStarted,
    StepEnded,
    TestEnded,
    from_line,
)
from convnext_studio.core.runs.recorder import Recorder
from convnext_studio.core.runs.run import Run
from tests.bench import browser

if TYPE_CHECKING:
    from convnext_studio.gui.app import App
    from convnext_studio.gui.panels.live_panel import LivePanel

STEPS, PER_EPOCH = 100_000, 1_000
CLASSES = 30  # the most that are all in the matrix
ROOT = Path(__file__).parents[2]
SELF = (sys.executable, "-m", "tests.bench.dashboard_bench")  # as a file, its folder's `cuda.py` would be imported
PARTS = ("open", "live", "train", "cost", "samples", "tensorboard")
CURVES = ("loss", "learning_rate", "images_per_s", "data_wait", "gradient_norm", "memory_bytes")
LIVE_S, LINES_PER_S, EPOCHS = 20.0, 50, 14
COST_EPOCHS, HALT_S = 40, 2.0
ALL_PLOTS = 11
BOARD = 6123  # TensorBoard's port
# Its curves are on a canvas, painted by a worker: they count as drawn once the wheel is gone, which is kind to it.
DRAWN = """
    const has = (what) => document.querySelector(what) !== null;
    return has('line-chart canvas') && !has('card-view mat-spinner');
"""
PATIENCE_S = 300.0
RUNS = Path("convnext-studio", "runs")  # where the window looks for Runs in an empty home folder
Until = Callable[[], object]


def step(number: int, chance: random.Random) -> StepEnded:
    loss = 0.1 + 1.6 * math.exp(-number / 2e4) + chance.uniform(-0.1, 0.1)
    stages = {name: chance.random() for name in ("stem", "stages.0", "stages.1", "head")} if number % 10 == 0 else {}
    rates = 5e-4 * (1 - number / (2 * STEPS)), 30 + chance.random(), chance.random() / 20
    return StepEnded(number, 1 + number // PER_EPOCH, loss, *rates, chance.random(), 3_000_000_000, stages, stages, 0.9)


def said(steps: int = STEPS) -> Iterator[RunEvent]:
    chance = random.Random(0)
    rows = tuple(
        tuple(40 if true == found else chance.randrange(4) for found in range(CLASSES)) for true in range(CLASSES)
    )
    names = tuple(f"class {number:02}" for number in range(CLASSES))
    planned = 2 * STEPS
    yield RunStarted("long", "sample", names, {}, planned // PER_EPOCH, planned, 32, "CPU", "bf16")
    yield PhaseStarted("full", planned)
    for number in range(1, steps + 1):
        yield step(number, chance)
        if number % PER_EPOCH == 0:
            score = 1 - math.exp(-number / 2e4)
            yield EpochEnded(
                number // PER_EPOCH, number, 0.5, 0.6, score, score, (score,) * CLASSES, rows, is_best=True
            )


def long_run(runs: Path, *, ends: bool) -> Run:
    run = Run.create(runs, "long", from_preset("balanced", data=str(runs)))
    with run.lock(), Recorder(run) as recorder:
        for event in said():
            recorder.emit(event)
        if ends:
            recorder.emit(RunEnded("finished", "Finished."))
    return run


def row(name: str, value: float, unit: str, goal: str = "") -> None:
    print(f"| {name} | {value:.3g} {unit} | {goal} |", flush=True)


def tell_stalls(stalls: list[str]) -> None:
    """Where the window was whenever it came late."""
    for stall in stalls[:5]:
        print(f"late at:\n{stall}", file=sys.stderr)


# --- in the window


def in_window(script: Callable[[App], Iterator[Until]], look_ms: int = 20) -> None:
    """Start the program; go on with the script whenever what it yielded holds, which is asked every `look_ms`."""
    from convnext_studio.gui.app import main as run

    def begin(app: App) -> None:
        app.window.resize(1440, 900)
        steps, since = script(app), time.monotonic()
        until = rest(0.0)

        def look() -> None:
            nonlocal until, since
            try:
                while until():
                    until, since = next(steps), time.monotonic()
                if time.monotonic() - since < PATIENCE_S:
                    return
                print("waited in vain", file=sys.stderr)
            except StopIteration:
                pass
            timer.stop()
            app.window.leaving.leave()

        timer = QTimer(app, interval=look_ms)
        timer.timeout.connect(look)
        timer.start()

    run([], begin)


def is_at_rest(app: App) -> Until:
    """The Engine is up and what plots need is imported."""
    return lambda: app.host is not None and app.host.is_ready and "pyqtgraph.widgets.PlotWidget" in sys.modules


def rest(seconds: float) -> Until:
    until = time.monotonic() + seconds
    return lambda: time.monotonic() > until


def live_page(app: App) -> LivePanel:
    from convnext_studio.gui.panels.live_panel import LivePanel

    page = app.window.training.train().page("live")
    assert isinstance(page, LivePanel)
    return page


def unfold(app: App) -> LivePanel:
    """Open all parts of the live page."""
    page = live_page(app)
    for fold in (page.more, page.experts):
        fold.toggle()
    return page


class Paintings:
    """When each plot in sight was painted, and up to which step: what is told but not on the screen counts for nothing.

    A painting counts once the turn that painted is over, and only of what came last: not while newer waits.
    """

    def __init__(self, panel: LivePanel) -> None:
        self._panel = panel
        self._seen: dict[str, list[tuple[float, int]]] = {}
        for key, card in panel.cards.items():
            card.plot._plot.painted.connect(partial(self._on_painted, key))

    def forget(self) -> None:
        """Only what is painted from now on counts."""
        self._seen.clear()

    @property
    def in_sight(self) -> dict[str, list[tuple[float, int]]]:
        """Of each plot that can be seen now: when it was painted, and up to which step."""
        shown = [key for key, card in self._panel.cards.items() if not card.plot.visibleRegion().isEmpty()]
        return {key: self._seen.get(key, []) for key in shown}

    def are_up_to(self, step: int) -> bool:
        """Whether all plots in sight show what was told up to there; what is told once an epoch ends with an epoch."""
        lasts = [painted[-1][1] if painted else -1 for painted in self.in_sight.values()]
        return bool(lasts) and min(lasts) >= step - PER_EPOCH and max(lasts) >= step

    def _on_painted(self, key: str) -> None:
        plot = self._panel.cards[key].plot
        if plot._later.isActive() or plot._is_stale:
            return
        lines = [item.getData()[0] for drawn in plot._drawn for item in (drawn.raw, drawn.smooth)]
        ends = [float(places[-1]) for places in lines if places is not None and len(places)]
        if ends:
            seen, step = self._seen.setdefault(key, []), round(max(ends) * PER_EPOCH)
            QTimer.singleShot(0, plot, lambda: seen.append((time.time(), step)))


def part_open(home: Path) -> None:
    run = Run.open(next((home / RUNS).iterdir()))

    def script(app: App) -> Iterator[Until]:
        from tests.bench.heartbeat_bench import Heartbeat

        started = psutil.Process().create_time()
        app.actions["go_train"].trigger()
        app.window.training.train().show_run(str(run.folder))
        view = app.studio.training.view
        paintings = Paintings(live_page(app))
        yield lambda: paintings.are_up_to(STEPS)
        row("window: process start to the curves of 100,000 steps", time.time() - started, "s", "")
        view.show("")
        yield is_at_rest(app)
        yield rest(2)
        before = _memory(os.getpid())
        heart = Heartbeat(app)
        heart.start()
        since = time.perf_counter()
        app.window.training.train().show_run(str(run.folder))
        yield lambda: view.summary is not None
        paintings.forget()  # to open it cleared the plots, and this turn told them what to draw
        yield lambda: paintings.are_up_to(STEPS)
        row("a finished Run of 100,000 Events is on the screen after", time.perf_counter() - since, "s", "1 s")
        yield rest(1)
        panel = unfold(app)
        yield rest(2)
        heard = heart.stop()
        assert panel.isVisible() and len(panel.cards) == ALL_PLOTS
        row("GUI timer meanwhile, all plots unfolded, longest gap", heard.at(1.0), "ms", "50 ms")
        tell_stalls(heard.stalls)
        window, engine = _memory(os.getpid()), sum(map(_memory, _children(os.getpid())))
        row("memory of the window", window / 1e6, "MB", "")
        row("memory that the Run and all its plots add to it", (window - before) / 1e6, "MB", "")
        row("memory of its Engine, which holds torch", engine / 1e6, "MB", "")

    in_window(script)


def part_live(home: Path) -> None:
    """A writer appends to a Run of 100,000 steps; each line knows when it was written."""
    run = Run.open(next((home / RUNS).iterdir()))
    with subprocess.Popen([*SELF, "--write", str(run.folder)], cwd=ROOT) as writer:

        def script(app: App) -> Iterator[Until]:
            from tests.bench.heartbeat_bench import Heartbeat

            yield is_at_rest(app)
            app.actions["go_train"].trigger()
            app.window.training.train().show_run(str(run.folder))
            view = app.studio.training.view
            yield lambda: view.history.step is not None and view.history.step.step > STEPS
            panel = unfold(app)
            yield lambda: len(panel.cards) == ALL_PLOTS
            yield rest(1)
            panel.area.verticalScrollBar().setValue(panel.area.verticalScrollBar().maximum())  # all there are by step
            yield rest(2)
            paintings = Paintings(panel)
            heart = Heartbeat(app)
            heart.start()
            yield rest(LIVE_S)
            heard = heart.stop()
            drawn = {key: fresh(painted) for key, painted in paintings.in_sight.items()}
            drawn = {key: painted for key, painted in drawn.items() if len(painted) > 1}  # not those of whole epochs
            assert panel.isVisible() and len(panel.cards) == ALL_PLOTS
            rarest = min(map(len, drawn.values()), default=0)
            row(
                f"paintings of new points, rarest of {len(drawn)} plots in sight",
                rarest / LIVE_S,
                "a second",
                ">= 2",
            )
            row("GUI timer meanwhile, p99", heard.at(0.99), "ms", "")
            row("GUI timer meanwhile, longest gap", heard.at(1.0), "ms", "50 ms")
            tell_stalls(heard.stalls)
            late = sorted(lateness(run, list(drawn.values())))
            row("window: from a line written to its point drawn, median", late[len(late) // 2] * 1e3, "ms", "")
            row("window: from a line written to its point drawn, longest", late[-1] * 1e3, "ms", "")

        in_window(script)
        writer.terminate()


def fresh(painted: list[tuple[float, int]]) -> list[tuple[float, int]]:
    """Those paintings that showed more than the one before."""
    return [now for before, now in pairwise(painted) if now[1] > before[1]]


def lateness(run: Run, plots: list[list[tuple[float, int]]]) -> Iterator[float]:
    """Seconds from each line that was drawn to the first painting that shows it, plot by plot."""
    lines = map(json.loads, run.events_path.read_text(encoding="utf-8").splitlines()[-int(2 * LIVE_S * LINES_PER_S) :])
    written = {line["step"]: datetime.fromisoformat(line["at"]).timestamp() for line in lines if "step" in line}
    for painted in plots:
        for (_, before), (at, step) in pairwise(painted):
            yield from (at - written[number] for number in range(before + 1, step + 1) if number in written)


def write(folder: str) -> None:
    """Go on with the long Run, as a training would, until ended."""
    run, chance = Run.open(Path(folder)), random.Random(1)
    with run.lock(), Recorder(run) as recorder:
        number = STEPS
        while True:
            number += 1
            recorder.emit(step(number, chance))
            time.sleep(1 / LINES_PER_S)


def part_train(home: Path) -> None:
    images = _sample(home)

    def script(app: App) -> Iterator[Until]:
        from tests.bench.heartbeat_bench import Heartbeat

        studio, view = app.studio, app.studio.training.view
        yield is_at_rest(app)
        studio.data_sets.choose(images)
        yield lambda: studio.data_sets.is_thorough and studio.classifier.state == "ready"  # measured once
        studio.set_up.set(epochs=EPOCHS, patience=0, input_size=96)
        studio.training.start()
        yield lambda: view.history.step is not None
        heart = Heartbeat(app)
        heart.start()
        yield lambda: len(view.history.epochs) > 2
        told, told_at = view.history.seconds_left or 0.0, view.history.epochs_at[2]
        yield lambda: len(view.history.epochs) > EPOCHS // 2
        heard, mine = heart.stop(), [psutil.Process(), psutil.Process(app.host.pid)]
        began, cpu = time.monotonic(), _cpu(mine)  # without the heartbeat, which takes its own
        yield lambda: len(view.history.epochs) > EPOCHS - 1
        share = (_cpu(mine) - cpu) / ((time.monotonic() - began) * (os.cpu_count() or 1))
        yield lambda: view.history.ended is not None
        row("GUI timer during a fine-tuning on all cores, p99", heard.at(0.99), "ms", "16 ms")
        row("GUI timer during a fine-tuning on all cores, longest gap", heard.at(1.0), "ms", "50 ms")
        row("share of all cores that window and Engine took meanwhile", 100 * share, "%", "2 %")
        tell_stalls(heard.stalls)
        real = view.history.epochs_at[-1] - told_at
        row("time left told after epoch 2, over what it took", told / real, "x", "0.8 to 1.2")

    in_window(script, look_ms=200)  # to look is the window's own time, which is measured


def part_cost(home: Path) -> None:
    """How much longer a training takes because window and Engine follow it: both are halted every other two seconds.

    In one and the same training, so that what else the machine does falls on either half alike. It is that of a first
    start: the sample Model, *balanced*, on 600 Images.
    """
    _sample(home, 600)
    window = subprocess.Popen([*SELF, "--inner", "watched"], cwd=ROOT)
    while not any(_said(home, EpochEnded)):
        assert window.poll() is None
        time.sleep(0.5)
    followers = [psutil.Process(window.pid), *(one for one in _children(window.pid) if "resume" not in one.cmdline())]
    turns: list[tuple[bool, float, float]] = []  # whether they were halted, and from when to when
    try:
        while window.poll() is None and not any(_said(home, TestEnded)):
            for is_halted in (True, False):
                began = time.time()
                for one in followers:
                    (one.suspend if is_halted else one.resume)()
                time.sleep(HALT_S)
                turns.append((is_halted, began, time.time()))
    finally:
        for one in followers:
            with contextlib.suppress(psutil.Error):
                one.resume()
    window.wait()
    halted, watched = (
        [took for is_halted, began, ended in turns if is_halted is which for took in _steps_within(home, began, ended)]
        for which in (True, False)
    )
    usual, longer = statistics.fmean(halted), statistics.fmean(watched)
    unsure = math.hypot(*(statistics.stdev(some) / math.sqrt(len(some)) for some in (halted, watched)))
    steps = f"{len(halted)} and {len(watched)} steps of {1e3 * usual:.0f} ms, give or take {100 * unsure / usual:.1f}"
    row(f"what window and Engine cost a training that they follow ({steps})", 100 * (longer / usual - 1), "%")


def _steps_within(home: Path, began: float, ended: float) -> Iterator[float]:
    """Seconds of each step that was taken in between; with a validation between two, nothing is known of either."""
    for one, other in pairwise(_said(home, StepEnded, EpochEnded)):
        if isinstance(one.event, StepEnded) and isinstance(other.event, StepEnded):
            at = _at(other)
            if began < _at(one) and at < ended:
                yield (other.seconds - one.seconds) / (other.event.step - one.event.step)


def part_watched(home: Path) -> None:
    def script(app: App) -> Iterator[Until]:
        studio, view = app.studio, app.studio.training.view
        yield is_at_rest(app)
        studio.data_sets.choose(str(home / "plates"))
        yield lambda: studio.data_sets.is_thorough and studio.classifier.state == "ready"
        studio.set_up.set(epochs=COST_EPOCHS, patience=0)
        studio.training.start()
        yield lambda: view.history.ended is not None

    in_window(script, look_ms=200)


def part_samples(home: Path) -> None:
    """What samples and kept answers take of the same training, told by a clock around them."""
    from convnext_studio.core.context import JobContext
    from convnext_studio.core.recipe import changed
    from convnext_studio.core.requests import Train
    from convnext_studio.core.training import fit, samples, work

    recipe = changed(from_preset("balanced", data=_sample(home, 600)), {"patience": 0})
    spent: list[float] = []

    def clocked(original: Callable[..., None]) -> Callable[..., None]:
        def call(*args: object, **named: object) -> None:
            began = time.perf_counter()
            original(*args, **named)
            spent.append(time.perf_counter() - began)

        return call

    samples.Samples.show = clocked(samples.Samples.show)  # type: ignore[method-assign]
    work.Work.keep_answers = clocked(work.Work.keep_answers)  # type: ignore[method-assign]
    run, began = Run.create(home / RUNS, "costs", recipe), time.perf_counter()
    fit.train(Train(str(run.folder)), JobContext())
    took = time.perf_counter() - began
    row("share of a training that samples and kept answers took", 100 * sum(spent) / took, "%", "2 %")


def part_tensorboard(home: Path) -> None:
    from torch.utils.tensorboard import SummaryWriter

    folder = home / "board"
    writer = SummaryWriter(str(folder), flush_secs=1)
    for event in said():
        if isinstance(event, StepEnded):
            for name in CURVES:
                writer.add_scalar(name, getattr(event, name), event.step)
    writer.flush()
    command = [str(Path(sys.executable).with_name("tensorboard")), "--logdir", str(folder), "--port", str(BOARD)]
    address = f"http://localhost:{BOARD}/data/plugin/scalars/scalars?run=.&tag=loss"
    if browser.is_there():
        _time_drawn_board(command, address)
    else:
        print("no chromium and chromedriver: what TensorBoard draws is not measured", file=sys.stderr)
    began = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        while _last_step(address) < STEPS:
            time.sleep(0.05)
        row("TensorBoard: process start to serving 100,000 steps", time.monotonic() - began, "s", "")
        late = []
        for number in range(1, 4):
            for name in CURVES:
                writer.add_scalar(name, 0.5, STEPS + number)
            written = time.monotonic()
            writer.flush()
            while _last_step(address) < STEPS + number:
                time.sleep(0.05)
            late.append(time.monotonic() - written)
        row("TensorBoard: from a value written to its being served, median", sorted(late)[1] * 1e3, "ms", "")
        used = _memory(server.pid) + sum(map(_memory, _children(server.pid)))
        row("memory of TensorBoard, without a browser", used / 1e6, "MB", "")
        server.terminate()
    writer.close()


def _time_drawn_board(command: list[str], address: str) -> None:
    """From the start of TensorBoard to curves on a page, in a browser that is open already."""
    began = time.monotonic()
    with browser.Browser() as page:
        row("the browser's own start, to an empty page", time.monotonic() - began, "s", "")
        empty, began = page.memory, time.monotonic()
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
            while _last_step(address) < STEPS:
                time.sleep(0.05)
            served = time.monotonic()
            page.open(f"http://localhost:{BOARD}/#timeseries")
            while not page.run(DRAWN):
                time.sleep(0.02)
            row("TensorBoard: process start to its first curve in an open browser", time.monotonic() - began, "s", "")
            row("TensorBoard: to the curve in a program that runs already", time.monotonic() - served, "s", "")
            time.sleep(3)
            row("memory of the browser's page of TensorBoard", (page.memory - empty) / 1e6, "MB", "")
            row("memory of the browser in all", page.memory / 1e6, "MB", "")
            server.terminate()


def _last_step(address: str) -> int:
    try:
        with urllib.request.urlopen(address, timeout=10) as reply:
            return int(json.load(reply)[-1][1])
    except (urllib.error.URLError, OSError, ValueError, IndexError):
        return -1


def _sample(home: Path, count: int = 240) -> str:
    from convnext_studio.core.context import JobContext
    from convnext_studio.core.data.sample import make_sample
    from convnext_studio.core.requests import MakeSample

    return make_sample(MakeSample(str(home / "plates"), count=count, seed=4), JobContext())


def _said(home: Path, *kinds: type) -> Iterator[Line]:
    """What the Run at work has said so far."""
    for events in (home / RUNS).glob("*/events.jsonl"):
        lines = (from_line(text) for text in events.read_text().splitlines())
        yield from (line for line in lines if line is not None and isinstance(line.event, kinds))


def _at(line: Line) -> float:
    return datetime.fromisoformat(line.at).timestamp()


def _children(pid: int) -> list[psutil.Process]:
    found: list[psutil.Process] = psutil.Process(pid).children(recursive=True)
    return found


def _memory(process: int | psutil.Process) -> int:
    found = psutil.Process(process) if isinstance(process, int) else process
    return int(found.memory_info().rss)


def _cpu(processes: list[psutil.Process]) -> float:
    times = [process.cpu_times() for process in processes]
    return float(sum(one.user + one.system for one in times))


def main(parts: list[str], inner: str, write_to: str) -> None:
    if write_to:
        write(write_to)
    elif inner:
        globals()[f"part_{inner}"](Path(os.environ["HOME"]))
    else:
        print(f"load {os.getloadavg()[0]:.1f}\n\n| what | seen | goal |\n|---|---|---|", flush=True)
        for part in parts:
            with tempfile.TemporaryDirectory() as home:
                homes = {"HOME": home} | {f"XDG_{kind}_HOME": home for kind in ("CONFIG", "DATA", "CACHE", "STATE")}
                if part in ("open", "live"):
                    long_run(Path(home) / RUNS, ends=part == "open")
                subprocess.run([*SELF, "--inner", part], cwd=ROOT, check=True, env=os.environ | homes)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", nargs="+", choices=PARTS, default=list(PARTS), dest="parts")
    parser.add_argument("--inner", default="", help=argparse.SUPPRESS)
    parser.add_argument("--write", default="", dest="write_to", help=argparse.SUPPRESS)
    main(**vars(parser.parse_args()))
