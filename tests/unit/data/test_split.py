"""Splitting: never through a bond, by class and ratio, the same from every order and place."""

from __future__ import annotations

import random
from collections import Counter, defaultdict

import pytest

from convnext_studio.core.data.grouping import same
from convnext_studio.core.data.split import Item, Shares, count_splits, mended, split_items

USUAL = Shares(0.2, 0.2)


def random_items(seed: int) -> list[Item]:
    """A data set that chance made: classes of very different sizes, bonds large and small, some across classes."""
    rng = random.Random(seed)
    classes = [f"class{number}" for number in range(rng.randint(1, 6))]
    sizes = [rng.choice((1, 1, 2, 3, 10, 40)) for _ in classes]
    bonds = rng.randint(1, 40)
    total = rng.randint(1, 120)
    has_given = rng.random() < 0.3
    given = ("train", "validation", "test", "")
    return [
        Item(
            f"{number}.png",
            rng.choices(classes, sizes)[0],
            f"bond{rng.randrange(bonds)}" if rng.random() < 0.7 else f"own{number}",
            rng.choice(given) if has_given else "",  # type: ignore[arg-type]
        )
        for number in range(total)
    ]


@pytest.mark.parametrize("block", range(10))
def test_no_bond_is_ever_in_two_splits_and_every_image_is_in_one(block: int) -> None:
    for seed in range(50 * block, 50 * block + 50):
        rng = random.Random(-seed)
        items = [Item(one.name, one.label, one.bond) if seed % 3 else one for one in random_items(seed)]
        is_given = any(item.given for item in items)
        folds = rng.choice((0, 0, 3, 5))
        shares = Shares(rng.choice((0.0, 0.1, 0.3)), rng.choice((0.0, 0.2, 0.5)), folds, rng.randrange(folds or 1))
        splits = split_items(items, shares, seed)
        assert splits.keys() == {item.name for item in items}
        where = defaultdict(set)
        for item in items:
            if item.given == "test" or (item.given == "validation" and not folds):
                assert splits[item.name] == item.given
            elif not is_given or not item.given:
                where[item.bond].add(splits[item.name])
        free = {item.bond for item in items} - {item.bond for item in items if item.given in ("validation", "test")}
        assert all(len(where[bond]) <= 1 for bond in free)
        shuffled = rng.sample(items, len(items))
        assert split_items(shuffled, shares, seed) == splits


@pytest.mark.parametrize("block", range(5))
def test_a_mended_split_tears_no_bond_and_moves_only_what_leaked(block: int) -> None:
    for seed in range(50 * block, 50 * block + 50):
        items = random_items(seed)
        ties = same([item.bond for item in items])
        after = mended(items, ties)
        assert all(len({after[at].given for at in tie} - {""}) <= 1 for tie in ties)
        for old, new in zip(items, after, strict=True):
            given = {item.given for item in items if item.bond == old.bond} - {""}
            assert new.given == old.given or len(given) > 1
            assert new.given != "test" or given == {"test"}


@pytest.mark.parametrize("seed", range(5))
def test_each_class_is_divided_by_the_ratio(seed: int) -> None:
    items = [Item(f"{label}{n}", label, f"{label}{n}") for label, many in (("a", 500), ("b", 50)) for n in range(many)]
    counts = count_splits(((one.label, split_items(items, USUAL, seed)[one.name]) for one in items[:1]), ["a", "b"])
    splits = split_items(items, USUAL, seed)
    counts = count_splits(((one.label, splits[one.name]) for one in items), ["a", "b"])
    assert counts == {"train": {"a": 300, "b": 30}, "validation": {"a": 100, "b": 10}, "test": {"a": 100, "b": 10}}


