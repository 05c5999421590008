"""Several processes that work on one Run: what they tell each other. One process alone is a world of one.

Gradients are summed once a step, after every process has said that its part went well: so a process that runs out of
memory or stops never leaves the others waiting, and a step is taken by all or by none. (torch's wrapper for this sums
while it computes, and cannot take a half-computed step back.)
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar, cast

import torch
import torch.distributed as dist
from torch import Tensor

from convnext_studio.core.context import Cancelled
from convnext_studio.core.errors import RunError, StudioError

T = TypeVar("T")

_PATIENCE = timedelta(hours=24)  # the first process may wait that long for space on a disk
_BUCKET_BYTES = 32 << 20


class OthersGone(RunError):
    """Another process that works on the Run ended or cannot be reached. Nothing was changed meanwhile."""


@dataclass(frozen=True)
class World:
    """This process among those that work on the Run. `neighbours` is how many of them share this machine.

    What asks the others raises `OthersGone` where one of them does not answer any more.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    neighbours: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process reads, writes and speaks for all."""
        return self.rank == 0

    def shared(self, make: Callable[[], T]) -> T:
        """Let the first process make something, and give it to all; a `StudioError` or `Cancelled` is raised in all."""
        if self.size == 1:
            return make()
        said: list[Any] = [None, None]
        if self.is_first:
            try:
                said[0] = make()
            except (StudioError, Cancelled) as error:
                said[1] = error
        with _all_there():
            dist.broadcast_object_list(said, src=0, device=torch.device("cpu"))
        if said[1] is not None:
            raise cast(Exception, said[1])
        return cast(T, said[0])

    def total(self, numbers: Sequence[float]) -> list[float]:
        """Sum each number over all processes."""
        if self.size == 1:
            return list(numbers)
        sums = torch.tensor(numbers, dtype=torch.float64)
        with _all_there():
            dist.all_reduce(sums)
        return [float(one) for one in sums]

    def gathered(self, part: T) -> list[T]:
        """What each process has, in the order of ranks."""
        if self.size == 1:
            return [part]
        parts: list[Any] = [None] * self.size
        with _all_there():
            dist.all_gather_object(parts, part)
        return parts

    def add_up(self, tensors: Iterable[Tensor]) -> None:
        """Sum tensors in place over all processes, a few megabytes at a time."""
        if self.size > 1:
            for bucket in _buckets(tensors):
                flat = torch.cat([one.reshape(-1) for one in bucket])
                with _all_there():
                    dist.all_reduce(flat)
                for one, summed in zip(bucket, torch.split(flat, [one.numel() for one in bucket]), strict=True):
                    one.copy_(summed.view_as(one))


@contextlib.contextmanager
def joined(device: str) -> Iterator[World]:
    """Join the processes that `torchrun` started; alone where the environment names none. Raises `RunError`."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size <= 1:
        yield World()
        return
    try:
        backend = "cpu:gloo,cuda:nccl" if device == "cuda" else "gloo"
        dist.init_process_group(backend, timeout=_PATIENCE)
    except (ValueError, RuntimeError) as error:
        raise RunError(f"The {size} processes did not find each other: {error}", "Start them with torchrun.") from error
    local_rank = int(os.environ.get("LOCAL_RANK", "0"))
    if device == "cuda":
        torch.cuda.set_device(local_rank)
    try:
        yield World(dist.get_rank(), size, local_rank, int(os.environ.get("LOCAL_WORLD_SIZE", str(size))))
    finally:
        dist.destroy_process_group()


@contextlib.contextmanager
def _all_there() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        raise OthersGone(
            "Another of the processes that work on this Run ended or cannot be reached.",
            "What it said last tells why. The Run can go on: start the processes again.",
        ) from error


def _buckets(tensors: Iterable[Tensor]) -> Iterator[list[Tensor]]:
    bucket: list[Tensor] = []
    for one in tensors:
        bucket.append(one)
        if sum(each.nbytes for each in bucket) >= _BUCKET_BYTES:
            yield bucket
            bucket = []
    if bucket:
        yield bucket
