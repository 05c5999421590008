"""What a frozen network sees in Images: computed as fast as `classify` does it, once, and kept on disk.

Rows are kept by Model, Preprocessing and precision, and within by path, size and time of change of each file: another
Image costs one row, another label none. The files may be deleted at any time.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from torch import Tensor

from convnext_studio.core.context import aside
from convnext_studio.core.data.dataset import LabelledImage, Split
from convnext_studio.core.errors import DataError, StorageError
from convnext_studio.core.files import oldest, replacing
from convnext_studio.core.models.network import LoadedModel
from convnext_studio.core.predict.device import precisions_on
from convnext_studio.core.predict.memory import recall
from convnext_studio.core.predict.runners.base import Plan, Runner
from convnext_studio.core.predict.runners.build import build_runner, cache_folder
from convnext_studio.core.training.begin import Ground
from convnext_studio.core.training.work import Work
from convnext_studio.core.values import Execution

_KEPT_FILES = 20
_SETTLED_S = 2.0  # a file changed just now may change again without its time showing it
_KEY_BYTES = 16
_WORK_AT_ONCE = 1.4e12  # parameters x input pixels: a tenth of a second on two idle cores

_log = logging.getLogger(__name__)
Rows = NDArray[np.float32]


@dataclass(frozen=True)
class Features:
    """What the frozen network sees in a split's Images, (n, width) float32; `numbers` say which could be read."""

    numbers: NDArray[np.int64]
    values: Tensor


def features_of(work: Work, splits: Sequence[Split], on_done: Callable[[int], None]) -> dict[Split, Features]:
    """Pooled and normed features of every Image of some splits, unaltered; each process computes its share.

    `on_done` is told how many Images are done. Raises `Cancelled` and `DataError`.
    """
    ground, world = work.ground, work.desk.world
    kept = world.shared(lambda: KeptFeatures.of(ground))
    rows = world.shared(lambda: {split: kept.rows(ground.data.images[split]) for split in splits})
    missing = {split: [number for number, row in enumerate(rows[split]) if row is None] for split in splits}
    done = sum(map(len, rows.values())) - sum(map(len, missing.values()))
    on_done(done)
    with contextlib.ExitStack() as stack:
        runner = stack.enter_context(_running(work)) if any(missing.values()) else None
        for split in splits:

            def tell(more: int, before: int = done) -> None:
                on_done(before + more)

            for number, row in _computed(work, split, missing[split], runner, tell):
                rows[split][number] = row
                kept.add(ground.data.images[split][number], row)
            done += len(missing[split])
    if world.is_first:
        kept.write()
    return {split: _features(found) for split, found in rows.items()}


def _features(rows: Sequence[Rows | None]) -> Features:
    numbers = [number for number, row in enumerate(rows) if row is not None]
    values = [row for row in rows if row is not None]
    table = np.stack(values) if values else np.empty((0, 0), np.float32)
    return Features(np.array(numbers, np.int64), torch.from_numpy(table))


class KeptFeatures:
    """The rows on disk for one network and one way in; where they cannot be read or written, they are computed."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._rows: dict[bytes, Rows] = _read(path) if path is not None else {}
        self._is_changed = False

    @classmethod
    def of(cls, ground: Ground) -> KeptFeatures:
        """Those of the Run's network; random weights are not worth keeping anything of."""
        grown = ground.start.grown_from
        if grown is None:
            return cls(None)
        facts = f"{grown.identity} {asdict(ground.preprocessing)} {_is_bf16(ground)}"
        return cls(cache_folder() / "features" / f"{hashlib.sha256(facts.encode()).hexdigest()[:32]}.safetensors")

    def rows(self, images: Sequence[LabelledImage]) -> list[Rows | None]:
        """The row of each Image, None where there is none for the file as it is now."""
        return [self._rows.get(_key(image.path) or b"") for image in images]

    def add(self, image: LabelledImage, row: Rows) -> None:
        """Keep a row, unless the file may still be changing."""
        key = _key(image.path)
        if key is not None and self._path is not None:
            self._rows[key] = row
            self._is_changed = True

    def write(self) -> None:
        """Put everything on disk; the oldest of many files are dropped."""
        if self._path is None or not self._is_changed:
            return
        keys = np.frombuffer(b"".join(self._rows), np.uint8).reshape(-1, _KEY_BYTES)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with replacing(self._path, is_flushed=False) as part:
                save_file({"keys": keys.copy(), "rows": np.stack(list(self._rows.values()))}, part)
            for old in oldest(self._path.parent, "*.safetensors", but=_KEPT_FILES):
                old.unlink(missing_ok=True)
        except (StorageError, SafetensorError, OSError) as error:
            _log.info("The features were not kept: %s", error)


