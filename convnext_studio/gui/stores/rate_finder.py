"""The search for a learning rate: a few steps at rising rates, the curve they give, and the rate to take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from convnext_studio.core.events import EngineStopped, Failed, RateFound
from convnext_studio.core.recipe import Recipe
from convnext_studio.core.requests import FindLearningRate
from convnext_studio.core.run_events import Progressed
from convnext_studio.gui.jobs import JobHandle, LaneLike
from convnext_studio.gui.language import spoken
from convnext_studio.gui.stores.job_list import JobEntry, JobList
from convnext_studio.gui.stores.set_up import SetUp
from convnext_studio.gui.widgets.numbers import count


class RateFinder(QObject):
    """`found` holds for the Recipe as it is now, its own learning rate apart; another one ends the search."""

    changed = Signal()

    def __init__(self, lanes: Mapping[str, LaneLike], jobs: JobList, set_up: SetUp) -> None:
        super().__init__()
        self.found: RateFound | None = None
        self.failure = ""
        self.done = 0
        self.total = 0
        self._lanes = lanes
        self._jobs = jobs
        self._set_up = set_up
        self._for: Recipe | None = None
        self._handle: JobHandle | None = None
        self._entry: JobEntry | None = None
        set_up.changed.connect(self._on_set_up)

    @property
    def is_searching(self) -> bool:
        """True while steps are taken."""
        return self._handle is not None

    @property
    def can_start(self) -> bool:
        """True where there is something to learn from, and a rate that matters."""
        return self._set_up.can_start and self._set_up.recipe.epochs > 0 and not self.is_searching

    def start(self) -> None:
        """Search for what is set up now."""
        if not self.can_start:
            return
        self.found, self.failure = None, ""
        self._for = _without_rate(self._set_up.recipe)
        request = FindLearningRate(self._set_up.recipe)
        self.done, self.total = 0, request.steps
        handle = self._handle = self._lanes["measure"].submit(request, replaces="find rate")
        self._entry = self._jobs.add(self.tr("Find a learning rate"), handle, "train")
        handle.events.connect(self._on_events)
        handle.succeeded.connect(self._on_found)
        handle.failed.connect(self._on_failed)
        handle.closed.connect(self._on_closed)
        self.changed.emit()

    def stop(self) -> None:
        """Search no more."""
        if self._handle is not None:
            self._handle.cancel()

    def _on_set_up(self) -> None:
        if self._for is not None and _without_rate(self._set_up.recipe) != self._for:
            self.stop()
            self._for, self.found, self.failure = None, None, ""
        self.changed.emit()

    def _on_events(self, events: list[object]) -> None:
        steps = [event for event in events if isinstance(event, Progressed)]
        if steps and self.sender() is self._handle:
            self.done, self.total = steps[-1].done, steps[-1].total
            if self._entry is not None:
                words = self.tr("{0} of {1}").format(count(self.done), count(self.total))
                self._entry.progress(self.done, self.total, words)
            self.changed.emit()

    def _on_found(self, found: RateFound) -> None:
        if self.sender() is self._handle and self._for is not None:
            self.found = found

    def _on_failed(self, end: Failed | EngineStopped) -> None:
        if self.sender() is self._handle:
            self.failure = spoken(end.message)

    def _on_closed(self) -> None:
        if self.sender() is self._handle:
            self._handle = self._entry = None
            self.changed.emit()


def _without_rate(recipe: Recipe) -> Recipe:
    return replace(recipe, learning_rate=Recipe().learning_rate)
