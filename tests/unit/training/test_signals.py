"""What a Run's process is told from outside, at any moment: to end at once, to end in order, to stand still."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from convnext_studio.core.errors import RunError
from convnext_studio.core.run_events import RunEnded, from_line
from convnext_studio.core.runs.run import Run
from convnext_studio.core.runs.summary import summarise
from convnext_studio.core.training.plan import smoothed
from tests.exam_train import recipe_for
from tests.guards import wait_until
from tests.nursery import Nursery, nursery
from tests.training_runs import SMALL, losses, same_weights, worked

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked here")
KILLS, FEWEST = 6, 4
CHANCE = {**SMALL, "mixup": 0.3, "drop_path": 0.2, "balance": "sampler", "patience": 0, "epochs": 12}
LONGEST_S = 30.0  # a busy machine shall not decide what a test sees


@pytest.fixture(scope="module")
def processes() -> Iterator[Nursery]:
    with nursery() as ready:
        yield ready


@pytest.fixture(scope="module")
def alone(squares: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A Run that nobody disturbed."""
    run = Run.create_in(tmp_path_factory.mktemp("alone") / "run", recipe_for(squares, **CHANCE))
    worked(run)
    return run


def steps(run: Run) -> int:
    return len(losses(run)) - 1 if run.loss_path.exists() else 0


def events(run: Run) -> list[object]:
    return [line.event for text in run.events_path.read_text().splitlines() if (line := from_line(text))]


def test_a_run_killed_again_and_again_at_random_ends_as_if_it_had_not_been(
    begin: Callable[..., Run], processes: Nursery, alone: Run
) -> None:
    killed, chance, kills, code = begin(**CHANCE), random.Random(0), 0, 1
    while code != 0:
        pid = processes.start(killed)
        if kills < KILLS:
            before = steps(killed)
            assert wait_until(lambda before=before: steps(killed) > before or not killed.is_alive, LONGEST_S)  # type: ignore[misc]
            time.sleep(chance.uniform(0, 0.05))
            os.kill(pid, signal.SIGKILL)
        code = processes.code()
        assert code in (0, -signal.SIGKILL), (killed.folder / "log.txt").read_text()
        kills += code != 0
    assert kills >= FEWEST
    assert losses(killed) == losses(alone)
    assert same_weights(killed, alone)
    assert not [path for path in killed.folder.rglob("*") if path.name.startswith(".")]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_told_to_end_saves_says_so_and_goes_on_as_if_it_had_not_been(
    begin: Callable[..., Run], processes: Nursery, alone: Run, number: signal.Signals
) -> None:
    stopped = begin(**CHANCE)
    pid = processes.start(stopped)
    assert wait_until(lambda: steps(stopped) >= 5, LONGEST_S)
    os.kill(pid, number)
    began = time.monotonic()
    code = processes.code()
    took = time.monotonic() - began

    assert (code, took < 5.0) == (128 + number, True)
    last = events(stopped)[-1]
    assert isinstance(last, RunEnded) and (last.ending, last.can_go_on) == ("stopped", True)
    assert steps(stopped) < steps(alone)
    worked(stopped)
    assert losses(stopped) == losses(alone)
    assert same_weights(stopped, alone)


def test_a_run_that_stands_still_is_not_taken_for_dead_and_goes_on_where_it_stood(
    begin: Callable[..., Run], processes: Nursery, alone: Run
) -> None:
    still = begin(**CHANCE)
    pid = processes.start(still)
    assert wait_until(lambda: steps(still) >= 5, LONGEST_S)
    os.kill(pid, signal.SIGSTOP)
    assert wait_until(lambda: "does not answer" in summarise(still).message)
    found, seen = summarise(still), steps(still)
    assert found.state == "running"
    os.kill(pid, signal.SIGCONT)

    assert wait_until(lambda: steps(still) > seen, LONGEST_S)
    assert "answer" not in summarise(still).message
    assert processes.code() == 0
    assert losses(still) == losses(alone)
    assert same_weights(still, alone)


def test_a_second_process_on_the_same_folder_is_refused_and_the_first_one_is_not_disturbed(
    begin: Callable[..., Run], processes: Nursery, alone: Run
) -> None:
    run = begin(**CHANCE)
    pid = processes.start(run)
    assert wait_until(lambda: steps(run) >= 3, LONGEST_S)
    with pytest.raises(RunError, match=f"being worked on already, by process {pid} "):
        worked(run)
    assert processes.code() == 0
    assert losses(run) == losses(alone)
    assert same_weights(run, alone)


def test_one_long_step_is_not_taken_for_the_pace_of_all() -> None:
    pace = 0.0
    for took in (0.5, 0.5, 30.0):
        pace = smoothed(pace, took)
    assert 0.5 < pace < 1.0
    for _ in range(100):
        pace = smoothed(pace, 30.0)
    assert pace > 25.0
