"""Several processes work on one Run as one would."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

from convnext_studio.core.context import JobContext
from convnext_studio.core.requests import Train
from convnext_studio.core.run_events import RunEnded, from_line
from convnext_studio.core.runs.run import Run
from convnext_studio.core.training import fit
from tests.exam_train import draw_data_set, recipe_for

ROOT = Path(__file__).resolve().parents[3]
SLOW = """
import sys, time
from tests import exam_train
from convnext_studio.core.training import work

save = work.save_model_file
work.save_model_file = lambda *rest: (time.sleep(0.5), save(*rest))
sys.exit(exam_train.main())
"""  # a disk far away


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


def ends_of_two(command: list[str]) -> list[int]:
    """Run two processes that find each other; returns their exit codes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2", "OMP_NUM_THREADS": "1"}
    environment = {**os.environ, **shared, "PYTHONPATH": str(ROOT)}
    both = [subprocess.Popen(command, cwd=ROOT, env={**environment, "RANK": rank, "LOCAL_RANK": rank}) for rank in "01"]
    return [process.wait(120) for process in both]


def curve(run: Run) -> list[float]:
    return [float(line.split(",")[1]) for line in run.loss_path.read_text().splitlines()[1:]]
