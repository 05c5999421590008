"""Read and check the header of a .safetensors file without loading it and without torch.

Format: 8 bytes length, a JSON object, then the data. https://github.com/huggingface/safetensors
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from convnext_studio.core.errors import ModelError, UnsafeWeights

MAX_HEADER_BYTES = 8 << 20  # the largest ConvNeXt needs 0.1 MB, 20,000 class names another 0.5 MB
BYTES_OF_DTYPE = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
_MAX_TENSORS = 20_000
_HINT = "Get the file once more from where it came from."


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """One tensor as the header describes it; `begin`, `end` are bytes from the start of the data."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


@dataclass(frozen=True)
class Header:
    """What the header says: the file's metadata and its tensors by name."""

    metadata: Mapping[str, str]
    tensors: Mapping[str, TensorEntry]

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each tensor."""
        return {name: entry.shape for name, entry in self.tensors.items()}


def read_header(path: Path) -> Header:
    """Read the header of `path` and check that it describes the file exactly: no gap, no overlap, nothing left over.

    Raises `ModelError` when the file is not there or damaged, `UnsafeWeights` when it is made to mislead.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            first = file.read(8)
            if len(first) < 8:
                raise _damaged(path, f"it holds only {size} bytes")
            length = struct.unpack("<Q", first)[0]
            if length > size - 8:
                raise _damaged(path, f"its {size:,} bytes are not a whole safetensors file")
            if length > MAX_HEADER_BYTES:
                raise UnsafeWeights(f"“{path.name}” is refused: its header claims {length:,} bytes.", _HINT)
            text = file.read(length)
    except OSError as error:
        raise missing_file(path, error) from error
    raw = _parse(text, path)
    metadata = raw.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise _damaged(path, "its metadata is not a table of texts")
    return Header(metadata, _check_tensors(raw, size - 8 - length, path))


def missing_file(path: Path, error: OSError) -> ModelError:
    """Say that a Model's file cannot be read, and why."""
    reason = "it is not there" if isinstance(error, FileNotFoundError) else error.strerror or str(error)
    return ModelError(f"“{path.name}” cannot be read in “{path.parent}”: {reason}.", "Choose the file again.")


def _parse(text: bytes, path: Path) -> dict[str, Any]:
    def without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise UnsafeWeights(f"“{path.name}” is refused: its header names the same tensor twice.", _HINT)
        return found

    try:
        raw = json.loads(text.decode(), object_pairs_hook=without_duplicates)
    except (ValueError, RecursionError) as error:
        raise _damaged(path, "its header cannot be read") from error
    if not isinstance(raw, dict):
        raise _damaged(path, "its header is not a table")
    return cast(dict[str, Any], raw)


def _check_tensors(raw: Mapping[str, Any], data_bytes: int, path: Path) -> dict[str, TensorEntry]:
    if not raw:
        raise _damaged(path, "it holds no tensors")
    if len(raw) > _MAX_TENSORS:
        raise UnsafeWeights(f"“{path.name}” is refused: it claims to hold {len(raw):,} tensors.", _HINT)
    tensors = {name: _check_entry(name, entry, path) for name, entry in raw.items()}
    position = 0
    for name, entry in sorted(tensors.items(), key=lambda item: (item[1].begin, item[1].end)):
        if entry.begin != position:
            what = "overlaps another" if entry.begin < position else "leaves a gap before it"
            raise UnsafeWeights(f"“{path.name}” is refused: the tensor “{name}” {what}.", _HINT)
        position = entry.end
    if position != data_bytes:
        what = "cut off" if position > data_bytes else "followed by bytes that belong to nothing"
        raise UnsafeWeights(f"“{path.name}” is refused: its data is {what}.", _HINT)
    return tensors


def _check_entry(name: str, entry: object, path: Path) -> TensorEntry:
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise _damaged(path, f"its header describes the tensor “{name}” wrongly")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if dtype not in BYTES_OF_DTYPE:
        raise _damaged(path, f"the tensor “{name}” has an unknown type of numbers")
    if not _are_counts(shape) or not _are_counts(offsets) or len(offsets) != 2:
        raise _damaged(path, f"its header describes the tensor “{name}” wrongly")
    begin, end = offsets
    if end - begin != math.prod(shape) * BYTES_OF_DTYPE[dtype]:
        raise UnsafeWeights(f"“{path.name}” is refused: the tensor “{name}” does not fill its place.", _HINT)
    return TensorEntry(dtype, tuple(shape), begin, end)


def _are_counts(values: object) -> bool:
    return isinstance(values, list) and all(type(value) is int and value >= 0 for value in values) and len(values) <= 16


def _damaged(path: Path, what: str) -> ModelError:
    return ModelError(f"“{path.name}” is not a usable safetensors file: {what}.", _HINT)
