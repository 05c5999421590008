"""A Run's folder: what is written by one part is there for the next, and two never work on it at once."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from convnext_studio.core import jobs
from convnext_studio.core.context import JobContext
from convnext_studio.core.data.dataset import DataSetCard, DataWarning
from convnext_studio.core.errors import RunError, UsageError
from convnext_studio.core.recipe import Recipe, from_preset
from convnext_studio.core.requests import SavePlot, SteerRun
from convnext_studio.core.runs import environment, lock
from convnext_studio.core.runs.control import Control
from convnext_studio.core.runs.run import Run, with_whole_paths

_HOLDER = """
import sys, pathlib
from convnext_studio.core.runs.run import Run
with Run.open(sys.argv[1]).lock():
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create(tmp_path / "runs", "steel", from_preset("instant", data="parts"))


def _holder(run: Run) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(run.folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_run_knows_its_name_and_keeps_its_recipe_with_whole_paths(run: Run) -> None:
    assert Run.open(run.folder) == run
    assert run.name == "steel"
    assert run.recipe == from_preset("instant", data=str(Path("parts").absolute()))
    assert not run.is_alive


def test_paths_below_the_home_folder_are_kept_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "grown_from.safetensors").touch()
    own = {"model": "~/grown_from.safetensors", "data": "~/parts", "weights_folder": "~/weights"}
    kept = with_whole_paths(from_preset("instant", **own))
    assert (kept.model, kept.data) == (str(tmp_path / "grown_from.safetensors"), str(tmp_path / "parts"))
    assert kept.weights_folder == str(tmp_path / "weights")


def test_runs_of_one_second_and_of_odd_names_get_folders_of_their_own(tmp_path: Path) -> None:
    names = ["a/../b", "a/../b", "CON", "", "x" * 300, "<b>"]
    runs = [Run.create(tmp_path, name, Recipe(data="/data/steel parts")) for name in names]
    assert len({run.folder for run in runs}) == len(names)
    assert all(run.folder.parent == tmp_path for run in runs)
    assert runs[3].name == "steel parts"


def test_what_is_no_run_is_refused_with_a_reason(tmp_path: Path, run: Run) -> None:
    with pytest.raises(RunError, match=r"no recipe\.toml"):
        Run.open(tmp_path)
    with pytest.raises(RunError, match="no such folder"):
        Run.open(tmp_path / "gone")
    with pytest.raises(RunError, match="is a Run already"):
        Run.create_in(run.folder, Recipe(data="x"))
    with pytest.raises(UsageError, match="no data set"):
        Run.create(tmp_path, "", Recipe())
    with pytest.raises(UsageError, match="no UTF-8"):
        Run.create(tmp_path, "", Recipe(data="/data/\udcff"))


def test_a_second_process_is_told_who_works_on_the_run(run: Run) -> None:
    process = _holder(run)
    assert run.is_alive
    with pytest.raises(RunError, match=f"by process {process.pid} on "), run.lock():
        pass
    process.communicate("")
    assert not run.is_alive
    assert not (run.folder / lock.OWNER).exists()
    with run.lock():
        assert run.is_alive


def test_the_lock_and_the_litter_of_a_killed_process_are_no_hindrance(run: Run) -> None:
    process = _holder(run)
    (run.folder / ".model.safetensors.x1y2.part").write_bytes(b"half")
    (run.folder / ".tmpHBBmek").write_bytes(b"half")  # what safetensors writes first
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert (run.folder / lock.OWNER).exists()
    assert not run.is_alive
    with run.lock():
        assert not list(run.folder.glob(".*.part"))
        assert not list(run.folder.glob(".tmp*"))


def test_another_process_of_the_same_number_is_not_taken_for_the_owner(run: Run) -> None:
    me = lock.owner_of(os.getpid())
    assert me is not None
    lock.write_owner(run.folder, lock.Owner(me.host, me.pid, "another start"))
    assert not run.is_alive


def test_an_owner_on_another_host_lives_as_long_as_events_come(run: Run) -> None:
    lock.write_owner(run.folder, lock.Owner("elsewhere", 1, "x"))
    run.events_path.touch()
    assert run.is_alive
    with pytest.raises(RunError, match="process 1 on elsewhere"), run.lock():
        pass
    os.utime(run.events_path, (0, 0))
    with run.lock():
        assert run.is_alive


def test_what_is_asked_reaches_the_part_it_was_meant_for_and_no_later_one(run: Run) -> None:
    stale = {"wanted": "stop", "owner": {"host": "x", "pid": 1, "started": "y"}}
    run.wanted_path.write_text(json.dumps(stale) + "\nrubbish\n" + '{"wanted"')
    with pytest.raises(RunError, match="not running"):
        jobs.run(SteerRun(str(run.folder), "stop"), JobContext())
    run.wanted_path.write_text(json.dumps(stale) + "\n[]\n")
    with run.lock():
        control = Control(run)
        assert control.read() == ()
        for wanted in ("pause", "go on", "lower rate"):
            jobs.run(SteerRun(str(run.folder), wanted), JobContext())
        assert control.read() == ("pause", "go on", "lower rate")
        assert control.read() == ()


def test_what_is_asked_is_heard_after_a_line_that_was_cut_off_and_in_a_file_made_anew(run: Run) -> None:
    with run.lock():
        control = Control(run)
        jobs.run(SteerRun(str(run.folder), "pause"), JobContext())
        with run.wanted_path.open("a") as file:
            file.write('{"wanted": "go o')  # the disk was full
        assert control.read() == ("pause",)
        jobs.run(SteerRun(str(run.folder), "stop"), JobContext())
        assert control.read() == ("stop",)
        run.wanted_path.unlink()
        assert control.read() == ()
        jobs.run(SteerRun(str(run.folder), "pause"), JobContext())
        assert control.read() == ("pause",)


@pytest.mark.parametrize("name", ["=1+1", "＝1+1", "＠x", "\n=1+1", "'quoted"])
def test_no_name_in_a_table_of_curves_is_run_by_a_spreadsheet(tmp_path: Path, name: str) -> None:
    path = tmp_path / "curves.csv"
    jobs.run(SavePlot(str(path), "step", ((name, name, ((1.0,), (0.5,))),)), JobContext())
    with path.open(newline="") as file:
        assert list(csv.reader(file))[1] == [f"'{name}", f"'{name}", "1.0", "0.5"]


def test_environment_and_data_are_kept_as_text(run: Run) -> None:
    environment.add_part(run, device="CPU", threads=2)
    environment.add_part(run, device="CUDA")
    first, second = environment.read_parts(run)
    assert (first["threads"], second["device"]) == (2, "CUDA")
    assert first["torch"]
    warning = DataWarning("broken", "One is broken.", images=("/a/\udcff.png",))
    card = DataSetCard("/a", ("ng", "ok"), (), {"train": {"ng": 1, "ok": 2}}, (("/b", "cut off"),), (warning,))
    environment.write_data(run, card)
    assert environment.read_data(run)["counts"] == {"train": {"ng": 1, "ok": 2}}
    assert environment.read_data(run)["warnings"][0]["images"] == ["/a/\udcff.png"]
