"""Says that a training has ended when nobody looks, and shows how far it is on the task bar, where the system can."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMainWindow, QSystemTrayIcon

from convnext_studio.gui.language import spoken
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.stores.training_words import state_word
from convnext_studio.gui.widgets.numbers import percent

if TYPE_CHECKING:  # read when the first Run is: the window is on the screen sooner
    from convnext_studio.core.runs.summary import RunSummary

SHOWN_MS = 10_000
_ENTRY = "application://convnext-studio.desktop"
_PLACE, _FACE = "/com/canonical/unity/launcherentry/1", "com.canonical.Unity.LauncherEntry"
ShowProgress = Callable[[float | None], None]  # a share, or None while nothing is trained


class EndNotice(QObject):
    """Follows the Runs of `studio.training`; `open_run` shows the one whose notice was pressed.

    The last two arguments are for tests: whoever shows a message, and whoever shows progress.
    """

    def __init__(
        self,
        studio: Studio,
        window: QMainWindow,
        open_run: Callable[[str], None],
        tray: QSystemTrayIcon | None = None,
        show_progress: ShowProgress | None = None,
    ) -> None:
        super().__init__(window)
        self._studio = studio
        self._window = window
        self._open_run = open_run
        self._tray = tray
        self._show_progress = show_progress  # found out when the first Run works
        self._running: frozenset[str] = frozenset()
        self._ended = ""
        self._share: float | None = None
        studio.training.runs_changed.connect(self._on_runs)

    def _on_runs(self) -> None:
        training = self._studio.training
        running = frozenset(run.folder for run in training.running)
        ended = [run for run in training.runs if run.folder in self._running - running]
        self._running = running
        if ended and self._studio.settings.value.notifies and not self._window.isActiveWindow():
            self._say(ended[0])
        share = _share(training.running)
        if share != self._share:
            self._share = share
            self._show_progress = self._show_progress or task_bar()
            self._show_progress(share)

    def _say(self, run: RunSummary) -> None:
        if self._tray is None and QSystemTrayIcon.isSystemTrayAvailable():
            self._tray = QSystemTrayIcon(self._window.windowIcon(), self)
        if self._tray is None:
            return
        if not self._ended:
            self._tray.messageClicked.connect(self._on_pressed)
        self._ended = run.folder
        self._tray.show()  # a message needs an icon; both go once they were seen
        title = self.tr("{0}: {1}").format(run.name, state_word(run.state))
        words = [spoken(run.message)]
        if run.best_balanced_accuracy is not None:
            words.insert(0, self.tr("Balanced accuracy {0} on validation.").format(percent(run.best_balanced_accuracy)))
        self._tray.showMessage(title, " ".join(filter(None, words)), self._window.windowIcon(), SHOWN_MS)

    def _on_pressed(self) -> None:
        if self._tray is not None:
            self._tray.hide()
        self._window.setWindowState(self._window.windowState() & ~self._window.windowState().WindowMinimized)
        self._window.raise_()
        self._window.activateWindow()
        self._open_run(self._ended)


def task_bar() -> ShowProgress:
    """What shows progress on this system's task bar: desktops that know Unity's launcher entries; else nothing."""
    if not os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
        return _show_nowhere
    try:
        from PySide6.QtDBus import QDBusConnection  # late, and not there on every system
    except ImportError:
        return _show_nowhere
    bus = QDBusConnection.sessionBus()
    return (lambda share: _send(bus, share)) if bus.isConnected() else _show_nowhere


def _send(bus: Any, share: float | None) -> None:
    from PySide6.QtDBus import QDBusMessage

    message = QDBusMessage.createSignal(_PLACE, _FACE, "Update")
    message.setArguments([_ENTRY, {"progress": float(share or 0.0), "progress-visible": share is not None}])
    bus.send(message)


def _show_nowhere(_share: float | None) -> None:
    """This system has no place for it."""


def _share(running: tuple[RunSummary, ...]) -> float | None:
    """How far the Run that began last is, by its epochs; None while nothing is trained."""
    if not running:
        return None
    return min(1.0, running[0].epoch / running[0].epochs) if running[0].epochs else 0.0
