"""Every place and dialog in a language of its own: what does not go through the catalogue is found."""

from __future__ import annotations

import platform
import re
import tempfile
from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QAbstractTableModel, QModelIndex, Qt, QTranslator
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QDialog,
    QLabel,
    QLineEdit,
    QWidget,
)
from pytestqt.qtbot import QtBot

from convnext_studio.core.events import DeviceFound
from convnext_studio.core.requests import FindDevices, FindWeights
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.jobs import InlineLane
from convnext_studio.gui.main_window import MainWindow
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.class_bars import ClassBars
from tests.gui.evaluation_replies import Archive
from tests.gui.replies import image, serve
from tests.gui.training_replies import CLASSES, DATA, Workspace, card, events, others, summary

# What the user's files, the Models and the core say by themselves: names, formats, and sentences about data.
DATA_WORDS = {
    *CLASSES,
    *(warning.message for warning in card().warnings),
    *(warning.hint for warning in card().warnings),
    card().grouping,
    # sentences of the core
    "Hiding the hot area drops “scratch” from 0.91 to 0.12; hiding random areas: 0.88.",
    "Grad-CAM", "LayerCAM", "EigenCAM", "HiResCAM",
    "Grad-CAM and HiResCAM give the same map there.", "The loss fell most steeply at 1.0e-03.",
    # names of things
    "ConvNeXt", "PyTorch", "convnext_atto", "atto", "zepto", "_rms", "Metal surfaces", "apache-2.0", "Apache-2.0",
    "Atto", "Femto", "Pico", "Nano", "Tiny", "Small", "Base", "Large", "XLarge", "XXLarge", "Huge", "Zepto",
    "5000 generated pictures of metal surfaces", "convnext-studio sample, seed 2002; held out: seed 1001",
    "python packaging/\u200bmake_sample_model.py",
    "torchvision", "torch", "timm", "safetensors", "pillow", "Pillow", "openvino", "onnxruntime", "numpy", "Python",
    "Inter", "Studio",
    "SIL Open Font License", "Qt and PySide6", "PySide6-Essentials", "Clause", *platform.platform().split("-"),
    *tempfile.gettempdir().split("/"),
    "parts", "line", "sample", "surface", "png", "PNG", "part", "runs", "convnext", "tiny", "imagenet",
}  # fmt: skip
MARKED = re.compile(r"⟦[^⟦⟧]*⟧")
WORD = re.compile(r"[a-z]{3}")


class Marked(QTranslator):
    """Marks every sentence that passes through."""

    def translate(self, context: str, text: str, disambiguation: str | None = None, n: int = -1) -> str:
        return f"⟦{text}⟧"

    def isEmpty(self) -> bool:
        return False


@pytest.fixture
def marked(qapp: QApplication) -> Iterator[None]:
    catalogue = Marked()
    qapp.installTranslator(catalogue)
    yield
    qapp.removeTranslator(catalogue)


@pytest.fixture
def window(
    marked: None, studio: Studio, theme: Theme, lanes: dict[str, InlineLane], qtbot: QtBot
) -> Iterator[MainWindow]:
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
    window.training.leave()
    qtbot.waitUntil(lambda: not any(lane._timer.isActive() for lane in lanes.values()))


def untranslated(top: QWidget) -> list[str]:
    """The words in sight, in tips and for a screen reader that bear no mark, data apart."""
    found = []
    for widget in [top, *top.findChildren(QWidget)]:
        if not widget.property("keycap"):
            found += [f"{type(widget).__name__}: {text}" for text in _words(widget) if _is_bare(text)]
    return sorted(set(found))


def _words(widget: QWidget) -> Iterator[str]:
    yield from (widget.accessibleName(), widget.toolTip())
    if not isinstance(widget, ClassBars):  # it names the classes
        yield widget.accessibleDescription()
    if isinstance(widget, QLabel | QAbstractButton | QLineEdit):
        yield widget.text()
    if isinstance(widget, QLineEdit):
        yield widget.placeholderText()
    if isinstance(widget, QComboBox):
        yield from (widget.itemText(index) for index in range(widget.count()))
    elif isinstance(widget, QAbstractItemView) and isinstance(model := widget.model(), QAbstractTableModel):
        for column in range(model.columnCount(QModelIndex())):
            yield str(model.headerData(column, Qt.Orientation.Horizontal) or "")


def _is_bare(text: str) -> bool:
    text = "" if text.startswith("/") else text.replace("\n", " ")  # a path is data
    while MARKED.search(text):  # one sentence may be put into another
        text = MARKED.sub("", text)
    for word in sorted(DATA_WORDS, key=len, reverse=True):
        text = text.replace(word, "")
    return bool(WORD.search(text))


def wait_for_none(top: QWidget, qtbot: QtBot) -> None:
    def check() -> None:
        assert "\n".join(untranslated(top)) == ""

    qtbot.waitUntil(check, timeout=3000)


# --- the places


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


Go = Callable[[MainWindow, QtBot], None]
PLACES: tuple[Go, ...] = (
    inspect, compare, empty_data, data, ready, set_up, live, runs, models, evaluate, tour, messages,
)  # fmt: skip


@pytest.mark.parametrize("go", PLACES, ids=lambda go: go.__name__)
def test_every_word_of_a_place_goes_through_the_catalogue(window: MainWindow, go: Go, qtbot: QtBot) -> None:
    go(window, qtbot)
    wait_for_none(window, qtbot)


@pytest.mark.parametrize("name", ["settings", "shortcuts", "log", "about", "palette"])
def test_every_word_of_a_dialog_goes_through_the_catalogue(window: MainWindow, name: str, qtbot: QtBot) -> None:
    window._actions[name].trigger()
    dialogs = [child for child in window.findChildren(QDialog) if child.isVisible()]
    wait_for_none(dialogs[0] if dialogs else window, qtbot)
