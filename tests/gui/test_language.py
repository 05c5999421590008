"""The window in another language: every word goes through the catalogue, and what it lacks is English."""

from __future__ import annotations

import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtGui import QFontMetrics, QKeySequence
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QLabel, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from convnext_studio.core.models.card import Metric
from convnext_studio.gui import engine_host, language
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.jobs import InlineLane
from convnext_studio.gui.language import Catalogue, language_of, speak
from convnext_studio.gui.main_window import MainWindow
from convnext_studio.gui.panels.images_panel import ImagesPanel
from convnext_studio.gui.panels.shortcut_sheet import ShortcutSheet
from convnext_studio.gui.settings import problem_with
from convnext_studio.gui.stores import model_rows, race_table, runs_table
from convnext_studio.gui.stores.compared import value_words
from convnext_studio.gui.stores.rows import Column, heading
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.stores.training_words import state_word
from convnext_studio.gui.theme.fonts import font
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.cells import chip_room
from convnext_studio.gui.widgets.key_cap import key_words
from convnext_studio.gui.widgets.numbers import count, percent, with_cores

TOOLS = runpy.run_path(str(Path(__file__).parents[2] / "packaging" / "translations.py"))
HOLE = re.compile(r"%s|\{\d?\}")


class PseudoCatalogue(Catalogue):
    """Marks every sentence that passes through, and makes it longer, as other languages would."""

    def __init__(self) -> None:
        super().__init__({"any": "thing"})

    def translate(self, _context: str, text: str, _disambiguation: str | None = None, _n: int = -1) -> str:
        return f"⟦{text}⟧"


@pytest.fixture
def pseudo(qapp: QApplication) -> Iterator[None]:
    catalogue = PseudoCatalogue()
    qapp.installTranslator(catalogue)
    yield
    qapp.removeTranslator(catalogue)


@pytest.fixture
def german(qapp: QApplication) -> Iterator[None]:
    catalogue = speak("de", qapp)
    yield
    qapp.removeTranslator(catalogue)


@pytest.mark.usefixtures("pseudo")
def test_every_word_of_the_first_page_and_of_the_sheet_goes_through_the_catalogue(
    studio: Studio, theme: Theme, lanes: dict[str, InlineLane], qtbot: QtBot
) -> None:
    window = MainWindow(studio, Actions(theme))
    qtbot.addWidget(window)
    sheet = ShortcutSheet(studio, Actions(theme))
    qtbot.addWidget(sheet)
    left = [words for widget in (window, sheet) for words in _untranslated(widget)]
    assert left == []
    window.close()


def _untranslated(top: QWidget) -> Iterator[str]:
    for widget in [top, *top.findChildren(QWidget)]:
        if widget.property("keycap"):
            continue
        words = [widget.accessibleName(), widget.toolTip()]
        if isinstance(widget, QLabel | QAbstractButton | QLineEdit):
            words.append(widget.text())
        if isinstance(widget, QComboBox):
            words += [widget.itemText(index) for index in range(widget.count())]
        yield from (
            f"{type(widget).__name__}: {text}" for text in words if re.search("[a-z]{3}", text) and "⟦" not in text
        )


@pytest.mark.parametrize("name", sorted(set(language.LANGUAGES) - {"en"}))
def test_a_catalogue_keeps_the_holes_for_names_and_numbers_and_nothing_that_nobody_says(name: str) -> None:
    for text, words in TOOLS["catalogue"](name).items():
        assert sorted(HOLE.findall(words)) == sorted(HOLE.findall(text)), text
    assert TOOLS["unused"](name) == []


def test_the_sentence_is_found_whatever_the_translator_is_called(tmp_path: Path) -> None:
    code = tmp_path / "words.py"
    code.write_text(
        'self.tr("of a widget")\n_tr("of a module")\nQCoreApplication.translate("a", "in full")\n'
        'tr = QCoreApplication.translate\ntr("a", "by another name")\nQT_TRANSLATE_NOOP("a", "for later")\n'
    )
    found = ["of a widget", "of a module", "in full", "by another name", "for later"]
    assert sorted(TOOLS["_in_file"](code)) == sorted(found)


