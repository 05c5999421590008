"""What is counted equals scikit-learn's figures, classes that are absent from truth or answers included."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics as reference
from sklearn.exceptions import UndefinedMetricWarning

from convnext_studio.core.evaluation import metrics

EXACT = 1e-9


@pytest.fixture(autouse=True)
def the_reference_may_warn() -> Iterator[None]:
    """scikit-learn says aloud what our module's text says: which figures have no meaning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        warnings.filterwarnings("ignore", message="y_pred contains classes not in y_true")
        warnings.filterwarnings("ignore", message="A single label was found")
        yield


@st.composite
def answers(draw: st.DrawFn) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """True classes and probabilities (n, k); few levels, so that scores are often equal; classes are often absent."""
    k, n = draw(st.integers(2, 6)), draw(st.integers(1, 40))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    present, guessed = random.integers(1, k + 1, 2)
    weights = random.integers(0, draw(st.sampled_from([3, 1000])), (n, k)) + 1e-3
    weights[:, guessed:] = 1e-3
    return random.integers(0, present, n), weights / weights.sum(axis=1, keepdims=True)


@settings(deadline=None, max_examples=150)
@given(answers())
def test_counts_and_shares_are_those_of_scikit_learn(answer: tuple[NDArray[np.int64], NDArray[np.float64]]) -> None:
    labels, probabilities = answer
    found, classes = probabilities.argmax(axis=1), list(range(probabilities.shape[1]))
    matrix = metrics.confusion(labels, found, len(classes))
    assert (matrix == reference.confusion_matrix(labels, found, labels=classes)).all()
    assert metrics.accuracy(matrix) == pytest.approx(reference.accuracy_score(labels, found), abs=EXACT)
    assert metrics.balanced_accuracy(matrix) == pytest.approx(
        reference.balanced_accuracy_score(labels, found), abs=EXACT
    )
    ours = metrics.per_class(matrix)
    theirs = reference.precision_recall_fscore_support(labels, found, labels=classes, zero_division=0)
    for mine, expected in zip((ours.precision, ours.recall, ours.f1, ours.support), theirs, strict=True):
        np.testing.assert_allclose(mine, expected, atol=EXACT)
    assert metrics.losses(probabilities, labels).mean() == pytest.approx(
        reference.log_loss(labels, probabilities, labels=classes), abs=EXACT
    )


@settings(deadline=None, max_examples=150)
@given(answers())
def test_curves_and_areas_are_those_of_scikit_learn(answer: tuple[NDArray[np.int64], NDArray[np.float64]]) -> None:
    labels, probabilities = answer
    for index in range(probabilities.shape[1]):
        is_positive, scores = labels == index, probabilities[:, index]
        roc, pr = metrics.roc(is_positive, scores), metrics.precision_recall(is_positive, scores)
        if not is_positive.any():
            assert math.isnan(roc.area) and math.isnan(pr.area) and not len(roc.x) and not len(pr.x)
            continue
        precision, recall, _ = reference.precision_recall_curve(is_positive, scores)
        np.testing.assert_allclose(pr.x, recall, atol=EXACT)
        np.testing.assert_allclose(pr.y, precision, atol=EXACT)
        assert pr.area == pytest.approx(reference.average_precision_score(is_positive, scores), abs=EXACT)
        if is_positive.all():
            assert math.isnan(roc.area)
            continue
        false, true, _ = reference.roc_curve(is_positive, scores)
        np.testing.assert_allclose(roc.x, false, atol=EXACT)
        np.testing.assert_allclose(roc.y, true, atol=EXACT)
        assert roc.area == pytest.approx(reference.roc_auc_score(is_positive, scores), abs=EXACT)


def test_nothing_at_all_has_no_accuracy() -> None:
    empty = metrics.confusion([], [], 3)
    assert empty.shape == (3, 3) and not empty.any()
    assert math.isnan(metrics.accuracy(empty)) and math.isnan(metrics.balanced_accuracy(empty))
    assert math.isnan(metrics.reliability(np.empty((0, 3)), []).error)
    assert math.isnan(metrics.roc([], []).area) and math.isnan(metrics.precision_recall([], []).area)


@pytest.mark.parametrize(("labels", "found"), [([0, 3], [0, 1]), ([0, 1], [0, -1]), ([0], [0, 1])])
def test_a_class_that_is_none_of_ours_is_refused(labels: list[int], found: list[int]) -> None:
    with pytest.raises(ValueError):
        metrics.confusion(labels, found, 3)


def test_an_impossible_answer_that_was_true_has_a_large_loss_and_no_endless_one() -> None:
    assert metrics.losses([[0.0, 1.0]], [0]) == pytest.approx([-math.log(np.finfo(float).eps)])


def test_reliability_compares_the_mean_probability_of_a_bin_with_what_was_right() -> None:
    probabilities = [[0.95, 0.05], [0.91, 0.09], [0.3, 0.7], [0.35, 0.65]]
    found = metrics.reliability(probabilities, [0, 1, 1, 1])
    assert found.count.tolist() == [0, 0, 0, 0, 0, 0, 2, 0, 0, 2]
    assert found.confidence[[6, 9]] == pytest.approx([0.675, 0.93])
    assert found.accuracy[[6, 9]] == pytest.approx([1.0, 0.5])
    assert found.error == pytest.approx(0.5 * 0.325 + 0.5 * 0.43)
    assert np.isnan(found.accuracy[0])


@settings(deadline=None, max_examples=40)
@given(answers())
def test_the_brier_score_is_that_of_scikit_learn(answer: tuple[NDArray[np.int64], NDArray[np.float64]]) -> None:
    labels, probabilities = answer
    expected = reference.brier_score_loss(
        labels, probabilities, labels=list(range(probabilities.shape[1])), scale_by_half=False
    )
    assert metrics.brier(probabilities, labels) == pytest.approx(expected, abs=EXACT)
    assert math.isnan(metrics.brier(np.empty((0, 2)), []))
