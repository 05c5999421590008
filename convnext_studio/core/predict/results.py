"""Predictions on disk: tables that a spreadsheet, a script or a person reads, and Images sorted into folders.

How text is kept, so that every file name survives the way out and back (`read_results`):

* CSV: UTF-8. Bytes of a file name that are no UTF-8 are written as they are (Python's `surrogateescape`). A cell that a
  spreadsheet could take for a formula, and one that begins with an apostrophe, gets one apostrophe in front.
* JSON: UTF-8. Such bytes are written as `\\udc80` to `\\udcff`, as `json` reads them.
* Parquet: `path` shows such bytes as `\\udc80`, and `path_bytes` holds the name exactly.

Numbers have a point, whatever the locale.
"""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from convnext_studio.core.context import JobContext
from convnext_studio.core.data.split_file import escaped, unescaped
from convnext_studio.core.errors import ImageError, StorageError, UsageError
from convnext_studio.core.events import CopySummary, FilesCopied
from convnext_studio.core.files import replacing, storage_error
from convnext_studio.core.images.source import cannot_read
from convnext_studio.core.predict.folder_names import folder_names, numbered
from convnext_studio.core.requests import CopyByClass, SaveResults
from convnext_studio.core.run_requests import SaveTable
from convnext_studio.core.values import ImageRef, Prediction

SUFFIXES = (".csv", ".json", ".parquet")
_NEEDS_QUOTES = re.compile('[,"\r\n]')
_REPORT_S = 0.1


