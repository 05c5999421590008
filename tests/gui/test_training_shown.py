"""The status bar and the page of a Run tell the same time left."""

from __future__ import annotations

from typing import cast

from PySide6.QtCore import QObject, Signal

from convnext_studio.core.runs.history import History
from convnext_studio.gui.stores.job_list import JobList
from convnext_studio.gui.stores.training import Training
from convnext_studio.gui.stores.training_shown import TrainingShown
from convnext_studio.gui.widgets.numbers import time_left
from tests.gui.training_replies import events, lines, summary

LEFT_S = 4000.0  # as the list of Runs has it


class View(QObject):
    changed = Signal()
    folder = "/runs/one"

    def __init__(self, history: History) -> None:
        super().__init__()
        self.history = history


class Work(QObject):
    runs_changed = Signal()

    def __init__(self, history: History) -> None:
        super().__init__()
        self.view = View(history)
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


def test_the_time_left_in_the_status_bar_follows_the_page_between_two_looks_at_the_runs(qapp: object) -> None:
    history = History()
    history.add(lines(events(done=3)))
    work, jobs = Work(history), JobList()
    TrainingShown(cast("Training", work), jobs)
    work.runs_changed.emit()
    before = jobs.entries[0].words
    work.view.history = History()
    work.view.history.add(lines(events(done=9)))
    work.view.changed.emit()
    left = work.view.history.seconds_left
    assert left is not None and time_left(left) in jobs.entries[0].words and jobs.entries[0].words != before
