"""The mean of several trainings is as sure as Student says."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats  # type: ignore[import-untyped]

from convnext_studio.core.evaluation.across import across


@pytest.mark.parametrize("count", range(2, 21))
def test_the_interval_of_a_mean_is_that_of_scipy(count: int) -> None:
    shares = np.random.default_rng(count).uniform(0.4, 0.6, count)
    low, high = stats.t.interval(0.95, count - 1, shares.mean(), stats.sem(shares))
    found = across(shares.tolist(), [(share, share) for share in shares], is_of_same_images=False)
    assert (found.mean, found.low, found.high) == pytest.approx(
        (shares.mean(), max(0.0, low), min(1.0, high)), abs=1e-6
    )


def test_a_single_training_says_nothing_of_others() -> None:
    found = across([0.8], [(0.7, 0.9)], is_of_same_images=True)
    assert (found.mean, found.low, found.high) == (0.8, 0.0, 1.0)


def test_equal_figures_are_as_sure_as_each_of_them_and_together_surer_only_on_other_images() -> None:
    shares, intervals = [0.8] * 4, [(0.7, 0.85)] * 4
    same = across(shares, intervals, is_of_same_images=True)
    other = across(shares, intervals, is_of_same_images=False)
    assert (same.low, same.high) == pytest.approx((0.7, 0.85))
    assert (other.low, other.high) == pytest.approx((0.75, 0.825))
