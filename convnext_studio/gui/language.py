"""The language of the window: a catalogue of words over the English ones that stand in the code."""

from __future__ import annotations

import json
import logging
from functools import cached_property

from PySide6.QtCore import QCoreApplication, QLocale, QTranslator

from convnext_studio.core.resources import resource
from convnext_studio.gui.sentences import Sentences
from convnext_studio.gui.widgets.numbers import THIN_SPACE

log = logging.getLogger(__name__)

LANGUAGES = {"en": "English", "de": "Deutsch"}
_CORE = "core"  # the context of what the core said, which may be a whole text with names and numbers in it


def spoken(text: str) -> str:
    """What the core said, in the language of the window."""
    try:
        return text if "\0" in text else QCoreApplication.translate(_CORE, text)
    except UnicodeEncodeError:  # a name in it has bytes that are no text
        return text


class Catalogue(QTranslator):
    """Gives what `words` has for a sentence, whoever says it; the sentence itself where it has nothing."""

    def __init__(self, words: dict[str, str]) -> None:
        super().__init__()
        self._words = words

    def isEmpty(self) -> bool:
        """Qt passes over a translator that says it is empty."""
        return not self._words

    def translate(self, context: str, text: str, _disambiguation: str | None = None, _n: int = -1) -> str:
        """The words for `text`."""
        return self._words.get(text) or (self._sentences.said(text) if context == _CORE else text)

    @cached_property
    def _sentences(self) -> Sentences:
        return Sentences(self._words, QLocale().decimalPoint(), THIN_SPACE)


def language_of(choice: str) -> str:
    """Which of our languages a setting means: its own, or the first of the system's that we speak."""
    if choice in LANGUAGES:
        return choice
    names = (name.partition("-")[0] for name in QLocale.system().uiLanguages())
    return next((name for name in names if name in LANGUAGES), "en")


def speak(choice: str, application: QCoreApplication) -> Catalogue | None:
    """Let the window speak the language of a setting from now on, numbers and dates as well."""
    language = language_of(choice)
    if choice != "system":
        QLocale.setDefault(QLocale(language))
    if language == "en":
        return None
    try:
        words = json.loads(resource("translations", f"{language}.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        log.warning("The words of the language %s could not be read: %s", language, error)
        return None
    catalogue = Catalogue(words)
    catalogue.setParent(application)
    application.installTranslator(catalogue)
    return catalogue
