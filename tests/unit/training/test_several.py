"""Several processes work on one Run as one would."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch

from convnext_studio.core.context import JobContext
from convnext_studio.core.requests import Train
from convnext_studio.core.run_events import RunEnded, RunNoticed, Saved, StepEnded, from_line
from convnext_studio.core.runs.run import Run
from convnext_studio.core.training import distributed, fit
from convnext_studio.core.training.distributed import OthersGone, World
from tests.exam_train import draw_data_set, recipe_for
from tests.training_runs import SMALL, of, same_weights, worked

ROOT = Path(__file__).resolve().parents[3]
SLOW = """
import sys, time
from tests import exam_train
from convnext_studio.core.training import work

save = work.save_model_file
work.save_model_file = lambda *rest: (time.sleep(0.5), save(*rest))
sys.exit(exam_train.main())
"""  # a disk far away
GONE = """
import os, sys
from pathlib import Path
from tests import exam_train
from convnext_studio.core.errors import ImageError
from convnext_studio.core.training import batches

split, beside = os.environ["GONE"], Path(sys.argv[sys.argv.index("--run") + 1])
load, gone = batches.load_input, []

def load_what_is_there(path, *rest):
    if os.environ["RANK"] == "1" and f"{path},{split}" in lines():
        gone[:] = gone or [path]
        if path in gone:
            raise ImageError("It is gone.")
    return load(path, *rest)

def lines():
    rows = (line.split(",") for line in (beside / "split.csv").read_text().splitlines())
    return {f"{row[0]},{row[2]}" for row in rows}

batches.load_input = load_what_is_there
sys.exit(exam_train.main())
"""  # one Image of a split cannot be read by the second process


def test_two_processes_take_the_steps_of_one_stop_together_and_leave_a_run_that_one_can_finish(tmp_path: Path) -> None:
    data = draw_data_set(tmp_path / "data", 8)
    recipe = recipe_for(data, mixup=0.0, drop_path=0.0, epochs=3, batch_size=5)
    alone, together = (Run.create_in(tmp_path / name, recipe) for name in ("alone", "together"))
    fit.train(Train(str(alone.folder)), JobContext())

    command = [sys.executable, str(ROOT / "tests" / "exam_train.py"), "--run", str(together.folder), "--stop-at", "3"]
    assert ends_of_two(command) == [143, 143]
    last = from_line(together.events_path.read_text().splitlines()[-1])
    assert last is not None and isinstance(last.event, RunEnded) and last.event.can_go_on
    assert len(curve(together)) == 3
    assert fit.train(Train(str(together.folder)), JobContext()).ending == "finished"
    assert len(curve(together)) == len(curve(alone))
    assert max(abs(one - other) for one, other in zip(curve(together), curve(alone), strict=True)) <= 1e-4


def test_processes_of_which_one_has_no_image_in_a_batch_and_that_write_slowly_test_the_same_model(
    tmp_path: Path,
) -> None:
    data = draw_data_set(tmp_path / "data", 4)
    run = Run.create_in(tmp_path / "run", recipe_for(data, mixup=0.0, epochs=1, batch_size=1))

    assert ends_of_two([sys.executable, "-c", SLOW, "--run", str(run.folder)]) == [0, 0]
    assert len(curve(run)) == 4


@pytest.mark.parametrize("split", ["train", "validation"])
@pytest.mark.parametrize("policy", ["skip", "stop"])
def test_what_another_process_cannot_read_is_named_as_if_there_were_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policy: str, split: str
) -> None:
    monkeypatch.setenv("GONE", split)
    data = draw_data_set(tmp_path / "data", 10)
    recipe = recipe_for(data, mixup=0.0, epochs=2, batch_size=4, on_unreadable=policy, balance="none")
    run = Run.create_in(tmp_path / "run", recipe)

    ends = ends_of_two([sys.executable, "-c", GONE, "--run", str(run.folder)])

    events = [line.event for text in run.events_path.read_text().splitlines() if (line := from_line(text))]
    notices = [event for event in events if isinstance(event, RunNoticed) and event.images]
    if policy == "skip":
        assert ends == [0, 0]
        assert len(notices) == 1 and "is left out: It is gone." in notices[0].message
    else:
        assert ends == [3, 3]
        assert isinstance(events[-1], RunEnded) and events[-1].why == "data"
        assert "cannot be used: It is gone." in events[-1].message and events[-1].can_go_on


@pytest.mark.parametrize("ask", ["total", "gathered", "shared", "add_up"])
def test_a_process_that_the_others_left_says_so_in_plain_words(ask: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*_: object, **__: object) -> None:
        raise RuntimeError("[pair.cc:545] Connection reset by peer")

    for name in ("all_reduce", "all_gather_object", "broadcast_object_list"):
        monkeypatch.setattr(distributed.dist, name, lost)
    given = {"total": [1.0], "gathered": 1, "shared": lambda: 1, "add_up": [torch.zeros(2)]}
    with pytest.raises(OthersGone, match="Another of the processes that work on this Run ended"):
        getattr(World(1, 2), ask)(given[ask])


@dataclass(frozen=True)
class Left(World):
    """A world whose other processes end after some steps."""

    answers: Iterator[int] = field(default_factory=lambda: iter(range(6)))

    def total(self, numbers: Sequence[float]) -> list[float]:
        """As `World.total`, six times."""
        if next(self.answers, None) is None:
            raise OthersGone("They left.", "Start them again.")
        return super().total(numbers)


def test_a_run_whose_other_processes_are_gone_is_saved_and_goes_on_as_if_nothing_had_been(
    squares: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = recipe_for(squares, **{**SMALL, "epochs": 3})
    alone, left = (Run.create_in(tmp_path / name, recipe) for name in ("alone", "left"))
    worked(alone)
    with monkeypatch.context() as patch:
        patch.setattr(fit, "joined", lambda device: contextlib.nullcontext(Left()))
        ended, events = worked(left)

    taken = of(StepEnded, events)
    assert (ended.ending, ended.message, ended.can_go_on) == ("failed", "They left.", True)
    assert 0 < len(taken) < len(curve(alone))
    assert of(Saved, events)[-1].step == taken[-1].step  # type: ignore[union-attr]
    assert worked(left)[0].ending == "finished"
    assert curve(left) == curve(alone)
    assert same_weights(left, alone)


def ends_of_two(command: list[str]) -> list[int]:
    """Run two processes that find each other; returns their exit codes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2", "OMP_NUM_THREADS": "1"}
    environment = {**os.environ, **shared, "PYTHONPATH": str(ROOT)}
    both = [subprocess.Popen(command, cwd=ROOT, env={**environment, "RANK": rank, "LOCAL_RANK": rank}) for rank in "01"]
    try:
        return [process.wait(120) for process in both]
    finally:  # one may wait for ever for another that did not come
        for process in both:
            process.kill()
            process.wait()


def curve(run: Run) -> list[float]:
    return [float(line.split(",")[1]) for line in run.loss_path.read_text().splitlines()[1:]]
