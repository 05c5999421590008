"""From files to batches, decoded and altered ahead of the network.

Prepared Images stay in memory as uint8 where they fit, so only the first epoch decodes.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal

import numpy as np
import psutil
import torch
from numpy.typing import NDArray
from torch import Tensor

from convnext_studio.core.context import JobContext
from convnext_studio.core.data.dataset import LabelledImage
from convnext_studio.core.errors import DataError, ImageError
from convnext_studio.core.images.preprocess import load_input
from convnext_studio.core.predict.device import usable_cores
from convnext_studio.core.predict.faults import Faults
from convnext_studio.core.training.augment import Augmentation
from convnext_studio.core.training.crew import Crew, Portion, Wanted
from convnext_studio.core.training.sampler import SettledBalance, epoch_order, places_at, steps_in
from convnext_studio.core.values import DEFAULT_MAX_MEGAPIXELS, DeviceName, Preprocessing

DECODE_LIMIT_S = 8.0  # an Image that takes longer is given up; who waits knows which within 10 s
_AHEAD = 2  # batches in preparation beside the one in use
_SHARE_OF_MEMORY = 0.25  # of what is free when the first Image is kept

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reading:
    """How batches are made. `batch_size` counts over all ranks; `workers` 0 = a thread per core of this rank's share.

    `neighbours` is how many ranks share this machine, its cores and its memory.
    """

    batch_size: int
    seed: int = 0
    balance: SettledBalance = "none"
    workers: int = 0
    on_unreadable: Literal["skip", "stop"] = "skip"
    device: DeviceName = "cpu"
    rank: int = 0
    world: int = 1
    neighbours: int = 1
    limit_s: float = DECODE_LIMIT_S
    max_megapixels: float = DEFAULT_MAX_MEGAPIXELS


@dataclass(frozen=True)
class Batch:
    """One rank's part of a batch.

    `pixels` are uint8 (n, 3, height, width) in channels_last order, pinned for a CUDA device; `labels` int64 (n,);
    `numbers` say which Images these are. n is smaller than asked for, 0 at worst, where Images could not be read.
    `waited_s` is how long the caller had to wait.
    """

    step: int
    pixels: Tensor
    labels: Tensor
    numbers: tuple[int, ...]
    paths: tuple[str, ...]
    waited_s: float

    def __len__(self) -> int:
        return len(self.numbers)


class Normalise(torch.nn.Module):
    """uint8 (n, 3, h, w) -> float32, on the device the pixels are on; bit for bit `preprocess.to_float` on a CPU."""

    mean: Tensor
    std: Tensor

    def __init__(self, preprocessing: Preprocessing) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(preprocessing.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(preprocessing.std).view(1, 3, 1, 1), persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        """Keeps the order in memory: channels_last stays so."""
        return pixels.float().div_(255.0).sub_(self.mean).div_(self.std)


class Batches:
    """The Images of one split, ready to be read again and again; used as a context manager, or closed.

    `classes` give the labels their numbers. `augmentation` None leaves every Image exactly as `preprocess` prepares it.
    `unreadable` holds path and reason of each Image that could not be read: it is left out from then on, never
    replaced, and told to `on_unreadable` once, in the caller's thread. One caller at a time.
    """

    def __init__(
        self,
        images: Sequence[LabelledImage],
        classes: Sequence[str],
        preprocessing: Preprocessing,
        reading: Reading,
        *,
        augmentation: Augmentation | None = None,
        on_unreadable: Callable[[str, str], None] | None = None,
    ) -> None:
        numbered = {name: number for number, name in enumerate(classes)}
        self.labels = [numbered[image.label] for image in images]
        self.unreadable: dict[str, str] = {}
        self._paths = [image.path for image in images]
        self._preprocessing = preprocessing
        self._reading = reading
        self._augmentation = augmentation
        self._on_unreadable = on_unreadable
        self._kept = _Kept(len(images), preprocessing, reading.neighbours)
        workers = reading.workers or max(1, usable_cores() // reading.neighbours)
        self._crew = Crew(self._prepare, workers, reading.limit_s)
        self._faults = Faults.ordered()

    def __enter__(self) -> Batches:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @property
    def steps(self) -> int:
        """Batches per epoch."""
        return steps_in(len(self._paths), self._reading.batch_size)

    def epoch(self, epoch: int, ctx: JobContext, first_step: int = 0) -> Iterator[Batch]:
        """Yield this rank's part of each batch of an epoch, from `first_step` on: shuffled, balanced and altered.

        Raises `Cancelled` soon after a stop was asked for, and `DataError` naming the Image where it cannot be read and
        the Recipe says to stop then.
        """
        reading = self._reading
        order = epoch_order(self.labels, reading.seed, epoch, reading.balance)
        plans = []
        for step in range(first_step, self.steps):
            places = places_at(step, reading.batch_size, reading.rank, reading.world)
            plans.append((step, [Wanted(order[place % len(order)], epoch, place) for place in places]))
        yield from self._read(plans, ctx)

    def in_order(self, ctx: JobContext) -> Iterator[Batch]:
        """Yield every Image once, in order and unaltered: this rank's share, the last batch as short as it comes."""
        reading = self._reading
        numbers = range(reading.rank, len(self._paths), reading.world)
        size = max(1, reading.batch_size // reading.world)
        starts = range(0, len(numbers), size)
        plans = [
            (step, [Wanted(number, -1, number) for number in numbers[start : start + size]])
            for step, start in enumerate(starts)
        ]
        yield from self._read(plans, ctx)

    def close(self) -> None:
        """End the threads. A decoder that hangs is left behind: it ends with the process."""
        self._crew.end()

    # --- in the caller's thread

    def _read(self, plans: Sequence[tuple[int, list[Wanted]]], ctx: JobContext) -> Iterator[Batch]:
        ahead: deque[tuple[int, Portion]] = deque()
        coming = iter(plans)
        try:
            while True:
                while len(ahead) <= _AHEAD and (plan := next(coming, None)):
                    ahead.append((plan[0], self._crew.order(plan[1], self._room(len(plan[1])))))
                if not ahead:
                    return
                step, portion = ahead.popleft()
                started = time.perf_counter()
                self._crew.wait_for(portion, ctx)
                yield self._batch(step, portion, time.perf_counter() - started)
        finally:
            self._crew.drop([portion for _, portion in ahead])

    def _room(self, count: int) -> Tensor:
        shape = (count, self._preprocessing.height, self._preprocessing.width, 3)
        return torch.empty(shape, dtype=torch.uint8, pin_memory=self._reading.device == "cuda")

    def _batch(self, step: int, portion: Portion, waited_s: float) -> Batch:
        for place, reason in sorted(portion.failed.items()):
            self._note(self._paths[portion.wanted[place].number], reason)
        fine = [place for place in range(len(portion.wanted)) if place not in portion.failed]
        pixels = portion.room if not portion.failed else portion.room[fine]
        if self._reading.device == "cuda" and not pixels.is_pinned():
            pixels = pixels.pin_memory()
        numbers = tuple(portion.wanted[place].number for place in fine)
        return Batch(
            step=step,
            pixels=pixels.permute(0, 3, 1, 2),
            labels=torch.tensor([self.labels[number] for number in numbers], dtype=torch.int64),
            numbers=numbers,
            paths=tuple(self._paths[number] for number in numbers),
            waited_s=waited_s,
        )

    def _note(self, path: str, reason: str) -> None:
        if self._reading.on_unreadable == "stop":
            raise DataError(
                f"The Image “{path}” cannot be used: {reason}",
                "Mend or remove it, or let unreadable Images be left out (on_unreadable = skip).",
            )
        if path not in self.unreadable:
            self.unreadable[path] = reason
            if self._on_unreadable is not None:
                self._on_unreadable(path, reason)

    # --- in the threads

    def _prepare(self, wanted: Wanted, room: NDArray[np.uint8]) -> None:
        """Put one Image into `room` (h, w, 3). Raises `ImageError`."""
        pixels = self._kept.get(wanted.number)
        if pixels is None:
            pixels = self._decoded(self._paths[wanted.number])
            self._kept.keep(wanted.number, pixels)
        if self._augmentation is None or wanted.epoch < 0:
            room[...] = pixels
        else:
            altered = self._augmentation.apply(pixels, self._reading.seed, wanted.epoch, wanted.place)
            torch.from_numpy(room).permute(2, 0, 1).copy_(altered)

    def _decoded(self, path: str) -> NDArray[np.uint8]:
        if path in self.unreadable:
            raise ImageError(self.unreadable[path])
        try:
            self._faults.arrive("decode")
            return load_input(path, 0, self._preprocessing, self._reading.max_megapixels).input
        except ImageError:
            raise
        except (MemoryError, torch.OutOfMemoryError) as error:
            raise ImageError("There is too little memory to open this picture.") from error
        except Exception as error:  # a fault of ours; the other Images must not pay for it
            _log.exception("Decoding %r failed", path)
            raise ImageError("The picture could not be opened because of a fault in the program.") from error


class _Kept:
    """Prepared Images in memory, if all of them fit; the system gives the pages only as they are written."""

    def __init__(self, count: int, preprocessing: Preprocessing, neighbours: int) -> None:
        shape = (count, preprocessing.height, preprocessing.width, 3)
        allowed = _SHARE_OF_MEMORY * _free_memory() / neighbours
        self._pixels = np.empty(shape if np.prod(shape, dtype=float) <= allowed else (0,), np.uint8)
        self._is_there = np.zeros(len(self._pixels), bool)

    def get(self, number: int) -> NDArray[np.uint8] | None:
        if not len(self._is_there) or not self._is_there[number]:
            return None
        pixels: NDArray[np.uint8] = self._pixels[number]
        return pixels

    def keep(self, number: int, pixels: NDArray[np.uint8]) -> None:
        if len(self._is_there):
            self._pixels[number] = pixels
            self._is_there[number] = True  # only now: another thread may be looking


def _free_memory() -> float:
    """Bytes that this process may still take: a container is often allowed less than the machine has."""
    free = float(psutil.virtual_memory().available)
    folder = Path("/sys/fs/cgroup")
    try:
        limit = int((folder / "memory.max").read_text(encoding="ascii"))
        return min(free, float(limit - int((folder / "memory.current").read_text(encoding="ascii"))))
    except (OSError, ValueError):  # no such limit
        return free
