"""Ranking and agreement."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from convnext_studio.core.predict.answers import agree, ranked, softmax

_ROWS = hnp.arrays(np.float32, st.tuples(st.integers(1, 4), st.integers(1, 9)), elements=st.floats(-1e4, 1e4, width=32))


@given(_ROWS)
def test_probabilities_are_those_of_scipy_and_sum_to_one(logits: np.ndarray) -> None:
    found = softmax(logits)
    assert found == pytest.approx(scipy.special.softmax(logits.astype(np.float64), axis=-1))
    assert found.sum(axis=-1) == pytest.approx(1.0)


@given(_ROWS, st.integers(1, 5))
def test_classes_are_ranked_from_the_most_probable_down_and_the_margin_is_the_first_gap(
    logits: np.ndarray, top: int
) -> None:
    probabilities = softmax(logits)[0]
    order, margin = ranked(probabilities, top)
    values = sorted(probabilities, reverse=True)
    assert [probabilities[index] for index in order] == values[:top]
    assert margin == pytest.approx(values[0] - (values[1] if len(values) > 1 else 0.0))


def test_answers_that_differ_by_more_than_a_hundredth_do_not_agree() -> None:
    reference = np.array([[0.0, 1.0, 2.0]], np.float32)
    assert agree(reference + 5, reference)
    assert not agree(np.array([[0.0, 1.0, 2.1]], np.float32), reference)
    assert not agree(np.array([[0.0, 1.0, np.nan]], np.float32), reference)
    assert not agree(reference[:, ::-1], reference)


def test_classes_closer_than_the_tolerance_may_change_places() -> None:
    assert agree(np.array([[1.001, 1.0]], np.float32), np.array([[1.0, 1.001]], np.float32))
