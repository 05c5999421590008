"""What may go wrong on the way: a clear sentence, and nothing lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from convnext_studio.core import jobs, requests
from convnext_studio.core.context import JobContext
from convnext_studio.core.errors import DeviceError, ImageError, ModelError
from convnext_studio.core.events import ModelLoaded
from convnext_studio.core.explain.lens import Lens
from convnext_studio.core.explain.split import split
from convnext_studio.core.explanations import Explained, ExplainSummary, HeatmapsMade, ImageExplained
from convnext_studio.core.models.model_file import save_model_file
from convnext_studio.core.predict import device
from convnext_studio.core.predict.runners import torch_runner
from convnext_studio.core.values import Execution, ImageRef, ModelRef
from tests.unit.explain.planted import planted_model, planted_picture

CPU = Execution("cpu", "fp32", "torch")


@pytest.fixture(autouse=True)
def few_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Jobs stay with one thread, as the other tests here do."""
    monkeypatch.setattr(device, "usable_cores", lambda: 1)
    monkeypatch.setattr(torch_runner, "usable_cores", lambda: 1)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ModelRef:
    path = tmp_path_factory.mktemp("model") / "planted.safetensors"
    made = planted_model(64).model
    save_model_file(path, made.network, made.card)
    return ModelRef(str(path))


@pytest.fixture
def images(tmp_path: Path) -> tuple[ImageRef, ...]:
    rng, found = np.random.default_rng(4), []
    for number in range(3):
        path = tmp_path / f"part{number}.png"
        Image.fromarray(planted_picture(rng, number, (90, 60))[0]).save(path)
        found.append(ImageRef(str(path)))
    return tuple(found)


def test_a_network_without_places_is_refused_in_a_sentence() -> None:
    with pytest.raises(ModelError, match="cannot be explained") as refused:
        split(nn.Sequential(nn.Flatten(), nn.Linear(12, 3)))
    assert "ConvNeXt" in refused.value.hint


def test_an_image_that_goes_while_the_model_is_made_ready_is_missed_in_words(
    model: ModelRef, images: tuple[ImageRef, ...]
) -> None:
    def on_event(event: object) -> None:
        if isinstance(event, ModelLoaded):
            Path(images[0].path).unlink()

    with pytest.raises(ImageError, match="not there any more"):
        jobs.run(requests.Explain(images[0], model, CPU), JobContext(on_event))
    assert isinstance(jobs.run(requests.Explain(images[1], model, CPU), JobContext()), Explained)


def test_an_image_that_goes_while_a_folder_is_explained_costs_one_row(
    model: ModelRef, images: tuple[ImageRef, ...], tmp_path: Path
) -> None:
    rows: list[ImageExplained] = []

    def on_event(event: object) -> None:
        if isinstance(event, ImageExplained):
            rows.append(event)
            Path(images[1].path).unlink(missing_ok=True)

    request = requests.ExplainFolder(images, str(tmp_path / "why"), model, CPU, is_trust_wanted=False)
    summary = jobs.run(request, JobContext(on_event))
    assert isinstance(summary, ExplainSummary)
    assert (summary.explained, summary.failed) == (2, 1)
    assert [row.image for row in rows if row.error] == [images[1]]
    assert "not there any more" in rows[1].error


def test_memory_that_runs_out_while_trust_is_measured_leaves_the_map(
    model: ModelRef, images: tuple[ImageRef, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def out_of_memory(lens: Lens, batch: Tensor) -> Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(Lens, "pooled", out_of_memory)
    said: list[object] = []
    with pytest.raises(DeviceError, match="Memory is too short"):
        jobs.run(requests.Explain(images[0], model, CPU), JobContext(said.append))
    assert any(isinstance(event, HeatmapsMade) for event in said)
