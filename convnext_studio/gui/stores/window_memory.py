"""What the window remembers between two starts that is no setting: its place, splitters, folders of dialogs."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from convnext_studio.core.errors import StorageError
from convnext_studio.gui.settings import write_private

log = logging.getLogger(__name__)


class WindowMemory:
    """Texts, and lists of texts, by name in a JSON file; one that cannot be read is forgotten."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept: dict[str, str | list[str]] = {}
        try:
            kept = json.loads(path.read_text("utf-8"))
            self._kept = {str(key): value for key, value in kept.items() if _is_fit(value)}
        except (FileNotFoundError, NotADirectoryError):
            pass
        except (OSError, ValueError, AttributeError, RecursionError) as error:
            log.info("What the window remembers could not be read: %s", error)

    def text(self, name: str) -> str:
        """A text, empty if there is none."""
        value = self._kept.get(name, "")
        return value if isinstance(value, str) else ""

    def folder(self, name: str) -> str:
        """The folder a dialog begins in: the one used last, else the user's own. The disk is not asked."""
        return self.text(name) or str(Path.home())

    def texts(self, name: str) -> list[str]:
        """A list of texts, empty if there is none."""
        value = self._kept.get(name, [])
        return list(value) if isinstance(value, list) else []

    def keep(self, name: str, value: str | list[str]) -> None:
        """Remember; where the disk does not let us, until the program ends."""
        if self._kept.get(name) == value:
            return
        self._kept[name] = value
        try:
            write_private(self._path, json.dumps(self._kept, indent=1), is_flushed=False)
        except StorageError as error:
            log.info("What the window remembers is not kept: %s", error)


def _is_fit(value: object) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(item, str) for item in value))
