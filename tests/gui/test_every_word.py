"""Every place and dialog in a language of its own: what does not go through the catalogue is found."""

from __future__ import annotations

import platform
import re
import tempfile
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QAbstractTableModel, QModelIndex, Qt, QTranslator
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QDialog,
    QLabel,
    QLineEdit,
    QListView,
    QWidget,
)
from pytestqt.qtbot import QtBot

from convnext_studio.gui.jobs import InlineLane
from convnext_studio.gui.main_window import MainWindow
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.class_bars import ClassBars
from tests.gui.every_place import PLACES, Go, race, whole_window
from tests.gui.training_replies import CLASSES

# What the user's files and the Models say by themselves: names and formats.
DATA_WORDS = {
    *CLASSES,
    "Grad-CAM", "LayerCAM", "EigenCAM", "HiResCAM",
    "ConvNeXt", "PyTorch", "convnext_atto", "atto", "zepto", "_rms", "Metal surfaces", "apache-2.0", "Apache-2.0",
    "Atto", "Femto", "Pico", "Nano", "Tiny", "Small", "Base", "Large", "XLarge", "XXLarge", "Huge", "Zepto",
    "5000 generated pictures of metal surfaces", "convnext-studio sample, seed 2002; held out: seed 1001",
    "python packaging/make_sample_model.py",
    "torchvision", "torch", "timm", "safetensors", "pillow", "Pillow", "openvino", "onnxruntime", "numpy", "Python",
    "Inter", "Studio",
    "SIL Open Font License", "Qt and PySide6", "PySide6-Essentials", "Clause", *platform.platform().split("-"),
    *tempfile.gettempdir().split("/"),
    "stages", "blocks", "parts", "line", "sample", "surface", "png", "PNG", "part", "runs", "convnext", "tiny",
    "imagenet",
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
    with whole_window(studio, theme, lanes, qtbot) as window:
        yield window


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
    elif isinstance(widget, QListView) and isinstance(rows := widget.model(), QStandardItemModel):
        yield from (rows.item(row).text() for row in range(rows.rowCount()))
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


# Left out: a race, which is a list of names.
@pytest.mark.parametrize("go", [go for go in PLACES if go is not race], ids=lambda go: go.__name__)
def test_every_word_of_a_place_goes_through_the_catalogue(window: MainWindow, go: Go, qtbot: QtBot) -> None:
    go(window, qtbot)
    wait_for_none(window, qtbot)


@pytest.mark.parametrize("name", ["settings", "shortcuts", "log", "about", "palette"])
def test_every_word_of_a_dialog_goes_through_the_catalogue(window: MainWindow, name: str, qtbot: QtBot) -> None:
    window._actions[name].trigger()
    dialogs = [child for child in window.findChildren(QDialog) if child.isVisible()]
    wait_for_none(dialogs[0] if dialogs else window, qtbot)
