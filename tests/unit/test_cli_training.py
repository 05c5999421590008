"""Training from the command line: what is asked for, what is said where, and the exit codes."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from convnext_studio import cli
from convnext_studio.cli.times import in_words
from convnext_studio.cli.training_words import words_of
from convnext_studio.core import events, jobs, requests
from convnext_studio.core.context import Cancelled, JobContext
from convnext_studio.core.data.dataset import DataSetCard, DataWarning
from convnext_studio.core.errors import DataError, RunError
from convnext_studio.core.recipe import Recipe
from convnext_studio.core.run_events import (
    EpochEnded,
    Paused,
    PhaseStarted,
    Progressed,
    Resumed,
    RunEnded,
    RunNoticed,
    RunStarted,
    StepEnded,
    TestEnded,
    WentOn,
)
from convnext_studio.core.runs import environment, lock
from convnext_studio.core.runs.control import steer_run
from convnext_studio.core.runs.history import History
from convnext_studio.core.runs.recorder import Recorder
from convnext_studio.core.runs.run import Run
from convnext_studio.core.runs.summary import summarise
from convnext_studio.core.training.resume import ChangedSince
from tests.guards import wait_until

STARTED = RunStarted("parts", "atto", ("ng", "ok"), {"train": {"ng": 2, "ok": 3}}, 2, 20, 8, "CPU", "bf16", 2)
EPOCH = EpochEnded(1, 10, 0.5, 0.4, 0.9, 0.875, (0.9, 0.85), (), True, interval=(0.8, 0.95), seconds_left=125.0)
DONE = RunEnded("finished", "Finished.", best_epoch=1)
Act = Callable[[Run, JobContext], RunEnded]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[requests.Train]:
    """Put a Job without torch in the place of `train`, which does what `act` holds; return the Requests it gets."""
    got: list[requests.Train] = []
    run = jobs.run

    def serve(request: object, ctx: JobContext) -> object:
        if isinstance(request, requests.CheckDataSet):
            if request.recipe.data.endswith("empty"):
                raise DataError("There are no class folders in “empty”.", "Make one for each class.")
            refusal = "Training needs Images of two classes at least." if request.recipe.seed == 77 else ""
            return DataSetCard(request.recipe.data, (), (), {}, refusal=refusal)
        if not isinstance(request, requests.Train):
            return run(request, ctx)
        got.append(request)
        one = Run.open(request.run)
        with one.lock(), Recorder(one) as recorder:
            for event in (STARTED, EPOCH):
                ctx.emit(recorder.emit(event))
        return _ACTS.get(one.name, _finish)(one, ctx)

    monkeypatch.setattr(jobs, "run", serve)
    monkeypatch.setattr(jobs, "load", lambda kind: None)
    return got


def _finish(run: Run, ctx: JobContext) -> RunEnded:
    ctx.emit(DONE)
    return DONE


def _stop(run: Run, ctx: JobContext) -> RunEnded:
    ctx.cancel.set()
    return RunEnded("stopped", "Stopped after step 10.", can_go_on=True)


def _fail(run: Run, ctx: JobContext) -> RunEnded:
    ended = RunEnded("failed", "The loss is not finite.", "Choose a lower rate.", images=("/parts/a.png",))
    ctx.emit(ended)
    return ended


def _leave_out(run: Run, ctx: JobContext) -> RunEnded:
    many = tuple((f"/parts/{number}.png", "Cut off.") for number in range(25))
    environment.write_data(run, DataSetCard("parts", (), (), {}, unreadable=many))
    ctx.emit(STARTED)
    ctx.emit(PhaseStarted("full", 20))
    return DONE


def _leave_a_folder_out(run: Run, ctx: JobContext) -> RunEnded:
    problem = DataWarning("unread", "“/parts/deep” cannot be read: permission denied.")
    environment.write_data(run, DataSetCard("parts", (), (), {}, warnings=(problem,)))
    ctx.emit(STARTED)
    return DONE


def _lose(run: Run, ctx: JobContext) -> RunEnded:
    for number in range(25):
        path = f"/parts/{number}.png"
        ctx.emit(RunNoticed(f"“{path}” is left out: Gone.", images=(path,)))
    return DONE


def _refuse(run: Run, ctx: JobContext) -> RunEnded:
    raise RunError("The data changed since: 3 Images are new.", "Accept the changes, or undo them.")


def _cancel(run: Run, ctx: JobContext) -> RunEnded:
    ctx.cancel.set()
    raise Cancelled


def _break(run: Run, ctx: JobContext) -> RunEnded:
    raise ZeroDivisionError("oh")


_ACTS: dict[str, Act] = {
    "stops": _stop,
    "fails": _fail,
    "leaves out": _leave_out,
    "leaves a folder out": _leave_a_folder_out,
    "loses": _lose,
    "refuses": _refuse,
    "cancels": _cancel,
    "breaks": _break,
}


def _train(tmp_path: Path, *more: str) -> int:
    return cli.main(["train", "parts", "--runs", str(tmp_path / "runs"), *more])


def _only(tmp_path: Path) -> Run:
    (folder,) = (tmp_path / "runs").iterdir()
    return Run.open(folder)


def test_the_run_folder_is_the_last_line_of_stdout_and_progress_goes_to_stderr(
    asked: list[requests.Train], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _train(tmp_path, "--name", "my parts") == 0
    run = _only(tmp_path)
    out, err = capsys.readouterr()
    assert out == f"{run.folder}\n"
    assert asked == [requests.Train(str(run.folder))]
    assert run.name == "my parts"
    assert "atto: 2 classes (ng, ok); images: 5 train" in err
    assert "CPU, bf16, batches of 8, 2 processes" in err
    assert "epoch 1 of 2: loss 0.500, validation loss 0.400, balanced accuracy 0.875 (95 %: 0.800 to 0.950)" in err
    assert "about 2 minutes 5 seconds left" in err
    assert err.endswith("Finished.\n")


def test_what_was_typed_becomes_the_recipe(asked: list[requests.Train], tmp_path: Path) -> None:
    file = tmp_path / "best.toml"
    file.write_text("[schedule]\nepochs = 7\nseed = 1\n[optimizer]\nlearning_rate = 1e-3\n")
    options = ["--recipe", str(file), "--seed", "9", "--group", r"^(b\d+)_", "--model", "convnext_tiny.in12k"]
    for text in ("epochs=3", "is_mirrored=no", "widths=4,8,8,8", "weights=random"):
        options += ["--set", text]
    assert _train(tmp_path, *options) == 0
    found = _only(tmp_path).recipe
    assert (found.epochs, found.seed, found.learning_rate, found.is_mirrored) == (3, 9, 1e-3, False)
    assert (found.group, found.group_pattern, found.model) == ("name", r"^(b\d+)_", "convnext_tiny.in12k")
    assert (found.widths, found.data) == ((4, 8, 8, 8), str(Path("parts").absolute()))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--set", "epochs"], "key=value"),
        (["--set", "epoch=3"], "no field “epoch”"),
        (["--set", "preset=instant"], "Choose it with --preset"),
        (["--set", "data=elsewhere"], "in front of the options"),
        (["--set", "epochs=many"], "“many” is not a whole number"),
        (["--recipe", "none.toml"], "“none.toml” cannot be read"),
        (["--group", "("], "no regular expression"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_made(
    asked: list[requests.Train], tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], words: str
) -> None:
    assert _train(tmp_path, *options) == 2
    out, err = capsys.readouterr()
    assert words in err and "Traceback" not in err
    assert (out, asked, (tmp_path / "runs").exists()) == ("", [], False)


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--model", "convnext_atoo"], 2, "There is no Model named “convnext_atoo”"),
        (["--model", "convnext_atoo", "--set", "weights=random"], 2, "There is no Model named “convnext_atoo”"),
        (["--model", "gone.safetensors"], 3, "“gone.safetensors”"),
        (["--model", "convnext_atto.d2_in1k"], 3, "are not on this machine"),
    ],
)
def test_a_model_that_is_not_there_is_refused_before_an_image_is_looked_at(
    asked: list[requests.Train],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    code: int,
    words: str,
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    assert cli.main(["train", "empty", "--runs", str(tmp_path / "runs"), *options]) == code
    out, err = capsys.readouterr()
    assert words in err and "class folders" not in err and "Traceback" not in err
    assert (out, asked, (tmp_path / "runs").exists()) == ("", [], False)


@pytest.mark.parametrize("options", [["--find-rate"], ["--folds", "3"]])
def test_what_one_process_does_alone_is_refused_under_torchrun(
    asked: list[requests.Train],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
) -> None:
    for rank in ("0", "1"):
        for name, value in (("RANK", rank), ("WORLD_SIZE", "2"), ("LOCAL_RANK", rank)):
            monkeypatch.setenv(name, value)
        assert _train(tmp_path, *options) == 2
        assert "without torchrun" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_folds_are_trained_one_after_the_other_and_summed_up(
    asked: list[requests.Train], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _train(tmp_path, "--folds", "3") == 0
    out, err = capsys.readouterr()
    runs = [Run.open(one.run) for one in asked]
    assert [(run.recipe.folds, run.recipe.fold, run.name[-11:]) for run in runs] == [
        (3, fold, f"fold-{fold + 1}-of-3") for fold in range(3)
    ]
    assert out.splitlines() == [str(run.folder) for run in runs]
    assert "Balanced accuracy over 3 folds (validation, by which the best epoch was chosen): 0.875 (95 %" in err


def test_folds_that_were_stopped_are_gone_on_with_by_the_same_command(
    asked: list[requests.Train], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(_ACTS, "parts-fold-2-of-3", _stop)
    assert _train(tmp_path, "--folds", "3") == 130
    assert "1 of 3 folds are done. To go on with the others, give the same command again." in capsys.readouterr().err
    monkeypatch.delitem(_ACTS, "parts-fold-2-of-3")
    assert _train(tmp_path, "--folds", "3") == 0
    assert len(list((tmp_path / "runs").iterdir())) == 3
    assert len({one.run for one in asked}) == 3


@pytest.mark.parametrize("count", ["1", "21", "many"])
def test_a_number_of_folds_that_makes_no_sense_is_refused(
    tmp_path: Path, count: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        _train(tmp_path, "--folds", count)
    assert "from 2 to 20" in capsys.readouterr().err


def test_what_is_no_data_set_leaves_no_folder_behind(
    asked: list[requests.Train], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["train", "empty", "--runs", str(tmp_path / "runs")]) == 3
    assert "no class folders in “empty”" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("stops", 130, ""),
        ("cancels", 130, "Stopped."),
        ("fails", 3, "/parts/a.png"),
        ("leaves out", 1, "… and 5 more"),
        ("loses", 1, "Left out while training:\n“/parts/0.png” is left out: Gone.\n"),
        ("refuses", 3, "3 Images are new"),
        ("breaks", 3, "Something unexpected happened. What was saved is kept"),
    ],
)
def test_the_exit_code_says_how_it_ended_and_the_folder_is_named_all_the_same(
    asked: list[requests.Train],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    code: int,
    words: str,
) -> None:
    assert _train(tmp_path, "--name", name) == code
    out, err = capsys.readouterr()
    assert words in err and "Traceback" not in err
    assert (name == "breaks") == (_only(tmp_path).folder / "log.txt").exists()
    assert out == f"{_only(tmp_path).folder}\n"


def test_images_that_cannot_be_read_are_named_before_training_and_at_its_end(
    asked: list[requests.Train], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _train(tmp_path, "--name", "leaves out") == 1
    before, _, after = capsys.readouterr().err.partition("Training the whole network…")
    for said in (before, after):
        assert said.count("/parts/0.png: Cut off.") == 1 and said.count("… and 5 more") == 1


def test_a_folder_that_cannot_be_read_is_named_and_makes_the_exit_code_1(
    asked: list[requests.Train], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _train(tmp_path, "--name", "leaves a folder out") == 1
    assert "“/parts/deep” cannot be read: permission denied.\n" in capsys.readouterr().err


def test_where_no_images_are_found_the_place_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain", str(tmp_path), "--out", str(tmp_path / "why")]) == 3
    assert capsys.readouterr().err == f"No images were found in “{tmp_path}”.\n"


def _told_to_end() -> None:
    signal.raise_signal(signal.SIGTERM)


def _asked_by_the_window(run: Run) -> None:
    owner = lock.owner_of(os.getpid())
    assert owner is not None
    lock.write_owner(run.folder, owner)
    steer_run(requests.SteerRun(str(run.folder), "stop"), JobContext())


@pytest.mark.parametrize("is_by_window", [False, True])
def test_a_stop_while_the_trainer_is_still_loaded_is_obeyed_at_once_and_written_down(
    asked: list[requests.Train],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    is_by_window: bool,
) -> None:
    def load(kind: type) -> None:
        if kind is requests.Train:
            _asked_by_the_window(_only(tmp_path)) if is_by_window else _told_to_end()
            wait_until(lambda: False, 5.0)

    monkeypatch.setattr(jobs, "load", load)
    assert _train(tmp_path) == 143
    found = summarise(_only(tmp_path))
    assert (asked, found.state, found.can_go_on) == ([], "stopped", True)
    out, err = capsys.readouterr()
    assert out == f"{found.folder}\n" and "Stopped." in err


def test_a_run_whose_trainer_is_still_loaded_counts_as_running(
    asked: list[requests.Train], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    monkeypatch.setattr(
        jobs, "load", lambda kind: seen.append(summarise(_only(tmp_path)).state) if kind is requests.Train else None
    )
    _train(tmp_path)
    assert seen == ["running"]
    assert lock.read_owner(_only(tmp_path).folder) is None


def test_a_finished_run_stays_finished_when_going_on_with_it_is_stopped(
    asked: list[requests.Train], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run.create(tmp_path, "parts", Recipe(data="parts"))
    with Recorder(run) as recorder:
        recorder.emit(DONE)
    monkeypatch.setattr(jobs, "load", lambda kind: _told_to_end())
    assert cli.main(["resume", str(run.folder)]) == 143
    assert summarise(run).state == "finished"


def test_the_program_tidies_up_and_then_ends_without_taking_torch_apart() -> None:
    script = """
