"""What a Run says of its validation split is what an evaluation says of the same answers."""

from __future__ import annotations

import numpy as np
import pytest

from convnext_studio.core.data.dataset import LabelledImage
from convnext_studio.core.evaluation import count
from convnext_studio.core.training.validation import Answers, judge

CLASSES = ("bad", "good")


@pytest.mark.parametrize("shots", [1, 10])
def test_a_run_counts_as_an_evaluation_does_and_groups_widen_both_intervals(shots: int) -> None:
    chance = np.random.default_rng(0)
    labels = np.arange(200) // 100
    is_right = chance.random(20).repeat(10) < 0.7  # all shots of a part are found, or none of them
    groups = [f"part {number // shots}" for number in range(200)]
    images = [LabelledImage(f"{n}.png", CLASSES[labels[n]], groups[n], "validation") for n in range(200)]
    share = np.where(is_right, 0.9, 0.1)
    table = np.stack([np.where(labels == one, share, 1 - share) for one in (0, 1)], axis=1)

    scores = judge(Answers(np.arange(200), table), images, CLASSES)
    answers = count.Answers(CLASSES, [image.path for image in images], labels, groups, table)
    evaluation = count.evaluation_of(answers, count.About("validation", "m", "0", "d"))

    assert scores.accuracy_interval == evaluation.accuracy_interval
    assert scores.interval == evaluation.balanced_accuracy_interval
    assert (scores.accuracy, scores.loss) == (evaluation.accuracy, evaluation.log_loss)
    assert scores.confusion == evaluation.confusion
    low, high = scores.accuracy_interval
    assert high - low > (0.3 if shots == 10 else 0.1)
    assert (high - low < 0.2) == (shots == 1)
