"""A Run's own process: started once, seen to live, followed to its end, named when it is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from torch import distributed

from convnext_studio.core import jobs
from convnext_studio.core.context import JobContext
from convnext_studio.core.errors import RunError, StudioError, UsageError
from convnext_studio.core.recipe import Recipe, to_toml
from convnext_studio.core.requests import FollowRun, ResumeRun, StartRun, SteerRun
from convnext_studio.core.run_events import Line, RunEnded
from convnext_studio.core.runs import lock
from convnext_studio.core.runs.run import Run
from convnext_studio.core.runs.summary import RunSummary, summarise, working_here
from convnext_studio.core.training.resume import ChangedSince, write_begun
from convnext_studio.launch import run as launch_run
from convnext_studio.launch import torchrun
from tests.guards import wait_until

RECIPE = Recipe(data="parts")
WORKER = """
import sys, time
from convnext_studio.core.run_events import PhaseStarted, RunEnded
from convnext_studio.core.runs.control import Control
from convnext_studio.core.runs.recorder import Recorder
from convnext_studio.core.runs.run import Run
run = Run.open(sys.argv[1])
with run.lock(), Recorder(run) as recorder:
    control = Control(run)
    recorder.emit(PhaseStarted("full"))
    while "stop" not in control.read():
        time.sleep(0.01)
    recorder.emit(RunEnded("stopped", "Stopped.", can_go_on=True))
"""
REFUSER = "import sys; print('The Model “x” is not here.', file=sys.stderr); sys.exit(3)"
COMMAND = """
import sys
from convnext_studio import cli
from convnext_studio.core import jobs
from convnext_studio.core.errors import DataError
def run(request, ctx):
    raise DataError("There are no Images.", "Add some.")
jobs.run, jobs.load = run, lambda kind: None
sys.exit(cli.main(["resume", sys.argv[1]]))
"""
STARTER = f"""
import sys
from convnext_studio.core.context import JobContext
from convnext_studio.core.requests import ResumeRun
from convnext_studio.launch import run
run._command = lambda one, *options: [sys.executable, "-c", {WORKER!r}, str(one.folder)]
print(run.resume_run(ResumeRun(sys.argv[1]), JobContext()), flush=True)
"""


def _use(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    monkeypatch.setattr(launch_run, "CONFIRM_S", 60.0)  # a busy machine shall not decide what a test sees
    monkeypatch.setattr(launch_run, "_command", lambda run, *options: [sys.executable, "-c", code, str(run.folder)])


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that work until they are asked to stop take the place of real ones."""
    _use(monkeypatch, WORKER)


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Path]:
    """A folder of Runs; whoever works on one at the end of the test is ended."""
    place = tmp_path / "runs"
    yield place
    for one in working_here(place):
        owner = lock.living_owner(Path(one.folder))
        if owner is not None:
            os.kill(owner.pid, signal.SIGKILL)


def _start(runs: Path) -> str:
    folder = jobs.run(StartRun(RECIPE, str(runs), "steel"), JobContext())
    assert isinstance(folder, str)
    return folder


def _follow(folder: str, told: list[Line] | None = None) -> RunSummary:
    lines: list[Line] = [] if told is None else told
    found = jobs.run(FollowRun(folder), JobContext(lines.extend))  # type: ignore[arg-type]
    assert isinstance(found, RunSummary)
    return found


@pytest.mark.usefixtures("worker")
def test_a_run_works_in_a_process_of_its_own_until_it_is_asked_to_stop(runs: Path) -> None:
    folder = _start(runs)
    assert [one.folder for one in working_here(runs)] == [folder]
    owner = lock.living_owner(Path(folder))
    assert owner is not None
    assert os.getsid(owner.pid) == owner.pid, "what ends our session must not end it"
    jobs.run(SteerRun(folder, "stop"), JobContext())
    told: list[Line] = []
    assert (_follow(folder, told).state, _follow(folder).can_go_on) == ("stopped", True)
    assert isinstance(told[-1].event, RunEnded)


