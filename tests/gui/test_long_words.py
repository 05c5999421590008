"""Words of other languages are longer, and other fonts wider: nothing may be cut when every word is half longer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QTranslator
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from convnext_studio.gui.actions import Actions
from convnext_studio.gui.jobs import InlineLane
from convnext_studio.gui.main_window import MainWindow
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.label import PlainLabel
from tests.gui.replies import image, serve

FONT_SHARE = 0.14  # where the shipped font cannot be loaded, the system's may be a tenth wider: of 1.4, this much
LONG = 20  # letters; what is longer gets its share as a word of its own


class LongWords(QTranslator):
    """Lengthens every text by two fifths, as German does, and by what a wider font would; placeholders stay."""

    def translate(
        self,
        context: str,
        text: str,
        disambiguation: str | None = None,
        n: int = -1,
    ) -> str:
        """The text, and more."""
        longer = "äöüßnmwe"[: max(1, round(len(text) * 0.4))] * max(1, round(len(text) * 0.05))
        more = round(len(text) * FONT_SHARE)
        return text + longer + (" " if len(text) > LONG else "") + ("nmweäöüß" * more)[:more]

    def isEmpty(self) -> bool:
        """Never; without this Qt would not ask."""
        return False


@pytest.fixture
def long_words(qapp: QApplication) -> Iterator[None]:
    translator = LongWords()
    qapp.installTranslator(translator)
    yield
    qapp.removeTranslator(translator)


@pytest.fixture
def window(
    long_words: None,
    theme: Theme,
    studio: Studio,
    lanes: dict[str, InlineLane],
    qtbot: QtBot,
) -> MainWindow:
    serve(lanes, [image(1), image(2)])
    made = MainWindow(studio, Actions(theme))
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    return made


def cut(window: QWidget) -> list[str]:
    """The words that do not fit into their widget and are not meant to be shortened or wrapped."""
    found = []
    for widget in window.findChildren(QWidget):
        if not widget.isVisible() or not isinstance(widget, (QLabel, QPushButton)) or not widget.text():
            continue
        if isinstance(widget, PlainLabel) and (widget._elide is not None or widget.wordWrap()):
            if widget.wordWrap() and widget.heightForWidth(widget.width()) > widget.height():
                found.append(f"{widget.text()!r}: {widget.height()} high")
            continue
        if widget.sizeHint().width() > widget.width() or widget.sizeHint().height() > widget.height() + 4:
            found.append(f"{widget.text()!r}: {widget.size().toTuple()} for {widget.sizeHint().toTuple()}")
    return found


def wait_for_room(window: QWidget, qtbot: QtBot) -> None:
    def check() -> None:
        assert "\n".join(cut(window)) == ""

    qtbot.waitUntil(check, timeout=2000)


@pytest.mark.parametrize("size", [(1440, 900), (1024, 640)])
def test_no_word_is_cut_on_the_welcome_page(window: MainWindow, qtbot: QtBot, size: tuple[int, int]) -> None:
    window.resize(*size)
    wait_for_room(window, qtbot)


@pytest.mark.parametrize("size", [(1440, 900), (1024, 640)])
def test_no_word_is_cut_while_images_are_inspected(
    window: MainWindow, studio: Studio, qtbot: QtBot, size: tuple[int, int]
) -> None:
    window.resize(*size)
    studio.classifier.load()
    studio.open_paths(("/parts",))
    qtbot.waitUntil(lambda: studio.library.waiting == 0 and studio.viewer.opened is not None)
    studio.messages.info("The images are classified again.", "The network now sees them in another way.")
    wait_for_room(window, qtbot)


@pytest.mark.parametrize("name", ["settings", "shortcuts", "log", "about"])
def test_no_word_is_cut_in_a_dialog(window: MainWindow, qtbot: QtBot, name: str) -> None:
    window._actions[name].trigger()
    dialog = next(child for child in window.children() if isinstance(child, QWidget) and child.isWindow())
    wait_for_room(dialog, qtbot)
