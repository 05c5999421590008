"""Starts the window: Stores, Engine, hooks; and ends everything in order."""

from __future__ import annotations

import logging
import math
import os
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QTimer
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication, QWidget

from convnext_studio.gui.actions import Actions
from convnext_studio.gui.hooks import CrashFile, EndSignals, Hooks, keep_log
from convnext_studio.gui.jobs import LANES, JobHandle, LaneLike
from convnext_studio.gui.language import speak
from convnext_studio.gui.litter import Litter
from convnext_studio.gui.main_window import MainWindow
from convnext_studio.gui.messages import Message
from convnext_studio.gui.preload import Preload
from convnext_studio.gui.shortcuts import Shortcuts
from convnext_studio.gui.single_instance import SingleInstance
from convnext_studio.gui.stores.places import Places, usual_places
from convnext_studio.gui.stores.studio import Studio, build_studio
from convnext_studio.gui.theme.fonts import load_fonts
from convnext_studio.gui.theme.theme import Theme

if TYPE_CHECKING:
    from convnext_studio.gui.engine_host import EngineHost

log = logging.getLogger(__name__)

OnReady = Callable[["App"], None]


class App(QObject):
    """All that lives as long as the window. The Engine is started once it has been painted."""

    def __init__(self, application: QApplication, places: Places) -> None:
        super().__init__()
        load_fonts()
        theme = Theme(application)
        self.host: EngineHost | None = None
        self._lanes = {name: LateLane() for name in LANES}
        self.studio: Studio = build_studio(theme, places, self._lanes)
        self._handlers = [self.studio.log.handler, keep_log(places.log)]
        for handler in filter(None, self._handlers):
            logging.getLogger().addHandler(handler)
        logging.getLogger("convnext_studio").setLevel(logging.INFO)
        self._hooks = Hooks(self.studio.messages)
        self._litter = Litter(self)
        self._preload = Preload(self)
        self._crash_file = CrashFile(places.state / "crash.txt")
        self.actions = Actions(theme)
        Shortcuts(places.shortcuts, self.actions).recall()
        self.window = MainWindow(self.studio, self.actions)
        self.window.setWindowIcon(QIcon(theme.pixmap("app", "accent", 64)))
        self._signals = EndSignals(self.window.leaving.leave)

    def start(self, paths: list[str]) -> None:
        """Start the Engine, load the Model and open `paths`; the window is on the screen already."""
        self._start_engine()
        self.studio.look_at_recent()
        self.studio.recall_model()
        self.studio.classifier.load()
        self.studio.training.look()
        self._say_what_is_wrong()
        if paths:
            self.studio.open_paths(tuple(os.path.abspath(path) for path in paths))  # noqa: PTH100 - keep the bytes

    def on_received(self, paths: list[str]) -> None:
        """A second start handed over what it was asked to open."""
        self.window.setWindowState(self.window.windowState() & ~self.window.windowState().WindowMinimized)
        self.window.raise_()
        self.window.activateWindow()
        if paths:
            self.studio.open_paths(tuple(paths))

    def shutdown(self) -> None:
        """End the Engine, join the Lanes, put the hooks back."""
        self.end_engine()
        self._signals.remove()
        self._hooks.remove()
        self._litter.stop()
        self._preload.stop()
        self._crash_file.close()
        for handler in filter(None, self._handlers):
            logging.getLogger().removeHandler(handler)
            handler.close()

    def end_engine(self) -> None:
        """End the Engine and join the Lanes, if they were started."""
        if self.host is not None:
            self.studio.training.leave()
            self.studio.viewer.stop()
            self.studio.classifier.stop()  # else late answers would start its timers once more
            self.host.shutdown()

    def _start_engine(self) -> None:
        # First of all and on this thread: two threads that import numpy at once, one of them painting, bring Qt down.
        import numpy as np  # noqa: F401

        from convnext_studio.gui.engine_host import EngineHost  # a fifth of the start, and not needed to paint

        host = EngineHost()
        self.host = host
        for name, late in self._lanes.items():
            late.lane = host.lanes[name]
        host.ready_changed.connect(self.window.status_bar.set_engine_up)
        host.ready_changed.connect(self._on_ready)
        host.restarted.connect(self._on_restarted)
        host.given_up.connect(self._on_given_up)
        host.start()

    def _say_what_is_wrong(self) -> None:
        studio = self.studio
        if studio.settings.trouble:
            studio.messages.warning(*studio.settings.trouble)
        if unkept := _unwritable(studio.places):
            studio.messages.warning(
                self.tr("This start cannot be remembered."),
                self.tr("Settings and recent places are lost at the end: nothing can be written in {}.").format(unkept),
            )
        if self._crash_file.left_behind:
            studio.messages.warning(
                self.tr("The program ended unexpectedly last time."),
                self.tr("Nothing was sent anywhere. Copy the details if you want to report it."),
                self._crash_file.left_behind,
            )

    def _on_ready(self, is_ready: bool) -> None:
        if is_ready:
            self._preload.start()

    def _on_restarted(self, why: str) -> None:
        self.studio.messages.info(self.tr("The engine was started again."), why)

    def _on_given_up(self, why: str) -> None:
        self.window.status_bar.set_engine_lost()
        fact = self.tr("The engine cannot be started.")
        self.studio.messages.post(Message("error", fact, why, why, self.tr("Try again"), self._start_again))

    def _start_again(self) -> None:
        if self.host is not None:
            self.window.status_bar.set_engine_up(False)
            self.host.start()


