"""Two Models are compared on the Images that both judged, by an exact test."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from convnext_studio.core.errors import DataError
from convnext_studio.core.evaluation.compare import compare, mcnemar, part_by_part
from convnext_studio.core.evaluation.count import About, Answers, evaluation_of
from convnext_studio.core.evaluation.report import Evaluation


def evaluation(model: str, is_right: list[bool], *, first: int = 0, groups: list[str] | None = None) -> Evaluation:
    """Of Images of two classes in turn, those that are right and those that are not."""
    labels = np.arange(len(is_right)) % 2
    found = np.where(is_right, labels, 1 - labels)
    paths = [f"/data/{first + number}.png" for number in range(len(is_right))]
    answers = Answers(("bad", "good"), paths, labels, groups or [""] * len(paths), 0.1 + 0.8 * np.eye(2)[found])
    return evaluation_of(answers, About("test", model, "ab", "/data"))


def test_each_models_own_right_answers_are_counted_and_named() -> None:
    first = evaluation("A", [True] * 6 + [False] * 4)
    second = evaluation("B", [True] * 5 + [False] + [True] * 3 + [False])
    found = compare(first, second)
    assert (found.images, found.both_right, found.neither_right) == (10, 5, 1)
    assert found.only_first == ("/data/5.png",) and found.only_second == tuple(f"/data/{n}.png" for n in (6, 7, 8))
    assert found.gain == pytest.approx(second.accuracy - first.accuracy)
    assert found.gain_interval[0] < found.gain < found.gain_interval[1]


@pytest.mark.parametrize(("first", "second"), [(0, 0), (1, 3), (3, 1), (7, 7), (2, 19), (900, 1000)])
def test_the_chance_is_that_of_a_fair_coin(first: int, second: int) -> None:
    expected = stats.binomtest(first, first + second).pvalue if first + second else 1.0
    assert mcnemar(first, second) == pytest.approx(expected, abs=1e-9)


def test_many_images_of_a_few_parts_say_no_more_than_the_parts() -> None:
    groups = [f"part {number // 10}" for number in range(60)]
    first = evaluation("A", [True] * 20 + [False] * 30 + [True] * 10, groups=groups)
    second = evaluation("B", [True] * 50 + [False] * 10, groups=groups)  # ahead on three parts of six, behind on one
    found = compare(first, second)
    assert found.parts == 6
    assert found.chance == pytest.approx(10 / 16)  # four coins: 3 to 1 or more one-sided is nothing strange
    alone = compare(
        evaluation("A", [True] * 20 + [False] * 30 + [True] * 10), evaluation("B", [True] * 50 + [False] * 10)
    )
    assert alone.parts == 0 and alone.chance < 0.01
    assert found.gain == alone.gain == pytest.approx(20 / 60)
    assert found.gain_interval[0] < 0 < alone.gain_interval[0] and found.gain_interval[1] > alone.gain_interval[1]


@pytest.mark.parametrize(("first", "second"), [(0, 0), (1, 3), (2, 19), (90, 100)])
def test_parts_of_one_image_each_are_compared_as_images_are(first: int, second: int) -> None:
    assert part_by_part([-1] * first + [1] * second + [0] * 5) == pytest.approx(mcnemar(first, second), abs=1e-9)


def test_very_many_parts_are_compared_as_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    leads = [int(one) for one in random.integers(-4, 6, 400)]
    exact = part_by_part(leads)
    monkeypatch.setattr("convnext_studio.core.evaluation.compare._MOST_THROWN", 0)
    assert part_by_part(leads) == pytest.approx(exact, abs=0.005)


def test_evaluations_of_different_images_are_not_compared() -> None:
    with pytest.raises(DataError, match="share no Image"):
        compare(evaluation("A", [True] * 3), evaluation("B", [True] * 3, first=9))
