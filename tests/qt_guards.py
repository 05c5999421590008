"""Guards over the window's objects: no QThread, QTimer or widget outlives its test, and the culprit is named."""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.guards import blame, wait_until


class _Started:
    """Objects whose `start` was called, each with the line that did it; held weakly, or none would ever go."""

    def __init__(self) -> None:
        self._places: list[tuple[weakref.ref[Any], str]] = []

    def noting(self, start: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap `start` so that it notes who called."""

        def noted(obj: Any, *args: Any) -> Any:
            caller = sys._getframe(1)
            self._places.append((weakref.ref(obj), f"{caller.f_code.co_filename}:{caller.f_lineno}"))
            return start(obj, *args)

        return noted

    def alive(self, is_alive: Callable[[Any], bool]) -> list[tuple[Any, str]]:
        """Those that still live and do what `is_alive` asks, each once, with the last place."""
        import shiboken6

        found = {id(obj): (obj, place) for ref, place in self._places if (obj := ref()) is not None}
        return [(obj, place) for obj, place in found.values() if shiboken6.isValid(obj) and is_alive(obj)]


@pytest.fixture(autouse=True)
def no_qt_object_outlives(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail if a QThread runs, a QTimer is active or a top-level widget is left once the test has ended."""
    if "PySide6.QtCore" not in sys.modules:
        yield
        return
    from PySide6.QtCore import QThread, QTimer

    threads, timers = _Started(), _Started()
    monkeypatch.setattr(QThread, "start", threads.noting(QThread.start))
    monkeypatch.setattr(QTimer, "start", timers.noting(QTimer.start))
    before = {id(widget) for widget in _windows()}
    yield
    _let_deleted_objects_go()
    if timers.alive(_is_active):
        gc.collect()
    blame(request, [*_running(threads), *_active(timers), *_left(before)])


def _is_running(thread: Any) -> bool:
    return bool(thread.isRunning())


def _is_active(timer: Any) -> bool:
    return bool(timer.isActive())


def _running(threads: _Started) -> Iterator[str]:
    wait_until(lambda: not threads.alive(_is_running))
    for thread, place in threads.alive(_is_running):
        yield f"a QThread outlives its test: {thread.objectName() or type(thread).__name__}, started at {place}"
        thread.quit()


def _active(timers: _Started) -> Iterator[str]:
    for timer, place in timers.alive(_is_active):
        yield f"a QTimer outlives its test ({timer.interval()} ms), started at {place}"
        timer.stop()


def _left(before: set[int]) -> Iterator[str]:
    for widget in _windows():
        if id(widget) not in before:
            title = widget.objectName() or widget.windowTitle()
            yield f"a window outlives its test: {type(widget).__name__} {title!r}"
            widget.close()
            widget.deleteLater()


def _windows() -> list[Any]:
    """Top-level widgets that belong to nobody."""
    if "PySide6.QtWidgets" not in sys.modules:
        return []
    from PySide6.QtWidgets import QApplication

    return [w for w in QApplication.topLevelWidgets() if w.parentWidget() is None]


def _let_deleted_objects_go() -> None:
    """Carry out every `deleteLater`, and free what only a reference cycle of the test still holds."""
    from PySide6.QtCore import QCoreApplication, QEvent

    if QCoreApplication.instance() is None:
        return
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    if _windows():
        gc.collect()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
