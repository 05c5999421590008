"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from convnext_studio.core.errors import StorageError

# All that reading what one of our JSON files should hold may raise, where anything may stand in it.
ILLEGIBLE = (OSError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError)

_UMASK = os.umask(0o077)  # it can only be read by setting it, so once, before there are threads
os.umask(_UMASK)
_WAITS_S = (0.02, 0.05, 0.1, 0.2, 0.4) if os.name == "nt" else ()
_NEW_FILE_MODE = 0o666 & ~_UMASK


@contextlib.contextmanager
def replacing(path: Path, *, is_flushed: bool = True) -> Iterator[Path]:
    """Yield a temporary path in the same folder; on success it takes the place of `path`, else it is removed.

    The file and its folder are flushed to the disk before and after the rename, so that a power cut leaves the old
    file or the new one. That can take a tenth of a second: do without (`is_flushed`) where losing the file costs
    nothing. Raises `StorageError` when the disk is full, read-only or gone.
    """
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", suffix=".part", dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise storage_error(error, path) from error
    part = Path(name)
    try:
        yield part
        if is_flushed:
            _flush(part)
        part.chmod(path.stat().st_mode & 0o777 if path.exists() else _NEW_FILE_MODE)
        _put(part, path)
        if is_flushed:
            _flush(path.parent)
    except OSError as error:
        raise storage_error(error, path) from error
    finally:
        part.unlink(missing_ok=True)


def _put(part: Path, path: Path) -> None:
    """Let `part` take the place of `path`; on Windows that has to wait while a virus scanner, say, looks at it."""
    for wait_s in _WAITS_S:
        try:
            part.replace(path)
            return
        except PermissionError:
            time.sleep(wait_s)
    part.replace(path)


def oldest(folder: Path, pattern: str, *, but: int) -> list[Path]:
    """The files of a cache that may go: all that fit the pattern but the newest. Raises `OSError`."""
    return sorted(folder.glob(pattern), key=lambda path: path.stat().st_mtime)[:-but]


def storage_error(error: OSError, path: Path) -> StorageError:
    """Say in plain words why `path` could not be written."""
    reasons = {
        errno.ENOSPC: ("the disk is full", "Free some space or choose another folder."),
        errno.EDQUOT: ("your disk quota is used up", "Free some space or choose another folder."),
        errno.EFBIG: ("the file would be larger than is allowed here", "Choose another folder."),
        errno.EROFS: ("the folder is read-only", "Choose another folder."),
        errno.EACCES: ("you may not write there", "Choose another folder."),
        errno.EPERM: ("you may not write there", "Choose another folder."),
        errno.ENOENT: ("the folder does not exist", "Choose another folder."),
        errno.ENAMETOOLONG: ("the name is too long", "Choose a shorter name."),
    }
    what, hint = reasons.get(error.errno or 0, (error.strerror or str(error), "Choose another folder."))
    return StorageError(f"“{path.name}” could not be written in “{path.parent}”: {what}.", hint)


def _flush(path: Path) -> None:
    """Flush a file or folder to the disk, where the system lets a folder be opened."""
    if path.is_dir() and os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
