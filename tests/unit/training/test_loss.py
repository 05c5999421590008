"""Mixed labels and the loss over them, beside timm's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from timm.data import Mixup
from timm.loss import LabelSmoothingCrossEntropy, SoftTargetCrossEntropy

from convnext_studio.core.training.loss import Loss
from tests.exam_train import recipe_for

CLASSES, SEED = 3, 11
CPU = torch.device("cpu")
MIXES = [{"mixup": 0.8, "cutmix": 0.0}, {"mixup": 0.0, "cutmix": 1.0}, {"mixup": 0.4, "cutmix": 1.0}]


def some(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    chance = torch.Generator().manual_seed(count)
    return torch.randn(count, 3, 16, 16, generator=chance), torch.arange(count) % CLASSES


def loss_of(weights: tuple[float, ...] = (1.0,) * CLASSES, **fields: object) -> Loss:
    return Loss(recipe_for(Path("parts"), **fields), weights, CPU)


@pytest.mark.parametrize("mix", MIXES)
def test_images_are_mixed_and_judged_as_timm_does_it(mix: dict[str, float]) -> None:
    inputs, labels = some(8)
    logits = torch.randn(8, CLASSES, generator=torch.Generator().manual_seed(0))
    theirs = Mixup(mix["mixup"], mix["cutmix"], label_smoothing=0.1, num_classes=CLASSES)
    np.random.seed(SEED)
    wanted, targets = theirs(inputs.clone(), labels)
    loss = loss_of(label_smoothing=0.1, **mix)

    found, shares = loss.mixed(inputs.clone(), labels, SEED)

    assert torch.equal(found, wanted) and not torch.equal(found, inputs)
    torch.testing.assert_close(loss(logits, shares) / 8, SoftTargetCrossEntropy()(logits, targets))


def test_labels_that_are_not_mixed_are_smoothed_as_timm_does_it() -> None:
    logits = torch.randn(8, CLASSES, generator=torch.Generator().manual_seed(0))
    labels = some(8)[1]
    found = loss_of(label_smoothing=0.1, mixup=0.0)(logits, labels) / 8
    torch.testing.assert_close(found, LabelSmoothingCrossEntropy(0.1)(logits, labels))


@pytest.mark.parametrize("mix", MIXES)
@pytest.mark.parametrize("count", [3, 7])
def test_of_an_odd_number_all_but_the_last_are_mixed(mix: dict[str, float], count: int) -> None:
    inputs, labels = some(count)
    before = np.random.get_state()[1].copy()  # type: ignore[index, union-attr]
    found, shares = loss_of(**mix).mixed(inputs.clone(), labels, SEED)
    paired, their_shares = loss_of(**mix).mixed(inputs[:-1].clone(), labels[:-1], SEED)

    assert torch.equal(found[:-1], paired) and torch.equal(found[-1], inputs[-1])
    assert torch.equal(shares[:-1], their_shares) and shares[-1].argmax() == labels[-1]
    assert torch.equal(shares.sum(1), torch.ones(count))
    assert not torch.equal(found[:-1], inputs[:-1])
    assert (np.random.get_state()[1] == before).all()  # type: ignore[index]


@pytest.mark.parametrize("count", [0, 1])
def test_a_lone_image_and_none_at_all_stay_as_they_are(count: int) -> None:
    inputs, labels = some(count)
    found, shares = loss_of(mixup=0.8).mixed(inputs.clone(), labels, SEED)
    assert torch.equal(found, inputs)
    assert shares.shape == (count, CLASSES)
    assert shares.argmax(1).tolist() == labels.tolist()


def test_weights_of_classes_count_for_mixed_labels_by_their_shares() -> None:
    logits = torch.randn(4, CLASSES, generator=torch.Generator().manual_seed(0))
    labels, weights = some(4)[1], (2.0, 0.5, 1.0)
    shares = torch.nn.functional.one_hot(labels, CLASSES).float()
    loss = loss_of(weights, label_smoothing=0.0)
    torch.testing.assert_close(loss(logits, shares), loss(logits, labels))
