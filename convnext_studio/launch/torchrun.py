"""Which of the processes that `torchrun` started this one is, and one word to all of them before training begins."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from convnext_studio.core.errors import UsageError

_WAIT = timedelta(hours=1)  # looking through a large data set takes its time


@dataclass(frozen=True)
class Place:
    """`rank` counts from 0 over all machines, `local_rank` on this one."""

    rank: int = 0
    world_size: int = 1
    local_rank: int = 0

    @property
    def is_first(self) -> bool:
        """Whether this process speaks and writes for all."""
        return self.rank == 0


def place() -> Place:
    """Read it from the environment; alone where nothing (sensible) is said there."""
    try:
        found = Place(*(int(os.environ[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK")))
    except (KeyError, ValueError):
        return Place()
    return found if 0 <= found.rank < found.world_size else Place()


def tell_all(text: str) -> None:
    """Say a word to the other processes, from the first one."""
    _store().set(_key(), text)


def hear() -> str:
    """Wait for the word of the first process; while it lives, `torchrun` lets us wait."""
    return str(_store().get(_key()).decode())


def _store() -> Any:
    """The store that torchrun itself holds for its processes, there before any process group is."""
    from torch import distributed  # late: only here is torch needed

    if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True":
        raise UsageError("Several processes can only be started by torchrun.", "Unset RANK and WORLD_SIZE for one.")
    return distributed.TCPStore(  # type: ignore[attr-defined]
        os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]), timeout=_WAIT
    )


def _key() -> str:
    return f"convnext-studio/run/{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}"
