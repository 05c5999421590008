"""What a Run reports is on the disk at once, in whole lines, whatever ended the process that wrote it."""

from __future__ import annotations

import errno
import math
import os
import shutil
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

import psutil
import pytest

from convnext_studio.core.context import Cancelled, JobContext
from convnext_studio.core.errors import RunError
from convnext_studio.core.recipe import Recipe
from convnext_studio.core.requests import FindRuns, FollowRun
from convnext_studio.core.run_events import (
    EpochEnded,
    Line,
    Paused,
    PhaseStarted,
    Resumed,
    RunEnded,
    RunEvent,
    RunNoticed,
    RunStarted,
    Saved,
    StepEnded,
    TestEnded,
    WentOn,
    to_line,
)
from convnext_studio.core.runs import ending
from convnext_studio.core.runs import recorder as recorder_module
from convnext_studio.core.runs.board import Board
from convnext_studio.core.runs.follower import BESIDE_POLL_S, POLL_S, LineReader, follow_run
from convnext_studio.core.runs.history import History
from convnext_studio.core.runs.recorder import Recorder
from convnext_studio.core.runs.run import Run
from convnext_studio.core.runs.summary import find_runs, summarise

STARTED = RunStarted("steel", "convnext_atto", ("ng", "ok"), {"train": {"ng": 3, "ok": 9}}, 4, 40, 8, "CPU", "fp32")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create(tmp_path / "runs", "steel", Recipe(data="parts"))


