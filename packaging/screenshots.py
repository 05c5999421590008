"""Take the README's screenshots from the running program: the window, the sample data set, the sample Model.

    python packaging/screenshots.py [--out packaging/screenshots]

Nothing is drawn or retouched: the script starts the program without a screen, opens generated images, waits until all
are classified, trains on them, and saves what the window shows, dark and light. Settings, caches, images and the Run
lie in a temporary folder.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from convnext_studio.gui.app import App

ROOT = Path(__file__).resolve().parent.parent
WIDTH, HEIGHT = 1280, 800
PATIENCE_S = 600  # a whole training on a busy machine
EPOCHS = 8
RACERS = 3
Until = Callable[[], bool]


def script(app: App, out: Path, images: str) -> Iterator[Until]:
    """Act step by step; each yielded condition is waited for before the script goes on."""
    studio, window = app.studio, app.window

    def shoot(name: str) -> Iterator[Until]:
        for mode in ("dark", "light"):
            studio.settings.update(theme=mode)
            yield quiet()
            window.grab().save(str(out / f"{name}-{mode}.png"))

    yield lambda: studio.classifier.info is not None
    yield from shoot("welcome")
    studio.open_paths((images,))
    library = studio.library
    yield lambda: library.total > 0 and not library.is_finding and not library.unclassified()
    library.set_current_row(_telling_row(app))
    yield lambda: studio.viewer.opened is not None and studio.explainer.trust is not None
    yield from shoot("inspect")
    app.actions["show_network"].trigger()
    yield lambda: studio.architecture.activations is not None and studio.architecture.explained is not None
    yield from shoot("network")
    app.actions["go_models"].trigger()
    yield from shoot("models")
    yield from train(app, images, shoot)


def train(app: App, images: str, shoot: Callable[[str], Iterator[Until]]) -> Iterator[Until]:
    """The data set, the set-up, and a real training while it runs and after."""
    from convnext_studio.gui.panels.set_up_panel import SetUpPanel

    studio, actions = app.studio, app.actions
    view = studio.training.view
    actions["go_train"].trigger()
    yield from shoot("empty-train")
    actions["go_data"].trigger()
    studio.data_sets.choose(images)
    yield lambda: studio.data_sets.is_thorough
    yield from shoot("data")
    studio.set_up.set(epochs=EPOCHS, patience=0, input_size=128)
    actions["new_run"].trigger()
    yield from shoot("set-up")
    panel = app.window.training.train().page("set_up")
    assert isinstance(panel, SetUpPanel)
    panel.parts.toggle()
    yield lambda: bool(panel.preview.pictures)
    panel.area.ensureWidgetVisible(panel.roll)
    yield from shoot("set-up-parts")
    actions["start_run"].trigger()
    yield lambda: len(view.history.epochs) > EPOCHS // 2
    yield from shoot("train")
    yield lambda: view.summary is not None
    yield from shoot("trained")
    yield from evaluate(app, shoot)


def evaluate(app: App, shoot: Callable[[str], Iterator[Until]]) -> Iterator[Until]:
    """How good the Model is that was trained."""
    app.actions["evaluate_run"].trigger()
    yield app.actions["start_evaluation"].isEnabled
    app.actions["start_evaluation"].trigger()
    yield lambda: app.studio.evaluator.evaluation is not None
    yield from shoot("evaluate")
    yield from race(app, shoot)


def race(app: App, shoot: Callable[[str], Iterator[Until]]) -> Iterator[Until]:
    """A race of heads, also of Models that learned nothing before; then all Runs, two of them beside each other."""
    studio, race = app.studio, app.studio.race
    app.actions["race"].trigger()
    yield lambda: any(one.row.kind == "sample" for one in race.racers())
    race.set_takes_random(True)
    for racer in race.racers()[:RACERS]:  # the sample Model and the smallest ConvNeXts
        race.choose(racer.row.name, True)
    yield lambda: race.can_start
    race.start()
    yield lambda: [row.state for row in race.rows()] == ["finished"] * RACERS
    race.measure()
    yield lambda: not race.is_measuring
    yield from shoot("race")
    app.actions["all_runs"].trigger()
    for run in (studio.training.runs[0], studio.training.runs[-1]):
        studio.compared.toggle(run.folder)
    yield lambda: len(studio.compared.histories()) == 2
    yield from shoot("runs")


def quiet() -> Until:
    """Hold once a while has passed: thumbnails arrive and popovers settle without a word of their own."""
    until = time.monotonic() + 1.5
    return lambda: time.monotonic() > until


def _telling_row(app: App) -> int:
    """The first row with a clearly seen defect: a page that shows a good part shows nothing."""
    library = app.studio.library
    for row in range(library.shown):
        found = library.prediction_at(row)
        if found and found.classes and found.classes[0] == "crack" and 0.7 < found.probabilities[0] < 0.97:
            return row
    return 0


def take(out: Path, images: str, size: tuple[int, int]) -> int:
    """Run the program with the script at its window; return its exit code."""
    from PySide6.QtCore import QTimer

    from convnext_studio.gui.app import main

    def on_ready(app: App) -> None:
        app.window.resize(*size)
        steps = script(app, out, images)
        until, since = quiet(), time.monotonic()

        def look() -> None:
            nonlocal until, since
            if time.monotonic() - since > PATIENCE_S:
                sys.exit("The window did not come to rest.")
            try:
                while until():
                    until, since = next(steps), time.monotonic()
            except StopIteration:
                timer.stop()
                app.window.close()

        timer = QTimer(app, interval=50)
        timer.timeout.connect(look)
        timer.start()

    return main([], on_ready)


def main() -> int:
    """Make the images, start the program, save its pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, nargs=2, default=(WIDTH, HEIGHT), help="of the window (%(default)s)")
    parser.add_argument("--out", type=Path, default=ROOT / "packaging" / "screenshots", help="folder (%(default)s)")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    with tempfile.TemporaryDirectory() as home:
        for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
            os.environ[name] = home
        from convnext_studio.core.context import JobContext
        from convnext_studio.core.data.sample import make_sample
        from convnext_studio.core.requests import MakeSample

        images = make_sample(MakeSample(str(Path(home) / "steel plates"), count=180, seed=4), JobContext())
        return take(options.out, images, tuple(options.size))


if __name__ == "__main__":
    sys.exit(main())
