"""Which learning rate suits: the rate rises from step to step on a copy of the network until the loss gets worse.

The test of L. N. Smith, "Cyclical Learning Rates for Training Neural Networks" (2017), section 3.3. No Run is made or
touched, and nothing is kept.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count

import torch

from convnext_studio.core.context import JobContext
from convnext_studio.core.data.prepare import prepare_data
from convnext_studio.core.events import RateFound
from convnext_studio.core.predict.device import settle_device
from convnext_studio.core.recipe import Recipe
from convnext_studio.core.requests import FindLearningRate
from convnext_studio.core.run_events import Progressed
from convnext_studio.core.training.augment import Augmentation
from convnext_studio.core.training.batches import Batch, Batches, Reading
from convnext_studio.core.training.network import start_network
from convnext_studio.core.training.rehearsal import rehearse
from convnext_studio.core.training.step import NotFinite

_LOWEST, _HIGHEST = 1e-6, 1.0
_MEMORY = 0.8  # share of the smoothed loss that stays from step to step
_MUCH_WORSE = 1.5  # times the least loss so far: from there on it is lost
_FEWEST = 5  # steps before that is judged
_NOTABLE = 0.02  # share by which the loss must fall for the test to say anything
_SAFER = 3.0  # the steepest fall is at the edge of what a long training bears


def find_learning_rate(request: FindLearningRate, ctx: JobContext) -> RateFound:
    """Take `steps` steps at rising rates. Emits `run_events.Progressed` in steps. Raises `DataError`, `ModelError`."""
    recipe = request.recipe
    device = settle_device(recipe.device)
    card = prepare_data(recipe, ctx, is_quick=True)
    images = card.of("train")
    start = start_network(recipe, card.classes)
    way_in = start.card.preprocessing
    labels = [card.classes.index(image.label) for image in images]
    rehearsal = rehearse(recipe, start, labels, device)
    stepper, optimizer = rehearsal.stepper(is_bf16=recipe.precision == "bf16"), rehearsal.optimizer
    reading = Reading(
        batch_size=recipe.batch_size,
        seed=recipe.seed,
        balance=rehearsal.balance,
        workers=recipe.workers,
        on_unreadable=recipe.on_unreadable,
        device=device,
        max_megapixels=recipe.max_megapixels,
    )
    rates: list[float] = []
    losses: list[float] = []
    with (
        torch.random.fork_rng(),
        Batches(images, card.classes, way_in, reading, augmentation=Augmentation(recipe, way_in)) as batches,
    ):
        for step, batch in zip(range(request.steps), _endless(batches, ctx), strict=False):
            rate = _LOWEST * (_HIGHEST / _LOWEST) ** (step / max(1, request.steps - 1))
            for group in optimizer.param_groups:
                group["lr"] = rate * group.get("lr_scale", 1.0)
            try:
                found = stepper.step(batch, step, optimizer, len(batch), ctx).loss
            except NotFinite:
                break
            rates.append(rate)
            losses.append(found if not losses else _MEMORY * losses[-1] + (1 - _MEMORY) * found)
            ctx.emit(Progressed("full", step + 1, request.steps))
            if step >= _FEWEST and losses[-1] > _MUCH_WORSE * min(losses):
                break
    return suggested(rates, losses, recipe)


def suggested(rates: Sequence[float], losses: Sequence[float], recipe: Recipe) -> RateFound:
    """Choose the rate from the curve: a third of that at which the loss fell most steeply."""
    curve = RateFound(tuple(rates), tuple(losses), recipe.learning_rate, "")
    least = min(range(len(losses)), key=losses.__getitem__, default=0)
    if least < 2 or losses[least] > (1 - _NOTABLE) * losses[0]:
        return replace(
            curve, reason="The loss did not fall clearly at any rate, so the Recipe's own is kept. More steps say more."
        )
    falls = [losses[step - 1] - losses[step + 1] for step in range(1, least)]
    steepest = rates[1 + max(range(len(falls)), key=falls.__getitem__)]
    chosen = steepest / _SAFER
    digits = 10.0 ** math.floor(math.log10(chosen))
    chosen = round(chosen / digits, 1) * digits
    reason = (
        f"The loss fell most steeply at {steepest:.1e} and was least at {rates[least]:.1e}; "
        f"a third of the former leaves room for a whole training."
    )
    return replace(curve, suggestion=float(f"{chosen:.2g}"), reason=reason)


def _endless(batches: Batches, ctx: JobContext) -> Iterator[Batch]:
    """One epoch after the other, without batches of which nothing could be read."""
    for epoch in count(1):
        before = len(batches.unreadable)
        yield from (batch for batch in batches.epoch(epoch, ctx) if len(batch))
        if len(batches.unreadable) - before >= len(batches.labels):
            return
