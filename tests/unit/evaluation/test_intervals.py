"""How sure a figure is: equal to textbook formulas, honest at the edges, and aware of groups."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from convnext_studio.core.evaluation import intervals, metrics


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_intervals_of_a_share_are_those_of_scipy(pair: tuple[int, int]) -> None:
    count, n = pair
    test = stats.binomtest(count, n)
    assert intervals.wilson(count, n) == pytest.approx(tuple(test.proportion_ci(method="wilson")), abs=1e-9)
    one_sided = stats.binomtest(count, n, alternative="less").proportion_ci(method="exact")
    assert intervals.at_most(count, n) == pytest.approx(one_sided.high, abs=1e-9)


def test_none_of_many_escaped_means_about_three_in_as_many() -> None:
    assert intervals.at_most(0, 300) == pytest.approx(3 / 300, rel=0.01)
    assert intervals.at_most(0, 0) == 1.0


def test_nothing_seen_means_anything_may_be() -> None:
    assert intervals.wilson(0, 0) == (0.0, 1.0)
    assert intervals.of_balanced_accuracy([], [], 3) == (0.0, 1.0)


def test_a_few_right_answers_are_no_certainty() -> None:
    low, high = intervals.of_balanced_accuracy([0, 0, 0, 1, 1], [0, 0, 0, 1, 1], 2)
    assert low < 0.75 and high == 1.0


def test_images_of_one_part_count_as_little_as_they_tell() -> None:
    labels = np.repeat([0, 1], 100)
    found = np.where(np.arange(200) // 20 % 2, labels, 1 - labels)  # each part of 20 Images is all right or all wrong
    alone = intervals.of_balanced_accuracy(labels, found, 2)
    grouped = intervals.of_balanced_accuracy(labels, found, 2, np.arange(200) // 20)
    assert grouped[1] - grouped[0] > 2 * (alone[1] - alone[0])


def test_an_interval_holds_the_figure_and_is_the_same_each_time() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 90)
    found = np.where(random.random(90) < 0.7, labels, random.integers(0, 4, 90))
    groups = [f"part {number // 3}" for number in range(90)]
    low, high = intervals.of_balanced_accuracy(labels, found, 5, groups)
    assert 0 <= low < metrics.balanced_accuracy(metrics.confusion(labels, found, 5)) < high <= 1
    assert (low, high) == intervals.of_balanced_accuracy(labels, found, 5, groups)


def test_an_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    """Three classes of 12, 30 and 200 Images, found with 0.95, 0.8 and 0.6: 95 % of the intervals hold 0.7833."""
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [12, 30, 200])
    chance = np.array([0.95, 0.8, 0.6])
    holds = 0
    for _ in range(200):
        found = np.where(random.random(len(labels)) < chance[labels], labels, (labels + 1) % 3)
        low, high = intervals.of_balanced_accuracy(labels, found, 3)
        holds += low <= chance.mean() <= high
    assert 0.92 <= holds / 200 <= 1.0


def test_the_accuracy_of_grouped_images_is_less_sure_than_of_as_many_alone() -> None:
    labels = np.repeat([0, 1], 100)
    found = np.where(np.arange(200) // 20 % 2, labels, 1 - labels)
    alone = intervals.of_accuracy(labels, found)
    low, high = intervals.of_accuracy(labels, found, np.arange(200) // 20)
    assert alone == intervals.wilson(100, 200) and low < alone[0] and high > alone[1]
    assert intervals.of_accuracy([], []) == (0.0, 1.0)


def test_a_few_parts_without_a_mistake_are_no_certainty_however_many_images_there_are_of_each() -> None:
    labels, parts = np.zeros(600, np.int64), np.arange(600) // 50
    low, high = intervals.of_accuracy(labels, labels, parts)
    assert low < 0.85 and high == 1.0
    assert intervals.of_balanced_accuracy(labels, labels, 2, parts)[0] < 0.85
    one_wrong = np.where(np.arange(600) == 0, 1, 0)
    assert intervals.of_accuracy(labels, one_wrong, parts)[0] == pytest.approx(low, abs=0.01)


def test_an_interval_by_parts_holds_the_truth_about_as_often_as_it_says() -> None:
    """Twelve parts of each of two classes, 15 Images each; one part in ten is mostly taken for the other class."""
    random = np.random.default_rng(0)
    labels, parts = np.repeat([0, 1], 180), np.arange(360) // 15
    holds = 0
    for _ in range(100):
        chance = np.where(random.random(24) < 0.9, 1.0, 0.3)[parts]
        found = np.where(random.random(360) < chance, labels, 1 - labels)
        low, high = intervals.of_accuracy(labels, found, parts)
        holds += low <= 0.93 <= high
    assert holds >= 95


def test_parts_of_one_image_each_tell_as_much_as_images_without_parts() -> None:
    labels, found = np.repeat([0, 1], 40), np.repeat([0, 1, 1], [35, 5, 40])
    alone = intervals.of_balanced_accuracy(labels, found, 2)
    assert intervals.of_balanced_accuracy(labels, found, 2, np.arange(80)) == pytest.approx(alone, abs=0.01)


@pytest.mark.parametrize("rate", [0.02, 0.1, 0.3])
@pytest.mark.parametrize("shots", [np.full(15, 8), np.arange(1, 31)])
@pytest.mark.parametrize("share", [1.0, 0.5])
def test_what_may_be_missed_at_the_most_is_told_too_low_once_in_twenty_at_the_most(
    rate: float, shots: np.ndarray, share: float
) -> None:
    """Parts are missed as a whole, or half of their Images are; an interval may be off once in ten, in such cases."""
    random = np.random.default_rng(0)
    parts = np.repeat(np.arange(len(shots)), shots)
    below = outside = 0
    for _ in range(300):
        chance = np.where(random.random(len(shots)) < rate / share, share, 0.0)[parts]
        is_missed = random.random(len(parts)) < chance
        below += intervals.missed_at_most(is_missed, parts) < rate
        low, high = intervals.of_share(is_missed, parts)
        outside += not low <= rate <= high
    assert below <= 20 and outside <= 30


def test_parts_never_seen_missed_may_be_missed_as_images_may_and_less_is_never_said_than_without_parts() -> None:
    parts = np.arange(120) // 8
    none = np.zeros(120, bool)
    assert intervals.missed_at_most(none, parts) == intervals.at_most(0, 15)
    assert intervals.missed_at_most(none, np.arange(120)) == intervals.missed_at_most(none) == intervals.at_most(0, 120)
    assert intervals.missed_at_most(np.arange(120) < 8, parts) == pytest.approx(intervals.at_most(1, 15))
    assert intervals.missed_at_most(~none, parts) == 1.0 and intervals.missed_at_most([], []) == 1.0
    for shots in (1, 4, 30):
        grouped = intervals.missed_at_most(np.arange(120) % 10 == 0, np.arange(120) // shots)
        assert grouped >= intervals.missed_at_most(np.arange(120) % 10 == 0)
