"""Small Runs for tests: begun, worked on in this process, and looked into."""

from __future__ import annotations

import threading
from collections.abc import Callable

import torch
from safetensors.torch import load_file

from convnext_studio.core.context import JobContext
from convnext_studio.core.requests import Train
from convnext_studio.core.run_events import RunEnded, RunEvent, StepEnded
from convnext_studio.core.runs.run import Run
from convnext_studio.core.training import fit

SMALL = {"epochs": 2, "batch_size": 4, "mixup": 0.0, "drop_path": 0.0}
Listener = Callable[[RunEvent, threading.Event], None]


def worked(run: Run, listener: Listener = lambda event, stop: None, **more: bool) -> tuple[RunEnded, list[RunEvent]]:
    """Work on the Run; the listener may act on each Event, or ask for a stop."""
    stop = threading.Event()
    events: list[RunEvent] = []

    def emit(event: object) -> None:
        events.append(event)  # type: ignore[arg-type]
        listener(event, stop)  # type: ignore[arg-type]

    return fit.train(Train(str(run.folder), **more), JobContext(emit, stop)), events


def stop_at(step: int) -> Listener:
    return lambda event, stop: stop.set() if isinstance(event, StepEnded) and event.step == step else None


def losses(run: Run) -> list[str]:
    return run.loss_path.read_text().splitlines()


def same_weights(one: Run, other: Run) -> bool:
    first, second = load_file(one.model_path), load_file(other.model_path)
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def of(kind: type[RunEvent], events: list[RunEvent]) -> list[RunEvent]:
    return [event for event in events if isinstance(event, kind)]
