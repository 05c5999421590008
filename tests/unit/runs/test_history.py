"""A History is the same whether its lines come one by one or are gathered, and forgets what a resume made void."""

from __future__ import annotations

import math
import pickle
from dataclasses import replace
from pathlib import Path

from convnext_studio.core.context import JobContext
from convnext_studio.core.requests import FollowRun
from convnext_studio.core.run_events import (
    EpochEnded,
    Line,
    PhaseStarted,
    Resumed,
    RunEvent,
    RunStarted,
    SamplesShown,
    StepEnded,
    to_line,
)
from convnext_studio.core.runs.follower import LineReader, follow_run
from convnext_studio.core.runs.history import History
from convnext_studio.core.runs.run import Run
from tests.exam_train import recipe_for

SAMPLE = ("/a.png", "good", "bad", 0.75, (40, 30), (0.0, 0.0, 40.0, 30.0), (0.0, 0.0, 40.0, 30.0), ("00ff", "8010"))


def step(number: int, **changes: object) -> StepEnded:
    return replace(StepEnded(number, 1 + number // 10, 1.0 / number, 1e-3, 30.0), **changes)


def epoch(number: int, *, is_best: bool = False) -> EpochEnded:
    return EpochEnded(number, 10 * number, 0.5, 0.6, 0.7, 0.7, (0.7, 0.7), ((7, 3), (3, 7)), is_best)


def said() -> list[RunEvent]:
    """Two epochs, a resume in the middle of the second, and numbers that are none."""
    norms = {"stem": 0.5, "head": 1.5}
    return [
        RunStarted("one", "sample", ("bad", "good"), {}, 3, 30, 4, "CPU", "fp32"),
        PhaseStarted("full", 30),
        *(step(number) for number in range(1, 10)),
        step(10, norms=norms, updates={"stem": 1e-3}, load=0.5, memory_bytes=3),
        epoch(1, is_best=True),
        SamplesShown(1, 10, (SAMPLE,)),
        *(step(number) for number in range(11, 20)),
        step(20, loss=math.nan, norms=norms | {"stages.0": 0.1}),
        epoch(2, is_best=True),
        SamplesShown(2, 20, (SAMPLE,)),
        Resumed(15, 2),
        *(step(number, loss=9.0) for number in range(16, 20)),
    ]


def lines() -> list[Line]:
    return [Line(n, "2026-01-31T12:00:00.000+00:00", n / 2, event) for n, event in enumerate(said(), start=1)]


def as_text(these: list[Line]) -> bytes:
    return "".join(to_line(line) + "\n" for line in these).encode()


def same(one: History, other: History) -> bool:
    return all(repr(vars(one)[name]) == repr(vars(other)[name]) for name in vars(one) | vars(other))


def test_gathered_lines_say_the_same_as_lines_one_by_one() -> None:
    for count in range(1, len(lines()) + 1):
        gathered = History()
        gathered.gather(as_text(lines()[:count]))
        assert same(gathered, History(lines()[:count])), count


def test_lines_that_are_none_do_not_hold_up_those_beside_them() -> None:
    torn = as_text(lines()).replace(b'"n":5,', b'"n":"five",').replace(b'"n":7,', b"\xff,").replace(b'"n":9', b"[9")
    gathered = History()
    gathered.gather(torn)
    assert gathered.last == len(lines())
    assert len(gathered.steps.step) == len(History(lines()).steps.step) - 3


def test_a_history_goes_between_processes_and_takes_in_what_follows() -> None:
    first = History(lines()[:20])
    carried = pickle.loads(pickle.dumps(first))
    carried.add(lines())
    assert same(carried, History(lines()))


def test_what_came_after_the_resumed_step_is_gone_from_every_curve() -> None:
    history = History(lines())
    assert list(history.steps.step) == list(range(1, 20))
    assert history.steps.loss[-1] == 9.0 and len(history.steps.load) == 19
    assert list(history.stages.step) == [10] and list(history.stages.norms["head"]) == [1.5]
    assert [one.epoch for one in history.epochs] == [1] and history.best == history.epochs[0]
    assert [one.epoch for one in history.samples] == [1]
    assert [one.phase for one in history.phases] == ["full"]


def test_a_stage_that_is_not_told_of_leaves_a_gap() -> None:
    history = History(lines()[: lines().index(next(x for x in lines() if isinstance(x.event, Resumed)))])
    assert math.isnan(history.stages.norms["stages.0"][0]) and history.stages.norms["stages.0"][1] == 0.1
    assert math.isnan(history.stages.updates["stem"][1])


def test_a_follower_is_handed_the_past_at_once_and_then_line_by_line(tmp_path: Path) -> None:
    run = Run.create_in(tmp_path / "run", recipe_for(tmp_path))
    run.events_path.write_bytes(as_text(lines()))
    told: list[object] = []
    follow_run(FollowRun(str(run.folder), is_gathered=True), JobContext(told.append))
    (history,) = told
    assert isinstance(history, History) and same(history, History(lines()))
    reader, other = LineReader(run.events_path), History()
    reader.gather(other)
    assert reader.read() == ()


def test_time_left_is_told_by_epochs_as_they_are_not_by_the_slow_first_one() -> None:
    history = History(lines()[:2])
    for number, seconds in ((1, 100.0), (2, 110.0), (3, 120.0)):
        told = replace(epoch(number), seconds_left=900.0)
        history.add([Line(10 * number, "", seconds, told)])
    history.started = replace(history.started, epochs=8)
    assert history.seconds_left == 50.0
    history.add([Line(99, "", 124.0, step(31))])
    assert history.seconds_left == 46.0
