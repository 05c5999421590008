"""What waits survives a restart, is started one after another, and what the user says of a Run stays beside it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from convnext_studio.cli import main
from convnext_studio.cli.stopping import Stop
from convnext_studio.cli.talking import NOTHING_DONE
from convnext_studio.core import jobs
from convnext_studio.core.context import JobContext
from convnext_studio.core.errors import RunError, StorageError, StudioError, UsageError
from convnext_studio.core.recipe import Recipe, from_preset
from convnext_studio.core.requests import FindRuns
from convnext_studio.core.run_events import EpochEnded, RunEnded, RunStarted, TestEnded
from convnext_studio.core.run_requests import (
    ChangeQueue,
    DescribeRun,
    ReadQueue,
    ReadRecipes,
    RestoreRun,
    StartNext,
)
from convnext_studio.core.runs import about, queue
from convnext_studio.core.runs.recorder import Recorder
from convnext_studio.core.runs.run import Run
from convnext_studio.core.runs.summary import RunSummary
from convnext_studio.launch import run as launch

RECIPE = from_preset("instant", data="/data/parts")


def do(request: object) -> object:
    return jobs.run(request, JobContext())


def titles(runs: Path) -> list[str]:
    found = do(ReadQueue(str(runs)))
    assert isinstance(found, queue.Queue)
    return [one.title for one in found.items]


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def spawned(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The Runs whose processes would be started."""
    names: list[str] = []

    def spawn(run: Run, *_options: str) -> subprocess.Popen[bytes]:
        names.append(run.name)
        return subprocess.Popen([sys.executable, "-c", ""])

    monkeypatch.setattr(launch, "_spawn", spawn)
    return names


# --- the queue


def test_what_waits_is_kept_in_order_with_its_recipe(runs: Path) -> None:
    assert titles(runs) == []
    do(ChangeQueue(str(runs), add=(("one", RECIPE), ("", from_preset("thorough", data="/data/steel")))))
    changed = do(ChangeQueue(str(runs), add=(("three", RECIPE),), race="sizes"))
    assert isinstance(changed, queue.Queue)
    assert titles(runs) == ["one", "steel", "three"]
    assert changed == do(ReadQueue(str(runs)))
    assert changed.items[1].recipe.epochs == 60
    assert [one.race for one in changed.items] == ["", "", "sizes"]


def test_what_waits_can_be_put_in_another_order_and_taken_off(runs: Path) -> None:
    added = do(ChangeQueue(str(runs), add=tuple((name, RECIPE) for name in ("one", "two", "three"))))
    assert isinstance(added, queue.Queue)
    keys = [one.key for one in added.items]
    do(ChangeQueue(str(runs), order=(keys[2], keys[0])))
    assert titles(runs) == ["three", "one", "two"]
    do(ChangeQueue(str(runs), remove=(keys[0],)))
    assert titles(runs) == ["three", "two"]


def test_a_recipe_without_data_is_not_taken_into_the_queue(runs: Path) -> None:
    with pytest.raises(UsageError, match="no data set"):
        do(ChangeQueue(str(runs), add=(("", Recipe()),)))
    assert titles(runs) == []


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"items": 3}', '{"items": [1, {"key": "a", "recipe": "epochs = -1"}]}']
)
def test_a_queue_that_cannot_be_read_is_empty(runs: Path, text: str) -> None:
    runs.mkdir()
    (runs / queue.FILE).write_text(text)
    assert titles(runs) == []


@pytest.mark.parametrize("text", ["", "{", '{"items": 3}'])
def test_a_queue_that_cannot_be_read_is_not_written_over(runs: Path, spawned: list[str], text: str) -> None:
    runs.mkdir()
    (runs / queue.FILE).write_text(text)
    with pytest.raises(RunError, match=r"queue\.json.* cannot be read"):
        do(ChangeQueue(str(runs), add=(("one", RECIPE),)))
    assert do(StartNext(str(runs))) == "" and spawned == []
    assert (runs / queue.FILE).read_text() == text


def test_what_cannot_be_read_in_the_queue_is_kept_when_it_changes(runs: Path, spawned: list[str]) -> None:
    do(ChangeQueue(str(runs), add=(("one", RECIPE), ("two", RECIPE))))
    document = json.loads((runs / queue.FILE).read_text())
    strange = {"key": "a", "recipe": 'data = "/data/parts"\nof_a_later_version = 1\n'}
    document["items"].insert(0, strange)
    (runs / queue.FILE).write_text(json.dumps(document))
    do(ChangeQueue(str(runs), add=(("three", RECIPE),)))
    do(StartNext(str(runs)))
    assert spawned == ["one"] and titles(runs) == ["two", "three"]
    assert strange in json.loads((runs / queue.FILE).read_text())["items"]


