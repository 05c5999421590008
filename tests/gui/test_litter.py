"""Reference cycles are freed, and on the GUI thread."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from convnext_studio.gui import litter
from convnext_studio.gui.litter import Litter


@pytest.fixture
def running(qapp: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[Litter]:
    monkeypatch.setattr(litter, "TURN_MS", 5)
    running = Litter()
    yield running
    running.stop()


class _Cycle:
    """Notes in which thread it is freed."""

    def __init__(self, freed_in: list[threading.Thread]) -> None:
        self.me, self._freed_in = self, freed_in

    def __del__(self) -> None:
        self._freed_in.append(threading.current_thread())


def make_litter(freed_in: list[threading.Thread]) -> None:
    """Leave many cycles, as a thread with much to do would."""
    for _ in range(5_000):
        _Cycle(freed_in)


def test_cycles_that_another_thread_leaves_are_freed_on_the_gui_thread(running: Litter, qtbot: QtBot) -> None:
    freed_in: list[threading.Thread] = []
    worker = threading.Thread(target=make_litter, args=(freed_in,))
    worker.start()
    worker.join()
    qtbot.waitUntil(lambda: len(freed_in) == 5_000)
    assert set(freed_in) == {threading.main_thread()}


@pytest.mark.parametrize(("middle", "old_s"), [(10**6, 0.0), (0, 1e6)], ids=["the old ones", "the middle ones"])
def test_what_outlived_the_first_look_is_freed_by_a_later_one(
    running: Litter, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, middle: int, old_s: float
) -> None:
    freed_in: list[Any] = []
    kept = [_Cycle(freed_in)]
    gc.collect(0)
    kept.clear()
    monkeypatch.setattr(litter, "MIDDLE", middle)
    monkeypatch.setattr(litter, "OLD_AFTER_S", old_s)
    qtbot.waitUntil(lambda: bool(freed_in))


def test_python_collects_again_after_the_window(running: Litter) -> None:
    assert not gc.isenabled()
    running.stop()
    assert gc.isenabled()
