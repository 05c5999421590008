"""Each guard bites: a small test that misbehaves fails, and names what it left."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = "pytester"
ROOT = Path(__file__).parents[2]

HABITS = {
    "log": ("import logging; logging.getLogger('lens').warning('it is fogged')", "lens: it is fogged"),
    "a connection": (
        "import socket; s = socket.socket(); trip(s); s.close()",
        "192.0.2.1",
    ),
    "a look-up": (
        "import socket\n    with pytest.raises(OSError): socket.getaddrinfo('example.invalid', 80)",
        "example.invalid",
    ),
    "a message": ("Messages().error('It is torn.', 'Take another.')", "error: It is torn. Take another."),
    "a thread": (
        "import threading, time; threading.Thread(target=time.sleep, args=(3,), name='sleeper').start()",
        "sleeper",
    ),
    "a process": ("import subprocess; kept.append(subprocess.Popen(['sleep', '60']))", "sleep 60"),
    "a timer": ("timer = QTimer(qapp, interval=77); timer.start()", "QTimer outlives its test (77 ms)"),
    "a QThread": ("t = QThread(qapp, objectName='spinner'); t.start(); kept.append(t)", "spinner"),
    "a window": ("w = QWidget(objectName='orphan'); kept.append(w)", "orphan"),
    "a Qt warning": ("qWarning('paint is wet')", "paint is wet"),
}

PREAMBLE = """
import pytest
from PySide6.QtCore import QThread, QTimer, qWarning
from PySide6.QtWidgets import QWidget
from convnext_studio.gui.messages import Messages
kept = []
def trip(s):
    with pytest.raises(OSError): s.connect(('192.0.2.1', 80))
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeconftest("from tests.conftest import *")
    pytester.makeini("[pytest]\nqt_api = pyside6\nqt_log_level_fail = WARNING\n")
    return pytester


def test_each_bad_habit_fails_its_test_and_is_named(project: pytest.Pytester) -> None:
    bodies = (f"def test_{n}(qapp):\n    {code}\n" for n, (code, _) in enumerate(HABITS.values()))
    project.makepyfile(PREAMBLE + "\n".join(bodies) + "\ndef test_well_behaved(qapp): pass\n")
    text = project.runpytest_subprocess("-rEf").stdout.str()
    assert [habit for habit, (_, sign) in HABITS.items() if sign not in text] == []
    for n, habit in enumerate(HABITS):
        assert any(line.startswith(("ERROR", "FAILED")) and f"test_{n}" in line for line in text.splitlines()), (
            habit,
            text,
        )
    assert "test_well_behaved" not in text


def test_what_was_announced_passes_and_must_come(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import logging
        def test_announced(expect_log):
            expect_log("fogged")
            logging.getLogger("lens").error("it is fogged")
        def test_announced_in_vain(expect_log):
            expect_log("fogged")
        """
    )
    result = project.runpytest_subprocess("-rE")
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*expected log record did not come: fogged*"])


def test_each_test_has_an_empty_home_of_its_own(tmp_path: Path, own_home: Path) -> None:
    assert Path.home() == own_home
    assert Path.cwd() == own_home / "work"
    assert not list((own_home / "work").iterdir())