@pytest.mark.parametrize("name", sorted(set(language.LANGUAGES) - {"en"}))
def test_a_catalogue_lacks_nothing(name: str) -> None:
    assert TOOLS["missing"](name) == []


def test_the_facts_of_a_model_are_in_german(qapp: QApplication) -> None:
    catalogue = speak("de", qapp)
    try:
        metric = Metric("accuracy", 0.9, "test", 40, 0.8, 0.95)
        assert model_rows._metric_name(metric) == "Genauigkeit"
        assert re.fullmatch(r"90,0\s% auf Test \(40 Bilder\), 95-%-Intervall .*", model_rows._metric_words(metric))
        assert value_words("preset", "instant") == "Sofort"
        assert problem_with("theme", "pink") == "Farben: einen der angebotenen Werte wählen."
    finally:
        qapp.removeTranslator(catalogue)


def test_the_pages_that_everyone_sees_are_in_german() -> None:
    missing = set(TOOLS["missing"]("de"))
    gui = Path(language.__file__).parent
    for file in ("actions.py", "panels/welcome.py", "panels/top_bar.py", "panels/shortcut_sheet.py", "shortcuts.py"):
        assert missing.isdisjoint(TOOLS["_in_file"](gui / file)), file


def test_german_words_and_numbers_come_with_the_setting(qapp: QApplication, theme: Theme) -> None:
    catalogue = speak("de", qapp)
    assert catalogue is not None
    try:
        assert Actions(theme)["quit"].text() == "Beenden"
        assert percent(0.925, 1).startswith("92,5")
        assert catalogue.translate("", "A sentence of tomorrow") == "A sentence of tomorrow"
    finally:
        qapp.removeTranslator(catalogue)
    assert Actions(theme)["quit"].text() == "Quit"
    assert count(1)


def test_the_systems_first_language_that_we_speak_is_taken(monkeypatch: pytest.MonkeyPatch, qapp: QApplication) -> None:
    class System:
        def uiLanguages(self) -> list[str]:
            return ["fr-FR", "de-AT", "en"]

    monkeypatch.setattr(language.QLocale, "system", staticmethod(System))
    assert language_of("system") == "de"
    assert language_of("en") == "en"


@pytest.mark.usefixtures("german")
def test_keys_are_called_as_on_the_keyboard_and_a_head_has_room_for_its_word(studio: Studio, qtbot: QtBot) -> None:
    assert key_words(QKeySequence("Ctrl+Shift+O")) == "Strg Umschalt O"
    assert QKeySequence("Ctrl+Return").toString() == "Ctrl+Return"  # as it is kept
    assert with_cores("CPU", 2) == "CPU, 2 Kerne"
    images = ImagesPanel(studio, Actions(studio.theme))
    qtbot.addWidget(images)
    for column in Column:
        title = QFontMetrics(font("cap")).horizontalAdvance(heading(column))
        assert images.table.columnWidth(column) >= title + 22, heading(column)


@pytest.mark.usefixtures("german", "theme")
def test_the_state_of_a_run_has_room_in_its_column() -> None:
    room = min(runs_table.COLUMN_WIDTHS[runs_table.Column.STATE], race_table.COLUMN_WIDTHS[race_table.Column.STATE])
    for state in ("running", "finished", "stopped", "failed", "interrupted"):
        word = QFontMetrics(font("capb")).horizontalAdvance(state_word(state))
        assert word <= chip_room(room), state


@pytest.mark.usefixtures("german")
def test_how_the_engine_ended_is_told_in_the_language_of_the_window() -> None:
    said = [engine_host._fate(code) for code in (3, -9, -11)]
    assert [words for words in said if not words.startswith("Der Motor ")] == []
    assert "(SIGSEGV)" in said[2]
