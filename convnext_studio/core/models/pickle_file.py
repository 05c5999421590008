"""Read a foreign .pt or .pth file: the new format, a zip archive, and the old one, pickles followed by numbers."""

from __future__ import annotations

import io
import math
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

from convnext_studio.core.errors import ModelError, UnsafeWeights
from convnext_studio.core.models.pickle_reader import DamagedPickle, ForbiddenName, Storage, TensorView, read_pickle
from convnext_studio.core.models.safetensors_header import missing_file

_HINT = "Ask for the weights as a .safetensors file, or choose another file."
_MAX_TENSORS = 20_000
_MAX_PICKLE_BYTES = 64 << 20
_MAGIC_OF_OLD_FORMAT = 0x1950A86A20F9469CFC6C
_WRAPPERS = ("state_dict_ema", "model_ema", "state_dict", "model")  # averaged weights come first
_DTYPES = {
    "Double": torch.float64,
    "Float": torch.float32,
    "Half": torch.float16,
    "BFloat16": torch.bfloat16,
    "Long": torch.int64,
    "Int": torch.int32,
    "Short": torch.int16,
    "Char": torch.int8,
    "Byte": torch.uint8,
    "Bool": torch.bool,
}
_DAMAGED = (
    DamagedPickle,
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    KeyError,
    NotImplementedError,
    RuntimeError,
    struct.error,
    ValueError,
)


def read_pickle_file(path: Path) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """The tensors in `path`, and warnings; nothing in the file is run. Raises `ModelError`, `UnsafeWeights`."""
    try:
        with path.open("rb") as file:
            start = file.read(2)
            file.seek(0)
            if start == b"PK":
                return _read_archive(path, file)
            if start[:1] == b"\x80":
                return _read_old_format(path, file)
            size = path.stat().st_size
            raise ModelError(f"“{path.name}” is not a PyTorch file ({size:,} bytes of something else).", _HINT)
    except OSError as error:
        raise missing_file(path, error) from error
    except ForbiddenName as error:
        raise UnsafeWeights(
            f"“{path.name}” is refused: besides weights it holds “{str(error)[:100]}”, which could run as a program.",
            _HINT,
        ) from error
    except _DAMAGED as error:
        size = path.stat().st_size
        raise ModelError(f"“{path.name}” is damaged or cut off: {size:,} bytes are not all of it.", _HINT) from error


def _read_archive(path: Path, file: BinaryIO) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    with zipfile.ZipFile(file) as archive:
        members = {member.filename.partition("/")[2]: member for member in archive.infolist()}
        if "constants.pkl" in members or any(name.startswith("code/") for name in members):
            raise UnsafeWeights(f"“{path.name}” is refused: it is a program (TorchScript), not weights.", _HINT)
        if any(member.compress_type != zipfile.ZIP_STORED for member in members.values()):
            raise UnsafeWeights(f"“{path.name}” is refused: it is compressed, which PyTorch never does.", _HINT)
        if members["data.pkl"].file_size > _MAX_PICKLE_BYTES:
            raise UnsafeWeights(f"“{path.name}” is refused: it holds far too many instructions.", _HINT)
        content = read_pickle(io.BytesIO(archive.read(members["data.pkl"])))
        views, warnings = _find_weights(content, path)
        return _make_tensors(views, path, lambda storage: archive.read(members[f"data/{storage.key}"])), warnings


def _read_old_format(path: Path, file: BinaryIO) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    if read_pickle(file) != _MAGIC_OF_OLD_FORMAT:
        raise DamagedPickle
    for _ in range(2):  # the version and the system it was written on
        read_pickle(file)
    storages: list[Storage] = []
    views, warnings = _find_weights(read_pickle(file, storages), path)
    keys = read_pickle(file)
    width = {storage.key: _dtype_of(storage, path).itemsize for storage in storages}  # also of what is passed over
    places: dict[object, tuple[int, int]] = {}
    for key in keys if isinstance(keys, list) else ():
        (count,) = struct.unpack("<q", file.read(8))
        if not isinstance(key, str) or key not in width or count < 0:
            raise DamagedPickle
        places[key] = file.tell(), count * width[key]
        file.seek(count * width[key], io.SEEK_CUR)

    def read_storage(storage: Storage) -> bytes:
        begin, size = places[storage.key]
        file.seek(begin)
        return file.read(size)

    return _make_tensors(views, path, read_storage), warnings


