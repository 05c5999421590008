"""Class names of the well-known label sets are plain, complete and tell classes apart."""

from __future__ import annotations

import pytest
from timm.data import ImageNetInfo

from convnext_studio.core.models.labels import label_names, label_set_of, numbered_names


@pytest.mark.parametrize("outputs", [1000, 11821, 21841, 21843])
def test_each_class_of_a_label_set_has_a_name_of_its_own(outputs: int) -> None:
    label_set = label_set_of(outputs)
    names = label_names(label_set)

    assert len(names) == outputs == len(set(names))
    for name, lemma in zip(names, ImageNetInfo(label_set).label_descriptions(), strict=True):
        assert name.startswith(lemma.split(",")[0])


def test_two_classes_of_one_word_are_told_apart() -> None:
    names = label_names("imagenet-1k")

    assert [name for name in names if name.startswith("crane")] == ["crane (n02012849)", "crane (n03126707)"]


def test_other_counts_have_no_label_set_and_are_numbered() -> None:
    assert label_set_of(7) == ""
    assert numbered_names(2) == ("class 0", "class 1")
