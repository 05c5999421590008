"""The head fitted to features: scikit-learn's logistic regression, fair to rare classes, not fooled by duplicates."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]
from sklearn.preprocessing import StandardScaler  # type: ignore[import-untyped]
from torch import Tensor

from convnext_studio.core.context import Cancelled
from convnext_studio.core.training import head_first
from convnext_studio.core.training.head_first import fit_head

WIDTH = 12


def drawn(counts: tuple[int, ...], seed: int) -> tuple[Tensor, Tensor]:
    """Overlapping clouds, one a class, in features of very different size."""
    middles = np.random.default_rng(0).normal(0, 1, (len(counts), WIDTH))
    labels = np.repeat(np.arange(len(counts)), counts)
    noise = np.random.default_rng(seed).normal(0, 2, (len(labels), WIDTH))
    values = (middles[labels] + noise) * np.logspace(-2, 2, WIDTH) + 5
    return torch.from_numpy(values).float(), torch.from_numpy(labels)


def alone(labels: Tensor) -> NDArray[np.int64]:
    """Groups of one Image each."""
    return np.arange(len(labels))


def answered(values: Tensor, head: tuple[Tensor, Tensor]) -> NDArray[np.int64]:
    weight, bias = head
    answers: NDArray[np.int64] = (values @ weight.T + bias).argmax(1).numpy()
    return answers


def recalls(values: Tensor, labels: Tensor, head: tuple[Tensor, Tensor]) -> list[float]:
    is_right = answered(values, head) == labels.numpy()
    return [float(is_right[labels.numpy() == one].mean()) for one in sorted(set(labels.tolist()))]


@pytest.mark.parametrize("penalty", [1e-3, 1e-1])
@pytest.mark.parametrize("counts", [(40, 40, 40), (90, 30, 8), (60, 12)])
def test_it_is_the_balanced_logistic_regression_of_scikit_learn(
    counts: tuple[int, ...], penalty: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(head_first, "_PENALTIES", (penalty,))
    values, labels = drawn(counts, 1)
    unseen, _ = drawn((200,) * len(counts), 2)
    scaler = StandardScaler().fit(values)
    rows = 2 if len(counts) == 2 else 1  # for two classes scikit-learn has one row of weights, and we have two halves
    judge = LogisticRegression(C=rows / (len(labels) * penalty), class_weight="balanced", tol=1e-6, max_iter=1000)
    judge.fit(scaler.transform(values), labels)

    head = fit_head(values, labels, len(counts), alone(labels))

    same = answered(unseen, head) == judge.predict(scaler.transform(unseen))
    assert same.mean() >= 0.995


def test_the_penalty_chosen_is_about_as_good_as_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    values, labels = drawn((60, 60, 20), 1)
    unseen, answers = drawn((300, 300, 300), 2)
    chosen = fit_head(values, labels, 3, alone(labels))

    found = []
    for penalty in head_first._PENALTIES:
        monkeypatch.setattr(head_first, "_PENALTIES", (penalty,))
        found.append(np.mean(recalls(unseen, answers, fit_head(values, labels, 3, alone(labels)))))
    assert np.mean(recalls(unseen, answers, chosen)) >= max(found) - 0.03


def test_a_rare_class_is_found_as_well_as_a_frequent_one() -> None:
    values, labels = drawn((300, 20), 3)
    unseen, answers = drawn((500, 500), 4)

    frequent, rare = recalls(unseen, answers, fit_head(values, labels, 2, alone(labels)))

    assert abs(frequent - rare) <= 0.2
    assert rare >= 0.6


def test_images_of_one_group_are_held_out_together() -> None:
    chance = np.random.default_rng(0)
    values = torch.from_numpy(chance.normal(0, 1, (30, WIDTH))).float().repeat_interleave(4, 0)
    labels = torch.from_numpy(chance.integers(0, 2, 30)).repeat_interleave(4)  # nothing to learn, but by heart

    torn = fit_head(values, labels, 2, alone(labels))
    whole = fit_head(values, labels, 2, np.arange(len(labels)) // 4)

    assert float(whole[0].norm()) < 0.5 * float(torn[0].norm())


def test_the_same_features_give_the_same_head_for_any_number_of_threads() -> None:
    values, labels = drawn((20, 20), 5)
    before = torch.get_num_threads()
    heads = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        heads.append(fit_head(values, labels, 2, alone(labels)))
        assert torch.get_num_threads() == threads
    torch.set_num_threads(before)

    assert torch.equal(heads[0][0], heads[1][0])
    assert torch.equal(heads[0][1], heads[1][1])


def test_a_stop_ends_the_fit_at_its_next_step() -> None:
    values, labels = drawn((60, 60), 1)
    calls: list[int] = []

    def check() -> None:
        calls.append(1)
        if len(calls) == 7:
            raise Cancelled

    threads = torch.get_num_threads()
    with pytest.raises(Cancelled):
        fit_head(values, labels, 2, alone(labels), check=check)
    assert (len(calls), torch.get_num_threads()) == (7, threads)


def test_a_feature_that_never_changes_and_a_class_of_one_image_harm_nobody() -> None:
    values, labels = drawn((20, 20, 1), 6)
    values[:, 3] = 7.0

    weight, bias = fit_head(values, labels, 3, alone(labels))

    assert torch.isfinite(weight).all()
    assert torch.isfinite(bias).all()
    assert np.mean(recalls(values, labels, (weight, bias))) > 0.7