def step(number: int, loss: float = 0.5) -> StepEnded:
    return StepEnded(number, 1 + (number - 1) // 10, loss, 1e-3, 100.0)


def epoch(number: int, found: float, *, is_best: bool = True, left: float | None = None) -> EpochEnded:
    return EpochEnded(number, 10 * number, 0.5, 0.4, found, found, (found, found), (), is_best, seconds_left=left)


def record(run: Run, events: Sequence[RunEvent]) -> tuple[Line, ...]:
    with Recorder(run) as recorder:
        return tuple(recorder.emit(event) for event in events)


def read(run: Run, after: int = 0) -> tuple[Line, ...]:
    return LineReader(run.events_path, after).read()


# --- writing


def test_lines_are_numbered_and_timed_over_all_parts_of_a_run(run: Run) -> None:
    first = record(run, [STARTED, step(1), step(2)])
    second = record(run, [Resumed(2, 1), step(3)])
    lines = read(run)
    assert [line.number for line in lines] == [1, 2, 3, 4, 5]
    assert [line.event for line in lines] == [line.event for line in (*first, *second)]
    times = [line.seconds for line in lines]
    assert times == sorted(times)
    assert not (run.folder / ".reserve").exists()


def test_a_line_that_a_dying_process_left_half_written_is_cut_off(run: Run) -> None:
    record(run, [STARTED, step(1)])
    for path in (run.events_path, run.loss_path):
        with path.open("ab") as file:
            file.write(b'2,"torn')
    record(run, [Resumed(1, 1), step(2)])
    assert [line.number for line in read(run)] == [1, 2, 3, 4]
    assert run.loss_path.read_text() == "step,loss\n1,0.5\n2,0.5\n"


def test_the_tables_hold_each_step_and_epoch_in_effect_once(run: Run) -> None:
    record(run, [STARTED, *map(step, range(1, 11)), epoch(1, 0.8), step(11), *map(step, range(12, 21)), epoch(2, 0.9)])
    record(run, [Resumed(12, 2), step(13, 0.25), step(14, math.nan)])
    rows = run.loss_path.read_text().splitlines()
    assert [row.split(",")[0] for row in rows[1:]] == [str(number) for number in range(1, 15)]
    assert rows[-2:] == ["13,0.25", "14,nan"]
    assert [row.split(",")[:2] for row in run.epochs_path.read_text().splitlines()[1:]] == [["1", "10"]]


def test_losses_are_written_to_the_last_digit(run: Run) -> None:
    record(run, [step(1, 0.1 + 0.2)])
    assert float(run.loss_path.read_text().split(",")[-1]) == 0.1 + 0.2


def test_a_full_disk_is_reported_from_the_reserve_and_nothing_is_lost_once_there_is_space(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, free = os.write, [10_000]

    def write(handle: int, data: bytes) -> int:
        reserve = run.folder / ".reserve"
        room = free[0] + (0 if reserve.exists() else 400)
        if room <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = real(handle, data[:room])
        free[0] -= written
        return written

    with Recorder(run) as recorder:
        recorder.emit(STARTED)
        monkeypatch.setattr(recorder_module.os, "write", write)
        free[0] = 20
        recorder.emit(Paused("The disk is full: 1 MB needed, 0 MB free."))
        assert recorder.trouble is None
        assert isinstance(read(run)[-1].event, Paused)
        free[0] = -400
        recorder.emit(step(1))
        recorder.emit(step(2))
        assert "the disk is full" in str(recorder.trouble)
        assert run.events_path.read_bytes().endswith(b"}\n")
        free[0] = 10_000
        recorder.emit(WentOn())
        assert recorder.trouble is None
    assert [line.number for line in read(run)] == [1, 2, 3, 4, 5]
    assert run.loss_path.read_text() == "step,loss\n1,0.5\n2,0.5\n"


def test_a_folder_that_vanishes_and_comes_back_has_every_line(run: Run) -> None:
    away, back = run.folder.with_name("away"), run.folder
    with Recorder(run) as recorder:
        recorder.emit(step(1))
        back.rename(away)
        recorder.emit(step(2))
        assert "does not exist" in str(recorder.trouble)
        shutil.copytree(away, back)  # the same files on a drive that was mounted anew
        recorder.emit(step(3))
        assert recorder.trouble is None
    assert [line.number for line in read(run)] == [1, 2, 3]
    assert run.loss_path.read_text() == "step,loss\n1,0.5\n2,0.5\n3,0.5\n"


class FullDisk:
    """Stands in for TensorBoard's writer on a disk that takes nothing while `is_full`."""

    is_full = True
    kept: ClassVar[list[tuple[str, int]]] = []

    def __init__(self, log_dir: str, **_more: int) -> None:
        self.log_dir = log_dir

    def add_scalar(self, name: str, _value: float, step: int) -> None:
        if self.is_full:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.kept.append((name, step))

    def close(self) -> None:
        if self.is_full:
            raise OSError(errno.ENOSPC, "No space left on device")


def test_a_disk_that_is_full_for_tensorboard_does_not_end_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    board = Board(FullDisk("somewhere"))
    events = [StepEnded(1, 1, 0.5, 0.1, 9.0), EpochEnded(1, 1, 0.5, 0.5, 0.5, 0.5, (), (), True)]
    for event in events:
        board.add(Line(1, "", 0.0, event))
    monkeypatch.setattr(FullDisk, "is_full", False)
    board.add(Line(2, "", 0.0, StepEnded(2, 2, 0.5, 0.1, 9.0)))
    assert FullDisk.kept == []
    board.add(Line(3, "", 0.0, EpochEnded(2, 2, 0.5, 0.5, 0.5, 0.5, (), (), True)))
    board.add(Line(4, "", 0.0, StepEnded(3, 3, 0.5, 0.1, 9.0)))
    assert ("validation/loss", 2) in FullDisk.kept and ("train/loss", 3) in FullDisk.kept
    board.close()


def test_tensorboard_gets_the_curves_where_it_was_asked_for(run: Run, expect_log: Callable[[str], None]) -> None:
    pytest.importorskip("tensorboard")
    expect_log("Purging expired events")  # those after the resumed step, which is what is wanted
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    from convnext_studio.core.runs.board import ask_for_board

    record(run, [step(1)])
    assert not run.board_path.exists()
    ask_for_board(run)
    record(run, [step(2), step(3, math.nan), epoch(1, 0.75)])
    record(run, [Resumed(2, 1), step(3, 0.25)])
    board = EventAccumulator(str(run.board_path))
    board.Reload()
    assert [(one.step, one.value) for one in board.Scalars("train/loss")] == [(2, 0.5), (3, 0.25)]


def test_a_run_of_a_thousand_classes_is_numbered_on_and_listed_with_its_test(run: Run) -> None:
    names = tuple(f"a class with a long name {number}" for number in range(1000))
    counts = {split: dict.fromkeys(names, 9) for split in ("train", "validation", "test")}
    confusion = ((1,) * 1000,) * 1000
    started = RunStarted("steel", "m", names, counts, 1, 4, 2, "CPU", "fp32")
    ended = EpochEnded(1, 4, 0.1, 0.2, 0.9, 0.8, (), confusion, True)
    record(run, [started, step(1), ended])
    assert summarise(run).model == "m" and summarise(run).seconds > 0
    told = record(run, [TestEnded(0.9, 0.85, (0.8, 0.9), confusion), RunEnded("finished", "Finished.")])
    assert [line.number for line in told] == [4, 5]
    assert (summarise(run).state, summarise(run).test_balanced_accuracy) == ("finished", 0.85)


# --- reading


def test_a_reader_tells_every_line_once_also_when_it_is_written_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    reader = LineReader(path)
    assert reader.read() == ()
    texts = [to_line(Line(number, "", 0.0, step(number))) + "\n" for number in range(1, 40)]
    data, told = "".join(texts).encode(), []
    for begin in range(0, len(data), 37):
        with path.open("ab") as file:
            file.write(data[begin : begin + 37])
        told += [line.number for line in reader.read()]
    assert told == list(range(1, 40))
    assert reader.read() == ()


def test_a_reader_survives_a_file_that_was_replaced_or_cut(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    texts = [to_line(Line(number, "", 0.0, step(number))) + "\n" for number in range(1, 5)]
    path.write_text("".join(texts[:3]))
    reader = LineReader(path, after=1)
    assert [line.number for line in reader.read()] == [2, 3]
    path.unlink()
    assert reader.read() == ()
    path.write_text(texts[0])
    assert reader.read() == ()
    path.write_text("".join(texts))
    assert [line.number for line in reader.read()] == [4]


def test_following_ends_when_the_run_has_ended_and_nobody_works_on_it(run: Run) -> None:
    with run.lock():
        record(run, [STARTED, *map(step, range(1, 1200)), RunEnded("finished", "Done.")])
    told: list[Line] = []
    found = follow_run(FollowRun(str(run.folder), after=3), JobContext(told.extend))  # type: ignore[arg-type]
    assert [line.number for line in told] == list(range(4, 1202))
    assert (found.state, found.message) == ("finished", "Done.")


def test_the_last_lines_of_a_long_run_are_told_though_all_before_them_were_known(run: Run) -> None:
    line = to_line(Line(1, "2026-01-31T12:00:00.123+00:00", 1.0, step(1))) + "\n"
    many = (1 << 20) // len(line) + 2000  # the first megabyte has only what is known
    texts = [to_line(Line(number, "2026-01-31T12:00:00.123+00:00", 1.0, step(number))) for number in range(1, many)]
    run.events_path.write_text("\n".join(texts) + "\n")
    told: list[Line] = []
    follow_run(FollowRun(str(run.folder), after=many - 10), JobContext(told.extend))  # type: ignore[arg-type]
    assert [line.number for line in told] == list(range(many - 9, many))


@pytest.mark.parametrize("busy", [5.0, 100.0])
def test_a_run_is_looked_at_less_often_where_all_cores_compute(
    run: Run, monkeypatch: pytest.MonkeyPatch, busy: float
) -> None:
    class Once(threading.Event):
        waited = 0.0

        def wait(self, timeout: float | None = None) -> bool:
            self.waited += timeout or 0.0
            self.set()
            return True

    monkeypatch.setattr(psutil, "cpu_percent", lambda: busy)
    cancel = Once()
    with run.lock(), pytest.raises(Cancelled):
        follow_run(FollowRun(str(run.folder)), JobContext(cancel=cancel))
    assert cancel.waited == (BESIDE_POLL_S if busy > 90 else POLL_S)


# --- history


def test_a_resume_takes_back_what_came_after_its_step(run: Run) -> None:
    events = [STARTED, PhaseStarted("full", 40), *map(step, range(1, 11)), epoch(1, 0.7), Saved(10, 1, 0.1)]
    events += [*map(step, range(11, 21)), epoch(2, 0.9), RunEnded("stopped", "Stopped.")]
    lines = record(run, events)
    history = History(lines)
    assert history.ended is not None and history.best is not None and history.best.epoch == 2
    lines += record(run, [Resumed(10, 1), RunNoticed("Careful."), step(11, 0.1)])
    history.add(lines)
    assert history.steps.step.tolist() == list(range(1, 12))
    assert history.steps.loss[-1] == 0.1
    assert (history.ended, history.phase, len(history.notices)) == (None, "full", 1)
    assert history.best is not None and history.best.epoch == 1
    again = History(lines)
    assert (again.steps, again.epochs, again.last) == (history.steps, history.epochs, history.last)


def test_time_left_goes_by_the_usual_pace_and_not_by_one_long_pause() -> None:
    lines = [Line(1, "", 0.0, STARTED)]
    lines += [Line(1 + n, "", n + (30.0 if n > 5 else 0.0), step(n)) for n in range(1, 11)]
    assert History(lines[:2]).seconds_left is None
    assert History(lines).seconds_left == 30.0
    lines += [Line(12, "", 41.0, epoch(1, 0.5, left=100.0)), Line(13, "", 43.0, step(11))]
    assert History(lines).seconds_left == 98.0


# --- summaries


def test_a_summary_says_how_far_a_run_is_and_how_it_ended(run: Run) -> None:
    assert summarise(run).state == "interrupted"
    with run.lock():
        record(run, [STARTED, *map(step, range(1, 11)), epoch(1, 0.7, left=12.0), step(11), Paused("No space.")])
        found = summarise(run)
    assert (found.state, found.name, found.model, found.epoch, found.epochs) == (
        *("running", "steel", "convnext_atto", 2, 4),
    )
    assert (found.best_balanced_accuracy, found.best_epoch, found.message) == (0.7, 1, "No space.")
    assert found.seconds_left is not None and 11 < found.seconds_left <= 12
    assert summarise(run).state == "interrupted"
    assert summarise(run).can_go_on
    record(run, [RunEnded("failed", "Not finite.", can_go_on=True)])
    assert (summarise(run).state, summarise(run).message) == ("failed", "Not finite.")


def test_the_signal_that_ended_a_run_is_named(run: Run) -> None:
    record(run, [STARTED, step(1)])
    run.exit_path.write_text('{"pid": 4, "code": -9}')
    assert "SIGKILL, as the system does when memory runs out" in summarise(run).message
    run.exit_path.write_text('{"pid": 4, "code": 3}')
    assert "code 3" in summarise(run).message


def test_why_a_run_could_not_be_gone_on_with_is_said_until_it_goes_on(run: Run) -> None:
    record(run, [STARTED, RunEnded("stopped", "Stopped.", can_go_on=True)])
    ending.note_refusal(run, RunError("The data changed.", "Accept it."), 3)
    ending.note_exit(run, os.getpid(), 3)
    found = summarise(run)
    assert (found.state, found.message, found.hint, found.refusal) == (
        *("stopped", "The data changed.", "Accept it.", "RunError"),
    )
    os.utime(run.exit_path, (0, 0))
    record(run, [Resumed(0, 1), RunEnded("finished", "Done.")])
    assert (summarise(run).message, summarise(run).refusal) == ("Done.", "")


def test_a_long_run_is_summed_up_without_reading_all_of_it(run: Run) -> None:
    record(run, [STARTED, epoch(0, 0.6), *map(step, range(1, 3000))])
    assert run.events_path.stat().st_size > 256 * 1024
    found = summarise(run)
    assert (found.model, found.best_balanced_accuracy, found.epoch) == ("convnext_atto", 0.6, 300)


def test_runs_are_found_newest_first_among_half_made_foreign_and_broken_folders(tmp_path: Path, run: Run) -> None:
    place = run.folder.parent
    later = Run.create(place, "later", Recipe(data="parts"))
    record(run, [STARTED])
    record(later, [STARTED])
    (place / "20260101-000000-half").mkdir()
    (place / ".hidden").mkdir()
    (place / "notes.txt").write_text("x")
    broken = Run.create(place, "broken", Recipe(data="parts"))
    broken.recipe_path.write_bytes(b"\xff\0 = ")
    broken.events_path.write_bytes(b"\0" * 1000)
    said: list[str] = []
    found = find_runs(FindRuns(str(place)), JobContext(lambda event: said.append(event.message)))  # type: ignore[attr-defined]
    assert [one.name for one in found] == ["later", "steel"]
    assert any("20260101-000000-half" in text for text in said) and any("recipe.toml" in text for text in said)
    assert len(said) == 2
    assert find_runs(FindRuns(str(tmp_path / "none")), JobContext()) == ()


STRANGE = ("", "null", "[]", "[" * 50_000, "1e999", '{"a": NaN}', "\0", "\ud83d")


@pytest.mark.parametrize("name", ["plan.json", "owner.json", "exit.json", "about.json", "events.jsonl", "epochs.csv"])
def test_one_run_with_strange_files_does_not_hide_the_others(name: str, run: Run) -> None:
    """Numbers beyond all bounds, values of another kind, nesting without end."""
    place = run.folder.parent
    odd = Run.create(place, "odd", Recipe(data="parts"))
    record(run, [STARTED, epoch(1, 0.6)])
    record(odd, [STARTED, step(1), step(2), epoch(1, 0.6)])
    plan = '{"stretches": [{"steps": %s}], "steps_per_epoch": 3}'
    contents = {
        "plan.json": [*STRANGE, plan % "1e999", plan % "[]", plan % ("9" * 4000)],
        "owner.json": [
            *STRANGE,
            '{"host": "h", "pid": 1e999, "started": ""}',
            '{"host": 1, "pid": "x", "started": []}',
        ],
        "exit.json": [*STRANGE, '{"pid": 1, "code": -1e999}', '{"pid": {}, "code": 1, "message": 5}'],
        "about.json": [*STRANGE, '{"name": 5, "tags": 7, "notes": {}}'],
        "events.jsonl": [
            *STRANGE,
            *(f'{{"n":1,"at":"","s":{s},"event":"Paused","message":{m}}}' for s, m in (('"nan"', '""'), ("1", "5"))),
            f'{{"n":1,"at":"","s":1,"event":"EpochEnded","epoch":{"9" * 400}}}',
        ],
        "epochs.csv": [
            *STRANGE,
            *(f"is_best,epoch,balanced_accuracy\n1,{text}\n" for text in ("1e999,0.5", "1,nan", "1,inf", "x,y")),
            "is_best,epoch\n" + "1" * 200_000,
        ],
    }
    for content in contents[name]:
        (odd.folder / name).write_text(content + "\n", encoding="utf-8", errors="surrogatepass")
        found = find_runs(FindRuns(str(place)), JobContext())
        assert {one.name for one in found} == {"odd", "steel"}, content[:80]
        there = next(one for one in found if one.name == "odd")
        assert there.best_balanced_accuracy is None or 0 <= there.best_balanced_accuracy <= 1
        assert there.epochs < 10**12


def test_events_that_cannot_be_read_leave_a_summary_of_what_can(run: Run) -> None:
    run.events_path.write_bytes(b"\0\xff\n" * 1000)
    run.epochs_path.write_bytes(b"\0\xff\n" * 1000)
    assert summarise(run).state == "interrupted"
