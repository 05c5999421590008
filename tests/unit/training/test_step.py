"""A step is the same however many pieces its batch is computed in."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import timm
import torch

from convnext_studio.core.context import JobContext
from convnext_studio.core.errors import DeviceError
from convnext_studio.core.predict.faults import Faults
from convnext_studio.core.training.batches import Batch, Normalise
from convnext_studio.core.training.distributed import World
from convnext_studio.core.training.drop_path import Drawn, let_be_drawn
from convnext_studio.core.training.loss import Loss
from convnext_studio.core.training.step import Stepper, Way
from convnext_studio.core.values import Preprocessing
from tests.exam_train import recipe_for

PATIENCE_S = 5.0
WAY_IN = Preprocessing(32, 32, "squash", "bicubic", (0.5,) * 3, (0.25,) * 3)
MIXES = {"as they are": {"mixup": 0.0}, "blended": {"mixup": 0.8}, "pasted": {"mixup": 0.0, "cutmix": 1.0}}


def network(drop_path: float) -> torch.nn.Module:
    torch.manual_seed(0)
    made: torch.nn.Module = timm.create_model(
        "test_convnext", num_classes=2, drop_path_rate=drop_path, ls_init_value=0.5
    ).train()
    let_be_drawn(made)
    return made


def learned(
    pieces: int, *, drop_path: float = 0.5, made: torch.nn.Module | None = None, **mix: object
) -> tuple[float, list[torch.Tensor]]:
    """The loss and the gradients of one step."""
    way, made = Way(torch.device("cpu"), False, 1.0, 3), made or network(drop_path)
    pixels = torch.randint(0, 256, (8, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    batch = Batch(0, pixels, torch.arange(8) % 2, tuple(range(8)), (), 0.0)
    loss = Loss(recipe_for(Path("parts"), **mix), [1.0, 1.0], way.device)
    stepper = Stepper(made, Normalise(WAY_IN), loss, way, World())
    stepper.accumulation = pieces
    found = stepper.gradients(batch, 5, 8, JobContext())
    return found, [weight.grad for weight in made.parameters() if weight.grad is not None]


@pytest.mark.parametrize("mix", MIXES)
@pytest.mark.parametrize("pieces", [2, 3, 8])
def test_a_batch_in_pieces_is_mixed_and_dropped_as_a_whole(mix: str, pieces: int) -> None:
    whole_loss, whole = learned(1, **MIXES[mix])
    loss, gradients = learned(pieces, **MIXES[mix])

    assert loss == pytest.approx(whole_loss, rel=1e-5)
    for one, other in zip(gradients, whole, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)
    assert learned(1, drop_path=0.0, **MIXES[mix])[0] != pytest.approx(whole_loss, rel=1e-5)


def test_activations_computed_twice_rather_than_kept_give_the_same_gradients() -> None:
    counts = Counter[bool]()
    found = []
    for is_checkpointed in (False, True):
        made = network(0.5)
        made.set_grad_checkpointing(is_checkpointed)  # type: ignore[operator]
        norm = made.get_submodule("stages.3.blocks.0.norm")
        norm.register_forward_pre_hook(lambda *_, which=is_checkpointed: counts.update([which]))
        found.append(learned(2, made=made, mixup=0.8))

    assert counts == {False: 2, True: 4}
    assert found[0][0] == found[1][0]
    assert all(torch.equal(one, other) for one, other in zip(found[0][1], found[1][1], strict=True))


def test_what_is_kept_makes_up_for_what_is_left_out() -> None:
    made = network(0.4)
    Drawn(made, 4000, 7, torch.device("cpu")).lay_out(0, 4000)
    paths = [module for module in made.modules() if getattr(module, "factors", None) is not None]

    assert paths
    for path in paths:
        kept = 1 - path.drop_prob  # type: ignore[operator]
        assert path.factors.unique().tolist() == pytest.approx([0.0, 1 / kept])  # type: ignore[operator, union-attr]
        assert float(path.factors.mean()) == pytest.approx(1.0, abs=0.05)  # type: ignore[operator, union-attr, arg-type]


@dataclass(frozen=True)
class Beside(World):
    """One of two processes, as threads of this one."""

    meeting: threading.Barrier = field(default_factory=lambda: threading.Barrier(2))
    table: list[list[float]] = field(default_factory=lambda: [[], []])

    def total(self, numbers: Sequence[float]) -> list[float]:
        """As `World.total`, or `BrokenBarrierError` where the other one does not come."""
        self.table[self.rank] = list(numbers)
        self.meeting.wait(PATIENCE_S)
        sums = [sum(pair) for pair in zip(*self.table, strict=True)]
        self.meeting.wait(PATIENCE_S)
        return sums


def test_processes_with_unequal_parts_of_a_batch_run_out_of_memory_and_give_up_together() -> None:
    meeting, table = threading.Barrier(2), [[0.0], [0.0]]

    def work(rank: int, count: int) -> str:
        world = Beside(rank, 2, rank, 2, meeting, table)
        way, made = (
            Way(torch.device("cpu"), False, 1.0, 3),
            torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 2)),
        )
        batch = Batch(
            0, torch.zeros(count, 3, 2, 2, dtype=torch.uint8), torch.arange(count) % 2, tuple(range(count)), (), 0.0
        )
        loss = Loss(recipe_for(Path("parts"), mixup=0.0), [1.0, 1.0], way.device)
        stepper = Stepper(made, Normalise(WAY_IN), loss, way, world)
        stepper._faults = Faults("forward:oom:99")
        try:
            stepper.gradients(batch, 1, 9, JobContext())
        except (DeviceError, threading.BrokenBarrierError) as error:
            return f"{type(error).__name__} at {stepper.accumulation}"
        return "went on"

    with ThreadPoolExecutor(2) as threads:
        ends = list(threads.map(work, (0, 1), (4, 5)))

    assert ends == ["DeviceError at 8"] * 2