@pytest.mark.usefixtures("worker")
def test_a_second_run_is_refused_with_a_reason_while_one_works(runs: Path) -> None:
    folder = _start(runs)
    for request in (StartRun(RECIPE, str(runs), "more"), ResumeRun(folder)):
        with pytest.raises(RunError, match="“steel” is training on this machine already"):
            jobs.run(request, JobContext())
    assert len(list(runs.iterdir())) == 1
    jobs.run(SteerRun(folder, "stop"), JobContext())
    _follow(folder)


@pytest.mark.usefixtures("worker")
def test_a_run_that_is_killed_is_named_with_its_signal_and_can_be_gone_on_with(runs: Path) -> None:
    folder = _start(runs)
    owner = lock.living_owner(Path(folder))
    assert owner is not None
    os.kill(owner.pid, signal.SIGKILL)
    found = _follow(folder)
    assert found.state == "interrupted"
    assert "SIGKILL" in found.message and found.can_go_on
    assert jobs.run(ResumeRun(folder), JobContext()) == folder
    assert working_here(runs)
    jobs.run(SteerRun(folder, "stop"), JobContext())
    assert _follow(folder).state == "stopped"


def test_a_process_that_ends_at_once_says_why(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _use(monkeypatch, REFUSER)
    with pytest.raises(RunError, match="could not be started: The Model “x” is not here"):
        _start(runs)
    _use(monkeypatch, "1 / 0")
    with pytest.raises(RunError, match=r"something unexpected happened\. log\.txt"):
        jobs.run(ResumeRun(str(next(runs.iterdir()))), JobContext())


def test_a_run_that_is_refused_says_so_in_the_words_of_the_refusal(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _use(monkeypatch, COMMAND)
    run = Run.create(runs, "steel", RECIPE)
    with pytest.raises(StudioError) as refused:
        jobs.run(ResumeRun(str(run.folder)), JobContext())
    assert refused.value.message == summarise(run).message == "There are no Images."
    assert (refused.value.hint, summarise(run).refusal) == ("Add some.", "DataError")
    assert "Traceback" not in run.log_path.read_text()


@pytest.mark.usefixtures("worker")
def test_what_changed_since_is_told_before_anything_is_started(runs: Path) -> None:
    run = Run.create(runs, "steel", RECIPE)
    write_begun(run, ())
    run.recipe_path.write_text(to_toml(replace(run.recipe, epochs=3)))
    with pytest.raises(ChangedSince) as changed:
        jobs.run(ResumeRun(str(run.folder)), JobContext())
    assert "now it is 3" in changed.value.differences[0]
    assert not run.log_path.exists()
    folder = jobs.run(ResumeRun(str(run.folder), accepts_changes=True), JobContext())
    assert folder == str(run.folder)
    jobs.run(SteerRun(str(run.folder), "stop"), JobContext())
    _follow(str(run.folder))


def test_a_run_outlives_whoever_started_it_and_is_found_again(runs: Path) -> None:
    folder = str(Run.create(runs, "steel", RECIPE).folder)
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", STARTER, folder], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.strip() == folder
    (found,) = working_here(runs)
    assert found.folder == folder
    jobs.run(SteerRun(folder, "stop"), JobContext())
    assert wait_until(lambda: not working_here(runs), 5.0)
    assert _follow(folder).state == "stopped"


def test_only_what_torchrun_says_makes_a_process_one_of_several(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    assert torchrun.place() == torchrun.Place(0, 1, 0)
    for name, value in (("RANK", "3"), ("WORLD_SIZE", "4"), ("LOCAL_RANK", "1")):
        monkeypatch.setenv(name, value)
    assert torchrun.place() == torchrun.Place(3, 4, 1)
    assert not torchrun.place().is_first
    monkeypatch.setenv("RANK", "many")
    assert torchrun.place().is_first


def test_the_first_process_tells_the_others_which_run_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="only be started by torchrun"):
        torchrun.hear()
    server = distributed.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    places = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(server.port), "TORCHELASTIC_USE_AGENT_STORE": "True"}
    for name, value in places.items():
        monkeypatch.setenv(name, value)
    torchrun.tell_all("/runs/ümlaut")
    assert torchrun.hear() == "/runs/ümlaut"
