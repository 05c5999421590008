"""What must stay together: copies and groups always, look-alikes as far as that does not tie everything together."""

from __future__ import annotations

import random
from collections import Counter, defaultdict

import numpy as np
import pytest

from convnext_studio.core.context import JobContext
from convnext_studio.core.data import grouping
from convnext_studio.core.data.dataset import LabelledImage
from convnext_studio.core.data.grouping import group_images
from convnext_studio.core.data.patterns import find_pattern, key_of
from convnext_studio.core.data.read import Listing
from convnext_studio.core.data.seen import Seen
from convnext_studio.core.data.split import Item, Shares, joined, split_items
from convnext_studio.core.recipe import Recipe

NO_PAIRS = np.zeros((0, 2), np.int64)


def random_set(seed: int) -> tuple[list[LabelledImage], dict[str, Seen], Recipe]:
    """A data set as chance makes it: copies within and across classes, a column with gaps or none, any grouping."""
    rng = random.Random(seed)
    has_column = rng.random() < 0.5
    images = [
        LabelledImage(
            f"/set/{rng.choice('abc')}/{number}.png",
            rng.choice("abc"),
            f"part{rng.randrange(15)}" if has_column and rng.random() < 0.8 else "",
        )
        for number in range(rng.randint(2, 80))
    ]
    seen = {image.path: Seen(content=f"{rng.randrange(60)}") for image in images}
    return images, seen, Recipe(group=rng.choice(("auto", "none", "alike")), seed=seed)


@pytest.mark.parametrize("block", range(10))
def test_no_image_copy_or_group_of_five_hundred_random_data_sets_is_ever_in_two_splits(block: int) -> None:
    for seed in range(50 * block, 50 * block + 50):
        images, seen, recipe = random_set(seed)
        bonds = group_images(images, seen, Listing("/set", "/set", tuple(images)), recipe, JobContext()).bonds
        items = [Item(image.path, image.label, bond) for image, bond in zip(images, bonds, strict=True)]
        splits = split_items(items, Shares(0.2, 0.2, seed % 4 and seed % 4 + 1, 0), seed)
        assert len(splits) == len(images)
        where: dict[str, set[str]] = defaultdict(set)
        for image in images:
            where[f"content {seen[image.path].content}"].add(splits[image.path])
            if image.group and recipe.group == "auto":
                where[f"group {image.group}"].add(splits[image.path])
        for bond, image in zip(bonds, images, strict=True):
            where[f"bond {bond}"].add(splits[image.path])
        assert all(len(found) == 1 for found in where.values())


def test_two_groups_that_hold_one_picture_become_one() -> None:
    images = [LabelledImage(f"/set/a/{n}.png", "a", f"part{n // 2}") for n in range(6)]
    seen = {image.path: Seen(content="same" if n in (1, 2) else str(n)) for n, image in enumerate(images)}
    bonds = group_images(images, seen, Listing("/set", "/set", tuple(images)), Recipe(), JobContext()).bonds
    assert bonds == ["part0"] * 4 + ["part2"] * 2


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("part{part:05}_{shot}.png", "part00003"),
        ("{part:08}_{shot:02}.png", "00000003"),
        ("cam-A 2024 {part:03} {shot}.jpg", "cam-A 2024 003"),
    ],
)
def test_names_that_look_like_several_shots_of_many_parts_are_understood(name: str, wanted: str) -> None:
    names = [name.format(part=part, shot=shot) for part in range(30) for shot in range(3)]
    pattern = find_pattern(names, NO_PAIRS)
    assert pattern is not None
    assert pattern.keys[9] == wanted
    assert set(Counter(pattern.keys).values()) == {3}


def test_what_looks_alike_tells_which_word_of_a_name_is_the_part() -> None:
    names = [f"exp{shot}_num_{part * 13 % 40 + 100}_{part + shot}.jpg" for part in range(40) for shot in range(6)]
    pairs = np.array([(6 * part, 6 * part + shot) for part in range(40) for shot in range(1, 6)])
    pattern = find_pattern(names, pairs)
    assert pattern is not None
    assert pattern.is_seen
    assert len(set(pattern.keys)) == 40
    assert all(len(set(pattern.keys[6 * part : 6 * part + 6])) == 1 for part in range(40))


@pytest.mark.parametrize("name", ["img_{0:04}.png", "{0}.png", "IMG{0}", "good part.png", "x{0}_ok.png"])
def test_names_that_say_nothing_of_parts_give_no_pattern(name: str) -> None:
    assert find_pattern([name.format(number) for number in range(100)], NO_PAIRS) is None


def test_a_key_is_the_first_bracket_or_all_that_is_found() -> None:
    import re

    found = [key_of(re.compile(regex), "lot7_part12.png") for regex in (r"part(\d+)", r"part\d+", "none", "(x)?lot")]
    assert found == ["12", "part12", "", ""]


@pytest.mark.parametrize("kinds", [3, 4, 6])
def test_a_few_large_groups_are_not_tied_to_one_by_some_look_alikes_and_small_ones_are(
    kinds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    each = 120
    images = [LabelledImage(f"/set/a/{n}.png", "a", f"kind{n // each}") for n in range(kinds * each)]
    images += [LabelledImage(f"/set/a/few{n}.png", "a", f"few{n // 3}") for n in range(12)]
    seen = {image.path: Seen(content=str(n)) for n, image in enumerate(images)}
    circles = [(n, n + each) for n in range(0, (kinds - 1) * each, 11)] + [(kinds * each, kinds * each + 3)]
    alike = joined(len(images), circles)
    monkeypatch.setattr(grouping, "_alike", lambda *rest: alike)
    grouped = group_images(images, seen, Listing("/set", "/set", tuple(images)), Recipe(), JobContext())
    items = [Item(image.path, image.label, bond) for image, bond in zip(images, grouped.bonds, strict=True)]
    counts = Counter(split_items(items, Shares(0.2, 0.2), 0).values())

    assert len({grouped.bonds[n * each] for n in range(kinds)}) == kinds
    assert grouped.bonds[kinds * each] == grouped.bonds[kinds * each + 3]
    assert counts.keys() == {"train", "validation", "test"}
