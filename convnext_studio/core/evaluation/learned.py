"""Did the Model learn from the very Images it is judged by? Then its figures look better than they are."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from convnext_studio.core.context import JobContext
from convnext_studio.core.data.look import look_at
from convnext_studio.core.data.split_file import read_split
from convnext_studio.core.errors import StudioError
from convnext_studio.core.models.card_file import read_card
from convnext_studio.core.runs.environment import read_data
from convnext_studio.core.runs.run import RECIPE, Run

_TELLING = ("", "test", "validation", "train")  # splits, by how much the figures on their Images flatter


def learned_from(model: str, data: str, images: Sequence[str], ctx: JobContext) -> tuple[int, int]:
    """How many of `images` trained the Model in the file `model`, and by how many its best epoch was chosen.

    Known where the Model file lies in its Run folder, or where `data` is the Run whose data set's fingerprint the
    Model's card names. An Image counts by its path, or by its content: a copy under another name is the same Image.
    """
    splits: dict[str, str] = {}
    for run in _runs(model, data):
        with suppress(StudioError):
            splits |= {image.path: image.split for image in read_split(run.split_path)}
    roles = {path: splits[path] for path in images if path in splits}
    strangers = [path for path in images if path not in splits]
    if splits and strangers:
        roles |= _by_content(strangers, splits, ctx)
    found = list(roles.values())
    return found.count("train"), found.count("validation")


def may_have_learned(model: str, data: str) -> bool:
    """Whether the Model's card names a data set called as `data` is, while no Run is known that says which Images."""
    file = Path(model)
    if not file.is_file() or any(_runs(model, data)):
        return False
    with suppress(StudioError, OSError):
        return read_card(file).provenance.data.startswith(f"{Path(data).absolute().name}, SHA-256 ")
    return False


def _runs(model: str, data: str) -> Iterator[Run]:
    """The Runs that say what the Model learned from."""
    file = Path(model)
    if file.is_file() and (file.absolute().parent / RECIPE).is_file():
        yield Run(file.absolute().parent)
    if not (Path(data) / RECIPE).is_file():
        return
    run = Run(Path(data).absolute())
    mark = str(read_data(run).get("fingerprint", ""))
    with suppress(StudioError, OSError):
        if mark and file.is_file() and read_card(file).provenance.data.endswith(mark):
            yield run


def _by_content(strangers: Sequence[str], splits: Mapping[str, str], ctx: JobContext) -> dict[str, str]:
    """The split of each stranger that is a copy of an Image of the Run; only files of one size are compared."""
    sizes: dict[int, list[str]] = {}
    for path in splits:
        sizes.setdefault(_size(path), []).append(path)
    sizes.pop(-1, None)
    alike = {path: size for path in strangers if (size := _size(path)) in sizes}
    wanted = [*alike, *dict.fromkeys(path for size in alike.values() for path in sizes[size])]
    seen = look_at(wanted, JobContext(cancel=ctx.cancel), is_quick=True)
    known: dict[str, str] = {}
    for path in sorted(
        wanted, key=lambda path: _TELLING.index(splits.get(path, ""))
    ):  # a copy in two splits: the worse
        if path in splits and seen[path].content:
            known[seen[path].content] = splits[path]
    return {path: known[seen[path].content] for path in alike if seen[path].content in known}


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116 - any bytes a name may have
    except (OSError, ValueError):
        return -1
