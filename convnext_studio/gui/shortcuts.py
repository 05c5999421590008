"""Keys that the user gave to actions: kept in a small file, which is also what export and import speak."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QKeySequence

from convnext_studio.core.errors import UsageError
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.settings import write_private

log = logging.getLogger(__name__)

FORMAT = 1
_LARGEST = 1 << 20
# What list, image and dialogs do with a key by themselves; an action there would take it away from them.
# fmt: off
_TAKEN = frozenset((
    "Left", "Right", "Up", "Down", "Home", "End", "PgUp", "PgDown", "A", "D", "Space", "Backspace", "Tab", "Shift+Tab",
    "Backtab", "Shift+Backtab", "Return", "Enter", "Esc", "Ctrl+Left", "Ctrl+Right", "Ctrl+Up", "Ctrl+Down", "Ctrl+A",
))
# fmt: on


class Shortcuts:
    """The actions' keys, and which of them are the user's own."""

    def __init__(self, path: Path, actions: Actions) -> None:
        self._path = path
        self._actions = actions

    def recall(self) -> None:
        """Give the actions the keys that were kept; a file that makes no sense changes nothing.

        Own keys stay where a newer version of the program gives them to another action by itself.
        """
        try:
            self._take(self._fitting(_read(self._path)))
        except FileNotFoundError:
            pass
        except (OSError, UsageError) as error:
            log.info("The shortcuts of %s are not used: %s", self._path, error)

    def is_own(self, name: str) -> bool:
        """True if the user changed the keys of an action."""
        return self._actions[name].shortcuts() != self._actions.default_keys(name)

    def problem_with(self, name: str, keys: QKeySequence) -> str:
        """One sentence that says why an action cannot have these keys; empty if it can."""
        shown = keys.toString(QKeySequence.SequenceFormat.NativeText)
        if keys.toString() in _TAKEN:
            return _tr("“{0}” moves through images and windows and cannot be given away.").format(shown)
        for other in self._actions:
            if other != name and keys in self._actions[other].shortcuts():
                words = self._actions[other].text().rstrip("…")
                return _tr("“{0}” belongs to “{1}”. Press other keys, or change that one first.").format(shown, words)
        return ""

    def rebind(self, name: str, keys: QKeySequence) -> None:
        """Give an action these keys in place of those it has, and keep that. Raises `UsageError`, `StorageError`."""
        if problem := self.problem_with(name, keys):
            raise UsageError(problem)
        self._actions[name].setShortcuts([keys])
        self._keep()

    def reset(self, name: str) -> None:
        """Give an action its first keys back; those that another action has now stay there."""
        wanted = [keys for keys in self._actions.default_keys(name) if not self.problem_with(name, keys)]
        self._actions[name].setShortcuts(wanted)
        self._keep()

    def reset_all(self) -> None:
        """Give every action its first keys back."""
        for name in self._actions:
            self._actions[name].setShortcuts(self._actions.default_keys(name))
        self._keep()

    def save_as(self, path: Path) -> None:
        """Write the user's own keys to a file that `load` understands. Raises `StorageError`."""
        write_private(path, self._text())

    def load(self, path: Path) -> None:
        """Take the keys of a file in place of all own ones. Raises `UsageError` and then changes nothing."""
        try:
            own = _read(path)
        except OSError as error:
            raise UsageError(_tr("“{0}” could not be read.").format(path.name), str(error)) from error
        self._take(own)
        self._keep()

    def _fitting(self, own: dict[str, list[str]]) -> dict[str, list[str]]:
        """Leave out what is not free or there twice; own keys go before those that actions have by themselves."""
        fitting: dict[str, list[str]] = {}
        given: set[str] = set()
        for name, keys in own.items():
            wanted = [QKeySequence(key).toString() for key in keys]
            fit = [key for key in dict.fromkeys(wanted) if _is_free(key) and key not in given]
            if name in self._actions and fit == wanted:
                fitting[name] = fit
                given.update(fit)
            else:
                log.info("The shortcuts %s of “%s” are not used: they are not free", keys, name)
        for name in self._actions:
            first = [keys.toString() for keys in self._actions.default_keys(name)]
            if name not in fitting and not given.isdisjoint(first):
                fitting[name] = [key for key in first if key not in given]
        return fitting

    def _take(self, own: dict[str, list[str]]) -> None:
        """All of it or nothing: no key twice, none that is taken."""
        known = {name: keys for name, keys in own.items() if name in self._actions}
        wanted = {name: self._actions.default_keys(name) for name in self._actions}
        wanted |= {name: [QKeySequence(key) for key in keys] for name, keys in known.items()}
        seen: dict[str, str] = {}
        for name, sequences in wanted.items():
            for keys in sequences:
                text = keys.toString()
                if (name in known and not _is_free(text)) or seen.setdefault(text, name) != name:
                    raise UsageError(
                        _tr("These shortcuts do not fit: “{0}” is given twice or not free.").format(text or "?"),
                        _tr("Nothing was changed."),
                    )
        for name, sequences in wanted.items():
            self._actions[name].setShortcuts(sequences)

    def _text(self) -> str:
        own = {
            name: [keys.toString() for keys in self._actions[name].shortcuts()]
            for name in self._actions
            if self.is_own(name)
        }
        return json.dumps({"format": FORMAT, "shortcuts": own}, indent=1)

    def _keep(self) -> None:
        write_private(self._path, self._text())


def _is_free(key: str) -> bool:
    return bool(key) and key not in _TAKEN


def _read(path: Path) -> dict[str, list[str]]:
    """Own keys by action. Raises `OSError`, and `UsageError` for anything but a file of ours."""
    with path.open("rb") as file:
        data = file.read(_LARGEST)
    try:
        kept = json.loads(data)
        if kept["format"] == FORMAT and all(_are_texts(keys) for keys in kept["shortcuts"].values()):
            return dict(kept["shortcuts"])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        pass
    raise UsageError(_tr("“{0}” holds no shortcuts of this program.").format(path.name), _tr("Nothing was changed."))


def _are_texts(keys: object) -> bool:
    return isinstance(keys, list) and len(keys) <= 4 and all(isinstance(key, str) for key in keys)


def _tr(text: str) -> str:
    return QCoreApplication.translate("Shortcuts", text)
