"""Read a foreign .pt or .pth file without ever unpickling it here: checked first, then read by a child process."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from pathlib import Path
from typing import Any

import psutil
from torch import Tensor

from convnext_studio.core.errors import ModelError, UnsafeWeights
from convnext_studio.core.models.pickle_scan import forbidden_in
from convnext_studio.core.models.safetensors_header import missing_file, read_header
from convnext_studio.core.models.tensors import read_tensors

_CHILD = Path(__file__).with_name("pickle_child.py")
_BASE_BYTES = 256 << 20  # torch's own working memory on top of the weights
_BASE_S, _BYTES_PER_S = 20.0, 20 << 20
_WATCH_EVERY_S = 0.02
_HINT = "Ask for the weights as a .safetensors file, or choose another file."


def read_pickle_file(path: Path) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """The tensors in `path`, and warnings. Raises `ModelError`; `UnsafeWeights` where the file is more than weights."""
    try:
        file_bytes = path.stat().st_size
        _check_container(path, file_bytes)
    except OSError as error:
        raise missing_file(path, error) from error
    forbidden = forbidden_in(path)
    if forbidden:
        raise _refusal(path, "code", forbidden)
    with tempfile.TemporaryDirectory(prefix="convnext-studio-") as folder:
        target = Path(folder) / "weights.safetensors"
        answer = _run_child(path, target, file_bytes)
        if "error" in answer:
            raise _refusal(path, str(answer["error"]), str(answer.get("detail", "")))
        read_header(target)
        tensors = read_tensors(target)
    extras = [str(name) for name in answer.get("extras", [])]
    if not extras:
        return tensors, ()
    return tensors, (f"Only the weights of “{path.name}” are used, not what lies beside them: {', '.join(extras)}.",)


def _check_container(path: Path, file_bytes: int) -> None:
    """Refuse what is no checkpoint, is damaged, or is a program, from the outside."""
    with path.open("rb") as file:
        start = file.read(8)
    if start[:2] == b"\x80\x02" or start[:1] == b"\x80":
        return  # the old format: one pickle after another, nothing to check from outside
    if start[:2] != b"PK":
        raise ModelError(f"“{path.name}” is not a PyTorch file ({file_bytes:,} bytes of something else).", _HINT)
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            names = [member.filename.partition("/")[2] for member in members]
            if "constants.pkl" in names or any(name.startswith("code/") for name in names):
                raise UnsafeWeights(f"“{path.name}” is refused: it is a program (TorchScript), not weights.", _HINT)
            if any(member.compress_type != zipfile.ZIP_STORED for member in members):
                raise UnsafeWeights(f"“{path.name}” is refused: it is compressed, which PyTorch never does.", _HINT)
            damaged = archive.testzip()
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise ModelError(
            f"“{path.name}” is damaged or cut off: {file_bytes:,} bytes are not all of it.", _HINT
        ) from error
    if damaged is not None:
        raise UnsafeWeights(f"“{path.name}” is damaged: the checksum of its part “{damaged[:200]}” is wrong.", _HINT)


def _run_child(path: Path, target: Path, file_bytes: int) -> dict[str, Any]:
    """Let a child read the file; kill it when it takes too long or too much."""
    allowed_bytes = 3 * file_bytes + _BASE_BYTES
    command = [sys.executable, "-P", str(_CHILD), str(path.absolute()), str(target), str(allowed_bytes)]
    with subprocess.Popen(  # noqa: S603 - our own script, and no shell
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as child:
        try:
            _watch(child, path, file_bytes, allowed_bytes)
            output = child.stdout.read(1 << 20) if child.stdout is not None else b""
        finally:
            child.kill()
    try:
        answer = json.loads(output)
    except ValueError as error:
        raise UnsafeWeights(
            f"“{path.name}” is refused: reading it went wrong (code {child.returncode}).", _HINT
        ) from error
    return answer if isinstance(answer, dict) else {}


def _watch(child: subprocess.Popen[bytes], path: Path, file_bytes: int, allowed_bytes: int) -> None:
    """Wait for the child's end."""
    end = time.monotonic() + _BASE_S + file_bytes / _BYTES_PER_S
    base_bytes = 1 << 30  # torch's libraries count, too
    process = psutil.Process(child.pid)
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(_WATCH_EVERY_S)
            return
        if time.monotonic() > end:
            raise UnsafeWeights(f"“{path.name}” is refused: reading it takes too long.", _HINT)
        with contextlib.suppress(psutil.Error):
            if process.memory_info().rss > base_bytes + allowed_bytes:
                raise UnsafeWeights(f"“{path.name}” is refused: reading it takes too much memory.", _HINT)


def _refusal(path: Path, kind: str, detail: str) -> ModelError:
    if kind == "code":
        return UnsafeWeights(
            f"“{path.name}” is refused: besides weights it holds “{detail}”, which could run as a program.", _HINT
        )
    if kind == "too large":
        return UnsafeWeights(f"“{path.name}” is refused: a tensor claims more than the file holds ({detail}).", _HINT)
    if kind == "kind of tensor":
        return ModelError(f"“{path.name}” cannot be used: the tensor “{detail}” is of a kind unknown here.", _HINT)
    if kind == "no weights":
        return ModelError(f"“{path.name}” holds no weights by name (it is a {detail}).", _HINT)
    return ModelError(f"“{path.name}” is damaged or not a PyTorch weights file.", _HINT)
