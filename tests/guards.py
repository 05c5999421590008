"""Guards that every test runs under: what a test logs, leaves behind or reaches for unannounced fails it.

This half needs no Qt; `qt_guards.py` watches threads, timers and widgets of the window.
"""

from __future__ import annotations

import contextlib
import logging
import os
import random
import re
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

PATIENCE_S = 2.0  # what a thread or process that is already ending gets
LOOPBACK = ("127.", "::1", "localhost", "0.0.0.0", "::ffff:127.")

has_passed = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note whether the test passed: the litter of a test that failed is cleared away but not reported."""
    report = yield
    if report.when == "call":
        item.stash[has_passed] = report.passed
    return report


def blame(request: pytest.FixtureRequest, faults: Iterable[str]) -> None:
    """Fail the test that passed so far."""
    text = "\n".join(faults)
    if text and request.node.stash.get(has_passed, False):
        pytest.fail(text, pytrace=False)


def wait_until(is_so: Callable[[], object], seconds: float = PATIENCE_S) -> bool:
    """Look again and again, at most for `seconds`; True as soon as it is so."""
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


# --- a place of its own for every test


@pytest.fixture(scope="session")
def homes() -> Iterator[Path]:
    """The folder that holds the home folder of every test; short, because the path of a socket may have 100 bytes."""
    with tempfile.TemporaryDirectory(prefix="homes", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(autouse=True)
def own_home(homes: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point everything that finds a place by itself to an empty home folder, and fix what chance decides."""
    home = Path(tempfile.mkdtemp(dir=homes, prefix=""))
    places = {"XDG_CONFIG_HOME": "c", "XDG_DATA_HOME": "d", "XDG_CACHE_HOME": "k", "XDG_STATE_HOME": "s"}
    for variable, name in ({"HOME": ".", "USERPROFILE": ".", "XDG_RUNTIME_DIR": "r"} | places).items():
        monkeypatch.setenv(variable, str(home / name))
    (home / "r").mkdir(mode=0o700)
    (home / "work").mkdir()
    monkeypatch.chdir(home / "work")
    random.seed(0)
    for name, seed in (("numpy", "random.seed"), ("torch", "manual_seed")):  # only where it is imported anyway
        if name in sys.modules:
            target: Any = sys.modules[name]
            for part in seed.split("."):
                target = getattr(target, part)
            target(0)
    return home


# --- the log


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


class Expected:
    """Call it with a pattern (searched in the text) for each thing that must come."""

    def __init__(self) -> None:
        self._patterns: list[re.Pattern[str]] = []

    def __call__(self, pattern: str) -> None:
        self._patterns.append(re.compile(pattern, re.DOTALL))

    def faults(self, what: str, texts: Iterable[str]) -> Iterator[str]:
        """Say what came unannounced, and what was announced and did not come."""
        seen = list(texts)
        for text in seen:
            if not any(pattern.search(text) for pattern in self._patterns):
                yield f"unexpected {what}: {text}"
        for pattern in self._patterns:
            if not any(pattern.search(text) for text in seen):
                yield f"expected {what} did not come: {pattern.pattern}"


@pytest.fixture(autouse=True)
def expect_log(request: pytest.FixtureRequest) -> Iterator[Expected]:
    """Announce a log record of level warning or above: `expect_log("took too long")`; any other fails the test."""
    collector, expected, root = _Collector(), Expected(), logging.getLogger()
    root.addHandler(collector)
    yield expected
    root.removeHandler(collector)
    texts = (f"{record.levelname} {record.name}: {record.getMessage()}" for record in collector.records)
    blame(request, expected.faults("log record", texts))


# --- messages to the user


@pytest.fixture(autouse=True)
def expect_message(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Expected]:
    """Announce a warning or error to the user: `expect_message("could not be written")`; any other fails the test."""
    seen: list[Any] = []
    expected = Expected()
    if "PySide6.QtCore" in sys.modules:
        _collect_messages(seen, monkeypatch)
    yield expected
    texts = (f"{m.kind}: {m.fact} {m.what_to_do}" for m in seen if m.kind in ("warning", "error"))
    blame(request, expected.faults("message", texts))


