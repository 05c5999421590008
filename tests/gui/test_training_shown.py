"""The status bar and the page of a Run tell the same time left."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

from PySide6.QtCore import QObject, Signal

from convnext_studio.core.runs.history import History
from convnext_studio.gui.stores.job_list import JobList
from convnext_studio.gui.stores.training import Training
from convnext_studio.gui.stores.training_shown import TrainingShown
from convnext_studio.gui.widgets.numbers import time_left
from tests.gui.training_replies import events, lines, summary

LEFT_S = 4000.0  # as the list of Runs has it


class Work(QObject):
    runs_changed = Signal()

    def __init__(self, history: History) -> None:
        super().__init__()
        self.view = SimpleNamespace(folder="/runs/one", history=history)
        self.running = tuple(
            summary(f"/runs/{name}", name=name, state="running", seconds_left=LEFT_S) for name in ("one", "two")
        )


def test_the_time_left_of_the_run_on_the_page_is_told_from_its_own_lines(qapp: object) -> None:
    history = History()
    history.add(lines(events(done=3)))
    assert history.seconds_left is not None
    work, jobs = Work(history), JobList()
    TrainingShown(cast("Training", work), jobs)
    work.runs_changed.emit()
    shown = {entry.title: entry.words for entry in jobs.entries}
    assert time_left(history.seconds_left) in shown["one"] and time_left(LEFT_S) not in shown["one"]
    assert time_left(LEFT_S) in shown["two"]
