"""The cards of several Model files are read for a list; one that cannot be read does not stop the others."""

from __future__ import annotations

from pathlib import Path

import pytest
from safetensors.torch import save_file
from torch import nn

from convnext_studio.core import jobs
from convnext_studio.core.context import Cancelled, JobContext
from convnext_studio.core.models.card import Card
from convnext_studio.core.models.cards import CardRead
from convnext_studio.core.requests import ReadCards


def read(*paths: Path) -> list[CardRead]:
    found = jobs.run(ReadCards(tuple(map(str, paths))), JobContext())
    assert isinstance(found, tuple)
    return list(found)


def test_a_model_file_tells_its_card_its_parameters_and_its_size(
    model_file: Path, card: Card, network: nn.Module
) -> None:
    (found,) = read(model_file)
    assert found.card == card
    assert found.parameters == sum(tensor.numel() for tensor in network.state_dict().values())
    assert found.file_bytes == model_file.stat().st_size
    assert not found.error


def test_bad_files_are_told_with_their_reason_among_the_good_ones(
    model_file: Path, network: nn.Module, tmp_path: Path
) -> None:
    bare, broken, gone = (tmp_path / f"{name}.safetensors" for name in ("bare", "broken", "gone"))
    save_file(network.state_dict(), bare)
    broken.write_bytes(b"not a Model")
    found = read(gone, bare, broken, tmp_path, model_file)
    assert [bool(entry.error) for entry in found] == [True, True, True, True, False]
    assert [entry.is_bare for entry in found] == [False, True, False, False, False]
    assert "gone.safetensors" in found[0].error
    assert "broken.safetensors" in found[2].error


def test_reading_can_be_stopped(model_file: Path) -> None:
    ctx = JobContext()
    ctx.cancel.set()
    with pytest.raises(Cancelled):
        jobs.run(ReadCards((str(model_file),)), ctx)
