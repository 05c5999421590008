"""The only place where errors reach the user: what happened, what to do, and details to copy."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QObject, Signal

from convnext_studio.core.errors import StudioError
from convnext_studio.core.events import EngineStopped, Failed
from convnext_studio.gui.language import spoken

log = logging.getLogger(__name__)

Kind = Literal["info", "success", "warning", "error"]


@dataclass(frozen=True)
class Message:
    """A fact and what to do about it, each a sentence; `details` are for Copy, `action` runs when pressed."""

    kind: Kind
    fact: str
    what_to_do: str = ""
    details: str = ""
    action_text: str = ""
    action: Callable[[], object] | None = None


class Messages(QObject):
    """Whoever has something to say to the user says it here; `posted` hands it to the message area."""

    posted = Signal(object)  # Message

    def post(self, message: Message) -> None:
        """Show `message`."""
        log.info("%s: %s %s", message.kind, message.fact, message.what_to_do)
        self.posted.emit(message)

    def info(self, fact: str, what_to_do: str = "", details: str = "") -> None:
        """Something to know."""
        self.post(Message("info", fact, what_to_do, details))

    def success(self, fact: str, what_to_do: str = "", details: str = "") -> None:
        """Something was done; it goes away by itself."""
        self.post(Message("success", fact, what_to_do, details))

    def warning(self, fact: str, what_to_do: str = "", details: str = "") -> None:
        """Something works, but less well than it should."""
        self.post(Message("warning", fact, what_to_do, details))

    def error(self, fact: str, what_to_do: str = "", details: str = "") -> None:
        """Something was not done."""
        self.post(Message("error", fact, what_to_do, details))

    def failed(self, end: Failed | EngineStopped, doing: str = "") -> None:
        """Turn the end of a Job into a message; `doing` is a sentence such as "The results were not saved."."""
        if isinstance(end, EngineStopped):
            fact = self.tr("The engine stopped and was started again.")
            self.error(doing or fact, f"{fact} {end.message}".strip() if doing else end.message, end.message)
        elif end.is_bug:
            self.unexpected(doing, end.details or f"{end.kind}: {end.message}")
        elif doing:
            self.error(doing, spoken(f"{end.message} {end.hint}".strip()), end.details)
        else:
            self.error(spoken(end.message), spoken(end.hint), end.details)

    def problem(self, error: StudioError) -> None:
        """Show something that the user can mend."""
        self.error(spoken(error.message), spoken(error.hint))

    def unexpected(self, doing: str, details: str) -> None:
        """Show a fault of our own."""
        self.error(
            doing or self.tr("Something went wrong inside the program."),
            self.tr("This is a fault of the program. Copy the details if you want to report it."),
            details,
        )
