"""Runs the whole program through `cli.main` and acts on its window as a user would, waiting for conditions only."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QMimeData, QObject, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog

from convnext_studio import cli
from convnext_studio.core.values import ModelRef
from convnext_studio.gui.app import App

PATIENCE_S = 90.0  # busy machines are slow; a test that passes does not wait for it
LOOK_MS = 10

TINY = ModelRef("test_convnext", "random")  # where what is answered is not the point of the test

Until = Callable[[], object]
Script = Callable[[App], Generator[Until, None, None]]


@dataclass
class Outcome:
    """How a run of the program ended. `closing_s` is the time from closing the window to the end of `main`."""

    code: int = -1
    closing_s: float = 0.0
    messages: list[str] = field(default_factory=list)


class _Driver(QObject):
    """Goes on with the script whenever the condition it waits for holds; closes the window at its end."""

    def __init__(self, app: App, script: Script) -> None:
        super().__init__(app)
        self.error: BaseException | None = None
        self.closed_at = 0.0
        self._app = app
        self._steps = script(app)
        self._until: Until = lambda: True
        self._since = time.monotonic()
        self._timer = QTimer(self, interval=LOOK_MS)
        self._timer.timeout.connect(self._look)
        self._timer.start()

    def _look(self) -> None:
        try:
            while self._until():
                self._until = next(self._steps)
                self._since = time.monotonic()
            if time.monotonic() - self._since > PATIENCE_S:
                line = self._steps.gi_frame.f_lineno if self._steps.gi_frame else 0
                raise TimeoutError(f"waited in vain at line {line} of the script: {_state(self._app)}")
        except StopIteration:
            self._end()
        except BaseException as error:
            self.error = error
            self._end()

    def _end(self) -> None:
        self._timer.stop()
        self.closed_at = time.monotonic()
        if self.error is None:
            self._app.window.close()
        else:  # whatever would be asked then, nobody answers
            self._app.window.leaving.leave()


def run_program(
    monkeypatch: pytest.MonkeyPatch, arguments: Sequence[str], script: Script, *, model: ModelRef = TINY
) -> Outcome:
    """Run `convnext-studio ARGUMENTS` in this process with `script` at its window; raise what the script raised.

    `model` is what the window begins with.
    """
    drivers: list[_Driver] = []
    outcome = Outcome()
    start = App.start

    def start_with_driver(self: App, paths: list[str]) -> None:
        self.studio.classifier.model_ref = model
        start(self, paths)
        self.studio.messages.posted.connect(lambda message: outcome.messages.append(message.fact))
        drivers.append(_Driver(self, script))

    with monkeypatch.context() as patch:
        patch.setattr(App, "start", start_with_driver)
        outcome.code = cli.main(list(arguments))
    driver = drivers.pop() if drivers else None  # none: another window took the paths
    error = driver.error if driver is not None else None
    outcome.closing_s = time.monotonic() - driver.closed_at if driver is not None else 0.0
    del driver
    gc.collect()  # a process that ends takes its Stores with it; here they would stay, with their timers
    if error is not None:
        raise error
    return outcome


def drop(app: App, *paths: Path) -> None:
    """Drag files from a file manager onto the window and let go."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    at = QPointF(app.window.rect().center())
    buttons, modifiers = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(at.toPoint(), Qt.DropAction.CopyAction, mime, buttons, modifiers)
    QCoreApplication.sendEvent(app.window, enter)
    assert enter.isAccepted()
    fall = QDropEvent(at, Qt.DropAction.CopyAction, mime, buttons, modifiers)
    QCoreApplication.sendEvent(app.window, fall)
    assert fall.isAccepted()


def answer_dialog(app: App, path: Path) -> None:
    """Type `path` into the file dialog that is open, and take it."""
    dialogs = app.window.findChildren(QFileDialog)  # also one that was taken and is not gone yet
    (dialog,) = (one for one in dialogs if one.isVisible())
    dialog.selectFile(str(path))
    dialog.accept()


def is_done(app: App, images: int) -> Until:
    """All `images` have their Prediction or their reason, and nothing runs any more."""
    library, classifier = app.studio.library, app.studio.classifier

    def done() -> bool:
        answered = library.classified + library.errors
        return classifier.state == "ready" and library.total == answered == images and not library.is_finding

    return done


def is_ready(app: App) -> Until:
    """The Engine is up and the Model is loaded."""
    return lambda: app.host.is_ready and app.studio.classifier.state == "ready"


def _state(app: App) -> str:
    library, classifier = app.studio.library, app.studio.classifier
    return (
        f"Classifier {classifier.state}, {library.total} Images, {library.classified} classified, "
        f"{library.errors} errors, Engine {'up' if app.host.is_ready else 'down'}"
    )
