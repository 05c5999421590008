"""Images of which most are alike, as parts in a fixture are: looks do not tell parts apart, and all are told so."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convnext_studio.core.context import JobContext
from convnext_studio.core.data.dataset import DataSetCard, DataWarning
from convnext_studio.core.data.prepare import describe_data
from convnext_studio.core.recipe import Recipe
from tests.unit.data.conftest import part


def card_of(data: Path, **fields: object) -> DataSetCard:
    return describe_data(Recipe(data=str(data), **fields), JobContext())  # type: ignore[arg-type]


def warning(card: DataSetCard, kind: str) -> DataWarning:
    return next(one for one in card.warnings if one.kind == kind)


@pytest.fixture
def in_a_fixture(tmp_path: Path) -> Path:
    """Parts of one product, each lying in the same place under the same lamp: 40 good ones, 30 with a scratch."""
    product = part(0)
    for number in range(70):
        pixels = product + np.random.default_rng(number).normal(0, 0.01, product.shape)
        if number >= 40:
            pixels[10 + number % 30 : 16 + number % 30, number : number + 4] = 1
        path = tmp_path / "parts" / ("good" if number < 40 else "scratch") / f"{number:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((pixels.clip(0, 1) * 255).astype(np.uint8)).save(path)
        os.utime(path, (1_700_000_000, 1_700_000_000))
    return tmp_path / "parts"


def test_parts_that_all_look_alike_are_divided_in_runs_of_neighbours_and_warned_of(in_a_fixture: Path) -> None:
    card = card_of(in_a_fixture)
    assert all(count >= 4 for counts in card.counts.values() for count in counts.values())
    places = [image.group for image in card.images if image.label == "good"]
    assert places == sorted(places) and Counter(Counter(places).values()) == {2: 20}
    assert "cannot be seen which of them show the same part" in warning(card, "leak").message
    assert "neighbouring names" in card.grouping
    assert card_of(in_a_fixture, group="none").suggestion == {"group": "auto"}


def test_those_who_want_what_is_alike_together_get_it_and_are_told_what_is_missing(in_a_fixture: Path) -> None:
    card = card_of(in_a_fixture, group="alike")
    assert card.counts["train"]["good"] == 40
    assert "no Image for validation of “good”" in warning(card, "few").message


def test_parts_that_all_look_alike_are_kept_together_by_what_names_say(in_a_fixture: Path) -> None:
    for path in sorted(in_a_fixture.rglob("*.png")):
        path.rename(path.with_name(f"part{int(path.stem) // 2:03}_{int(path.stem) % 2}.png"))
    card = card_of(in_a_fixture)
    assert card.groups > 30
    assert all(count >= 4 for counts in card.counts.values() for count in counts.values())
    assert [one.kind for one in card.warnings if "cannot be seen" in one.message] == ["alike"]


def test_a_given_split_of_parts_that_all_look_alike_is_kept_and_what_is_left_to_split_is_cut_in_runs(
    in_a_fixture: Path, tmp_path: Path
) -> None:
    for path in sorted(in_a_fixture.rglob("*.png")):
        to = tmp_path / "given" / ("test" if int(path.stem) % 5 == 0 else "train") / path.parent.name / path.name
        to.parent.mkdir(parents=True, exist_ok=True)
        path.rename(to)
    card = card_of(tmp_path / "given", on_leak="move")
    assert card.counts["test"] == {"good": 8, "scratch": 6}
    assert min(card.counts["validation"].values()) >= 4
    assert [one.kind for one in card.warnings if "split that the data set gives" in one.message] == []
