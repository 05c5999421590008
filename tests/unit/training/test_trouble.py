"""What happens to disks, clocks, memory and decoders while a Run works; and to a process in the middle of saving."""

from __future__ import annotations

import contextlib
import gc
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from convnext_studio.core.context import JobContext
from convnext_studio.core.images.preprocess import load_input
from convnext_studio.core.predict.faults import Faults
from convnext_studio.core.requests import Train
from convnext_studio.core.run_events import (
    EpochEnded,
    Paused,
    RunEvent,
    RunNoticed,
    Saved,
    StepEnded,
    WentOn,
    from_line,
)
from convnext_studio.core.runs.run import Run
from convnext_studio.core.training import batches, desk, fit, work
from convnext_studio.core.training.batches import DECODE_LIMIT_S, Batch, Normalise
from convnext_studio.core.training.distributed import World
from convnext_studio.core.training.loss import Loss
from convnext_studio.core.training.step import Stepper, Way
from convnext_studio.core.values import Preprocessing
from tests.exam_train import draw_data_set, recipe_for
from tests.training_runs import SMALL, of, worked

ROOT = Path(__file__).resolve().parents[3]
KILLS = 30
SAVER = """
import os, random, signal, sys, time
from pathlib import Path
import torch
from convnext_studio.core.recipe import Recipe
from convnext_studio.core.runs.run import Run
from convnext_studio.core.training.checkpoint import Progress, States

run = Run.create_in(Path(sys.argv[1]), Recipe(data="parts"))
states, chance, step = States(run.last_path), random.Random(0), 0
for _ in range(int(sys.argv[2])):
    ready, told = os.pipe()
    child = os.fork()
    if not child:
        while True:
            step += 1
            states.save(Progress(step=step), {"weight": torch.full((5000,), float(step))})
            os.write(told, b".")
    os.read(ready, 1)
    time.sleep(chance.uniform(0, 0.01))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(told)
    saved = 1 + len(b"".join(iter(lambda: os.read(ready, 4096), b"")))
    os.close(ready)
    found = states.load()
    assert found is not None and not found.notice, found
    assert step + saved <= found.progress.step <= step + saved + 1, (step, saved, found.progress.step)
    assert (found.tensors["weight"] == found.progress.step).all()
    step = found.progress.step
with run.lock():
    pass
print(sorted(path.name for path in run.last_path.iterdir()), flush=True)
os._exit(0)  # nobody waits for torch to be taken apart
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    _mounted("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place))
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def _mounted(*command: str) -> None:
    if os.geteuid() or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("only root may mount a disk")


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs that save after each step and do not wait long for a disk."""
    monkeypatch.setattr(work, "SAVE_EVERY_S", 0.0)
    monkeypatch.setattr(work, "_SAVE_SHARE", 1e9)
    monkeypatch.setattr(desk, "_AGAIN_S", 0.05)


