"""Find the Images under files and folders, streaming; free of torch and Pillow, so that the window may import it.

A folder is walked to any depth, its own files before its subfolders, each in natural order. In a folder, files count as
Images by their extension, those without one by their first bytes; a file that was named itself is always taken, because
the decoder goes by content.
Hidden files and folders and the litter of other programs are ignored and counted. Links are followed once: nothing
is found twice and a loop ends. A link to nowhere that has the name of an Image counts as one, which cannot be read.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from convnext_studio.core.context import JobContext
from convnext_studio.core.errors import ImageError
from convnext_studio.core.events import FindSummary, ImagesFound
from convnext_studio.core.images.sniff import HEAD_BYTES, sniff
from convnext_studio.core.requests import FindImages
from convnext_studio.core.values import ImageRef

# fmt: off
IMAGE_EXTENSIONS = frozenset(
    (
        ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".gif", ".bmp",
        ".dib", ".tif", ".tiff", ".webp", ".avif", ".heic", ".heif", ".hif", ".jp2",
        ".j2k", ".jpf", ".jpx", ".ppm", ".pgm", ".pbm", ".pnm", ".pfm", ".tga",
        ".icb", ".vda", ".vst", ".pcx", ".sgi", ".rgb", ".bw", ".ico", ".psd",
    )
)
_OTHER_EXTENSIONS = frozenset(
    (
        ".txt", ".md", ".log", ".csv", ".tsv", ".json", ".jsonl", ".xml", ".yaml", ".yml", ".toml", ".ini", ".cfg",
        ".html", ".htm", ".pdf", ".rtf", ".doc", ".docx", ".odt", ".xls", ".xlsx", ".ods", ".ppt", ".pptx", ".svg",
        ".mp4", ".avi", ".mov", ".mkv", ".webm", ".mp3", ".wav", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".raw",
        ".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".db", ".sqlite", ".bak", ".tmp", ".lnk",
        ".npy", ".npz", ".mat", ".h5", ".hdf5", ".pkl", ".parquet", ".pt", ".pth", ".onnx", ".safetensors",
        ".py", ".ipynb", ".sh", ".bat", ".exe", ".dll", ".so", ".jar",
    )
)
# fmt: on
_UNMISTAKABLE = frozenset(("JPEG", "PNG", "GIF", "TIFF", "WEBP", "AVIF", "HEIF", "JPEG2000", "PSD"))
_FIRST_CHUNK = 64
_CHUNK = 4096
_EMIT_EVERY_S = 0.05
_CHECK_EVERY = 256
_NUMBER = re.compile(r"\d+")


def natural_key(text: str) -> str:
    """A key that sorts img2 before img10: each number is led by its count of digits."""
    return _NUMBER.sub(_counted, text.casefold())


def _counted(match: re.Match[str]) -> str:
    digits = match[0].lstrip("0")
    return f"{len(digits):03}{digits}"


def is_image_name(name: str) -> bool:
    """Say whether a file of this name in a folder is taken for an Image."""
    return os.path.splitext(name)[1].lower() in IMAGE_EXTENSIONS and not is_litter(name)  # noqa: PTH122


def is_litter(name: str) -> bool:
    """Say whether other programs leave files or folders of this name behind: hidden, locks, caches."""
    return name.startswith((".", "~$")) or name in ("__MACOSX", "Thumbs.db", "desktop.ini", "@eaDir", "$RECYCLE.BIN")


def find_images(request: FindImages, ctx: JobContext) -> FindSummary:
    """Serve `FindImages`."""
    return _Walk(ctx).run(request.paths)


@dataclass
class _Walk:
    """One walk: what was seen, what waits to be reported, and the counts."""

    ctx: JobContext
    files_seen: set[str] = field(default_factory=set)
    folders_seen: set[str] = field(default_factory=set)
    waiting: list[ImageRef] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    found: int = 0
    ignored: int = 0
    emitted_at: float = field(default_factory=time.monotonic)

    def run(self, paths: tuple[str, ...]) -> FindSummary:
        for number, given in enumerate(paths):
            if number % _CHECK_EVERY == 0:
                self.ctx.check()
            path = os.path.abspath(given)  # noqa: PTH100  pathlib would lose what surrogates and ".." mean here
            if os.path.isdir(path):  # noqa: PTH112
                self._walk(path)
            elif os.path.lexists(path):
                self._add(path, os.path.realpath(path))
            else:
                self.problems.append(f"“{_shown(path)}” is not there.")
        self._emit()
        return FindSummary(self.found, self.ignored, tuple(self.problems))

    def _walk(self, top: str) -> None:
        stack = [top]
        while stack:
            self.ctx.check()
            folder = stack.pop()
            real = os.path.realpath(folder)
            if real in self.folders_seen:
                continue
            self.folders_seen.add(real)
            try:
                folders = self._read(folder, real)
            except OSError as error:
                reason = (error.strerror or str(error)).lower()
                self.problems.append(f"The folder “{_shown(folder)}” could not be read: {reason}.")
                continue
            stack += reversed(folders)

    def _read(self, folder: str, real: str) -> list[str]:
        """Add the folder's own Images; return its subfolders. Raises `OSError`."""
        folders: list[str] = []
        files: list[tuple[str, bool]] = []
        for entry in _entries(folder):
            if is_litter(entry.name):
                self.ignored += 1
            elif _is_folder(entry):
                folders.append(entry.name)
            elif is_image_name(entry.name) or _begins_like_a_picture(entry):
                files.append((entry.name, entry.is_symlink()))
            elif _is_lost_folder(entry):
                self.problems.append(f"“{_shown(entry.path)}” is a link that leads nowhere.")
            else:
                self.ignored += 1
        files.sort(key=lambda file: (natural_key(file[0]), file[0]))
        for number, (name, is_link) in enumerate(files):
            if number % _CHECK_EVERY == 0:
                self.ctx.check()
            path = f"{folder}{os.sep}{name}" if folder != os.sep else folder + name
            is_followed = is_link and os.path.exists(path)  # noqa: PTH110  one to nowhere is told of when it is opened
            self._add(path, os.path.realpath(path) if is_followed else f"{real}{os.sep}{name}")
        return [os.path.join(folder, name) for name in sorted(folders, key=lambda name: (natural_key(name), name))]  # noqa: PTH118

    def _add(self, path: str, real: str) -> None:
        if real in self.files_seen:
            return
        self.files_seen.add(real)
        self.found += 1
        self.waiting.append(ImageRef(path))
        is_first = self.found <= _FIRST_CHUNK
        if len(self.waiting) >= (_FIRST_CHUNK if is_first else _CHUNK) or (
            self.found % 16 == 0 and time.monotonic() - self.emitted_at >= _EMIT_EVERY_S
        ):
            self._emit()

    def _emit(self) -> None:
        if self.waiting:
            self.ctx.emit(ImagesFound(tuple(self.waiting)))
            self.waiting = []
        self.emitted_at = time.monotonic()


def _entries(folder: str) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        yield from entries


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link in a loop, or gone since
        return False


def _is_lost_folder(entry: os.DirEntry[str]) -> bool:
    """Judge a link to nowhere by its name: one that is not that of a file may have led to a folder of Images."""
    is_file_name = os.path.splitext(entry.name)[1].lower() in _OTHER_EXTENSIONS  # noqa: PTH122
    return not is_file_name and entry.is_symlink() and not os.path.exists(entry.path)  # noqa: PTH110


def _begins_like_a_picture(entry: os.DirEntry[str]) -> bool:
    """Judge a file without an extension by its first bytes; two letters alone could begin any text."""
    if "." in entry.name:
        return False
    try:
        if not entry.is_file():
            return False
        with open(entry.path, "rb", buffering=0) as file:  # noqa: PTH123  as everywhere here
            head = file.read(HEAD_BYTES)
        return sniff(head, "") in _UNMISTAKABLE
    except (OSError, ImageError):
        return False


def _shown(path: str) -> str:
    """The path as text that any output can take; the end of a very long one."""
    text = os.fsencode(path).decode("utf-8", "replace")
    return text if len(text) <= 300 else f"…{text[-300:]}"
