"""The second start hands its paths to the first; nobody else can, and nothing else gets through."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from convnext_studio.gui import single_instance
from convnext_studio.gui.single_instance import SingleInstance

ROOT = Path(__file__).parents[2]
START = """
import sys
from PySide6.QtCore import QCoreApplication
from convnext_studio.gui.single_instance import SingleInstance
app = QCoreApplication([])
instance = SingleInstance()
print(instance.hand_over(sys.argv[1:]), flush=True)
if sys.stdin.readline() == "serve\\n":
    sys.exit(app.exec())
"""


def start(*paths: str) -> subprocess.Popen[str]:
    """Start another program that was given `paths`; it waits for its stdin to end."""
    return subprocess.Popen(
        [sys.executable, "-c", START, *paths],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


def has_ended(program: subprocess.Popen[str]) -> bool:
    return program.poll() is not None


@pytest.fixture
def first(qapp: object) -> Iterator[SingleInstance]:
    instance = SingleInstance()
    assert not instance.hand_over([])
    yield instance
    instance.close()


def told_by(qtbot: QtBot, first: SingleInstance, *paths: str) -> list[str]:
    """What the first window hears when another start is given `paths`."""
    heard: list[list[str]] = []
    first.received.connect(heard.append)
    program = start(*paths)
    qtbot.waitUntil(lambda: bool(heard), timeout=20_000)
    answer, _ = program.communicate(timeout=20)
    assert answer == "True\n"
    return heard[0]


def test_the_first_window_hears_the_paths_made_absolute(qtbot: QtBot, first: SingleInstance) -> None:
    assert told_by(qtbot, first, "a.png", "/b/ü 😀.png") == [str(Path.cwd() / "a.png"), "/b/ü 😀.png"]


@pytest.mark.skipif(sys.platform != "linux", reason="such names exist on Linux only")
def test_a_name_that_is_no_unicode_survives(qtbot: QtBot, first: SingleInstance) -> None:
    name = os.fsdecode(b"/photos/\xff\xfe.png")
    assert told_by(qtbot, first, name) == [name]


def test_a_start_without_paths_asks_for_the_window(qtbot: QtBot, first: SingleInstance) -> None:
    assert told_by(qtbot, first) == []


def test_after_the_first_has_closed_the_next_becomes_the_first(qtbot: QtBot, first: SingleInstance) -> None:
    first.close()
    second = SingleInstance()
    assert not second.hand_over([])
    assert told_by(qtbot, second, "/c.png") == ["/c.png"]
    second.close()


@pytest.mark.skipif(os.name == "nt", reason="POSIX sockets")
def test_what_a_killed_window_left_does_not_stand_in_the_way(qtbot: QtBot) -> None:
    program = start()
    assert program.stdout is not None
    assert program.stdout.readline() == "False\n"
    program.send_signal(signal.SIGKILL)
    program.communicate()
    instance = SingleInstance()
    assert not instance.hand_over([])
    assert told_by(qtbot, instance, "/d.png") == ["/d.png"]
    instance.close()


@pytest.mark.skipif(os.name == "nt", reason="POSIX sockets")
def test_a_first_window_that_hangs_does_not_keep_the_second_from_opening(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(single_instance, "ANSWER_MS", 300)
    program = start()
    assert program.stdout is not None
    assert program.stdout.readline() == "False\n"  # it listens, but its event loop never runs
    second = SingleInstance()
    assert not second.hand_over(["/e.png"])
    second.close()
    program.communicate()


def meeting_place() -> Path:
    folder = single_instance._private_folder()
    assert folder is not None
    return folder / "convnext-studio.socket"


@pytest.mark.skipif(os.name == "nt", reason="POSIX sockets")
@pytest.mark.parametrize(
    "data",
    [
        b"\n",
        b"[]\n",
        b"\xff\xff\n",
        b'{"version": 2, "paths": []}\n',
        b'{"version": 1}\n',
        b'{"version": 1, "paths": [7]}\n',
        b'{"version": 1, "paths": ["a\\u0000b"]}\n',
        b"9" * (9 << 20),
        b"[" * 100_000 + b"\n",
    ],
    ids=["nothing", "list", "bytes", "a later version", "no paths", "numbers", "a zero byte", "too much", "too deep"],
)
def test_what_is_not_our_message_is_dropped_without_an_answer(qtbot: QtBot, first: SingleInstance, data: bytes) -> None:
    heard: list[object] = []
    first.received.connect(heard.append)
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.connect(str(meeting_place()))
        stranger.setblocking(False)
        left, answer = data, [b"?"]

        def is_refused() -> bool:
            nonlocal left
            try:
                while left:
                    left = left[stranger.send(left) :]
                answer[0] = stranger.recv(10)
            except BlockingIOError:
                return False
            except (BrokenPipeError, ConnectionResetError):
                answer[0] = b""
            return answer[0] != b"?"

        qtbot.waitUntil(is_refused, timeout=20_000)
    assert answer == [b""]
    assert heard == []


@pytest.mark.skipif(os.name == "nt", reason="POSIX sockets")
def test_a_message_in_pieces_is_heard_and_a_silent_visitor_is_sent_away(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, first: SingleInstance
) -> None:
    monkeypatch.setattr(single_instance, "ANSWER_MS", 300)
    heard: list[object] = []
    first.received.connect(heard.append)
    with socket.socket(socket.AF_UNIX) as silent, socket.socket(socket.AF_UNIX) as slow:
        silent.connect(str(meeting_place()))
        slow.connect(str(meeting_place()))
        data = json.dumps({"version": 1, "paths": ["/f.png"]}).encode() + b"\n"
        slow.send(data[:9])
        qtbot.waitUntil(lambda: len(first.findChildren(single_instance._Visit)) == 2, timeout=20_000)
        slow.send(data[9:])
        qtbot.waitUntil(lambda: heard == [["/f.png"]], timeout=20_000)
        qtbot.waitUntil(lambda: not first.findChildren(single_instance._Visit), timeout=20_000)


@pytest.mark.skipif(os.name == "nt", reason="POSIX modes")
def test_only_the_user_can_reach_the_window(first: SingleInstance) -> None:
    place = meeting_place()
    assert stat.S_IMODE(place.stat().st_mode) & 0o077 == 0
    assert place.parent.stat().st_mode & 0o022 == 0


@pytest.mark.skipif(os.name == "nt", reason="POSIX modes")
def test_without_a_runtime_folder_the_cache_folder_serves(
    qtbot: QtBot, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    instance = SingleInstance()
    assert not instance.hand_over([])
    assert meeting_place().is_relative_to(own_home)
    assert told_by(qtbot, instance, "/g.png") == ["/g.png"]
    instance.close()


@pytest.mark.skipif(os.name == "nt", reason="POSIX modes")
def test_a_folder_that_others_may_write_is_not_trusted(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = own_home / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(shared))
    assert meeting_place().parent != shared


def test_with_nowhere_to_meet_every_start_opens_its_own_window(
    qapp: object, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own_home / "file").touch()
    for variable in ("XDG_RUNTIME_DIR", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(variable, str(own_home / "file" / "x"))
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(own_home / "file"))
    for _ in range(2):
        instance = SingleInstance()
        assert not instance.hand_over(["/h.png"])
        instance.close()
