"""What is worked with while the whole network is trained, and what is kept of it: state, best weights, plan."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import torch
from timm.utils import ModelEmaV3
from torch import nn

from convnext_studio.core.data.dataset import Split
from convnext_studio.core.errors import StorageError
from convnext_studio.core.models.card import Card
from convnext_studio.core.models.model_file import save_model_file
from convnext_studio.core.run_events import EpochEnded, Planned, Saved
from convnext_studio.core.runs.answers import keep_answers
from convnext_studio.core.runs.control import Wanted
from convnext_studio.core.training.augment import Augmentation
from convnext_studio.core.training.batches import Batch, Batches, Normalise, Reading
from convnext_studio.core.training.begin import Ground
from convnext_studio.core.training.checkpoint import Progress, States, give_back, take
from convnext_studio.core.training.desk import Desk
from convnext_studio.core.training.distributed import World
from convnext_studio.core.training.load import Load
from convnext_studio.core.training.loss import Loss
from convnext_studio.core.training.network import needs_checkpointing
from convnext_studio.core.training.optimizer import Schedule, build_optimizer
from convnext_studio.core.training.plan import Plan, Stretch, measure, read_plan, steps_within, write_plan
from convnext_studio.core.training.step import Stepper, Way
from convnext_studio.core.training.validation import Answers, Scores

SAVE_EVERY_S = 15.0
_SAVE_SHARE = 0.05  # of the time; a large state is saved less often, but
_MOST_LOST_S = 30.0
_PLAN_BYTES = 4096
_SLOW_BYTES = 100_000_000  # to hash and to write them takes a good part of a second
_LOWERED = 0.5  # what "lower rate" does
_RESERVE = 0.03  # of a time limit, for what was not foreseen
_MEASURED_ON_CPU = 8  # Images: all of a batch would take seconds before the first step
_NOTABLE = 0.03  # by how much planned steps must differ to be planned anew


class Work:
    """Network, average, optimizer, schedule and batches of one Run, with how far it is."""

    def __init__(self, ground: Ground, desk: Desk) -> None:
        recipe, device = ground.recipe, ground.device
        self.ground, self.desk = ground, desk
        self.progress = Progress()
        self.network = ground.start.network.to(device).to(memory_format=torch.channels_last)
        self.network.train()
        if needs_checkpointing(recipe, ground.preprocessing):
            self.network.set_grad_checkpointing(True)  # type: ignore[operator]
        self.average: Any = None
        self.reset_average()
        self.optimizer = build_optimizer(self.network, recipe)
        self.schedule = Schedule(self.optimizer, recipe.warmup)
        self.normalise = Normalise(ground.preprocessing).to(device)
        self.states = States(desk.run.last_path)
        self.plan = Plan(False, torch.get_num_threads(), 1, (Stretch(0, 0.0, 0),))
        self._loss = Loss(recipe, ground.class_weights, device)
        self.stepper = self._stepper(is_bf16=False)
        self.step_seconds = 0.0  # of a step of late, all that belongs to it included
        self.load = Load(device)
        self._saved_at, self._saving_s = time.monotonic(), 0.0

    @property
    def best(self) -> nn.Module:
        """The weights that are validated and kept: the average, where there is one."""
        best: nn.Module = self.average.module if self.average is not None else self.network
        return best

    @property
    def epoch(self) -> int:
        """The epoch under way, from 1."""
        return self.progress.epochs + 1

    @property
    def is_done(self) -> bool:
        """Whether all planned epochs are trained and validated."""
        last = self.progress.last_epoch or self.plan.epochs
        return self.progress.epochs >= min(last, self.plan.epochs)

    @property
    def memory_bytes(self) -> int:
        """Largest use of the GPU's memory so far, or this process's memory now."""
        if self.ground.device.type == "cuda":
            return int(torch.cuda.max_memory_allocated(self.ground.device))
        return int(psutil.Process().memory_info().rss)

    def reset_average(self) -> None:
        """Let the average begin with the weights as they are."""
        decay = self.ground.recipe.ema_decay
        self.average = ModelEmaV3(self.network, decay, use_warmup=True) if decay else None

    def batches(self, split: Split, *, is_altered: bool | None = None, only: Sequence[int] | None = None) -> Batches:
        """The Images of a split, some or all, to be closed by the caller; training's are altered, balanced."""
        ground, desk, recipe = self.ground, self.desk, self.ground.recipe
        images = ground.data.images[split]
        is_training = split == "train" if is_altered is None else is_altered
        reading = Reading(
            batch_size=ground.batch_size,
            seed=recipe.seed,
            balance=ground.balance if is_training else "none",
            workers=recipe.workers,
            on_unreadable=recipe.on_unreadable,
            device=ground.device_name,
            rank=desk.world.rank,
            world=desk.world.size,
            neighbours=desk.world.neighbours,
            max_megapixels=recipe.max_megapixels,
        )
        return Batches(
            images if only is None else [images[number] for number in only],
            ground.data.classes,
            ground.preprocessing,
            reading,
            augmentation=Augmentation(recipe, ground.preprocessing) if is_training else None,
            on_unreadable=desk.leave_out,
        )

    # --- the plan

    def make_plan(self, batches: Batches) -> None:
        """Take the Run's plan, or decide by measuring, in the first process, and write it down."""
        self.plan = self.desk.world.shared(lambda: read_plan(self.desk.run.plan_path) or self._new_plan(batches))
        recipe, plan = self.ground.recipe, self.plan
        if plan.steps_per_epoch != batches.steps or (not recipe.max_minutes and plan.epochs != recipe.epochs):
            self._adapt(batches.steps)
        if self.desk.world.size == 1:
            torch.set_num_threads(self.plan.threads)
        self.stepper = self._stepper(is_bf16=self.plan.is_bf16)

    def replan(self) -> None:
        """Where time is limited: plan as many steps as the speed so far allows."""
        before, self.plan = self.plan, self.desk.world.shared(self._replanned)
        if self.plan != before:
            self.tell_plan()

    def tell_plan(self) -> None:
        """Say how much is planned in all, now."""
        self.desk.emit(Planned(self.plan.epochs, self.plan.steps))

    def obey(self, wanted: tuple[Wanted, ...]) -> None:
        """Do what was asked of the Run."""
        if "lower rate" in wanted:
            self.progress.rate *= _LOWERED
            self.desk.notice(
                f"The learning rate was lowered to {self.progress.rate:.3g} of what was planned, as asked."
            )
        if "finish epoch" in wanted:
            self.progress.last_epoch = self.epoch
            self.desk.notice(f"Epoch {self.epoch} will be the last one, as asked.")

    # --- what is kept

    def find_state(self) -> bool:
        """Take up the saved state, if there is one."""
        found = self.desk.world.shared(self.states.load)
        if found is None:
            return False
        if found.notice:
            self.desk.notice(found.notice)
        if found.tensors:
            self.progress = found.progress
            give_back(found, self.network, self.average.module if self.average else None, self.optimizer)
        return bool(found.tensors)

    @property
    def saves_slowly(self) -> bool:
        """Whether to save takes so long that whoever waits for it should be told."""
        return self._state_bytes() > _SLOW_BYTES

    def save(self) -> None:
        """Save the state; while the disk is full, wait. Raises `Cancelled`."""
        if self.desk.world.is_first:
            self.desk.patiently(self.save_now, self._state_bytes())

    def save_now(self) -> None:
        """Save the state, or raise `StorageError`."""
        if not self.desk.world.is_first:
            return
        began = time.monotonic()
        self.progress.accumulation = self.stepper.accumulation
        size = self.states.save(self.progress, self._tensors())
        self._saved_at = time.monotonic()
        self._saving_s = self._saved_at - began
        self.desk.emit(Saved(self.progress.step, size, self._saving_s))

    def save_if_due(self, least_s: float | None = None) -> None:
        """Save if enough time went by that saving takes a small share of it."""
        wait_s = min(max(SAVE_EVERY_S if least_s is None else least_s, self._saving_s / _SAVE_SHARE), _MOST_LOST_S)
        if time.monotonic() - self._saved_at >= wait_s:
            self.save()

    def keep_if_better(self, scores: Scores) -> bool:
        """Write the Model file if no epoch was better; returns whether so."""
        progress = self.progress
        new, old = (
            (scores.balanced_accuracy, -scores.loss),
            (progress.best_balanced_accuracy, -progress.best_loss),
        )
        if scores.images and progress.best_epoch >= 0 and new <= old:
            return False
        progress.best_epoch, progress.best_balanced_accuracy = progress.epochs, scores.balanced_accuracy
        progress.best_loss = scores.loss
        self.write_model(self.best, scores.metrics("validation"))
        return True

    def keep_answers(self, answers: Answers, epoch: int) -> None:
        """Keep what was said of each validation Image, for whoever wants to see them."""
        if not self.desk.world.is_first:
            return
        images, classes = self.ground.data.images["validation"], self.ground.data.classes
        rows = zip(answers.numbers, answers.probabilities, strict=True)
        told = ((images[number], int(row.argmax()), float(row.max())) for number, row in rows)
        with contextlib.suppress(StorageError):  # a disk in trouble is told of where something would be lost
            keep_answers(
                self.desk.run, epoch, ((image.path, image.label, classes[best], share) for image, best, share in told)
            )

    def write_model(self, network: nn.Module, metrics: tuple[object, ...]) -> None:
        """Write the Model file; while the disk is full, wait."""
        if self.desk.world.is_first:
            card = replace(self.card(), metrics=metrics)  # type: ignore[arg-type]
            path = self.desk.run.model_path
            size = sum(weight.nbytes for weight in network.state_dict().values())
            self.desk.patiently(lambda: save_model_file(path, network, card), size)

    def card(self) -> Card:
        """What the Model says of itself."""
        ground, run = self.ground, self.desk.run
        grown = ground.start.grown_from
        source = Path(ground.recipe.data).name
        trained = f"{len(ground.data.images['train']):,} Images of “{source}”"
        if grown and grown.training_data:
            trained = f"{len(ground.data.images['train']):,} Images of “{source}”, after {grown.training_data}"
        provenance = replace(ground.start.card.provenance, data=f"{source}, SHA-256 {ground.data.fingerprint}")
        return replace(ground.start.card, title=run.name, training_data=trained, provenance=provenance)

    def epoch_ended(
        self, scores: Scores, train_loss: float, *, is_best: bool, seconds_left: float | None
    ) -> EpochEnded:
        """The Event for an epoch that was validated just now."""
        patience = self.ground.recipe.patience
        return EpochEnded(
            epoch=self.progress.epochs,
            step=self.progress.step,
            train_loss=train_loss,
            loss=scores.loss,
            accuracy=scores.accuracy,
            balanced_accuracy=scores.balanced_accuracy,
            recalls=scores.recalls,
            confusion=scores.confusion,
            is_best=is_best,
            patience_left=patience - self.progress.epochs + max(self.progress.best_epoch, 0) if patience else -1,
            interval=scores.interval,
            worst=scores.worst,
            seconds_left=seconds_left,
        )

    # --- inside

    def _tensors(self) -> dict[str, torch.Tensor]:
        return take(self.network, self.average.module if self.average else None, self.optimizer)

    def _state_bytes(self) -> int:
        return sum(tensor.nbytes for tensor in self._tensors().values())

    def _stepper(self, *, is_bf16: bool) -> Stepper:
        recipe, world = self.ground.recipe, self.desk.world
        way = Way(self.ground.device, is_bf16, recipe.clip_norm, recipe.seed)
        stepper = Stepper(self.network, self.normalise, self._loss, way, world)
        stepper.accumulation = max(recipe.accumulation, self.progress.accumulation)
        return stepper

    def _new_plan(self, batches: Batches) -> Plan:
        recipe = self.ground.recipe
        is_measured = recipe.epochs and (recipe.max_minutes or recipe.precision == "auto")  # a head alone takes no step
        is_bf16, step_s = self._measured() if is_measured else (recipe.precision == "bf16", 0.0)
        steps = recipe.epochs * batches.steps
        if recipe.max_minutes:
            steps = min(steps, self._steps_left(step_s, batches.steps))
        return self._written(Plan(is_bf16, torch.get_num_threads(), batches.steps, (Stretch(0, 0.0, steps),), step_s))

    def _measured(self) -> tuple[bool, float]:
        """Compute the gradient of a batch of the right shape, in fp32 and bf16, and change nothing.

        A CPU takes about as much longer as there are more Images, so a few will do; a GPU does not. What a batch norm
        has seen of Images by then is kept: it would take in the noise.
        """
        ground, world = self.ground, self.desk.world
        whole = -(-ground.batch_size // world.size)
        size = min(whole, _MEASURED_ON_CPU) if ground.device_name == "cpu" else whole
        shape = (size, ground.preprocessing.height, ground.preprocessing.width, 3)
        chance = torch.Generator().manual_seed(0)
        pixels = torch.randint(0, 256, shape, dtype=torch.uint8, generator=chance).permute(0, 3, 1, 2)
        labels = torch.arange(size) % len(ground.data.classes)
        batch = Batch(0, pixels, labels, tuple(range(size)), (), 0.0)

        def compute(is_bf16: bool) -> None:
            way = Way(ground.device, is_bf16, 0.0, 0)
            alone = Stepper(self.network, self.normalise, self._loss, way, World())
            alone.accumulation = self.stepper.accumulation
            alone.gradients(batch, 0, size, self.desk.ctx)
            self.optimizer.zero_grad()

        seen = [(buffer, buffer.clone()) for buffer in self.network.buffers()]
        try:
            is_bf16, seconds = measure(compute, ground.recipe, ground.device_name)
        finally:
            for buffer, before in seen:
                buffer.copy_(before)
        return is_bf16, seconds * whole / size

    def _steps_left(self, step_s: float, steps_per_epoch: int) -> int:
        """How many steps the time limit leaves room for."""
        data, batch = self.ground.data.images, self.ground.batch_size
        validation_s = step_s / 3 * -(-len(data["validation"]) // batch)
        test_s = step_s / 3 * -(-len(data["test"]) // batch)
        limit = 60 * self.ground.recipe.max_minutes * (1 - _RESERVE)
        spent = self.desk.recorder.seconds if self.desk.recorder else 0.0
        return steps_within(limit - spent - test_s, step_s, validation_s, steps_per_epoch)

    def _replanned(self) -> Plan:
        plan, done = self.plan, self.progress.step
        most = self.ground.recipe.epochs * plan.steps_per_epoch
        steps = min(most, done + self._steps_left(self.step_seconds, plan.steps_per_epoch))
        if abs(steps - plan.steps) <= _NOTABLE * (plan.steps - done):
            return plan
        return self._written(plan.replanned(done, steps))

    def _adapt(self, steps_per_epoch: int) -> None:
        """The settings were changed: plan anew, and begin with a whole epoch; the state must say so before the plan."""
        recipe, progress = self.ground.recipe, self.progress
        self.plan = replace(self.plan, steps_per_epoch=steps_per_epoch, stretches=(Stretch(0, 0.0, 0),))
        progress.step, progress.losses, progress.steps_summed = progress.epochs * steps_per_epoch, 0.0, 0
        self.plan = self.plan.replanned(0, recipe.epochs * steps_per_epoch)
        if progress.is_head_done:  # a state was taken up
            self.desk.world.shared(self.save)
        self.desk.world.shared(lambda: self._written(self.plan))

    def _written(self, plan: Plan) -> Plan:
        """Write a plan down, in the first process; while the disk is full, wait. Raises `Cancelled`."""
        self.desk.patiently(lambda: write_plan(self.desk.run.plan_path, plan), _PLAN_BYTES)
        return plan