def states_of(run: Run) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in run.last_path.glob("*.safetensors")}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked here")
def test_a_process_killed_while_it_saves_leaves_a_state_that_loads_and_no_litter(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SAVER, str(tmp_path / "run"), str(KILLS)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "['state-a.safetensors', 'state-b.safetensors']\n"


@pytest.mark.usefixtures("eager")
def test_on_a_full_disk_the_run_waits_says_how_much_is_missing_and_goes_on(squares: Path, small_disk: Path) -> None:
    design = {"depths": "1,1,1,1", "widths": "16,16,32,32", "kernel_size": 3}
    run = Run.create_in(small_disk / "run", recipe_for(squares, **{**SMALL, **design}))
    filler = small_disk / "filler"
    before: dict[str, bytes] = {}

    def fill_and_free(event: RunEvent, stop: threading.Event) -> None:
        if isinstance(event, Saved) and event.step == 2:
            before.update(states_of(run))
            with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
                while True:
                    file.write(b"\0" * 4096)
        elif isinstance(event, Paused):
            assert states_of(run) == before
            filler.unlink()

    ended, events = worked(run, fill_and_free)

    assert (ended.ending, len(of(StepEnded, events))) == ("finished", 4)
    (paused,) = of(Paused, events)
    assert isinstance(paused, Paused)
    assert "the disk is full" in paused.message
    assert "Needed are" in paused.message and "free are" in paused.message
    assert len(of(WentOn, events)) == 1
    assert len(before) == 2


@pytest.mark.usefixtures("eager")
def test_a_run_whose_folder_stays_away_ends_and_can_go_on_where_it_turns_up(
    begin: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "_GONE_S", 0.3)
    run = begin()
    away = run.folder.with_name("away")

    def throw_away(event: RunEvent, stop: threading.Event) -> None:
        if isinstance(event, Saved) and event.step == 2 and not away.exists():
            run.folder.rename(away)

    ended, events = worked(run, throw_away)

    assert (ended.ending, ended.why, ended.can_go_on) == ("failed", "disk", True)
    assert len(of(Paused, events)) == 1
    assert not run.folder.exists()
    assert fit.train(Train(str(away)), JobContext()).ending == "finished"


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("kind", ["read-only", "gone"])
def test_a_folder_that_becomes_read_only_or_vanishes_is_waited_for(begin: Callable[..., Run], kind: str) -> None:
    run = begin()
    last, away = str(run.last_path), run.folder.with_name("away")
    before: dict[str, bytes] = {}

    def take_and_give_back(event: RunEvent, stop: threading.Event) -> None:
        if isinstance(event, Saved) and event.step == 2 and not before:
            before.update(states_of(run))
            if kind == "gone":
                run.folder.rename(away)
            else:
                _mounted("mount", "--bind", last, last)
                _mounted("mount", "-o", "remount,bind,ro", last)
        elif isinstance(event, Paused):
            if kind == "gone":
                away.rename(run.folder)
            else:
                assert states_of(run) == before
                subprocess.run(["umount", last], check=True)

    ended, events = worked(run, take_and_give_back)

    assert (ended.ending, len(of(StepEnded, events))) == ("finished", 4)
    (paused,) = of(Paused, events)
    assert isinstance(paused, Paused)
    assert ("read-only" if kind == "read-only" else "does not exist") in paused.message
    lines = [from_line(line) for line in run.events_path.read_text().splitlines()]
    assert [line.number for line in lines if line] == list(range(1, len(lines) + 1))


def test_a_wall_clock_that_jumps_changes_no_duration(
    begin: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, honest, shift = begin(epochs=3), time.time, [0.0]
    monkeypatch.setattr(time, "time", lambda: honest() + shift[0])

    def jump(event: RunEvent, stop: threading.Event) -> None:
        if isinstance(event, StepEnded):
            shift[0] = -3600.0 if event.step % 2 else 86_400.0

    began = time.monotonic()
    ended, events = worked(run, jump)
    took = time.monotonic() - began

    lines = [line for text in run.events_path.read_text().splitlines() if (line := from_line(text))]
    assert ended.ending == "finished"
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))
    assert [line.seconds for line in lines] == sorted(line.seconds for line in lines)
    assert lines[-1].seconds <= took
    epochs = of(EpochEnded, events)
    assert all(0 <= (epoch.seconds_left or 0) <= 10 * took for epoch in epochs)  # type: ignore[union-attr]


@pytest.fixture
def frozen() -> Iterator[None]:
    """What is there already need not be searched again and again."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("frozen")
def test_twenty_times_out_of_memory_keep_none_of_it() -> None:
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 64, 3), torch.nn.Flatten(), torch.nn.LazyLinear(2))
    way_in = Preprocessing(32, 32, "squash", "bicubic", (0.5,) * 3, (0.25,) * 3)
    batch = Batch(0, torch.zeros(8, 3, 32, 32, dtype=torch.uint8), torch.arange(8) % 2, tuple(range(8)), (), 0.0)
    network(torch.zeros(1, 3, 32, 32))
    way = Way(torch.device("cpu"), False, 1.0, 0)
    loss = Loss(recipe_for(Path("parts"), mixup=0.0), [1.0, 1.0], way.device)
    stepper = Stepper(network, Normalise(way_in), loss, way, World())
    optimizer = torch.optim.AdamW(network.parameters())
    held, shortages = [], 0

    for number in range(21):
        stepper.accumulation, stepper.has_run_short = 1, False
        stepper._faults = Faults(f"backward:oom:{int(number < 20)}")
        stepper.step(batch, number, optimizer, 8, JobContext())
        shortages += stepper.has_run_short
        if number in (0, 20):
            held.append(sum(one.nbytes for one in gc.get_objects() if issubclass(type(one), torch.Tensor)))

    assert shortages == 20
    assert held[1] <= 1.05 * held[0]
    assert {int(state["step"]) for state in optimizer.state.values()} == {21}


def test_an_image_whose_decoder_hangs_is_named_and_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert DECODE_LIMIT_S < 10
    data, let_go, hung = draw_data_set(tmp_path / "data", 6), threading.Event(), []
    run = Run.create_in(tmp_path / "run", recipe_for(data, **SMALL))

    def hanging(path: str, *rest: object) -> object:
        if not hung or hung[0] == path:
            hung.append(path)
            let_go.wait()
        return load_input(path, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(batches, "load_input", hanging)
    monkeypatch.setattr(batches.Reading.__init__, "__defaults__", (*batches.Reading.__init__.__defaults__[:-1], 0.3))  # type: ignore[misc, index]
    try:
        ended, events = worked(run)
    finally:
        let_go.set()

    assert ended.ending == "finished"
    assert any(hung[0] in event.images for event in of(RunNoticed, events))  # type: ignore[union-attr]
