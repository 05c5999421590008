"""Data, a Model and Runs that are as small as can be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from convnext_studio.core.runs.run import Run
from tests.exam_train import draw_data_set, draw_model, recipe_for
from tests.training_runs import SMALL


@pytest.fixture(scope="package", autouse=True)
def one_thread() -> Iterator[None]:
    """Networks this small only wait for each other's threads, the longer the busier the machine is."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def squares(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 Images of two classes: 8 to train, the rest for validation and test."""
    return draw_data_set(tmp_path_factory.mktemp("squares") / "data", 6)


@pytest.fixture(scope="session")
def own_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Model file to grow from."""
    return draw_model(tmp_path_factory.mktemp("own_model") / "grown_from.safetensors")


@pytest.fixture
def begin(squares: Path, tmp_path: Path) -> Callable[..., Run]:
    """Make a Run folder of the small Recipe with changes."""

    def made(name: str = "run", **changes: object) -> Run:
        return Run.create_in(tmp_path / name, recipe_for(squares, **{**SMALL, **changes}))

    return made
