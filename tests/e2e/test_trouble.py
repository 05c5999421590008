"""What goes wrong around the window while it works: the Engine dies, the user leaves, the program is started again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from convnext_studio.gui.app import App
from tests.e2e.conftest import BROKEN, GOOD
from tests.e2e.driver import Until, drop, is_done, run_program

CLOSED_WITHIN_S = 5.0


def test_a_killed_engine_is_replaced_and_the_job_goes_on_to_its_end(
    thousand: Path, quick_settings: Path, monkeypatch: pytest.MonkeyPatch, expect_log: Callable[[str], None]
) -> None:
    expect_log("The Engine was killed")
    pids: list[int] = []

    def script(app: App) -> Generator[Until, None, None]:
        library = app.studio.library
        drop(app, thousand)
        yield lambda: library.classified >= 20
        assert app.host.pid is not None
        pids.append(app.host.pid)
        os.kill(pids[0], signal.SIGKILL)
        yield is_done(app, GOOD + BROKEN)
        assert app.host.pid not in {None, pids[0]}
        assert (library.classified, library.errors) == (GOOD, BROKEN)
        assert not any("crash" in prediction.error.lower() for prediction in library.predictions())

    outcome = run_program(monkeypatch, ["gui"], script)
    assert outcome.code == 0
    assert any("started again" in fact for fact in outcome.messages)


def test_a_drive_that_is_gone_for_a_while_pauses_the_run_and_costs_no_image(
    thousand: Path,
    tmp_path: Path,
    quick_settings: Path,
    monkeypatch: pytest.MonkeyPatch,
    expect_message: Callable[[str], None],
) -> None:
    expect_message("cannot be reached any more")
    drive, away = tmp_path / "drive", tmp_path / "unplugged"
    shutil.copytree(thousand, drive)

    def script(app: App) -> Generator[Until, None, None]:
        library, classifier = app.studio.library, app.studio.classifier
        drop(app, drive)
        yield lambda: not library.is_finding and library.classified >= 20
        assert classifier.state == "classifying"
        drive.rename(away)
        gone_at = time.monotonic()
        yield lambda: classifier.state == "ready"
        assert time.monotonic() - gone_at <= 5
        assert library.errors <= BROKEN and library.waiting > 0
        away.rename(drive)
        app.actions["classify"].trigger()
        yield is_done(app, GOOD + BROKEN)
        assert (library.classified, library.errors) == (GOOD, BROKEN)

    outcome = run_program(monkeypatch, ["gui"], script)
    assert outcome.code == 0
    assert [f"“{drive}” cannot be reached any more: classifying is paused."] == [
        fact for fact in outcome.messages if "reached" in fact
    ]


@pytest.mark.parametrize(
    ("moment", "numbers"),
    [
        ("loading", (signal.SIGKILL,)),
        ("classifying", (signal.SIGKILL, signal.SIGSTOP)),
    ],
)
def test_an_engine_that_ends_at_an_odd_moment_or_again_costs_no_image(
    moment: str,
    numbers: tuple[int, ...],
    thousand: Path,
    quick_settings: Path,
    monkeypatch: pytest.MonkeyPatch,
    expect_log: Callable[[str], None],
) -> None:
    expect_log("The Engine ")

    def script(app: App) -> Generator[Until, None, None]:
        library, classifier = app.studio.library, app.studio.classifier
        if moment == "classifying":
            drop(app, thousand)
            yield lambda: library.classified >= 20
        else:
            yield lambda: classifier.state == "loading" and app.host.is_ready
            drop(app, thousand)
        for number in numbers:
            yield lambda: app.host.is_ready and app.host.pid is not None
            pid = app.host.pid
            assert pid is not None
            os.kill(pid, number)
            yield lambda pid=pid: app.host.pid not in (pid, None)  # type: ignore[misc]
        yield is_done(app, GOOD + BROKEN)
        assert (library.classified, library.errors) == (GOOD, BROKEN)
        assert not any("engine" in prediction.error.lower() for prediction in library.predictions())

    assert run_program(monkeypatch, ["gui"], script).code == 0


def _running(app: App, folder: Path) -> Until:
    drop(app, folder)
    return lambda: app.studio.classifier.state == "classifying" and app.studio.library.classified >= 1


def _loading(app: App, folder: Path) -> Until:
    return lambda: app.studio.classifier.state == "loading" and app.host.is_ready


def _starting(app: App, folder: Path) -> Until:
    return lambda: True


def _scanning(app: App, folder: Path) -> Until:
    app.studio.open_paths(("/",))
    return lambda: app.studio.library.is_finding


@pytest.mark.parametrize("reach", [_running, _loading, _starting, _scanning])
def test_closing_the_window_ends_the_program_cleanly(
    reach: Callable[[App, Path], Until], thousand: Path, quick_settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def script(app: App) -> Generator[Until, None, None]:
        yield reach(app, thousand)

    outcome = run_program(monkeypatch, ["gui"], script)
    assert outcome.code == 0
    assert outcome.closing_s <= CLOSED_WITHIN_S


def test_a_second_start_hands_its_paths_to_the_window_that_is_open(
    thousand: Path, quick_settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = thousand / "day 1"
    images = sum(path.is_file() for path in folder.rglob("*"))

    def script(app: App) -> Generator[Until, None, None]:
        command = [sys.executable, "-m", "convnext_studio", "gui", str(folder)]
        second = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": _root()}, stderr=subprocess.PIPE)
        yield lambda: second.poll() is not None
        said = second.communicate()[1].decode()
        assert second.returncode == 0, said
        yield lambda: app.studio.library.total == images
        assert app.studio.recent.places[0].path == str(folder)

    assert run_program(monkeypatch, ["gui"], script).code == 0


def _root() -> str:
    return str(Path(__file__).resolve().parents[2])