class LateLane:
    """A Lane by name before there is an Engine: nothing is submitted until `lane` is put in."""

    def __init__(self) -> None:
        self.lane: LaneLike | None = None

    @property
    def under_way(self) -> tuple[JobHandle, ...]:
        """The Lane's."""
        return self.lane.under_way if self.lane is not None else ()

    def submit(self, request: object, *, replaces: str | None = None, deadline_s: float = math.inf) -> JobHandle:
        """Hand the Request to the Lane."""
        assert self.lane is not None, "submitted before the Engine was started"
        return self.lane.submit(request, replaces=replaces, deadline_s=deadline_s)


class _FirstPaint(QObject):
    """Calls `then` once, in the turn after `widget` was painted for the first time."""

    def __init__(self, widget: QWidget, then: Callable[[], None]) -> None:
        super().__init__(widget)
        self._then = then
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Wait for the paint."""
        if event.type() == QEvent.Type.Paint:
            watched.removeEventFilter(self)
            QTimer.singleShot(0, self, self._then)
        return False


def main(paths: list[str], on_ready: OnReady | None = None, *, is_reset: bool = False, is_safe: bool = False) -> int:
    """Show the window and stay until it is closed. Returns the exit code.

    `on_ready` is called once the window is on the screen and the Engine has been started; for tests and screenshots.
    With `is_reset` what was set is set aside first; with `is_safe` it is left alone, and nothing is kept.
    """
    places = usual_places()
    if is_safe:
        from convnext_studio.gui.fresh_start import nothing_kept, safe_words

        with nothing_kept(places) as own:
            return _show(own, paths, on_ready, safe_words)
    if is_reset:
        from convnext_studio.gui.fresh_start import forget, forgotten_words

        return _show(places, paths, on_ready, partial(forgotten_words, forget(places)))
    return _show(places, paths, on_ready)


def _show(
    places: Places, paths: list[str], on_ready: OnReady | None, words: Callable[[], tuple[str, str]] | None = None
) -> int:
    """A start that says something about itself has a window of its own."""
    from convnext_studio.gui.settings import kept_value

    _set_scale(places)
    application = _application()
    catalogue = speak(str(kept_value(places.settings, "language")), application)
    door = SingleInstance()
    if words is None and _shares_one_window(places) and door.hand_over(paths):
        return 0
    app = App(application, places)
    door.received.connect(app.on_received)
    application.aboutToQuit.connect(app.end_engine)

    def start() -> None:
        app.start(paths)
        if words is not None:
            app.studio.messages.info(*words())
        if on_ready is not None:
            on_ready(app)

    _FirstPaint(app.window.rail, start)
    app.window.show()
    try:
        return application.exec()
    finally:
        door.close()
        app.shutdown()
        app.window.deleteLater()
        QCoreApplication.sendPostedEvents()
        if catalogue is not None:
            application.removeTranslator(catalogue)


def _set_scale(places: Places) -> None:
    """Hand the size of words and tools to Qt, which asks once; what the user gave Qt itself goes first."""
    from convnext_studio.gui.settings import kept_value

    scale = kept_value(places.settings, "scale")
    if isinstance(scale, int) and scale != 100:
        os.environ.setdefault("QT_SCALE_FACTOR", str(scale / 100))


def _application() -> QApplication:
    application = QCoreApplication.instance() or QApplication([sys.argv[0] or "convnext-studio"])
    assert isinstance(application, QApplication)
    application.setApplicationName("convnext-studio")
    application.setApplicationDisplayName("ConvNeXt Studio")
    application.setDesktopFileName("convnext-studio")
    return application


def _shares_one_window(places: Places) -> bool:
    """Read the one setting that decides before there is a window."""
    from convnext_studio.gui.settings import kept_value

    return bool(kept_value(places.settings, "opens_in_first_window"))


def _unwritable(places: Places) -> str:
    """The first folder in which nothing can be kept, or nothing."""
    for folder in (places.config, places.state):
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError:
            return str(folder)
        if not os.access(folder, os.W_OK):
            return str(folder)
    return ""
