"""Who works on a Run: one process at a time, and it can be told whether that process still lives.

Two things say so. The operating system's lock on `run.lock` ends with its process, however that dies. `owner.json`
names host, process and the process's start, for those who only look, and for shared folders without such locks.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from convnext_studio.core.errors import RunError, StorageError
from convnext_studio.core.files import ILLEGIBLE, replacing, storage_error

LOCK, OWNER, SIGN_OF_LIFE = "run.lock", "owner.json", "events.jsonl"
SILENCE_S = 90.0  # so long another host may be silent and still count as working
_BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Owner:
    """The process that works on a Run; `started` tells it from a later one of the same number."""

    host: str
    pid: int
    started: str


def host() -> str:
    """The name of this machine."""
    return socket.gethostname()


def owner_of(pid: int) -> Owner | None:
    """Name a process of this machine, or None if there is no such one (or it only waits to be buried)."""
    started = _started(pid)
    return Owner(host(), pid, started) if started else None


def read_owner(folder: Path) -> Owner | None:
    """Who is written down as working on the Run, dead or alive."""
    try:
        row = json.loads((folder / OWNER).read_text(encoding="utf-8"))
        return Owner(str(row["host"]), int(row["pid"]), str(row["started"]))
    except ILLEGIBLE:
        return None


def write_owner(folder: Path, owner: Owner) -> None:
    """Write down who works on the Run. Raises `StorageError`."""
    with replacing(folder / OWNER, is_flushed=False) as part:
        part.write_text(json.dumps(asdict(owner)), encoding="utf-8")


def living_owner(folder: Path) -> Owner | None:
    """Who works on the Run right now. Of another host only the age of its last Event is known."""
    owner = read_owner(folder)
    if owner is None:
        return None
    if owner.host == host():
        return owner if owner_of(owner.pid) == owner else None
    with contextlib.suppress(OSError):
        if time.time() - (folder / SIGN_OF_LIFE).stat().st_mtime < SILENCE_S:
            return owner
    return None


@contextlib.contextmanager
def announced(folder: Path) -> Iterator[None]:
    """Be written down as working on the Run before it is `held`: what trains takes seconds to be imported."""
    me = owner_of(os.getpid())
    if me is not None and living_owner(folder) is None:
        with contextlib.suppress(StorageError):  # nobody but those who look would miss it
            write_owner(folder, me)
    try:
        yield
    finally:
        _unwrite(folder, me)


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Work on the Run alone; a dead owner's lock is taken over. Raises `RunError` when another works on it."""
    from filelock import FileLock, Timeout  # late: the window, which only looks, imports this module

    lock = FileLock(folder / LOCK, timeout=0, thread_local=False)
    me = owner_of(os.getpid())
    assert me is not None, "this process lives"
    try:
        lock.acquire()
    except Timeout as error:
        raise _busy(folder, read_owner(folder)) from error
    except NotImplementedError:  # a share without locks: what is written down must do
        pass
    except OSError as error:
        raise storage_error(error, folder / LOCK) from error
    try:
        other = living_owner(folder)
        if other not in (None, me):
            raise _busy(folder, other)
        write_owner(folder, me)
        yield
    finally:
        _unwrite(folder, me)
        lock.release()


def _unwrite(folder: Path, me: Owner | None) -> None:
    if me is not None and read_owner(folder) == me:
        with contextlib.suppress(OSError):
            (folder / OWNER).unlink()


def _busy(folder: Path, owner: Owner | None) -> RunError:
    who = f"process {owner.pid} on {owner.host}" if owner else "another process"
    return RunError(f"“{folder.name}” is being worked on already, by {who}.", "Wait for it, or stop it first.")


def is_suspended(owner: Owner) -> bool:
    """Whether a process was stopped from outside, by SIGSTOP say, and goes on once it is continued."""
    if owner.host != host():
        return False
    if _BOOT.exists():
        try:
            return _facts(owner.pid)[0] in "Tt"
        except OSError:
            return False
    import psutil  # late: as below

    try:
        return bool(psutil.Process(owner.pid).status() == psutil.STATUS_STOPPED)
    except psutil.Error:
        return False


def _facts(pid: int) -> list[str]:
    """What Linux says of a process after its name: state first. Raises `OSError`."""
    return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()


def _started(pid: int) -> str:
    """When a process started, in whatever unit tells it from others; "" if it is gone."""
    if _BOOT.exists():  # Linux: counted from the boot: the wall clock may jump
        try:
            fields = _facts(pid)
            boot = _BOOT.read_text().strip()
        except OSError:
            return ""
        return "" if fields[0] in "ZX" else f"{boot}+{fields[19]}"
    import psutil  # late: only needed here, and the window imports this module

    try:
        process = psutil.Process(pid)
        return "" if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.2f}"
    except psutil.Error:
        return ""
