"""The bytes of an Image: read at once when small, as asked for when large; refusals of the file system in plain words.

Nothing is mapped into memory: where another program cuts a mapped file short, whoever looks at it is killed (SIGBUS).
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import IO

from convnext_studio.core.errors import ImageError
from convnext_studio.core.images.png import DAMAGED_HINT, Buffer
from convnext_studio.core.images.sniff import HEAD_BYTES

_AT_ONCE_BYTES = 16 << 20
_MOST_BYTES_OF_LIBTIFF = 256 << 20  # it wants all of a file, or to map it

_REASONS = {
    errno.ENOENT: ("The file is not there any more.", "Was it moved, renamed or on a drive that is gone?"),
    errno.ENOTDIR: ("The file is not there any more.", "Was it moved, renamed or on a drive that is gone?"),
    errno.EACCES: ("You may not read the file.", "Change its permissions or copy it."),
    errno.EPERM: ("You may not read the file.", "Change its permissions or copy it."),
    errno.EISDIR: ("This is a folder.", "Open the folder to find the pictures in it."),
    errno.ENAMETOOLONG: ("The path is longer than the system allows.", "Move it nearer to the top of the drive."),
    errno.EIO: ("The drive could not read the file.", "Check the drive and its cable."),
    errno.ELOOP: ("The link leads nowhere.", "Open the file it was meant to lead to."),
    errno.EMFILE: ("Too many files are open.", "Close other programs and try again."),
}


@dataclass(frozen=True, slots=True)
class Source:
    """An open file: its first bytes, all bytes (in memory or on disk), a file object for a decoder, size and suffix."""

    head: bytes
    data: Buffer
    file: IO[bytes]
    size: int
    suffix: str


@contextlib.contextmanager
def opened(path: str) -> Iterator[Source]:
    """Open the file at `path`. Raises `ImageError` when it cannot be read."""
    try:
        raw = io.FileIO(path, opener=_open_at_once)
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        raise cannot_read(error) from error
    with raw:
        try:
            facts = os.fstat(raw.fileno())
            if not stat.S_ISREG(facts.st_mode):
                raise ImageError("This is not an ordinary file.", "Copy the picture into a file.")
            suffix = PurePath(path).suffix
            if facts.st_size <= _AT_ONCE_BYTES:
                whole = raw.readall()
                yield Source(whole[:HEAD_BYTES], whole, io.BytesIO(whole), len(whole), suffix)
                return
            is_mappable = facts.st_size > _MOST_BYTES_OF_LIBTIFF
            with io.BufferedReader(raw) if is_mappable else _Numberless(raw) as file:
                data = _OnDisk(file, facts.st_size)
                yield Source(data[:HEAD_BYTES], data, file, facts.st_size, suffix)
        except OSError as error:
            raise cannot_read(error) from error


def first_lost(folder: Path) -> Path | None:
    """The highest folder on the way to `folder` that is not there any more; itself where it is empty; else None.

    Where a drive was unplugged its mount point may stay, without anything in it; and a share whose server is gone
    answers with errors of many kinds.
    """
    lost = None
    for one in (folder, *folder.parents):
        try:
            with os.scandir(one) as entries:
                return lost if lost or next(entries, None) else folder
        except PermissionError:
            return lost
        except (OSError, ValueError):
            lost = one
    return lost


class _Numberless(io.BufferedReader):
    """A file without a number: what a C library is not given it cannot map."""

    def fileno(self) -> int:
        raise io.UnsupportedOperation("fileno")


@dataclass(frozen=True, slots=True)
class _OnDisk:
    """The bytes of a file, fetched as they are asked for; leaves the file where it stands."""

    file: IO[bytes]
    size: int

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, part: slice, /) -> bytes:
        """Raises `ImageError` where the file has become shorter meanwhile."""
        start, stop, _ = part.indices(self.size)
        wanted, here = max(0, stop - start), self.file.tell()
        self.file.seek(start)
        found = self.file.read(wanted)
        self.file.seek(here)
        if len(found) < wanted:
            raise ImageError("The picture is cut off: its file ends too early.", DAMAGED_HINT)
        return found


def _open_at_once(path: str, flags: int) -> int:
    """Open without waiting: a named pipe would keep us until somebody writes to it."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def cannot_read(error: OSError | ValueError) -> ImageError:
    """Say in plain words why the file system gave no bytes."""
    number = error.errno if isinstance(error, OSError) else None
    if isinstance(error, FileNotFoundError) and error.filename and os.path.islink(error.filename):  # noqa: PTH114
        number = errno.ELOOP
    if number in _REASONS:
        return ImageError(*_REASONS[number])
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return ImageError(f"The file cannot be read: {reason}.", "Copy it to another place and try again.")
