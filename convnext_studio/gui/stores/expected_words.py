"""What a Run will take, in a few words, with where that comes from."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from convnext_studio.core.recipe import Preset
from convnext_studio.gui.stores.expectation import Expectation
from convnext_studio.gui.stores.training_words import length
from convnext_studio.gui.widgets.numbers import decimal, rate


def preset_note(expectation: Expectation, preset: Preset) -> tuple[str, str, str]:
    """The note for a preset's card, the role of its colour, and the tip: nothing before there is a data set."""
    if expectation.failure:
        return _tr("Not measured"), "again", expectation.failure
    found, measured = expectation.of(preset), expectation.measured
    if found is None or measured is None:
        return (_tr("Measuring…"), "text3", _tr("A few of your images are tried.")) if expectation.is_measuring else _NO
    words = _tr("About {0}, {1} GB").format(length(_rounded(found.seconds)), decimal(found.memory_bytes / 1e9, 1))
    tip = _tr("Measured on this machine with a few of your images: it learns {0}.").format(rate(1 / measured.learn_s))
    if preset != "instant":
        tip += " " + _tr("It ends earlier once nothing better comes.")
    if found.memory_bytes > measured.free_bytes:
        return _tr("{0}: more memory than is free").format(words), "again", tip
    return words, "text", tip


def _rounded(seconds: float) -> float:
    """A figure with no more digits than it is worth."""
    return max(5.0, 5.0 * round(seconds / 5)) if seconds < 60 else seconds


def _tr(text: str) -> str:
    return QCoreApplication.translate("expected", text)


_NO = ("", "text", "")
