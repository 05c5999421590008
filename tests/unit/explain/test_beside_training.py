"""Maps may be asked for while a Run trains in the same process: not one bit of its losses or weights moves."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from convnext_studio.core import jobs
from convnext_studio.core.context import JobContext
from convnext_studio.core.explanations import Explained, Method
from convnext_studio.core.predict import device
from convnext_studio.core.predict.runners import torch_runner
from convnext_studio.core.requests import Explain
from convnext_studio.core.run_events import RunEvent, StepEnded
from convnext_studio.core.runs.run import Run
from convnext_studio.core.values import Execution, ImageRef, ModelRef
from tests.exam_train import draw_data_set, draw_model, recipe_for
from tests.training_runs import SMALL, losses, same_weights, worked

METHODS: tuple[Method, ...] = ("gradcam", "integrated-gradients")


@pytest.fixture(autouse=True)
def few_cores(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One thread for Jobs and training alike, as it is in a Run's own process and in the Engine."""
    monkeypatch.setattr(device, "usable_cores", lambda: 1)
    monkeypatch.setattr(torch_runner, "usable_cores", lambda: 1)
    yield


def everything_shared() -> list[object]:
    """All that a map could change for others in its process."""
    return [
        torch.get_rng_state().tolist(),
        str(np.random.get_state()),
        random.getstate(),
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.get_default_dtype(),
        torch.backends.cudnn.deterministic,
        torch.backends.cudnn.benchmark,
    ]


def test_a_run_is_the_same_bit_by_bit_whether_or_not_maps_are_asked_for(tmp_path: Path) -> None:
    data, own = draw_data_set(tmp_path / "data", 6), draw_model(tmp_path / "own.safetensors")
    recipe = recipe_for(data, **SMALL)
    images = [ImageRef(str(path)) for path in sorted(data.rglob("*.png"))]
    made: list[Explained] = []

    def ask(event: RunEvent, stop: threading.Event) -> None:
        if isinstance(event, StepEnded):
            before = everything_shared()
            request = Explain(
                images[event.step % len(images)],
                ModelRef(str(own)),
                Execution("cpu", "fp32", "torch"),
                method=METHODS[event.step % len(METHODS)],
                is_trust_wanted=event.step % 2 == 0,
            )
            found = jobs.run(request, JobContext(cancel=stop))
            assert isinstance(found, Explained)
            made.append(found)
            assert everything_shared() == before

    alone, beside = (Run.create_in(tmp_path / name, recipe) for name in ("alone", "beside"))
    worked(alone)
    worked(beside, ask)
    assert len(made) >= 2
    assert losses(beside) == losses(alone)
    assert same_weights(beside, alone)
