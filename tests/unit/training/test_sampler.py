"""The order of an epoch: a pure function, the same for any number of ranks, and fair to rare classes."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convnext_studio.core.training.sampler import (
    class_weights,
    epoch_order,
    places_at,
    settle_balance,
    steps_in,
)

LABELS = [0] * 100 + [1] * 20 + [2] * 5


def test_an_order_depends_on_seed_and_epoch_alone() -> None:
    for balance in ("none", "sampler"):
        assert epoch_order(LABELS, 3, 2, balance) == epoch_order(LABELS, 3, 2, balance)
        assert epoch_order(LABELS, 3, 2, balance) != epoch_order(LABELS, 3, 3, balance)
        assert epoch_order(LABELS, 3, 2, balance) != epoch_order(LABELS, 4, 2, balance)


@given(st.integers(1, 300), st.integers(0, 2**31 - 1), st.integers(0, 50))
def test_without_balance_every_image_comes_once(count: int, seed: int, epoch: int) -> None:
    assert sorted(epoch_order([0] * count, seed, epoch)) == list(range(count))


@given(st.lists(st.integers(0, 5), min_size=1, max_size=200), st.integers(0, 20))
def test_a_balanced_epoch_is_as_long_as_the_data_set(labels: list[int], epoch: int) -> None:
    order = epoch_order(labels, 1, epoch, "sampler")

    assert len(order) == len(labels)
    assert {labels[number] for number in order} == set(labels) or len(labels) < 6
    assert max(Counter(order).values()) <= 11


def test_every_class_gets_an_equal_share_unless_that_shows_an_image_more_than_ten_times() -> None:
    counts = Counter(LABELS[number] for number in epoch_order(LABELS, 0, 1, "sampler"))
    assert sorted(counts.values()) == [41, 42, 42]

    rare = [0] * 1000 + [1] * 3
    assert Counter(rare[number] for number in epoch_order(rare, 0, 1, "sampler"))[1] == 30


def test_no_image_of_a_class_comes_again_before_all_others_of_it_have_come() -> None:
    seen: Counter[int] = Counter()
    for epoch in range(1, 8):
        seen.update(number for number in epoch_order(LABELS, 5, epoch, "sampler") if LABELS[number] == 0)
        times = [seen[number] for number in range(100)]
        assert max(times) - min(times) <= 2  # an epoch may end one round and begin in the midst of another

    assert min(times) >= 2


def test_auto_acts_on_a_notable_imbalance_only() -> None:
    assert settle_balance([0] * 15 + [1] * 10, "auto") == "none"
    assert settle_balance([0] * 16 + [1] * 10, "auto") == "sampler"
    assert settle_balance([0] * 16 + [1] * 10, "loss") == "loss"
    assert settle_balance([], "auto") == "none"


def test_weights_of_the_loss_make_every_class_count_the_same() -> None:
    weights = class_weights(LABELS, 3, "loss")

    totals = np.bincount(LABELS) * weights
    assert totals == pytest.approx([125 / 3] * 3)
    assert class_weights(LABELS, 3, "sampler") == [1.0, 1.0, 1.0]
    assert class_weights([0, 0, 2], 3, "loss") == pytest.approx([0.75, 1.5, 1.5])  # a class without Images harms nobody


@given(st.integers(0, 9), st.integers(1, 64), st.integers(1, 5))
def test_the_ranks_together_see_the_same_batch_for_any_world_size(step: int, batch_size: int, world: int) -> None:
    parts = [places_at(step, batch_size, rank, world) for rank in range(world)]

    assert sorted(place for part in parts for place in part) == list(places_at(step, batch_size))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@given(st.integers(1, 1000), st.integers(1, 64))
def test_an_epoch_shows_about_as_many_images_as_there_are(images: int, batch_size: int) -> None:
    shown = steps_in(images, batch_size) * batch_size

    assert shown >= batch_size
    assert abs(shown - images) <= batch_size / 2 or shown == batch_size


def test_batches_follow_each_other_without_gap_or_overlap() -> None:
    for one, other in pairwise(places_at(step, 7) for step in range(5)):
        assert one.stop == other.start