def save_results(request: SaveResults, ctx: JobContext) -> str:
    """Write Predictions as the suffix says. Raises `UsageError` for another suffix and `StorageError`."""
    path = Path(request.path)
    check_suffix(path)
    ctx.check()
    with replacing(path) as part:
        if path.suffix.lower() == ".parquet":
            _write_parquet(part, request.predictions, request.top)
        elif path.suffix.lower() == ".json":
            rows = [_json_row(prediction, request.top) for prediction in request.predictions]
            part.write_bytes(json.dumps(rows, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace"))
        else:
            with part.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
                write_csv(file, request.predictions, request.top)
    return str(path)


def save_table(request: SaveTable, ctx: JobContext) -> str:
    """Serve `SaveTable`: a number has as many digits as it takes, None is an empty cell. Raises `StorageError`."""
    ctx.check()
    path = Path(request.path)
    with replacing(path) as part, part.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        file.write(_line(list(request.head)))
        for row in request.rows:
            texts = ("" if one is None else escaped(one) if isinstance(one, str) else repr(one) for one in row)
            file.write(_line(texts))
    return str(path)


def check_suffix(path: Path) -> None:
    """Raise `UsageError` unless `path` ends in a way that can be written here."""
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(
            f"“{path.name}” ends in no known way.", "Let the name end in .csv, .json or .parquet, for that format."
        )
    if path.suffix.lower() == ".parquet" and importlib.util.find_spec("pyarrow") is None:
        raise UsageError(
            "Parquet files need a package that is not installed.",
            "Install it with: pip install 'convnext-studio[parquet]', or write .csv or .json.",
        )


def write_csv(file: TextIO, predictions: Iterable[Prediction], top: int) -> None:
    """Write the table with its header; `file` is open for text with newline=""."""
    ranks = [cell for rank in range(1, top + 1) for cell in (f"class_{rank}", f"probability_{rank}")]
    file.write(_line(["path", *ranks, "margin", "milliseconds", "error"]))
    for prediction in predictions:
        file.write(_line(_csv_row(prediction, top)))


def read_results(path: Path) -> tuple[Prediction, ...]:
    """Read what `save_results` wrote: all but note and model, which tables do not hold."""
    if path.suffix.lower() == ".parquet":
        import pyarrow.parquet

        rows = pyarrow.parquet.read_table(path).to_pylist()
        return tuple(_from_cells({**row, "path": os.fsdecode(row["path_bytes"])}) for row in rows)
    if path.suffix.lower() == ".json":
        return tuple(_from_json(row) for row in json.loads(path.read_text(encoding="utf-8")))
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        return tuple(_from_cells({key: unescaped(cell) for key, cell in row.items()}) for row in csv.DictReader(file))


def copy_by_class(request: CopyByClass, ctx: JobContext) -> CopySummary:
    """Copy each Image into a folder named after its first class; nothing that is there is overwritten.

    An Image that cannot be read becomes a problem and the rest goes on. Raises `StorageError` when nothing more can be
    written, and `Cancelled`; what was copied stays.
    """
    chosen = [prediction for prediction in request.predictions if prediction.classes]
    base = Path(request.folder)
    names = folder_names(prediction.classes[0] for prediction in chosen)
    folders: dict[str, Path] = {}
    problems: list[str] = []
    reported = time.monotonic()
    for done, prediction in enumerate(chosen):
        ctx.check()
        name = names[prediction.classes[0]]
        if name not in folders:
            folders[name] = _real_folder(base, name)
        problem = _copy(Path(prediction.image.path), folders[name])
        if problem:
            problems.append(problem)
        if time.monotonic() - reported > _REPORT_S:
            reported = time.monotonic()
            ctx.emit(FilesCopied(done + 1, len(chosen)))
    ctx.emit(FilesCopied(len(chosen), len(chosen)))
    return CopySummary(len(chosen) - len(problems), str(base), tuple(problems))


def _real_folder(base: Path, name: str) -> Path:
    """Make or find the folder `name` in `base`; a link or file of that name is passed by."""
    for candidate in numbered(name):
        folder = base / candidate
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError:
            if folder.is_dir() and not folder.is_symlink():
                return folder
        except OSError as error:
            raise storage_error(error, folder) from error
    raise AssertionError("there is always another number")


def _copy(source: Path, folder: Path) -> str:
    """Copy one file under a free name; return why its source cannot be read, or nothing."""
    try:
        with source.open("rb") as original:
            target, copy = _create(source.name, folder)
            try:
                _pour(original, copy, target)
                shutil.copystat(source, target)
            except (OSError, ImageError, StorageError):
                target.unlink(missing_ok=True)
                raise
    except OSError as error:
        return f"“{source.name}” could not be copied: {cannot_read(error).message}"
    except ImageError as error:
        return f"“{source.name}” could not be copied: {error.message}"
    return ""


def _pour(original: BinaryIO, copy: BinaryIO, target: Path) -> None:
    """Copy all bytes. Raises `ImageError` where reading fails, `StorageError` where writing does."""
    try:
        with copy:
            for chunk in _chunks(original):
                copy.write(chunk)
    except OSError as error:
        raise storage_error(error, target) from error


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    try:
        while chunk := file.read(1 << 20):
            yield chunk
    except OSError as error:
        raise cannot_read(error) from error


def _create(name: str, folder: Path) -> tuple[Path, BinaryIO]:
    for candidate in numbered(name):
        target = folder / candidate
        try:
            return target, target.open("xb")
        except FileExistsError:
            continue
        except OSError as error:
            raise storage_error(error, target) from error
    raise AssertionError("there is always another number")


# --- rows


def _line(cells: Iterable[str]) -> str:
    """One row. Python's own writer leaves a lone carriage return unquoted unless all its lines end in one."""
    return ",".join(f'"{_doubled(cell)}"' if _NEEDS_QUOTES.search(cell) else cell for cell in cells) + "\n"


def _doubled(cell: str) -> str:
    return cell.replace('"', '""')


def _csv_row(prediction: Prediction, top: int) -> list[str]:
    pairs: list[str] = []
    for name, probability in _ranks(prediction, top):
        pairs += [escaped(name), _number(probability)]
    pairs += [""] * (2 * top - len(pairs))
    margin = _number(prediction.margin) if prediction.classes else ""
    path = escaped(prediction.image.path)
    return [path, *pairs, margin, f"{prediction.milliseconds:.3f}", escaped(prediction.error)]


def _json_row(prediction: Prediction, top: int) -> dict[str, Any]:
    return {
        "path": prediction.image.path,
        "predictions": [{"class": name, "probability": value} for name, value in _ranks(prediction, top)],
        "margin": prediction.margin if prediction.classes else None,
        "milliseconds": round(prediction.milliseconds, 3),
        "error": prediction.error,
    }


def _write_parquet(path: Path, predictions: Sequence[Prediction], top: int) -> None:
    import pyarrow
    import pyarrow.parquet

    ranks = [_ranks(prediction, top) for prediction in predictions]
    columns: dict[str, Any] = {"path": pyarrow.array([_shown(one.image.path) for one in predictions], pyarrow.string())}
    for rank in range(top):
        names = [_shown(row[rank][0]) if rank < len(row) else None for row in ranks]
        values = [row[rank][1] if rank < len(row) else None for row in ranks]
        columns[f"class_{rank + 1}"] = pyarrow.array(names, pyarrow.string())
        columns[f"probability_{rank + 1}"] = pyarrow.array(values, pyarrow.float64())
    margins = [one.margin if one.classes else None for one in predictions]
    columns["margin"] = pyarrow.array(margins, pyarrow.float64())
    columns["milliseconds"] = pyarrow.array([one.milliseconds for one in predictions], pyarrow.float64())
    columns["error"] = pyarrow.array([_shown(one.error) for one in predictions], pyarrow.string())
    columns["path_bytes"] = pyarrow.array([os.fsencode(one.image.path) for one in predictions], pyarrow.binary())
    pyarrow.parquet.write_table(pyarrow.table(columns), path)


def _from_json(row: dict[str, Any]) -> Prediction:
    return Prediction(
        image=ImageRef(row["path"]),
        classes=tuple(one["class"] for one in row["predictions"]),
        probabilities=tuple(float(one["probability"]) for one in row["predictions"]),
        margin=row["margin"] or 0.0,
        milliseconds=row["milliseconds"],
        error=row["error"],
    )


def _from_cells(row: dict[str, Any]) -> Prediction:
    ranks = [key.removeprefix("class_") for key in row if key.startswith("class_") and row[key]]
    return Prediction(
        image=ImageRef(row["path"]),
        classes=tuple(row[f"class_{rank}"] for rank in ranks),
        probabilities=tuple(float(row[f"probability_{rank}"]) for rank in ranks),
        margin=float(row["margin"] or 0.0),
        milliseconds=float(row["milliseconds"]),
        error=row["error"],
    )


def _ranks(prediction: Prediction, top: int) -> list[tuple[str, float]]:
    return list(zip(prediction.classes, prediction.probabilities, strict=True))[:top]


def _number(value: float) -> str:
    return f"{value:.9g}"


def _shown(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
