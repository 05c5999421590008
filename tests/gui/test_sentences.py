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
from convnext_studio.gui.sentences import _ALONE, Sentences
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
        # which may have words of the core in them
        (
            "There are no Images of “nuts and bolts”: the figures say nothing about that.",
            "Es gibt keine Bilder von „nuts and bolts“: Die Zahlen sagen darüber nichts.",
        ),
        (
            "There are no Images of “a. b” and “Stopped.”: the figures say nothing about that.",
            "Es gibt keine Bilder von „a. b“ und „Stopped.“: Die Zahlen sagen darüber nichts.",
        ),
        (
            "Hiding the hot area drops “b and c” from 0.91 to 0.12; hiding random areas: 0.88.",
            "Verdeckt man den heißen Bereich, fällt „b and c“ von 0,91 auf 0,12; bei zufälligen Bereichen: 0,88.",
        ),
        (
            "Grad-CAM, Stage 3 does not show what this answer rests on. LayerCAM, Stage 2, block 1 does, and is shown "
            "in its place.",
            "Grad-CAM, Stufe 3 zeigt nicht, worauf diese Antwort beruht. LayerCAM, Stufe 2, Block 1 zeigt es und steht "
            "an dieser Stelle.",
        ),
        (
            "Some classes have few Images for training: “a” (3) and “b and 1,004” (1,004).",
            "Einige Klassen haben wenige Bilder zum Trainieren: „a“ (3) und „b and 1,004“ (1 004).",
        ),
        # and so may paths, keys and values
        (
            "Data set (data) was '/data/nuts and bolts', now it is '/data/x'.",
            "Datensatz (data) war '/data/nuts and bolts', jetzt ist es '/data/x'.",
        ),
        (
            "Data set was /data/640 pixels, now it is C:\\x and y.",
            "Datensatz war /data/640 pixels, jetzt ist es C:\\x and y.",
        ),
        ("Seed (seed) was 1, now it is 2.", "Startwert (seed) war 1, jetzt ist es 2."),
        (
            "The data set has no Images in the split “test”; there is: train.",
            "Der Datensatz hat keine Bilder in der Teilmenge „test“; es gibt: train.",
        ),
        ("It belongs in the section [train], not in [data].", "Es gehört in den Abschnitt [train], nicht in [data]."),
        ("torch was 2.10.0+cpu, now it is 2.11.0+cpu.", "torch war 2.10.0+cpu, jetzt ist es 2.11.0+cpu."),
        ("Loading “salt and pepper”", "„salt and pepper“ wird geladen"),
        ("It knows “b and c”, “d” and others.", "Es kennt „b and c“, „d“ und andere."),
        ("process 1 on test", "Prozess 1 auf test"),
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


def test_names_in_a_list_stay_whatever_they_are_called() -> None:
    said = Sentences(GERMAN, ",", ".").said
    for english in TOOLS["of_the_core"]() - {TOOLS["QUOTED"]}:
        for names in ("“a and b”", "“a and b”, “The file is empty. 2.5” and 3 more", "“train”, “a and b” (1,004)"):
            kept = re.findall("“(.*?)”", names)
            told = said(HOLE.sub(names, english))
            assert not HOLE.search(english) or all(told.count(name) >= GERMAN[english].count("{0}") for name in kept)
            assert " und b" not in told and "2,5" not in told, english


def test_the_words_that_are_known_alone_are_those_the_core_says_alone() -> None:
    assert {text for text in TOOLS["of_the_core"]() - {TOOLS["QUOTED"]} if " " not in text} == _ALONE


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
    deep = " and ".join(["a"] * 250)
    assert sentences.said(f"There are no Images of {deep}: the figures say nothing about that.").startswith("Es gibt")