def _find_weights(content: object, path: Path) -> tuple[dict[str, TensorView], tuple[str, ...]]:
    """The tensors by name, wherever a training program put them, and a word on what lies beside them."""
    if not isinstance(content, dict):
        raise ModelError(f"“{path.name}” holds no weights by name (it is a {type(content).__name__}).", _HINT)
    wrapper = next((name for name in _WRAPPERS if isinstance(content.get(name), dict)), "")
    inner: Mapping[Any, Any] = content[wrapper] if wrapper else content
    views = {name: value for name, value in inner.items() if isinstance(name, str) and isinstance(value, TensorView)}
    if not views:
        raise ModelError(f"“{path.name}” holds no weights by name.", _HINT)
    if len(views) > _MAX_TENSORS:
        raise UnsafeWeights(f"“{path.name}” is refused: it claims to hold {len(views):,} tensors.", _HINT)
    harmless = (int, float, str, bool, type(None))
    beside = [str(name)[:60] for name, value in content.items() if name != wrapper and not isinstance(value, harmless)]
    if not wrapper or not beside:
        return views, ()
    names = ", ".join(beside)
    return views, (f"Only the weights of “{path.name}” are used, not what lies beside them: {names}.",)


def _make_tensors(
    views: Mapping[str, TensorView], path: Path, read_storage: Callable[[Storage], bytes]
) -> dict[str, Tensor]:
    """Check every view before anything is copied, then read the storages one by one."""
    total, limit = 0, 2 * path.stat().st_size
    for name, view in views.items():
        total += _checked_size(name, view, path)
        if total > limit:
            raise UnsafeWeights(f"“{path.name}” is refused: its tensors claim more than the file holds.", _HINT)
    by_storage: dict[Storage, list[str]] = {}
    for name, view in views.items():
        by_storage.setdefault(view.storage, []).append(name)
    tensors = {}
    for storage, names in by_storage.items():
        flat = _numbers(bytearray(read_storage(storage)), storage, path)
        for name in names:
            view = views[name]
            part = flat.as_strided(view.shape, view.strides, view.offset)
            tensors[name] = part.clone(memory_format=torch.contiguous_format)
    return {name: tensors[name] for name in views}


def _numbers(data: bytearray, storage: Storage, path: Path) -> Tensor:
    dtype = _dtype_of(storage, path)
    if len(data) != storage.count * dtype.itemsize:
        raise DamagedPickle
    return torch.frombuffer(data, dtype=dtype) if data else torch.empty(0, dtype=dtype)


def _checked_size(name: str, view: TensorView, path: Path) -> int:
    """Bytes of a tensor that lies inside its storage and shows no number of it twice."""
    shape, strides = view.shape, view.strides
    if not (_are_counts(shape) and _are_counts(strides) and _are_counts((view.offset, view.storage.count))):
        raise DamagedPickle
    count: int = math.prod(shape)
    last = view.offset + sum((side - 1) * stride for side, stride in zip(shape, strides, strict=True))
    if count and (count > view.storage.count or last >= view.storage.count):
        sides = "×".join(str(side) for side in shape)
        raise UnsafeWeights(
            f"“{path.name}” is refused: the tensor “{name[:200]}” claims more ({sides}) than the file holds.", _HINT
        )
    return count * _dtype_of(view.storage, path).itemsize


def _dtype_of(storage: Storage, path: Path) -> torch.dtype:
    word = storage.kind.rpartition(".")[2].removesuffix("Storage")
    if word not in _DTYPES:
        raise ModelError(f"“{path.name}” cannot be used: it holds numbers of a kind unknown here ({word}).", _HINT)
    return _DTYPES[word]


def _are_counts(values: object) -> bool:
    return isinstance(values, tuple | list) and len(values) <= 16 and all(type(v) is int and v >= 0 for v in values)
