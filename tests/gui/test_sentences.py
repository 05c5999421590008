"""What the core said, in the language of the window: no sentence stays English, whatever is put into it."""

from __future__ import annotations

import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from convnext_studio.core.errors import StudioError
from convnext_studio.core.events import Failed
from convnext_studio.core.files import storage_error
from convnext_studio.core.run_events import Line, RunEnded, from_line, to_line
from convnext_studio.gui.language import speak, spoken
from convnext_studio.gui.messages import Message, Messages
from convnext_studio.gui.sentences import Sentences
from tests.guards import Expected

ROOT = Path(__file__).parents[2]
TOOLS = runpy.run_path(str(ROOT / "packaging" / "translations.py"))
GERMAN: dict[str, str] = TOOLS["catalogue"]("de")
HOLE = re.compile(r"\{(\d)\}")


@pytest.fixture
def german(qapp: QApplication) -> Iterator[None]:
    catalogue = speak("de", qapp)
    yield
    qapp.removeTranslator(catalogue)


@pytest.mark.usefixtures("german")
@pytest.mark.parametrize(
    ("english", "words"),
    [
        ("“ok” holds no Images.", "„ok“ enthält keine Bilder."),
        # numbers, shares and plurals
        ("1 Image is smaller than 32 pixels.", "1 Bild ist kleiner als 32 Pixel."),
        ("2,400 Images are smaller than 32 pixels.", "2 400 Bilder sind kleiner als 32 Pixel."),
        (
            "The Images have different shapes, from 0.75 to 1.33 times as wide as high.",
            "Die Bilder haben verschiedene Formen, vom 0,75- bis zum 1,33-Fachen so breit wie hoch.",
        ),
        ("Needed are 1,204.5 MB, free are 980 bytes.", "Gebraucht werden 1 204,5 MB, frei sind 980 Byte."),
        # several sentences, one in another, and one that is in no catalogue
        (
            "“a.png” could not be copied: The picture is cut off: its file ends too early. Close other programs.",
            "„a.png“ ließ sich nicht kopieren: Das Bild ist abgeschnitten: Seine Datei endet zu früh. "
            "Andere Programme schließen.",
        ),
        ("Something of tomorrow. Try again.", "Something of tomorrow. Es noch einmal versuchen."),
        ("Something and nothing of “tomorrow”, 1.5 times.", "Something and nothing of “tomorrow”, 1.5 times."),
        # what a list of names and a case of its own become
        (
            "There are no Images of “dent”, “pit” and 3 more: the figures say nothing about that.",
            "Es gibt keine Bilder von „dent“, „pit“ und 3 weitere: Die Zahlen sagen darüber nichts.",
        ),
        (
            "“x.csv” cannot be read: no such file or directory.",
            "„x.csv“ ist nicht lesbar: Datei oder Ordner nicht vorhanden.",
        ),
        # the card of the Model that is shipped, and of one that grew from it
        ("5000 generated pictures of metal surfaces", "5000 erzeugte Bilder von Metalloberflächen"),
        (
            "1,200 Images of “parts”, after 5000 generated pictures of metal surfaces",
            "1 200 Bilder aus „parts“, nach 5000 erzeugte Bilder von Metalloberflächen",
        ),
        ("Stopped. Go on whenever you like.", "Angehalten. Jederzeit weitermachen."),  # written by the command line
        # names stay what they are, odd ones too
        ("“cut off” holds no Images.", "„cut off“ enthält keine Bilder."),
        ("“The file is empty. 1,000” holds no Images.", "„The file is empty. 1,000“ enthält keine Bilder."),
        ("“a” holds no Images.” holds no Images.", "„a” holds no Images.“ enthält keine Bilder."),
        ("“\udcff.png” holds no Images.", "“\udcff.png” holds no Images."),
        ("“\0.png” holds no Images.", "“\0.png” holds no Images."),
        ("", ""),
    ],
)
def test_a_finished_sentence_is_found_again(english: str, words: str) -> None:
    assert spoken(english).replace("\N{THIN SPACE}", " ") == words


def test_without_another_language_the_core_is_shown_as_it_speaks(qapp: QApplication) -> None:
    assert spoken("“ok” holds no Images.") == "“ok” holds no Images."


def test_every_case_of_a_sentence_in_the_code_is_listed_and_nothing_that_nobody_reads(tmp_path: Path) -> None:
    code = tmp_path / "core.py"
    code.write_text(
        """
        def check(name: Literal["for code"], many: int, is_new: bool) -> None:
            \'\'\'Words for who writes the program.\'\'\'
            log.info("written down for %s", name)
            assert many, "never said"
            words = {"some key": "a value"}[name]
            both = " and ".join(names)
            raise DataError(
                f"“{name}” holds {counted(many, 'Image')}{', all of them new' * is_new}: {many:,.1f} MB. {why}",
                "Wait. " + ("Try again." if is_new else "Give up."),
            )
        """.replace("\n        ", "\n"),
        "utf-8",
    )
    assert TOOLS["said_in"](code) == {
        "“{0}” holds 1 Image: {1} MB.", "“{0}” holds 1 Image, all of them new: {1} MB.",
        "“{0}” holds {1} Images: {2} MB.", "“{0}” holds {1} Images, all of them new: {2} MB.",
        "Wait. Try again.", "Wait. Give up.", "a value", "{0} and {1}",
    }  # fmt: skip


def test_every_sentence_of_the_core_is_found_whatever_is_put_into_it() -> None:
    said = Sentences(GERMAN, ",", ".").said
    for english in TOOLS["of_the_core"]() - {TOOLS["QUOTED"]}:
        filled, wanted = (HOLE.sub(lambda hole: f"‹{hole[1]}›", text) for text in (english, GERMAN[english]))
        assert said(f"“p” could not be copied: {filled}") == f"„p“ ließ sich nicht kopieren: {wanted}", english


@pytest.mark.usefixtures("german")
def test_errors_and_lines_of_a_run_on_disk_reach_the_user_in_his_language(expect_message: Expected) -> None:
    expect_message("Nicht gespeichert.")
    messages, posted = Messages(), list[Message]()
    messages.posted.connect(posted.append)
    error = storage_error(OSError(28, "No space left on device"), Path("/parts/out.csv"))
    assert isinstance(error, StudioError)
    messages.failed(Failed("StorageError", error.message, error.hint, is_bug=False), "Nicht gespeichert.")
    assert posted[0].what_to_do == (
        "„out.csv“ ließ sich in „/parts“ nicht schreiben: das Laufwerk ist voll. "
        "Platz schaffen oder einen anderen Ordner wählen."
    )
    ended = RunEnded("failed", "Memory is too short for even one picture at a time.", "Begin a new Run.")
    line = from_line(to_line(Line(1, "2026-01-31T12:00:00.123+00:00", 1.0, ended)))
    assert line is not None and isinstance(line.event, RunEnded)
    assert spoken(line.event.message) == "Der Speicher reicht nicht einmal für ein Bild."


def test_only_so_many_texts_are_remembered_and_no_text_takes_long() -> None:
    sentences = Sentences(GERMAN, ",", ".")
    for number in range(5000):
        sentences.said(f"“{number}” holds no Images.")
    assert sentences.said.cache_info().currsize == 4096
    assert sentences.said("“a” could not be copied: " * 1000).startswith("“a”")  # no sentence is as long
    assert "„a“ ließ sich nicht kopieren: " in sentences.said("“a” could not be copied: " * 70)
