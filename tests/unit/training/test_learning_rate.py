"""The rising-rate test: a curve, a suggestion and a reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from convnext_studio.core.context import JobContext
from convnext_studio.core.recipe import Recipe
from convnext_studio.core.requests import FindLearningRate
from convnext_studio.core.training.learning_rate import find_learning_rate, suggested
from tests.exam_train import draw_data_set, recipe_for


def test_rates_rise_and_nothing_is_left_on_disk(tmp_path: Path) -> None:
    data = draw_data_set(tmp_path / "data", 5)
    before = sorted(tmp_path.rglob("*"))
    events: list[object] = []
    found = find_learning_rate(FindLearningRate(recipe_for(data), steps=8), JobContext(events.append))

    assert 2 <= len(found.rates) == len(found.losses) <= 8
    assert list(found.rates) == sorted(found.rates)
    assert found.rates[0] == pytest.approx(1e-6)
    assert 0 < found.suggestion < 1
    assert found.reason
    assert sorted(tmp_path.rglob("*")) == before
    assert events


def test_the_suggestion_is_a_third_of_where_the_loss_falls_most_steeply() -> None:
    rates = [10.0 ** (-6 + step) for step in range(6)]
    found = suggested(rates, [1.0, 0.99, 0.95, 0.6, 0.4, 3.0], Recipe())

    assert found.suggestion == pytest.approx(1e-3 / 3, rel=0.05)
    assert "1.0e-03" in found.reason


@pytest.mark.parametrize("losses", [[], [1.0], [1.0, 1.1, 1.3, 2.0], [1.0, 0.995, 0.99, 0.99]])
def test_a_loss_that_does_not_fall_keeps_the_recipes_rate_and_says_so(losses: list[float]) -> None:
    found = suggested([1e-6] * len(losses), losses, Recipe(learning_rate=2e-4))

    assert found.suggestion == 2e-4
    assert "did not fall" in found.reason
