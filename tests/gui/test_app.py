"""The program from start to end, as a process of its own: it starts whatever its home is like, and ends cleanly."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QTimer

from convnext_studio.core.values import Execution
from convnext_studio.gui.app import App, main
from convnext_studio.gui.settings import SettingsStore
from convnext_studio.gui.stores.places import usual_places

ROOT = Path(__file__).resolve().parents[2]
END_S = 5.0

CHILD = """
import sys
from PySide6.QtCore import QTimer
from convnext_studio.gui.app import main

def ready(app):
    said = app.studio.messages.posted
    said.connect(lambda message: print(message.kind, message.fact, flush=True))
    app.studio.library.counts_changed.connect(lambda: print("images", app.studio.library.total, flush=True))
    app._say_what_is_wrong()
    print("ready", "torch" in sys.modules, app.window.isVisible(), flush=True)
    {then}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], ready))
"""


class Program:
    """A started window and what it prints."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []

    def wait_for(self, word: str) -> str:
        """The next line that begins with `word`."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.strip())
            if line.startswith(word):
                return line.strip()
        raise AssertionError(
            f"{word!r} did not come: {self.lines} {self.process.stderr and self.process.stderr.read()}"
        )

    def end(self) -> tuple[int, float, str]:
        """Exit code, seconds until the end, and what was on stderr."""
        began = time.monotonic()
        _, errors = self.process.communicate(timeout=30)
        return self.process.returncode, time.monotonic() - began, errors


@pytest.fixture
def start(tmp_path: Path, own_home: Path) -> Iterator[object]:
    programs: list[Program] = []

    def begin(*paths: str, then: str = "pass", **env: str) -> Program:
        script = tmp_path / "child.py"
        script.write_text(CHILD.format(then=then))
        wanted = {**os.environ, "PYTHONPATH": str(ROOT), "QT_QPA_PLATFORM": "offscreen", **env}
        wanted = {name: value for name, value in wanted.items() if value != "unset"}
        process = subprocess.Popen(
            [sys.executable, str(script), *paths], env=wanted, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        programs.append(Program(process))
        return programs[-1]

    yield begin
    for program in programs:
        if program.process.poll() is None:
            program.process.kill()
        program.process.communicate()


def test_the_window_is_there_without_torch_and_closes_while_the_model_loads(start: object) -> None:
    program = start(then="QTimer.singleShot(0, app.window.close)")
    assert program.wait_for("ready") == "ready False True"
    code, seconds, errors = program.end()
    assert code == 0, errors
    assert seconds < END_S
    assert "QThread" not in errors
    assert "Traceback" not in errors


def test_the_size_of_words_and_tools_holds_from_the_next_start(start: object, own_home: Path) -> None:
    SettingsStore(usual_places().settings).update(scale=150)
    program = start(then="print('ratio', app.window.devicePixelRatioF(), flush=True); app.window.close()")
    assert program.wait_for("ratio") == "ratio 1.5"
    assert program.end()[0] == 0


def test_a_scale_given_to_qt_goes_before_the_setting(start: object, own_home: Path) -> None:
    SettingsStore(usual_places().settings).update(scale=150)
    then = "print('ratio', app.window.devicePixelRatioF(), flush=True); app.window.close()"
    program = start(then=then, QT_SCALE_FACTOR="2")
    assert program.wait_for("ratio") == "ratio 2.0"
    assert program.end()[0] == 0


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(start: object, number: signal.Signals) -> None:
    program = start()
    program.wait_for("ready")
    program.process.send_signal(number)
    code, seconds, errors = program.end()
    assert code == 0, errors
    assert seconds < END_S


@pytest.mark.skipif(os.name != "posix", reason="rights as POSIX has them")
def test_a_home_where_nothing_can_be_written_is_told_and_borne(start: object, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    nowhere = str(tmp_path / "file" / "home")
    program = start(
        then="QTimer.singleShot(0, app.window.close)",
        HOME=nowhere,
        XDG_CONFIG_HOME="unset",
        XDG_DATA_HOME="unset",
        XDG_STATE_HOME="unset",
        XDG_CACHE_HOME="unset",
        XDG_RUNTIME_DIR="unset",
    )
    assert program.wait_for("warning") == "warning This start cannot be remembered."
    code, _, errors = program.end()
    assert code == 0, errors


def test_a_broken_settings_file_is_told_once(start: object, own_home: Path) -> None:
    folder = Path(os.environ["XDG_CONFIG_HOME"]) / "convnext-studio"
    folder.mkdir(parents=True)
    (folder / "settings.json").write_bytes(b"\xff\x00")
    program = start(then="QTimer.singleShot(0, app.window.close)")
    assert program.wait_for("warning") == "warning The settings file could not be read."
    assert program.end()[0] == 0
    assert list(folder.glob("*.backup"))


def test_a_second_start_hands_its_paths_to_the_first(start: object, tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.png").write_bytes(b"not a picture, but named like one")
    first = start()
    first.wait_for("ready")
    second = start(str(tmp_path / "pictures"))
    code, _, errors = second.end()
    assert (code, second.lines) == (0, []), errors
    first.wait_for("images 1")
    first.process.terminate()
    assert first.end()[0] == 0


def test_the_window_can_be_shown_twice_in_one_process(qapp: object) -> None:
    seen = []

    def close_soon(app: App) -> None:
        seen.append(app.window.isVisible())
        QTimer.singleShot(0, app.window, app.window.close)

    assert [main([], close_soon), main([], close_soon)] == [0, 0]
    assert seen == [True, True]


def test_a_reset_begins_anew_and_keeps_the_old_settings_beside(qapp: object, caplog: pytest.LogCaptureFixture) -> None:
    places = usual_places()
    SettingsStore(places.settings).update(top=7)
    found: list[int] = []

    def look(app: App) -> None:
        found.append(app.studio.settings.value.top)
        QTimer.singleShot(0, app.window, app.window.close)

    assert main([], look, is_reset=True) == 0
    assert found == [5] and "Settings, keys and layout are as at the first start." in caplog.text
    (kept,) = places.config.glob("settings.*.backup")
    assert '"top": 7' in kept.read_text()


def test_safe_mode_takes_nothing_that_was_set_and_leaves_it_as_it_is(qapp: object) -> None:
    places = usual_places()
    SettingsStore(places.settings).update(top=7, engine="openvino")
    before = places.settings.read_bytes()
    found: list[object] = []

    def look(app: App) -> None:
        found.extend([app.studio.classifier.execution, app.studio.settings.value.top, app.studio.places.config])
        app.studio.settings.update(top=3)
        QTimer.singleShot(0, app.window, app.window.close)

    assert main([], look, is_safe=True) == 0
    assert found[:2] == [Execution("cpu", "fp32", "torch"), 5]
    assert places.settings.read_bytes() == before
    assert not Path(str(found[2])).exists()