def test_groups_of_several_images_are_divided_close_to_the_ratio() -> None:
    rng = random.Random(1)
    items = [
        Item(f"{group}-{n}", rng.choice("abc"), f"{group}") for group in range(120) for n in range(rng.randint(1, 8))
    ]
    counts = Counter(split_items(items, USUAL, 0).values())
    assert counts["test"] / len(items) == pytest.approx(0.2, abs=0.02)
    assert counts["validation"] / len(items) == pytest.approx(0.2, abs=0.02)


def test_another_seed_gives_another_split() -> None:
    items = [Item(str(number), "ab"[number % 2], str(number)) for number in range(40)]
    assert split_items(items, USUAL, 0) != split_items(items, USUAL, 1)


def test_a_class_of_three_is_in_every_split_and_one_of_two_in_train_and_validation() -> None:
    many = [Item(f"m{number}", "many", f"m{number}") for number in range(50)]
    for number, wanted in ((1, {"train"}), (2, {"train", "validation"}), (3, {"train", "validation", "test"})):
        rare = [Item(f"r{one}", "rare", f"r{one}") for one in range(number)]
        splits = split_items(many + rare, USUAL, 3)
        assert {splits[one.name] for one in rare} == wanted


def test_validation_is_taken_out_of_train_where_only_train_and_test_are_given() -> None:
    items = [Item(f"{n}", "ab"[n % 2], f"{n // 2}", "test" if n >= 80 else "train") for n in range(100)]
    splits = split_items(items, USUAL, 0)
    assert Counter(splits.values()) == {"train": 64, "validation": 16, "test": 20}
    assert all(splits[str(n)] == "test" for n in range(80, 100))


def test_the_test_is_taken_out_of_train_where_only_train_and_validation_are_given() -> None:
    items = [Item(f"{n}", "ab"[n % 2], f"{n // 2}", "validation" if n >= 80 else "train") for n in range(100)]
    splits = split_items(items, USUAL, 0)
    assert Counter(splits.values()) == {"train": 64, "validation": 20, "test": 16}
    assert all(splits[str(n)] == "validation" for n in range(80, 100))


def test_the_test_takes_no_part_that_the_given_validation_shows_too() -> None:
    items = [Item(f"{n}", "ab"[n % 2], f"{n % 40}", "validation" if n >= 80 else "train") for n in range(100)]
    splits = split_items(items, USUAL, 0)
    tested = {item.bond for item in items if splits[item.name] == "test"}
    assert tested and not tested & {item.bond for item in items if splits[item.name] != "test"}


def test_folds_keep_one_test_and_validate_everything_else_once() -> None:
    items = [Item(str(number), "ab"[number % 2], str(number // 3)) for number in range(90)]
    folds = [split_items(items, Shares(0.2, 0.2, folds=4, fold=fold), 0) for fold in range(4)]
    tests = [{name for name, split in one.items() if split == "test"} for one in folds]
    assert all(test == tests[0] for test in tests)
    validated = Counter(name for one in folds for name, split in one.items() if split == "validation")
    assert validated.keys() == {item.name for item in items} - tests[0]
    assert set(validated.values()) == {1}


def test_an_image_without_a_split_follows_the_copy_that_has_one() -> None:
    items = [Item(f"{number}.png", "ab"[number % 2], f"{number}", "test" if number < 6 else "") for number in range(40)]
    items += [Item(f"copy{number}.png", "ab"[number % 2], f"{number}") for number in range(6)]
    splits = split_items(items, Shares(0.2, 0.2), 0)
    assert {splits[f"copy{number}.png"] for number in range(6)} == {"test"}


@pytest.mark.parametrize("fold", range(4))
def test_folds_of_a_given_split_do_not_tear_what_train_and_validation_share(fold: int) -> None:
    items = [
        Item(f"{given}/{number}.png", "ab"[number % 2], f"{number}", given)
        for given in ("train", "validation")
        for number in range(20)
    ]
    splits = split_items(items, Shares(0.2, 0.2, 4, fold), 0)
    assert all(splits[f"train/{number}.png"] == splits[f"validation/{number}.png"] for number in range(20))
