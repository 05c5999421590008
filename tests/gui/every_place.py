"""A window with something to show in every place, and the ways to all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pytestqt.qtbot import QtBot

from convnext_studio.core.events import DeviceFound
from convnext_studio.core.requests import DescribeNetwork, FindDevices, FindWeights, ShowActivations
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.jobs import InlineLane
from convnext_studio.gui.main_window import MainWindow
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.theme.theme import Theme
from tests.gui.evaluation_replies import RUN, Archive
from tests.gui.replies import image, serve
from tests.gui.test_architecture import describe, show_activations
from tests.gui.training_replies import DATA, Workspace, events, others, summary


@contextmanager
def whole_window(studio: Studio, theme: Theme, lanes: dict[str, InlineLane], qtbot: QtBot) -> Iterator[MainWindow]:
    """The window over Lanes that answer: three Images, four Runs, two evaluations."""
    serve(lanes, [image(1), image(2), image(3)])
    workspace = Workspace(runs=(summary(), *others()), said=events(done=3))
    workspace.serve(lanes)
    Archive().serve(lanes)
    for lane in lanes.values():
        lane.served_by[FindWeights] = lambda _request, _ctx: {}
        lane.served_by[FindDevices] = lambda _request, _ctx: (DeviceFound("cpu", "CPU", 8, ("torch",), ("fp32",)),)
    window = MainWindow(studio, Actions(theme))
    qtbot.addWidget(window)
    window.resize(1440, 900)
    window.show()
    qtbot.waitExposed(window)
    yield window
    studio.training.leave()
    window.leaving.leave()
    qtbot.waitUntil(lambda: not any(lane._timer.isActive() for lane in lanes.values()))


def inspect(window: MainWindow, qtbot: QtBot) -> None:
    studio = window._studio
    studio.classifier.load()
    studio.open_paths(("/parts",))
    qtbot.waitUntil(lambda: studio.library.total == 3 and studio.library.waiting == 0)
    qtbot.waitUntil(lambda: studio.viewer.opened is not None)
    window._actions["show_input"].setChecked(True)


def compare(window: MainWindow, qtbot: QtBot) -> None:
    inspect(window, qtbot)
    studio = window._studio
    studio.side_by_side.show([studio.library.image_at(row) for row in range(3)])


def data(window: MainWindow, qtbot: QtBot) -> None:
    studio = window._studio
    studio.data_sets.choose(DATA)
    window._actions["go_data"].trigger()
    qtbot.waitUntil(lambda: studio.data_sets.is_thorough)


def empty_data(window: MainWindow, qtbot: QtBot) -> None:
    window._actions["go_data"].trigger()


def ready(window: MainWindow, qtbot: QtBot) -> None:
    window.training.show_train()
    qtbot.waitUntil(lambda: len(window._studio.training.runs) == 4)
    window.training.train().show_ready()


def set_up(window: MainWindow, qtbot: QtBot) -> None:
    studio = window._studio
    studio.data_sets.choose(DATA)
    window._actions["new_run"].trigger()
    qtbot.waitUntil(lambda: studio.data_sets.is_thorough and studio.expectation.measured is not None)
    panel = window.training.train().page("set_up")
    panel.parts.toggle()
    panel.advanced.toggle()
    studio.rate_finder.start()
    qtbot.waitUntil(lambda: not studio.rate_finder.is_searching)


def live(window: MainWindow, qtbot: QtBot) -> None:
    studio = window._studio
    window.training.train().show_run(summary().folder)
    window.training.show_train()
    qtbot.waitUntil(lambda: studio.training.view.summary is not None)


def runs(window: MainWindow, qtbot: QtBot) -> None:
    window._actions["all_runs"].trigger()
    qtbot.waitUntil(lambda: len(window._studio.training.runs) == 4)


def models(window: MainWindow, qtbot: QtBot) -> None:
    window._actions["go_models"].trigger()


def evaluate(window: MainWindow, qtbot: QtBot) -> None:
    window._actions["go_evaluate"].trigger()


def tour(window: MainWindow, qtbot: QtBot) -> None:
    window._actions["tour"].trigger()


def messages(window: MainWindow, qtbot: QtBot) -> None:
    inspect(window, qtbot)
    window._actions["copy_result"].trigger()


def evaluated(window: MainWindow, qtbot: QtBot) -> None:
    evaluator = window._studio.evaluator
    window._studio.training.look()
    qtbot.waitUntil(lambda: bool(window._studio.training.runs))
    window.evaluation.evaluate_run(RUN)
    qtbot.waitUntil(lambda: not evaluator.is_opening)
    window._actions["start_evaluation"].trigger()
    qtbot.waitUntil(lambda: evaluator.evaluation is not None)


def race(window: MainWindow, qtbot: QtBot) -> None:
    window._actions["race"].trigger()


def network(window: MainWindow, qtbot: QtBot) -> None:
    inspect(window, qtbot)
    studio = window._studio
    studio.lanes["network"].served_by |= {DescribeNetwork: describe, ShowActivations: show_activations}  # type: ignore[attr-defined]
    window._actions["show_network"].trigger()
    qtbot.waitUntil(lambda: studio.architecture.activations is not None)


def welcome(window: MainWindow, qtbot: QtBot) -> None:
    window._actions["go_inspect"].trigger()


Go = Callable[[MainWindow, QtBot], None]
PLACES: tuple[Go, ...] = (
    welcome, inspect, compare, empty_data, data, ready, set_up, live, runs, race, models, evaluate, evaluated, network,
    tour, messages,
)  # fmt: skip