def _collect_messages(seen: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        from convnext_studio.gui.messages import Messages
    except ModuleNotFoundError:
        return
    post = Messages.post

    def post_and_note(self: Messages, message: Any) -> None:
        seen.append(message)
        post(self, message)

    monkeypatch.setattr(Messages, "post", post_and_note)


# --- the network


@pytest.fixture(scope="session", autouse=True)
def refused_connects() -> Iterator[list[str]]:
    """Refuse every connection that leaves the machine, as an unplugged cable would; list what was tried."""
    tried: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name), tried))
        look_up = socket.getaddrinfo

        def look_up_here(host: Any, *args: Any, **kwargs: Any) -> Any:
            name = host.decode() if isinstance(host, bytes) else host
            if name is not None and not name.startswith(LOOPBACK):
                tried.append(str(name))
                raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
            return look_up(host, *args, **kwargs)

        patch.setattr(socket, "getaddrinfo", look_up_here)
        yield tried


def _guarded(connect: Callable[[socket.socket, Any], Any], tried: list[str]) -> Callable[[socket.socket, Any], Any]:
    def guarded(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not str(address[0]).startswith(LOOPBACK):
            tried.append(str(address[0]))
            raise OSError(101, "Network is unreachable")
        return connect(self, address)

    return guarded


@pytest.fixture(autouse=True)
def expect_connect(request: pytest.FixtureRequest, refused_connects: list[str]) -> Iterator[Expected]:
    """Announce an attempt to leave the machine: `expect_connect("example.invalid")`; it is refused all the same."""
    refused_connects.clear()
    expected = Expected()
    yield expected
    blame(request, expected.faults("connection", refused_connects))


# --- threads and processes


@pytest.fixture(autouse=True)
def no_thread_outlives(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail if a thread that the test (or our code) started still runs."""
    before = set(threading.enumerate())

    def leaked() -> list[threading.Thread]:
        return [t for t in threading.enumerate() if t not in before and _is_ours(t)]

    yield
    if not wait_until(lambda: not leaked()):
        blame(request, [f"a thread outlives its test: {t.name} running {_target(t)}" for t in leaked()])


def _is_ours(thread: threading.Thread) -> bool:
    if isinstance(thread, threading._DummyThread):  # a QThread that ran Python; qt_guards.py looks at these
        return False
    return not thread.daemon or _target(thread).startswith(("convnext_studio", "tests"))


def _target(thread: threading.Thread) -> str:
    function = getattr(thread, "_target", None)
    return f"{getattr(function, '__module__', '?')}.{getattr(function, '__qualname__', '?')}"


@pytest.fixture(autouse=True)
def no_process_outlives(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail if a child process that the test started still runs; kill it."""
    before = set(_children())
    yield
    if wait_until(lambda: set(_children()) <= before):
        return
    faults = []
    for pid in set(_children()) - before:
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            faults.append(f"a child process outlives its test: {' '.join(process.cmdline()) or process.name()}")
            process.kill()
    blame(request, faults)


def _children() -> list[int]:
    """Process ids of our children, without multiprocessing's resource tracker, which serves the whole run."""
    tasks = Path("/proc/self/task")
    if tasks.is_dir():
        pids = [int(p) for task in tasks.iterdir() for p in _read(task / "children").split()]
    else:
        pids = [process.pid for process in psutil.Process().children()]
    return [pid for pid in pids if b"resource_tracker" not in _command_line(pid)]


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _command_line(pid: int) -> bytes:
    try:
        if os.name == "posix" and Path("/proc/self").exists():
            return Path(f"/proc/{pid}/cmdline").read_bytes()
        return " ".join(psutil.Process(pid).cmdline()).encode()
    except (OSError, psutil.Error):
        return b""
