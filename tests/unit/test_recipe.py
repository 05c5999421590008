"""The Recipe: whole in TOML and back, and every wrong value is refused by the name of its field."""

from __future__ import annotations

import dataclasses
import math
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from convnext_studio.core.errors import UsageError
from convnext_studio.core.recipe import (
    FIELDS,
    PRESETS,
    SECTIONS,
    Recipe,
    changed,
    differences,
    from_preset,
    from_toml,
    read_recipe,
    to_toml,
)

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_STAGES = st.one_of(st.just(()), st.tuples(*[st.integers(1, 99)] * 4))


def values_of(name: str) -> st.SearchStrategy[Any]:
    """Values that a field allows by itself."""
    about, default = FIELDS[name].metadata, FIELDS[name].default
    if name == "group_pattern":
        return st.sampled_from(["", r"part(\d+)", "^[a-z]+"])
    if "choices" in about:
        return st.sampled_from(about["choices"])
    if isinstance(default, bool):
        return st.booleans()
    if isinstance(default, tuple):
        return _STAGES
    if isinstance(default, str):
        return _TEXTS
    low, high = about["range"]
    return st.integers(low, high) if isinstance(default, int) else st.floats(low, high)


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    names = draw(st.sets(st.sampled_from(sorted(FIELDS)), max_size=12))
    try:
        return Recipe(**{name: draw(values_of(name)) for name in sorted(names)})
    except UsageError:
        assume(False)
        raise


@given(recipes())
def test_a_recipe_comes_back_from_toml_as_it_went(recipe: Recipe) -> None:
    assert from_toml(to_toml(recipe)) == recipe


def test_toml_has_every_field_in_its_section() -> None:
    document = tomllib.loads(to_toml(Recipe()))

    assert tuple(document) == SECTIONS
    placed = {name: section for section, values in document.items() for name in values}
    assert placed == {name: field.metadata["section"] for name, field in FIELDS.items()}


def test_every_field_is_explained() -> None:
    for name, field in FIELDS.items():
        assert field.metadata["label"] and field.metadata["help"], name
        assert field.metadata["section"] in SECTIONS
        is_number = isinstance(field.default, (int, float)) and not isinstance(field.default, bool)
        assert is_number == ("range" in field.metadata), name


def _wrong_values() -> list[tuple[str, Any]]:
    wrong: list[tuple[str, Any]] = []
    for name, field in FIELDS.items():
        wrong.append((name, None))
        wrong.append((name, 1 if isinstance(field.default, (str, bool, tuple)) else "much"))
        if "range" in field.metadata:
            low, high = field.metadata["range"]
            wrong += [(name, low - 1), (name, high + 1), (name, True)]
            wrong += [(name, math.nan), (name, math.inf)] if isinstance(field.default, float) else [(name, 0.5)]
        if "choices" in field.metadata:
            wrong.append((name, "something else"))
    return wrong


@pytest.mark.parametrize(("name", "value"), _wrong_values())
def test_a_value_that_makes_no_sense_is_refused_by_the_name_of_its_field(name: str, value: Any) -> None:
    with pytest.raises(UsageError) as refused:
        Recipe(**{name: value})
    assert f"({name})" in refused.value.message
    assert FIELDS[name].metadata["label"] in refused.value.message


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("validation", {"validation": 0.5, "test": 0.5}),
        ("fold", {"folds": 1}),
        ("fold", {"folds": 3, "fold": 3}),
        ("weights", {"kernel_size": 5}),
        ("weights", {"grn": "yes"}),
        ("group_pattern", {"group": "name"}),
        ("group_pattern", {"group_pattern": "("}),
        ("depths", {"depths": (1, 2, 3), "weights": "random"}),
        ("depths", {"depths": (1, 1, 1_000_000, 1), "weights": "random"}),
        ("widths", {"widths": (8, 8, 8, 16_385), "weights": "random"}),
        ("input_size", {"input_size": 31}),
        ("batch_size", {"mixup": 0.2, "batch_size": 5}),
        ("batch_size", {"cutmix": 1.0, "batch_size": 32, "accumulation": 32}),
        ("input_size", {"input_size": 64, "patch_size": 16, "weights": "random"}),
        ("widths", {"widths": (0, 1, 2, 3), "weights": "random"}),
        ("depths", {"depths": (1, 2, 3, True), "weights": "random"}),
        ("kernel_size", {"kernel_size": 4, "weights": "random"}),
        ("epochs", {"epochs": 0, "is_head_first": False}),
    ],
)
def test_values_that_do_not_go_together_are_refused_by_name(name: str, values: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=rf"\({name}\)"):
        Recipe(**values)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_is_where_the_other_values_begin(preset: str) -> None:
    recipe = from_preset(preset, seed=7)

    assert (recipe.preset, recipe.seed) == (preset, 7)
    assert from_toml(f'preset = "{preset}"\nseed = 7\n') == recipe


def test_instant_trains_the_head_alone_and_thorough_longer_than_balanced() -> None:
    assert from_preset("instant").epochs == 0
    assert from_preset("instant").is_head_first
    assert from_preset("thorough").epochs > from_preset("balanced").epochs > 0


def test_an_unknown_preset_or_field_is_named() -> None:
    with pytest.raises(UsageError, match="quick"):
        from_preset("quick")
    with pytest.raises(UsageError, match="lr"):
        changed(Recipe(), {"lr": 1})


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("epochs", "12", 12),
        ("learning_rate", "1e-3", 1e-3),
        ("is_mirrored", "no", False),
        ("is_mirrored", "TRUE", True),
        ("depths", "[2, 2, 6, 2]", (2, 2, 6, 2)),
        ("widths", "", ()),
        ("data", "12", "12"),
    ],
)
def test_typed_text_becomes_the_fields_kind_of_value(name: str, text: str, value: object) -> None:
    assert getattr(changed(Recipe(weights="random"), {name: text}), name) == value


@pytest.mark.parametrize(("name", "text"), [("epochs", "1.5"), ("zoom", "far"), ("is_mirrored", "maybe")])
def test_typed_text_of_the_wrong_kind_is_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(UsageError, match=rf"\({name}\)"):
        changed(Recipe(), {name: text})


def test_a_whole_number_does_for_a_field_of_any_number() -> None:
    assert isinstance(from_toml("[optimizer]\nlearning_rate = 1\n").learning_rate, float)


def test_a_field_in_the_wrong_section_is_told_its_own() -> None:
    with pytest.raises(UsageError, match=r"\(epochs\).*\[schedule\]"):
        from_toml("[data]\nepochs = 3\n")


def test_a_file_that_is_no_recipe_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "mine.toml"
    broken.write_text("epochs = ", encoding="utf-8")
    for path in (broken, tmp_path / "gone.toml"):
        with pytest.raises(UsageError, match=path.name):
            read_recipe(path)


def test_differences_name_the_fields_that_changed() -> None:
    assert differences(Recipe(), dataclasses.replace(Recipe(), seed=3, blur=0.5)) == {
        "blur": (0.0, 0.5),
        "seed": (0, 3),
    }


def test_a_number_larger_than_any_float_is_refused_by_its_field() -> None:
    with pytest.raises(UsageError, match="learning_rate"):
        from_toml(f"[optimizer]\nlearning_rate = 1{'0' * 400}")


@pytest.mark.parametrize("value", [10**400, "1" + "0" * 400, "1" + "0" * 5000])
def test_a_whole_number_larger_than_any_float_is_refused_by_its_field(value: object) -> None:
    with pytest.raises(UsageError, match="seed"):
        changed(Recipe(data="parts"), {"seed": value})