def _computed(
    work: Work, split: Split, missing: Sequence[int], runner: Runner | None, on_done: Callable[[int], None]
) -> Iterator[tuple[int, Rows]]:
    """Number and row of each missing Image that can be read."""
    world, at_once = work.desk.world, _at_once(work.ground)
    numbers: list[int] = []
    rows: list[Rows] = []
    failure: DataError | None = None
    if runner is not None and missing:
        try:
            with work.batches(split, is_altered=False, only=missing) as batches:
                for batch in batches.in_order(work.desk.reading):
                    if len(batch):
                        pixels = np.ascontiguousarray(batch.pixels.permute(0, 2, 3, 1).numpy())
                        for start in range(0, len(pixels), at_once):
                            work.desk.reading.check()
                            rows.append(runner.run(pixels[start : start + at_once]))
                        numbers += batch.numbers
                        on_done(len(numbers) * world.size)
        except DataError as error:
            failure = error
    work.desk.check(failure)
    parts = world.gathered((numbers, rows))
    pairs = [
        (missing[number], row)
        for some, tables in parts
        for number, row in zip(some, (row for table in tables for row in table), strict=True)
    ]
    yield from sorted(pairs, key=lambda pair: pair[0])


@contextlib.contextmanager
def _running(work: Work) -> Iterator[Runner]:
    """The network without its head, made to run as the Model was found to run best here."""
    ground, threads = work.ground, torch.get_num_threads()
    network = copy.deepcopy(work.network).cpu().eval()
    network.reset_classifier(0)  # type: ignore[operator]
    grown = ground.start.grown_from
    identity = hashlib.sha256(f"features of {grown.identity if grown else ''}".encode()).hexdigest()
    try:
        model, plan = LoadedModel(network, ground.start.card, identity, 0), _plan(work)
        if work.desk.world.size > 1:  # none may stop alone, and which GPU is meant is known to this thread only
            yield build_runner(model, plan)
        else:
            yield aside(lambda: build_runner(model, plan), work.desk.reading.check)
    finally:
        torch.set_num_threads(threads)


def _at_once(ground: Ground) -> int:
    """How many Images a CPU computes before it looks for a stop: the same ones every time, to the last digit."""
    if ground.device_name != "cpu":
        return ground.batch_size
    way_in = ground.preprocessing
    work = sum(weight.numel() for weight in ground.start.network.parameters()) * way_in.height * way_in.width
    return max(1, round(_WORK_AT_ONCE / work))


def _plan(work: Work) -> Plan:
    ground = work.ground
    grown, device = ground.start.grown_from, ground.device_name
    plan = Plan(device, "torch", "bf16" if _is_bf16(ground) else "fp32", "channels_last", 1, 1, 1)
    known = recall(grown.identity, Execution(device)) if grown else None
    if known is None or known[0].engine != "openvino" or work.desk.world.size > 1:
        return plan
    return replace(plan, engine="openvino", layout="")


def _is_bf16(ground: Ground) -> bool:
    wanted = ground.recipe.precision
    return wanted == "bf16" or (wanted == "auto" and "bf16" in precisions_on(ground.device_name))


def _key(path: str) -> bytes | None:
    """What names a file as it is now; None where it is gone or was changed a moment ago."""
    try:
        facts = os.stat(path)  # noqa: PTH116  a Path may refuse odd names
    except (OSError, ValueError):
        return None
    if abs(time.time() - facts.st_mtime) < _SETTLED_S:
        return None
    text = os.fsencode(path) + f"|{facts.st_size}|{facts.st_mtime_ns}".encode()
    return hashlib.blake2b(text, digest_size=_KEY_BYTES).digest()


def _read(path: Path) -> dict[bytes, Rows]:
    try:
        found = load_file(path)
        keys, rows = found["keys"], found["rows"]
        if keys.shape != (len(rows), _KEY_BYTES) or rows.ndim != 2 or not np.isfinite(rows).all():
            return {}
        path.touch()
        return {key.tobytes(): row for key, row in zip(keys, rows.astype(np.float32), strict=True)}
    except (OSError, SafetensorError, KeyError, ValueError):
        return {}
