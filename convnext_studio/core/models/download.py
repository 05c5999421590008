"""The Job that fetches weights: with progress, stopped at once, resumed where it ended, and proved by its hash."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import threading
import urllib.error
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from convnext_studio.core.context import Cancelled, JobContext
from convnext_studio.core.errors import DownloadError, StorageError, UsageError
from convnext_studio.core.events import DownloadProgressed, WeightsOnDisk
from convnext_studio.core.files import replacing, storage_error
from convnext_studio.core.models import hub
from convnext_studio.core.models.catalogue import CatalogueEntry, find_entry
from convnext_studio.core.models.safetensors_header import read_header
from convnext_studio.core.models.weights import IN_CACHE, by_hand, cache_folder, missing, repository_folder, weights_of
from convnext_studio.core.requests import DownloadWeights

_CHUNK_BYTES = 1 << 18
_REPORT_EVERY_S = 0.1
_LOCK_PATIENCE_S = 0.2
_SPARE_BYTES = 16 << 20


def download_weights(request: DownloadWeights, ctx: JobContext) -> WeightsOnDisk:
    """Fetch the weights of `request.name` into the download cache, unless they are there already.

    Raises `UsageError` for an unknown name, `DownloadError` when they did not arrive whole, `StorageError` when there
    is no room. After a stop or a cut connection the part that has come is kept, and the next call goes on from there.
    """
    entry = find_entry(request.name)
    if entry is None:
        raise UsageError(
            f"There is no Model named “{request.name}”.", "`convnext-studio models` lists those there are."
        )
    if not entry.has_weights:
        raise missing(entry)
    here = weights_of(entry)
    if here is not None:
        return here
    if hub.is_switched_off():
        raise DownloadError("Downloads are switched off on this machine (HF_HUB_OFFLINE).", by_hand(entry))
    download = _Download(entry)
    worker = threading.Thread(target=download.run, name="download", daemon=True)
    worker.start()
    _follow(worker, download, ctx)
    if download.error is not None:
        raise download.error
    return WeightsOnDisk(str(download.pointer), download.pointer.stat().st_size, IN_CACHE)


def _follow(worker: threading.Thread, download: _Download, ctx: JobContext) -> None:
    """Report progress until the worker ends; a stop cuts its connection."""
    reported = -1
    try:
        while worker.is_alive():
            ctx.check()
            if download.done_bytes != reported:
                reported = download.done_bytes
                ctx.emit(DownloadProgressed(reported, download.total_bytes))
            worker.join(_REPORT_EVERY_S)
    except Cancelled:
        download.stop()
        worker.join(2 * _REPORT_EVERY_S)
        raise
    ctx.emit(DownloadProgressed(download.done_bytes, download.total_bytes))


class _Download:
    """One download, run in a thread of its own because a read from the network cannot be asked to stop."""

    def __init__(self, entry: CatalogueEntry) -> None:
        self.done_bytes = 0
        self.total_bytes = 0
        self.error: Exception | None = None
        self.pointer = Path()
        self._entry = entry
        self._folder = repository_folder(entry)
        self._stream: hub.Stream | None = None
        self._is_stopped = threading.Event()

    def stop(self) -> None:
        """End it soon; what has come stays."""
        self._is_stopped.set()
        if self._stream is not None:
            self._stream.close()

    def run(self) -> None:
        """Fetch, prove and file the weights, or set `error`."""
        try:
            self._fetch_and_file()
        except Exception as error:  # carried over to the Job's thread and raised there
            self.error = error

    def _fetch_and_file(self) -> None:
        remote = self._ask()
        self.total_bytes = remote.size
        blob = self._folder / "blobs" / remote.etag
        part = blob.with_name(blob.name + ".incomplete")
        lock = cache_folder() / ".locks" / self._folder.name / f"{remote.etag}.lock"
        with _writing(blob):
            blob.parent.mkdir(parents=True, exist_ok=True)
            lock.parent.mkdir(parents=True, exist_ok=True)
        with _locked(lock):
            if not blob.exists():
                self._check_space(part)
                self._fetch(remote, part)
                if self._is_stopped.is_set():
                    return
                self._prove(remote, part)
                with _writing(blob):
                    part.replace(blob)
            self.pointer = self._point_to(blob, remote.commit)
        self.done_bytes = self.total_bytes = self.pointer.stat().st_size

    def _ask(self) -> hub.RemoteFile:
        try:
            return hub.ask(self._entry.hub_repo, self._entry.hub_file)
        except hub.HubFailure as error:
            raise self._failure(error) from error

    def _check_space(self, part: Path) -> None:
        here = part.stat().st_size if part.exists() else 0
        needed, free = self.total_bytes - here + _SPARE_BYTES, shutil.disk_usage(part.parent).free
        if free < needed:
            raise StorageError(
                f"There is no room for the weights of “{self._entry.name}”: {needed / 1e6:.0f} MB are needed and "
                f"{free / 1e6:.0f} MB are free in “{cache_folder()}”.",
                "Free some space, or set HF_HUB_CACHE to a folder on another disk.",
            )

    def _fetch(self, remote: hub.RemoteFile, part: Path) -> None:
        """Append to the part file until it is whole."""
        self.done_bytes = part.stat().st_size if part.exists() else 0
        if self.done_bytes > remote.size or (remote.size and self.done_bytes == remote.size):
            if self.done_bytes == remote.size:
                return
            self.done_bytes = 0
        try:
            self._stream = hub.Stream(remote, self.done_bytes)
        except hub.HubFailure as error:
            raise self._failure(error) from error
        try:
            self._copy(self._stream, part)
        finally:
            self._stream.release()
        if remote.size and self.done_bytes < remote.size and not self._is_stopped.is_set():
            raise self._cut()

    def _copy(self, stream: hub.Stream, part: Path) -> None:
        if stream.is_from_start:
            self.done_bytes = 0
        with _writing(part), part.open("ab" if self.done_bytes else "wb") as file:
            while not self._is_stopped.is_set():
                try:
                    data = stream.read(_CHUNK_BYTES)
                except hub.HubFailure as error:
                    if self._is_stopped.is_set():
                        return
                    raise self._cut() from error
                if not data:
                    return
                file.write(data)
                self.done_bytes += len(data)

    def _prove(self, remote: hub.RemoteFile, part: Path) -> None:
        """Refuse, and throw away, what is not exactly the file that was asked for."""
        expected = self._entry.sha256 or remote.sha256
        with part.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if (expected and found != expected) or (remote.size and part.stat().st_size != remote.size):
            part.unlink()
            raise DownloadError(
                f"What arrived for “{self._entry.name}” is not the file that was asked for: its SHA-256 is "
                f"{found}, expected is {expected or 'another size'}. It was thrown away.",
                f"Try again; if it happens again, something on the way changes the file. {by_hand(self._entry)}",
            )
        try:
            read_header(part)
        except Exception:
            part.unlink()
            raise

    def _point_to(self, blob: Path, commit: str) -> Path:
        """File the blob where other programs look for it, too."""
        pointer = self._folder / "snapshots" / commit / self._entry.hub_file
        with _writing(pointer):
            pointer.parent.mkdir(parents=True, exist_ok=True)
            if not pointer.exists():
                try:
                    pointer.symlink_to(os.path.relpath(blob, pointer.parent))
                except OSError:  # where links are not allowed the file itself goes there
                    blob.replace(pointer)
            reference = self._folder / "refs" / "main"
            reference.parent.mkdir(exist_ok=True)
        with replacing(reference) as text:
            text.write_text(commit, encoding="utf-8")
        return pointer

    def _cut(self) -> DownloadError:
        return DownloadError(
            f"The connection was cut after {self.done_bytes / 1e6:.1f} of {self.total_bytes / 1e6:.1f} MB.",
            "What has come is kept: start the download again and it goes on from there.",
        )

    def _failure(self, error: Exception) -> DownloadError:
        if isinstance(error, urllib.error.HTTPError):
            code = error.code
            error.close()
            if code in (401, 403):
                what = f"The hub does not give out the weights of “{self._entry.name}” without an account that may."
                return DownloadError(what, f"Accept their licence on the hub and sign in. {by_hand(self._entry)}")
            if code == 404:
                what = f"The hub has no file {self._entry.hub_file} in {self._entry.hub_repo}."
                return DownloadError(what, by_hand(self._entry))
            return DownloadError(f"The hub answers with error {code}.", f"Try again later. {by_hand(self._entry)}")
        return DownloadError(
            f"The hub cannot be reached, so the weights of “{self._entry.name}” cannot be downloaded.",
            f"Check the connection and try again, or choose weights that are here. {by_hand(self._entry)}",
        )


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Say plainly when `path` cannot be written."""
    try:
        yield
    except OSError as error:
        raise storage_error(error, path) from error


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Two programs must not append to one file."""
    try:
        with FileLock(path, timeout=_LOCK_PATIENCE_S):
            yield
    except Timeout as error:
        raise DownloadError("These weights are being downloaded already.", "Wait for that download to end.") from error