def test_what_waits_is_named_from_the_root_on(
    runs: Path, spawned: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    do(ChangeQueue(str(runs), add=(("one", from_preset("instant", data="parts")),)))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")  # whoever starts it may be anywhere
    run = Run.open(str(do(StartNext(str(runs)))))
    assert run.recipe.data == str(tmp_path / "parts") and spawned == ["one"]


def test_what_could_not_be_started_waits_on_and_the_queue_says_why(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    do(ChangeQueue(str(runs), add=(("one", RECIPE), ("two", RECIPE))))

    def refuse(_run: Run, *_options: str) -> subprocess.Popen[bytes]:
        raise StudioError("There are too many processes.")

    monkeypatch.setattr(launch, "_spawn", refuse)
    with pytest.raises(StudioError, match="too many"):
        do(StartNext(str(runs)))
    held = do(ReadQueue(str(runs)))
    assert isinstance(held, queue.Queue) and (held.is_held, held.trouble) == (True, "There are too many processes.")
    assert titles(runs) == ["one", "two"]
    assert do(FindRuns(str(runs))) == ()


def test_a_process_that_was_started_is_the_runs_though_the_disk_is_full(
    runs: Path, spawned: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    do(ChangeQueue(str(runs), add=(("one", RECIPE),)))

    def full(*_rest: object) -> None:
        raise StorageError("The disk is full.")

    monkeypatch.setattr(launch.lock, "write_owner", full)
    folder = Path(str(do(StartNext(str(runs)))))
    assert spawned == ["one"] and folder.is_dir() and titles(runs) == []


def test_the_first_that_waits_is_started_and_belongs_to_its_race(runs: Path, spawned: list[str]) -> None:
    do(ChangeQueue(str(runs), add=(("one", RECIPE), ("two", RECIPE)), race="sizes"))
    folder = do(StartNext(str(runs)))
    assert spawned == ["one"] and titles(runs) == ["two"]
    assert Run.open(str(folder)).recipe == RECIPE
    assert about.read_about(Path(str(folder))).race == "sizes"


def test_nothing_is_started_while_another_run_works_or_the_queue_holds(
    runs: Path, spawned: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    do(ChangeQueue(str(runs), add=(("one", RECIPE),)))
    monkeypatch.setattr(launch, "working_here", lambda _runs: (RunSummary("/r", "r", "running"),))
    assert do(StartNext(str(runs))) == ""
    monkeypatch.setattr(launch, "working_here", lambda _runs: ())
    do(ChangeQueue(str(runs), is_held=True))
    assert do(StartNext(str(runs))) == ""
    assert spawned == [] and titles(runs) == ["one"]
    do(ChangeQueue(str(runs), is_held=False))
    assert do(StartNext(str(runs))) != ""


def test_where_no_run_can_be_made_the_queue_holds_and_says_why(
    runs: Path, spawned: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    do(ChangeQueue(str(runs), add=(("one", RECIPE),)))

    def refuse(*_rest: object) -> Run:
        raise StudioError("The disk is full.", "Free some space.")

    with monkeypatch.context() as patch, pytest.raises(StudioError, match="disk is full"):
        patch.setattr(Run, "create", refuse)
        do(StartNext(str(runs)))
    held = do(ReadQueue(str(runs)))
    assert isinstance(held, queue.Queue)
    assert (held.is_held, held.trouble) == (True, "The disk is full. Free some space.")
    assert spawned == [] and titles(runs) == ["one"]
    again = do(ChangeQueue(str(runs), is_held=False))
    assert isinstance(again, queue.Queue) and again.trouble == ""


@pytest.mark.parametrize(("is_asked_to_end", "goes_on"), [(False, True), (True, False)])
@pytest.mark.parametrize("fails", [False, True])
def test_the_process_of_a_run_starts_the_next_one_however_it_ends_unless_it_was_told_to_end(
    runs: Path,
    spawned: list[str],
    monkeypatch: pytest.MonkeyPatch,
    is_asked_to_end: bool,
    goes_on: bool,
    fails: bool,
) -> None:
    first = Run.create(runs, "first", RECIPE)
    do(ChangeQueue(str(runs), add=(("second", RECIPE),)))

    def work_on(_folder: str, stop: Stop, _place: object, **_more: bool) -> int:
        if is_asked_to_end:
            stop.asked.set()
        if fails:
            raise StudioError("The data set is gone.")
        return 0

    monkeypatch.setattr("convnext_studio.cli.training.work_on", work_on)
    assert main(["resume", "--then-next", "--", str(first.folder)]) == (NOTHING_DONE if fails else 0)
    assert spawned == (["second"] if goes_on else [])
    assert titles(runs) == ([] if goes_on else ["second"])


# --- what the user says of a Run


def test_name_tags_and_notes_stay_beside_the_run_and_come_with_its_summary(runs: Path) -> None:
    run = Run.create(runs, "steel", RECIPE)
    assert _only(runs).name == "steel"
    do(DescribeRun(str(run.folder), name=" Line  3, dry ", tags=("wet", " wet ", "", "line 3")))
    do(DescribeRun(str(run.folder), notes="New camera since Monday.\nLens cleaned."))
    found = _only(runs)
    assert (found.name, found.tags) == ("Line 3, dry", ("wet", "line 3"))
    assert found.notes.endswith("Lens cleaned.")
    do(DescribeRun(str(run.folder), name=""))
    assert _only(runs).name == "steel"


@pytest.mark.parametrize("change", [{"name": "x" * 121}, {"tags": tuple(map(str, range(21)))}, {"notes": "\udc80"}])
def test_what_is_too_long_or_no_text_is_refused_and_nothing_changes(runs: Path, change: dict[str, object]) -> None:
    run = Run.create(runs, "steel", RECIPE)
    with pytest.raises(UsageError):
        do(DescribeRun(str(run.folder), **change))  # type: ignore[arg-type]
    assert about.read_about(run.folder) == about.About()


@pytest.mark.parametrize("text", ["", "[]", "nothing", '{"tags": 3, "name": 4}', '{"tags": [1, "a"]}'])
def test_what_cannot_be_read_of_it_counts_as_not_said(runs: Path, text: str) -> None:
    run = Run.create(runs, "steel", RECIPE)
    (run.folder / about.FILE).write_text(text)
    assert _only(runs).name == "steel"
    assert set(_only(runs).tags) <= {"a"}


@pytest.mark.parametrize("text", ["", "[]", '{"notes": "a long'])
def test_notes_that_cannot_be_read_are_not_written_over(runs: Path, text: str) -> None:
    run = Run.create(runs, "steel", RECIPE)
    (run.folder / about.FILE).write_text(text)
    with pytest.raises(RunError, match=r"about\.json.* cannot be read"):
        do(DescribeRun(str(run.folder), tags=("wet",)))
    assert (run.folder / about.FILE).read_text() == text


def test_a_run_comes_back_from_the_trash(runs: Path, tmp_path: Path) -> None:
    run = Run.create(runs, "steel", RECIPE)
    book = tmp_path / "Trash" / "info" / "one.trashinfo"
    trashed = tmp_path / "Trash" / "files" / "one"
    for folder in (book.parent, trashed.parent):
        folder.mkdir(parents=True)
    book.write_text("[Trash Info]")
    run.folder.rename(trashed)
    do(RestoreRun(str(trashed), str(run.folder)))
    assert Run.open(run.folder).recipe == RECIPE and not book.exists()
    with pytest.raises(RunError, match="there again"):
        do(RestoreRun(str(trashed), str(run.folder)))


def test_recipes_of_several_runs_are_read_at_once(runs: Path) -> None:
    run = Run.create(runs, "steel", RECIPE)
    assert do(ReadRecipes((str(run.folder), str(runs / "gone")))) == (RECIPE, None)


def test_a_run_that_ended_is_read_again_only_when_one_of_its_files_changed(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from convnext_studio.core.runs import summary

    run = Run.create(runs, "steel", RECIPE)
    read: list[Path] = []
    ends = summary._ends
    monkeypatch.setattr(summary, "_ends", lambda path: read.append(path) or ends(path))
    for _ in range(3):
        do(FindRuns(str(runs)))
    assert len(read) == 1
    with run.lock(), Recorder(run) as recorder:
        recorder.emit(RunStarted("steel", "m", ("a", "b"), {}, 1, 4, 2, "CPU", "fp32", licence="MIT"))
        recorder.emit(EpochEnded(1, 4, 0.1, 0.2, 0.9, 0.8, (), (), True, interval=(0.7, 0.9)))
        recorder.emit(TestEnded(0.9, 0.85, (0.6, 0.95), ()))
        recorder.emit(RunEnded("finished", "All epochs are done."))
    found = _only(runs)
    assert len(read) == 2
    assert (found.state, found.interval, found.licence) == ("finished", (0.7, 0.9), "MIT")
    assert (found.test_balanced_accuracy, found.test_interval) == (0.85, (0.6, 0.95))


def _only(runs: Path) -> RunSummary:
    found = do(FindRuns(str(runs)))
    assert isinstance(found, tuple) and len(found) == 1
    assert json.dumps(found[0].name)
    return found[0]  # type: ignore[no-any-return]
