"""However and whenever the window ends, it ends cleanly and soon, and its Engine with it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.guards import wait_until

pytestmark = pytest.mark.skipif(os.name == "nt", reason="uses POSIX signals")

ROOT = Path(__file__).parents[2]
STATES = (
    "idle",
    "starting",
    "importing",
    "scanning",
    "busy",
    "reporting",
    "hung",
    "the interpreter held",
    "dead",
    "frozen",
    "forgotten",
)


def window(state: str) -> tuple[subprocess.Popen[str], int]:
    """Start the program; return it and the process id of its Engine."""
    script = Path(__file__).with_name("window_that_ends.py")
    program = subprocess.Popen(
        [sys.executable, str(script), state],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert program.stdout is not None
    return program, int(program.stdout.readline())


@pytest.mark.parametrize("state", STATES)
def test_the_window_ends_with_code_zero_within_five_seconds_while_its_engine_is(state: str) -> None:
    program, engine = window(state)
    assert program.stdout is not None
    program.stdout.readline()  # "ready", or the end
    since = time.monotonic()
    _, errors = program.communicate(timeout=60)
    assert program.returncode == 0
    assert time.monotonic() - since < 0.8 + 5.0
    assert "QThread" not in errors
    assert "Traceback" not in errors
    assert wait_until(lambda: not psutil.pid_exists(engine))


@pytest.mark.parametrize("state", ["is killed", "the interpreter held", "hung"])
def test_the_engine_never_outlives_a_window_that_is_killed(state: str) -> None:
    program, engine = window(state)
    assert program.stdout is not None
    program.stdout.readline()
    program.kill()
    program.communicate()
    assert wait_until(lambda: not psutil.pid_exists(engine), 5.0)


def test_a_script_that_imports_qt_at_its_top_does_not_bring_it_into_the_engine() -> None:
    program, _ = window("modules")
    names, _ = program.communicate(timeout=60)
    assert "convnext_studio" in names.split()
    assert not {"PySide6", "shiboken6"} & set(names.split())


@pytest.mark.parametrize(
    "command", [["-m", "convnext_studio"], [str(Path(sys.executable).with_name("convnext-studio"))]]
)
def test_the_program_itself_ends_its_engine_when_it_is_asked_to_end(command: list[str]) -> None:
    program = psutil.Popen([sys.executable, *command], env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert wait_until(lambda: len(_engines(program)) == 1, 60.0)
    (engine,) = _engines(program)
    assert wait_until(lambda: len(engine.threads()) > 5, 60.0)  # its Lanes are served
    since = time.monotonic()
    program.terminate()
    assert program.wait(timeout=60) in (0, 143)
    assert time.monotonic() - since < 5.0
    assert wait_until(lambda: not engine.is_running())


def _engines(program: psutil.Process) -> list[psutil.Process]:
    return [child for child in program.children() if "spawn_main" in " ".join(child.cmdline())]
