"""The index of training Images at the end of a Run: there for its Model, and never in the Run's way."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors import safe_open

from convnext_studio.core.context import Cancelled
from convnext_studio.core.data.split_file import read_split
from convnext_studio.core.errors import StorageError
from convnext_studio.core.explain.nearest import KEY, index_path
from convnext_studio.core.models.card_file import read_card_in_file
from convnext_studio.core.runs.run import Run
from convnext_studio.core.training import index
from convnext_studio.core.values import ModelRef
from tests.training_runs import SMALL, worked


def index_of(run: Run) -> Path:
    path = index_path(ModelRef(str(run.model_path)))
    assert path is not None
    return path


def test_a_finished_run_has_its_training_images_indexed_for_its_final_model(begin: Callable[..., Run]) -> None:
    run = begin(**SMALL)
    assert worked(run)[0].ending == "finished"
    with safe_open(index_of(run), "numpy") as file:
        about = json.loads(file.metadata()[KEY])
    trained_on = {one.path: one.label for one in read_split(run.split_path) if one.split == "train"}
    assert dict(zip(about["paths"], about["labels"], strict=True)) == trained_on
    assert about["model"] == read_card_in_file(run.model_path).recorded_hash


@pytest.mark.parametrize("trouble", [StorageError("The disk is full."), Cancelled(), RuntimeError("out of memory")])
def test_a_run_is_finished_whatever_becomes_of_the_index(
    begin: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    def write_index(*_what: object, **_more: object) -> int:
        raise trouble

    monkeypatch.setattr(index, "write_index", write_index)
    run = begin(**{**SMALL, "epochs": 1})
    assert worked(run)[0].ending == "finished"
    assert not index_of(run).exists()


def test_where_time_is_short_a_part_is_indexed(begin: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "_LEAST_S", 0.0)
    monkeypatch.setattr(index, "_SHARE", 0.0)
    run = begin(**{**SMALL, "epochs": 1})
    worked(run)
    with safe_open(index_of(run), "numpy") as file:
        about = json.loads(file.metadata()[KEY])
    assert 0 < len(about["paths"]) <= about["of"]


def test_a_run_that_is_short_of_memory_ends_without_an_index(
    begin: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "_COPIES", 1 << 40)
    run = begin(**{**SMALL, "epochs": 1})
    assert worked(run)[0].ending == "finished"
    assert not index_of(run).exists()
