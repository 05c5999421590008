"""Every Event survives the way to a line and back, whatever its texts and numbers; what is no line is passed over."""

from __future__ import annotations

import json
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from convnext_studio.core.run_events import KINDS, Line, RunEnded, RunStarted, StepEnded, from_line, from_row, to_line

TEXTS = st.text() | st.sampled_from(["nan", "float", "Infinity", "\udcff", '"', "\n", "\u2028", "<b>", "=1+1", ""])
VALUES: dict[object, st.SearchStrategy[Any]] = {
    int: st.integers(-(2**63) + 1, 2**63 - 1),
    float: st.floats(),
    str: TEXTS,
    bool: st.booleans(),
    type(None): st.none(),
}


def _values(kind: Any) -> st.SearchStrategy[Any]:
    """What a field of this type may hold."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if kind in VALUES:
        return VALUES[kind]
    if origin is Literal:
        return st.sampled_from(inner)
    if origin in (types.UnionType, typing.Union):
        return st.one_of(*map(_values, inner))
    if origin is tuple and inner[-1] is Ellipsis:
        return st.lists(_values(inner[0]), max_size=3).map(tuple)
    if origin is tuple:
        return st.tuples(*map(_values, inner))
    assert origin is Mapping, kind
    return st.dictionaries(TEXTS, _values(inner[1]), max_size=3)


def _events(kind: type) -> st.SearchStrategy[Any]:
    hints = typing.get_type_hints(kind)
    return st.builds(kind, **{one.name: _values(hints[one.name]) for one in fields(kind)})


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return a == b or (math.isnan(a) and math.isnan(b))
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    return bool(a == b)


@pytest.mark.parametrize("name", sorted(KINDS))
def test_every_event_comes_back_from_its_line_as_it_was(name: str) -> None:
    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None)
    @given(_events(KINDS[name]), st.integers(1, 10**9))
    def check(event: Any, number: int) -> None:
        line = Line(number, "2026-01-31T12:00:00.123+00:00", 12.5, event)
        text = to_line(line)
        raw = text.encode("utf-8", "backslashreplace")
        assert b"\n" not in raw
        json.loads(raw, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
        back = from_line(raw.decode("utf-8"))
        assert back is not None and (back.number, back.at, back.seconds) == (number, line.at, 12.5)
        assert type(back.event) is KINDS[name]
        for one in fields(event):
            assert _same(getattr(back.event, one.name), getattr(event, one.name)), one.name

    check()


def test_numbers_that_are_not_finite_are_still_json_for_others() -> None:
    text = to_line(Line(1, "", 0.0, StepEnded(1, 1, math.nan, math.inf, -math.inf)))
    row = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert row["loss"] == {"float": "nan"}


def test_a_class_may_be_called_nan_or_float() -> None:
    counts = {"train": {"float": 3}, "test": {"nan": 1}, "float": {"float": 2}}
    event = RunStarted("n", "m", ("nan", "float"), counts, 1, 1, 1, "cpu", "fp32")
    back = from_line(to_line(Line(1, "", 0.0, event)))
    assert back is not None and back.event == event


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_half_a_line_is_no_line(data: st.DataObject) -> None:
    text = to_line(Line(7, "t", 1.0, RunEnded("failed", "Æther \U0001f600", images=("a", "b"))))
    assert from_line(text[: data.draw(st.integers(0, len(text) - 1))]) is None


@pytest.mark.parametrize(
    "text",
    [
        *("", "null", "[]", "1", '"StepEnded"', "{}", "[" * 100_000, '{"n":1e999,"at":"","s":0,"event":"WentOn"}'),
        *('{"n":1,"at":"","s":0,"event":"FromTheFuture"}', '{"n":1,"at":"","s":0,"event":["WentOn"]}'),
        '{"n":1,"at":"","s":0,"event":"StepEnded","loss":{"float":"seven"}}',
    ],
)
def test_what_is_no_line_of_ours_is_passed_over(text: str) -> None:
    assert from_line(text) is None


def _without(kind: type) -> dict[str, Any]:
    """A line of this kind with all its fields, as JSON."""
    hints = typing.get_type_hints(kind)
    row = {one.name: _example(hints[one.name]) for one in fields(kind)}
    return {"n": 1, "at": "", "s": 0, "event": kind.__name__, **row}


def _example(hint: Any) -> Any:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal or origin in (types.UnionType, typing.Union):
        return inner[0] if origin is Literal else _example(inner[0])
    if origin is tuple:
        return [_example(one) for one in inner if one is not Ellipsis]
    return {} if origin is Mapping else hint()


@pytest.mark.parametrize("kind", KINDS.values())
def test_a_line_with_a_value_of_another_kind_is_passed_over(kind: type) -> None:
    row = _without(kind)
    assert from_row(row) is not None
    for name in set(row) - {"event"}:
        assert from_row(row | {name: {"x": {"y": object}}}) is None, name
        assert from_row(row | {name: [[None]]}) is None, name
        assert from_row(row | {name: 10**400}) is None, name
    for second in ("1", math.nan, math.inf, None):
        assert from_row(row | {"s": second}) is None


def test_a_newer_versions_field_is_ignored_and_a_missing_one_takes_its_default() -> None:
    line = from_line('{"n":1,"at":"","s":0,"event":"Paused","message":"Wait.","colour":"red"}')
    assert line is not None
    assert (line.event.message, line.event.hint) == ("Wait.", "")  # type: ignore[union-attr]
