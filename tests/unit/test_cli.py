"""The command line's contract: what goes where, exit codes, and no traceback for a user's mistake."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from convnext_studio import __version__, cli, gui
from convnext_studio.core import events, jobs, requests
from convnext_studio.core.context import JobContext
from convnext_studio.core.errors import MissingWeights, StorageError
from convnext_studio.core.models.card import Card
from convnext_studio.core.values import ImageRef, ModelRef, Prediction, Preprocessing

PREPROCESSING = Preprocessing(64, 64, "squash", "bicubic", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three names of Images; what is in them does not matter to a made-up Job."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a.png", "b.png", "-rf.png"):
        (folder / name).write_bytes(b"x")
    return folder


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[requests.Classify]:
    """Put a Job without torch in the place of `classify`; return the Requests it gets."""
    got: list[requests.Classify] = []

    def classify(request: requests.Classify, ctx: JobContext) -> events.ClassifySummary:
        got.append(request)
        if request.model.name == "absent":
            raise MissingWeights("The weights of absent are not on this machine.", "Download them.")
        for image in reversed(request.images):
            ctx.check()
            is_bad = "b.png" in image.path
            good = Prediction(image, ("cat", "dog"), (0.75, 0.25), 0.5, 1.0)
            ctx.emit(events.ImagesClassified((Prediction(image, error="Cut off.") if is_bad else good,)))
            if request.model.name == "stops":
                ctx.cancel.set()
        ctx.check()
        return events.ClassifySummary(len(request.images), 0, 1.0)

    run = jobs.run
    monkeypatch.setattr(jobs, "run", lambda r, c: classify(r, c) if isinstance(r, requests.Classify) else run(r, c))
    return got


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_results_go_to_stdout_in_the_order_found_and_progress_to_stderr(
    folder: Path, quick: list[requests.Classify], capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "b.png").unlink()
    assert cli.main(["classify", str(folder), "--top", "2", "--engine", "torch", "--fit", "crop"]) == 0
    out, err = capsys.readouterr()
    assert [Path(row["path"]).name for row in _rows(out)] == ["-rf.png", "a.png"]
    assert _rows(out)[0]["class_1"] == "cat"
    assert "2 of 2 images classified" in err
    (request,) = quick
    assert (request.model, request.top, request.fit) == (ModelRef("sample"), 2, "crop")
    assert request.execution.engine == "torch"


def test_inputs_that_fail_are_listed_with_their_reason_and_the_code_is_1(
    folder: Path, quick: list[requests.Classify], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "out.json"
    assert cli.main(["classify", str(folder), str(tmp_path / "gone"), "--out", str(out)]) == 1
    printed, err = capsys.readouterr()
    assert printed == ""
    assert "b.png: Cut off." in err and "gone” is not there." in err
    assert len(json.loads(out.read_text())) == 3


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["classify"], 2, "PATH"),
        (["classify", ".", "--top", "0"], 2, "1 or more"),
        (["classify", ".", "--top", "many"], 2, "1 or more"),
        (["classify", ".", "--top", "1000000000"], 2, "at the most"),
        (["classify", ".", "--max-megapixels", "nan"], 2, "above 0"),
        (["classify", ".", "--max-megapixels", "-1"], 2, "above 0"),
        (["classify", ".", "--device", "toaster"], 2, "toaster"),
        (["classify", ".", "--out", "out.xls"], 2, ".csv, .json or .parquet"),
        (["classify", ".", "--out", "no/such/out.csv"], 3, "does not exist"),
        (["n" * 300], 2, "invalid choice"),
        (["classify", "nowhere"], 3, "No images were found"),
        (["classify", "."], 3, "No images were found"),
        (["dance"], 2, "dance"),
        (["sample", "here", "--count", "0"], 2, "0 sample images"),
    ],
)
def test_a_mistake_is_one_sentence_and_a_code(
    arguments: list[str], code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        found = cli.main(arguments)
    except SystemExit as end:
        found = int(str(end.code))
    out, err = capsys.readouterr()
    assert found == code
    assert says in err and "Traceback" not in err
    assert out == ""


def test_a_place_that_cannot_be_written_is_found_before_the_work_starts(
    folder: Path, quick: list[requests.Classify], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["classify", str(folder), "--out", str(folder / "no" / "out.csv")]) == 3
    assert cli.main(["classify", str(folder), "--out", str(folder)]) == 2
    assert cli.main(["classify", str(folder), "--out", str(folder / f"{'n' * 300}.csv")]) == 3
    assert not quick


def test_missing_weights_say_what_to_do_and_the_code_is_3(
    folder: Path, quick: list[requests.Classify], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["classify", str(folder), "--model", "absent"]) == 3
    assert "not on this machine. Download them." in capsys.readouterr().err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("end", ["/dev/full", "a closed pipe"])
def test_output_that_cannot_be_written_is_one_sentence_or_none(end: str) -> None:
    command = [sys.executable, "-m", "convnext_studio", "models", "--json"]
    if end == "/dev/full":
        with Path(end).open("w") as full:
            done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, cwd=_root(), check=False)
        assert (done.returncode, done.stderr.count("\n")) == (3, 1)
        assert "no space left" in done.stderr
    else:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=_root()) as process:
            assert process.stdout and process.stderr
            process.stdout.close()
            assert (process.stderr.read(), process.wait()) == (b"", 0)


@pytest.mark.parametrize("name", ["stähle", "\udcff"])
def test_the_folder_is_told_byte_for_byte_whatever_letters_the_system_has(name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "convnext_studio", "sample", str(tmp_path / name), "--count", "1", "--size", "64"]
    environment = os.environ | {"PYTHONIOENCODING": "ascii:strict"}
    done = subprocess.run(command, capture_output=True, cwd=_root(), env=environment, check=False)
    assert (done.returncode, done.stdout) == (0, os.fsencode(tmp_path / name / "images") + b"\n"), done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("end", ["/dev/full", "a closed pipe", "nothing"])
def test_work_goes_on_where_nobody_listens_to_its_progress(end: str, tmp_path: Path) -> None:
    folder = tmp_path / "metal"
    command = [sys.executable, "-m", "convnext_studio", "sample", str(folder), "--count", "2", "--size", "64"]
    if end == "nothing":
        command = ["sh", "-c", 'exec "$@" 2>&- >&-', "sh", *command]
    reader, writer = os.pipe()
    os.close(reader)
    with Path("/dev/full").open("w") as full:
        said = {"/dev/full": full, "a closed pipe": writer, "nothing": None}[end]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=said, text=True, cwd=_root(), check=False)
    os.close(writer)
    assert done.returncode == 0, done
    assert len(list((folder / "images").rglob("*.png"))) == 2


def test_a_stop_keeps_what_is_done_and_the_code_is_130(
    folder: Path, quick: list[requests.Classify], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "out.csv"
    assert cli.main(["classify", str(folder), "--model", "stops", "--out", str(out)]) == 130
    assert len(_rows(out.read_text())) == 1
    assert "Stopped: 1 of 3" in capsys.readouterr().err


def test_a_name_that_begins_with_a_dash_is_a_file_after_two_dashes(
    folder: Path, quick: list[requests.Classify], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    assert cli.main(["classify", "--", "-rf.png"]) == 0
    assert quick[0].images == (ImageRef(str(folder / "-rf.png")),)


def test_names_that_look_like_options_are_files_where_a_pattern_brought_them_in(
    folder: Path, quick: list[requests.Classify], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("--help.png", "--out=stolen.csv", "-rf.png")
    for name in names:
        (folder / name).write_bytes(b"x")
    monkeypatch.chdir(folder)
    assert cli.main(["classify", *names, "--top", "1"]) == 0
    assert [Path(one.path).name for one in quick[0].images] == list(names)
    assert (folder / "--out=stolen.csv").read_bytes() == b"x"


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\0"])
def test_names_may_come_from_standard_input(
    end: bytes, folder: Path, quick: list[requests.Classify], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [os.fsencode(folder / name) for name in ("-rf.png", "a.png")]
    if end == b"\0":
        names.append(os.fsencode(folder / "two\nlines.png"))
        (folder / "two\nlines.png").write_bytes(b"x")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"".join(name + end for name in names))))
    assert cli.main(["classify", "-"]) == 0
    assert [os.fsencode(one.path) for one in quick[0].images] == names


def test_results_that_cannot_be_kept_where_they_should_go_to_standard_output(
    folder: Path, quick: list[requests.Classify], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = jobs.run

    def full(request: object, ctx: JobContext) -> object:
        if isinstance(request, requests.SaveResults):
            raise StorageError("The disk is full.", "Free some space.")
        return run(request, ctx)

    monkeypatch.setattr(jobs, "run", full)
    assert cli.main(["classify", str(folder), "--out", str(folder / "out.csv")]) == 3
    out, err = capsys.readouterr()
    assert len(_rows(out)) == 3
    assert "The disk is full. Free some space. Standard output gets the results instead" in err


def test_oddities_of_images_are_told_once_each_and_what_is_passed_over_is_counted(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "notes.txt").write_bytes(b"x")
    run = jobs.run

    def classify(request: object, ctx: JobContext) -> object:
        if not isinstance(request, requests.Classify):
            return run(request, ctx)
        done = [Prediction(one, ("cat",), (1.0,), 1.0, 1.0, note="Frame 1 of 3.") for one in request.images]
        ctx.emit(events.ImagesClassified(tuple(done)))
        return events.ClassifySummary(len(done), 0, 1.0)

    monkeypatch.setattr(jobs, "run", classify)
    assert cli.main(["classify", str(folder)]) == 0
    err = capsys.readouterr().err
    assert err.count("Frame 1 of 3.") == 1
    assert re.search(r"^3 of the images, such as .+\.png: Frame 1 of 3\.$", err, re.MULTILINE)
    assert "Passed over (not pictures by their names): 1" in err


def test_a_name_cannot_command_the_terminal(
    folder: Path, quick: list[requests.Classify], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "\x1b[2Jb.png").write_bytes(b"x")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    cli.main(["classify", str(folder)])
    assert "\x1b" not in "".join(capsys.readouterr())
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False, raising=False)
    cli.main(["classify", str(folder)])
    assert "\x1b[2Jb.png" in capsys.readouterr().out  # whoever reads a table needs the very name


def test_models_are_listed_with_the_agreed_fields_without_torch(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(jobs, "run", lambda request, ctx: {"convnext_atto.d2_in1k": object()})
    assert cli.main(["models", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    fields = (
        "name architecture family parameters gmacs input_size top1 training_data licence commercial_use classes on_disk"
    )
    assert all(set(row) == set(fields.split()) for row in rows)
    assert [row["name"] for row in rows if row["on_disk"]] == ["convnext_atto.d2_in1k"]
    assert cli.main(["models", "--json", "--commercial"]) == 0
    free = json.loads(capsys.readouterr().out)
    assert 0 < len(free) < len(rows) and all(row["commercial_use"] is True for row in free)
    assert cli.main(["models"]) == 0
    assert "convnext_atto.d2_in1k" in capsys.readouterr().out


def test_without_a_screen_the_window_says_so_and_offers_the_command_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    assert cli.main([]) == 3
    assert "convnext-studio classify" in capsys.readouterr().err


def test_without_qt_the_window_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    monkeypatch.setitem(sys.modules, "convnext_studio.gui.app", None)
    monkeypatch.delattr(gui, "app", raising=False)  # where another test has imported it, the package holds it too
    assert cli.main(["gui", "photo.png"]) == 3
    assert "convnext-studio[gui]" in capsys.readouterr().err


def test_paths_alone_open_the_window(folder: Path) -> None:
    assert cli._with_command([str(folder)]) == ["gui", str(folder)]
    assert cli._with_command([]) == ["gui"]
    assert cli._with_command(["--safe-mode", "x"]) == ["gui", "--safe-mode", "x"]
    assert cli._with_command(["classify", "x"]) == ["classify", "x"]


@pytest.mark.parametrize("command", [[], ["classify"], ["models"], ["sample"]])
def test_help_teaches_with_examples(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main([*command, "--help"])
    assert end.value.code == 0
    assert "examples:" in capsys.readouterr().out


def test_help_and_version_start_without_torch_numpy_or_qt() -> None:
    code = (
        "import sys, convnext_studio.cli; print([n for n in ('torch', 'numpy', 'PIL', 'PySide6') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=_root())
    assert done.stdout.strip() == "[]"


def test_version_and_info_say_what_runs_here(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert __version__ in capsys.readouterr().out
    assert cli.main(["--info"]) == 0
    out = capsys.readouterr().out
    assert "torch " in out and "cpu: " in out


@pytest.mark.parametrize(("by", "code"), [(signal.SIGINT, 130), (signal.SIGHUP, 129)])
def test_ctrl_c_and_a_closed_terminal_stop_a_real_run_and_leave_a_partial_table(
    by: signal.Signals, code: int, tmp_path: Path
) -> None:
    from PIL import Image

    model, folder, out = tmp_path / "m.safetensors", tmp_path / "in", tmp_path / "out.csv"
    _save_tiny(model)
    folder.mkdir()
    Image.new("RGB", (1200, 900), (90, 120, 40)).save(folder / "0.png")
    for number in range(1, 400):
        (folder / f"{number}.png").write_bytes((folder / "0.png").read_bytes())
    command = [sys.executable, "-m", "convnext_studio", "classify", str(folder), "--model", str(model)]
    command += ["--out", str(out), "--engine", "torch", "--precision", "fp32"]
    before = signal.signal(by, signal.SIG_DFL)  # under nohup it would be ignored by all that we start
    try:
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=_root())
    finally:
        signal.signal(by, before)
    assert process.stderr is not None
    try:
        seen = ""
        while "classes" not in seen:
            line = process.stderr.readline()
            assert line, seen
            seen += line
        process.send_signal(by)
        rest = process.stderr.read()
        assert process.wait(20) == code, seen + rest
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
    assert "Traceback" not in rest and "Stopped" in rest
    assert not out.exists() or 0 < len(_rows(out.read_text())) < 400


def _save_tiny(path: Path) -> None:
    from convnext_studio.core.models.architecture import build
    from convnext_studio.core.models.model_file import save_model_file

    save_model_file(path, build("test_convnext", 2), Card("test_convnext", ("good", "bad"), PREPROCESSING))


def _root() -> Path:
    return Path(__file__).resolve().parents[2]