import atexit, sys, types
from convnext_studio import __main__, cli
class Slow:
    def __del__(self):
        print("taken apart")
def work(argv):
    sys.modules["torch"] = types.ModuleType("torch")
    sys.modules["torch"].slow = Slow()
    atexit.register(print, "tidied")
    return 143
cli.main = work
sys.exit(__main__.main())
"""
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True, cwd=root)
    assert (done.returncode, done.stdout, done.stderr) == (143, "tidied\n", "")


def test_resume_goes_on_with_a_run_and_says_where(
    asked: list[requests.Train],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def resume(run: Run, ctx: JobContext) -> RunEnded:
        for event in (
            events.Noticed("One Image has no class.", "Move it."),
            events.SampleWritten(1, 2),
            Resumed(10, 1, is_exact=False, differences=("batch_size: 8, now 16",)),
            PhaseStarted("features"),
            Progressed("features", 3, 5),
            StepEnded(11, 2, 0.25, 1e-3, 50.0),
            RunNoticed("Memory is short.", "The batch was halved."),
            Paused("The disk is full."),
            WentOn(),
            TestEnded(0.9, 0.85, (0.7, 0.95), ()),
        ):
            ctx.emit(event)
        return DONE

    monkeypatch.setitem(_ACTS, "parts", resume)
    run = Run.create(tmp_path, "parts", Recipe(data="parts"))
    assert cli.main(["resume", str(run.folder), "--accept-changes"]) == 0
    assert asked == [requests.Train(str(run.folder), accepts_changes=True)]
    out, err = capsys.readouterr()
    assert out == f"{run.folder}\n"
    for words in (
        "One Image has no class. Move it.",
        "Going on after step 10 (epoch 1).",
        "may differ slightly",
        "batch_size: 8, now 16",
        "Memory is short. The batch was halved.",
        "The disk is full.",
        "balanced accuracy 0.850 (95 %: 0.700 to 0.950)",
    ):
        assert words in err


def test_what_changed_since_is_listed_and_how_to_go_on_all_the_same(
    asked: list[requests.Train],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(run: Run, ctx: JobContext) -> RunEnded:
        raise ChangedSince(("Batch size (batch_size) was 32, now it is 16.", "1 Image is gone: “a.png”."))

    monkeypatch.setitem(_ACTS, "parts", refuse)
    run = Run.create(tmp_path, "parts", Recipe(data="parts"))
    assert cli.main(["resume", str(run.folder)]) == 3
    err = capsys.readouterr().err
    assert "was 32, now it is 16.\n1 Image is gone: “a.png”.\n" in err
    assert f"resume --accept-changes {run.folder}" in err


def test_what_is_no_run_cannot_be_gone_on_with(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["resume", str(tmp_path)]) == 3
    assert "is not a Run" in capsys.readouterr().err


def test_progress_renews_itself_on_a_terminal(
    asked: list[requests.Train],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def act(run: Run, ctx: JobContext) -> RunEnded:
        for number in range(11, 14):
            ctx.emit(StepEnded(number, 2, 0.25, 1e-3, 50.0))
        return DONE

    monkeypatch.setitem(_ACTS, "parts", act)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("convnext_studio.cli.talking._TERMINAL_PAUSE_S", 0.0)
    monkeypatch.setenv("COLUMNS", "60")
    assert _train(tmp_path) == 0
    err = capsys.readouterr().err
    assert "\r\x1b[Kepoch 2 of 2, step 13 of 20, loss 0.250" in err
    assert max(len(line.split("\x1b[K")[-1]) for line in err.split("\r") if "step" in line) <= 61


def test_another_process_than_the_first_says_nothing_and_works_on_the_same_run(
    asked: list[requests.Train],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = Run.create(tmp_path, "parts", Recipe(data="parts"))
    for name, value in (("RANK", "1"), ("WORLD_SIZE", "2"), ("LOCAL_RANK", "1")):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("convnext_studio.launch.torchrun.hear", lambda: str(run.folder))
    assert cli.main(["train", "parts"]) == 0
    assert asked == [requests.Train(str(run.folder))]
    assert capsys.readouterr() == ("", "")


def test_runs_are_listed_for_people_and_for_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["runs", str(tmp_path / "none")]) == 0
    assert "There are no Runs" in capsys.readouterr().err
    run = Run.create(tmp_path, "parts", Recipe(data="parts"))
    (tmp_path / "photos").mkdir()
    with Recorder(run) as recorder:
        recorder.emit(STARTED)
        recorder.emit(EPOCH)
        recorder.emit(RunEnded("failed", "The loss is not finite."))
    assert cli.main(["runs", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert run.folder.name in out and "0.875 (epoch 1)" in out and "The loss is not finite." in out
    assert "“" in err and "photos” is not a Run" in err
    assert cli.main(["runs", str(tmp_path), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["folder"], row["state"], row["epoch"], row["epochs"]) == (str(run.folder), "failed", 1, 2)
    assert row["best_balanced_accuracy"] == 0.875


def test_a_run_beside_another_is_begun_but_not_in_silence(
    asked: list[requests.Train], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Run.create(tmp_path / "runs", "other", Recipe(data="parts"))
    with other.lock():
        assert lock.living_owner(other.folder)
        assert _train(tmp_path) == 0
    assert "“other” is training on this machine too" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["train", "resume", "runs"])
def test_help_teaches_with_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main([command, "--help"])
    assert end.value.code == 0
    assert "examples:" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "less than a second"),
        (1, "1 second"),
        (59.7, "1 minute"),
        (125, "2 minutes 5 seconds"),
        (3599, "1 hour"),
        (3660, "1 hour 1 minute"),
        (90_061, "1 day 1 hour"),
        (86_400 + 61, "1 day"),
    ],
)
def test_times_are_said_as_people_say_them(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


def test_a_data_set_that_cannot_be_trained_on_leaves_no_run_behind(
    asked: list[requests.Train], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _train(tmp_path, "--seed", "77") == 3
    out, err = capsys.readouterr()
    assert "Training needs Images of two classes" in err
    assert (out, asked, (tmp_path / "runs").exists()) == ("", [], False)


def test_an_epoch_without_images_for_validation_is_not_given_figures() -> None:
    empty = EpochEnded(1, 10, 0.5, 0.0, 0.0, 0.0, (0.0, 0.0), ((0, 0), (0, 0)), True, interval=(0.0, 1.0))
    (words,) = words_of(empty, History())
    assert words == "epoch 1: loss 0.500, no Images for validation"


def test_a_run_that_was_never_validated_has_no_figure_anywhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = dataclasses.replace(
        EPOCH, accuracy=0.0, balanced_accuracy=0.0, confusion=((0, 0), (0, 0)), interval=(0.0, 1.0)
    )
    run = Run.create(tmp_path, "parts", Recipe(data="parts"))
    history = History()
    with Recorder(run) as recorder:
        history.add([recorder.emit(STARTED), recorder.emit(empty), recorder.emit(RunEnded("finished", "Done."))])
    assert history.best is None and len(history.epochs) == 1
    assert run.epochs_path.read_text().splitlines()[1].split(",")[3:] == [""] * 6 + ["1"]
    assert cli.main(["runs", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "not validated" in out and "0.000" not in out
    assert cli.main(["runs", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["best_balanced_accuracy"] is None


def test_runs_names_the_run_whose_recipe_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "runs/torn").mkdir(parents=True)
    (tmp_path / "runs/torn/recipe.toml").write_text("[data")
    assert cli.main(["runs", str(tmp_path / "runs")]) == 0
    assert "“torn”: “recipe.toml” is not TOML" in capsys.readouterr().err


def test_resuming_a_run_that_finished_says_so(
    asked: list[requests.Train],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert _train(tmp_path) == 0
    monkeypatch.setattr(jobs, "run", lambda request, ctx: DONE)
    assert cli.main(["resume", str(_only(tmp_path).folder)]) == 0
    assert "This Run finished already" in capsys.readouterr().err


def test_the_licence_of_what_a_run_grows_from_is_said() -> None:
    words = words_of(dataclasses.replace(STARTED, licence="CC-BY-NC-4.0"), History())
    assert "It grows from weights with the licence CC-BY-NC-4.0." in words


def test_what_the_images_are_like_and_which_stay_together_is_said_before_the_warnings() -> None:
    said = ("Images of 150 x 150 pixels, grey.", "Images that look alike stay together.")
    words = words_of(dataclasses.replace(STARTED, data=said, warnings=("Few Images.",)), History())
    assert words[-3:] == (*said, "Few Images.")


def test_a_learning_rate_is_found_without_making_a_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def serve(request: object, ctx: JobContext) -> object:
        if isinstance(request, requests.CheckDataSet):
            return DataSetCard(request.recipe.data, (), (), {})
        assert isinstance(request, requests.FindLearningRate)
        ctx.emit(Progressed("full", 60, 60))
        return SimpleNamespace(reason="The loss fell most steeply there.", suggestion=2.5e-4)

    monkeypatch.setattr(jobs, "run", serve)
    assert _train(tmp_path, "--find-rate") == 0
    out, err = capsys.readouterr()
    assert out == "learning_rate=0.00025\n"
    assert "60 of 60 steps tried" in err and "fell most steeply" in err
    assert not (tmp_path / "runs").exists()
