"""The training of a Run, from its data to its Model file: one loop, the same in a window, a script and torchrun."""

from __future__ import annotations

import time
from collections.abc import Iterator

import torch

from convnext_studio.core.context import Cancelled, JobContext
from convnext_studio.core.data.dataset import Split
from convnext_studio.core.errors import DataError, DeviceError, ModelError, RunError, StorageError, StudioError
from convnext_studio.core.models.card import Card
from convnext_studio.core.models.model_file import load_model_file
from convnext_studio.core.predict.device import device_title, settle_device
from convnext_studio.core.requests import Train
from convnext_studio.core.run_events import (
    PhaseStarted,
    Progressed,
    Resumed,
    RunEnded,
    RunStarted,
    StepEnded,
    TestEnded,
    Why,
)
from convnext_studio.core.runs.run import Run
from convnext_studio.core.training.batches import Batch, Batches
from convnext_studio.core.training.begin import exactness, lay_ground, note_part
from convnext_studio.core.training.desk import Desk, desk_for
from convnext_studio.core.training.distributed import OthersGone, joined
from convnext_studio.core.training.head_first import fit_new_head, predict_by_head
from convnext_studio.core.training.index import index_training_images
from convnext_studio.core.training.optimizer import gentleness
from convnext_studio.core.training.plan import smoothed
from convnext_studio.core.training.resume import ChangedSince, how_it_ended
from convnext_studio.core.training.samples import Samples
from convnext_studio.core.training.step import NotFinite
from convnext_studio.core.training.validation import Answers, Scores, judge, predict
from convnext_studio.core.training.work import Work
from convnext_studio.core.values import DeviceName

_REPLAN_STEPS = 25  # where time is limited
_EPOCH_SAVE_S = 5.0
_DRIVE = "Is the drive that holds them still there?"


def train(request: Train, ctx: JobContext) -> RunEnded:
    """Serve `Train`. A Run that finished is left as it is. Raises `RunError` where it cannot be begun or resumed."""
    run = Run.open(request.run)
    device = settle_device(run.recipe.device)
    with joined(device) as world, desk_for(run, world, ctx) as desk, exactness(device):
        ended = world.shared(lambda: how_it_ended(run))
        if ended is None:
            ended = _to_an_end(request, desk, device)
            desk.emit(ended)
        return ended


def _to_an_end(request: Train, desk: Desk, device: DeviceName) -> RunEnded:
    """Work, and say how it ended; a bug is told, and raised."""
    try:
        return _work(request, desk, device)
    except ChangedSince:
        raise
    except Cancelled:
        return RunEnded("stopped", "Stopped; all that was learned is saved.", "Go on whenever you like.", "asked", True)
    except NotFinite as error:
        return RunEnded(
            "failed",
            "The loss is not a finite number any more. The weights are as they were before.",
            "Look at the Images named, or begin a new Run with a lower learning rate.",
            "not finite",
            images=error.images,
        )
    except StudioError as error:
        return RunEnded("failed", error.message, error.hint, _why(error), can_go_on=not isinstance(error, DeviceError))
    except Exception as error:
        desk.emit(RunEnded("failed", f"A fault in the program: {error}", "", "fault", can_go_on=True))
        raise


def _work(request: Train, desk: Desk, device: DeviceName) -> RunEnded:
    """Begin, or take up what was saved; then head, whole network, test."""
    ground = lay_ground(desk, device, accepts_changes=request.accepts_changes)
    changed = ground.data.changes + note_part(desk, ground)
    work = Work(ground, desk)
    is_resumed = work.find_state()
    with work.batches("train") as batches, work.batches("validation") as validation:
        work.make_plan(batches)
        if not is_resumed:
            _say_what_begins(work)
        if ground.data.is_begun:
            desk.emit(Resumed(work.progress.step, work.epoch, is_exact=not changed, differences=changed))
            work.tell_plan()
        samples = Samples(work)
        if not work.progress.is_head_done:
            fit_new_head(work)
            work.progress.is_head_done = True
            work.save()
            if work.progress.best_epoch == 0:
                samples.show(work.best)
        desk.on_pause = work.save
        why = _train_whole(work, batches, validation, samples)
    return _test(work, why)


def _train_whole(work: Work, batches: Batches, validation: Batches, samples: Samples) -> Why:
    """Train epoch by epoch; returns why it ended before all that was planned, "" if it did not."""
    if not work.is_done:
        work.desk.emit(PhaseStarted("full", work.plan.steps))
    while not work.is_done and not _is_out_of_patience(work):
        _train_epoch(work, batches)
        _validate(work, validation)
        samples.show(work.best)
    if _is_out_of_patience(work):
        return "patience"
    if work.progress.last_epoch:
        return "asked"
    return "time limit" if work.plan.epochs < work.ground.recipe.epochs else ""


def _train_epoch(work: Work, batches: Batches) -> None:
    """Take the steps of the epoch under way that are still to be taken. Stopped anywhere, it saves first."""
    desk, progress, ctx = work.desk, work.progress, work.desk.ctx
    begun = time.monotonic()
    try:
        for batch, error in _read(work, batches):
            agreed = desk.agree(len(batch) if batch else 0, error)
            if batch is None or not agreed.count:
                raise _nothing_readable()
            work.obey(agreed.wanted)
            factor = progress.rate * gentleness(progress.step, work.plan.steps)
            rate = work.schedule.set(work.plan.share(progress.step + 0.5), factor)
            stepped = work.stepper.step(batch, progress.step + 1, work.optimizer, agreed.count, ctx)
            progress.step += 1
            if work.average is not None:
                work.average.update(work.network, progress.step)
            progress.losses += stepped.loss
            progress.steps_summed += 1
            took, begun = time.monotonic() - begun, time.monotonic()
            work.step_seconds = smoothed(work.step_seconds, took)
            desk.emit(
                StepEnded(
                    step=progress.step,
                    epoch=work.epoch,
                    loss=stepped.loss,
                    learning_rate=rate,
                    images_per_s=agreed.count / took,
                    data_wait=min(1.0, batch.waited_s / took),
                    gradient_norm=stepped.gradient_norm,
                    memory_bytes=work.memory_bytes,
                    norms=stepped.norms,
                    updates=stepped.updates,
                    load=work.load.share,
                )
            )
            if work.stepper.has_run_short:
                _say_memory_is_short(work)
            work.save_if_due()
            if work.ground.recipe.max_minutes and progress.step % _REPLAN_STEPS == 0:
                work.replan()
    except (Cancelled, DataError, OthersGone):
        _save_if_possible(work)
        raise


def _read(work: Work, batches: Batches) -> Iterator[tuple[Batch | None, DataError | None]]:
    """The batches that are still to come in this epoch; of several processes, none may fail alone."""
    plan, step = work.plan, work.progress.step
    coming = batches.epoch(work.epoch, work.desk.reading, step - work.progress.epochs * plan.steps_per_epoch)
    while work.progress.step < work.plan.steps:
        try:
            batch = next(coming, None)
        except DataError as error:
            yield None, error
            return
        if batch is None:
            return
        yield batch, None


def _validate(work: Work, validation: Batches) -> None:
    """Judge the epoch, keep the weights if none were better, and save."""
    desk, progress = work.desk, work.progress
    began = time.monotonic()
    try:
        scores = _scores(work, work.best, validation, "validation")
    except (Cancelled, DataError, OthersGone):
        _save_if_possible(work)
        raise
    progress.epochs += 1
    train_loss = progress.losses / max(1, progress.steps_summed)
    progress.losses, progress.steps_summed = 0.0, 0
    is_best = work.keep_if_better(scores)
    epochs_left = max(0, work.plan.epochs - progress.epochs)
    validating_s = epochs_left * (time.monotonic() - began)
    seconds_left = work.step_seconds * max(0, work.plan.steps - progress.step) + validating_s
    desk.emit(work.epoch_ended(scores, train_loss, is_best=is_best, seconds_left=seconds_left))
    if work.ground.recipe.max_minutes:
        work.replan()
    work.save_if_due(_EPOCH_SAVE_S)


def _test(work: Work, why: Why) -> RunEnded:
    """Load the Model file as anybody would, read the test split once, and write what came of it into the file."""
    desk, progress = work.desk, work.progress
    desk.world.shared(work.save_now)  # for all, so that the Model file of the last epoch is there when others load it
    network, card = _own_model(work)
    network.to(work.ground.device).to(memory_format=torch.channels_last)
    if work.ground.data.images["test"]:
        desk.emit(PhaseStarted("test"))
        scores = _test_scores(work, network)
        metrics = tuple(one for one in card.metrics if one.split != "test") + scores.metrics("test")
        work.write_model(network, metrics)
        desk.emit(TestEnded(scores.accuracy, scores.balanced_accuracy, scores.interval, scores.confusion))
        load_model_file(desk.run.model_path)
    index_training_images(work)
    return RunEnded(
        "finished",
        _MESSAGES[why],
        why=why,
        best_epoch=max(0, progress.best_epoch),
        best_balanced_accuracy=max(0.0, progress.best_balanced_accuracy),
    )


def _own_model(work: Work) -> tuple[torch.nn.Module, Card]:
    """Load the Model file; whatever else lies in its place shall not get this Run's figures. Raises `RunError`."""
    hint = "Put the Model file of this Run back, or begin a new Run."
    try:
        network, card, _, _ = load_model_file(work.desk.run.model_path)
    except ModelError as error:
        raise RunError(error.message, hint) from error
    own = work.card()
    is_own = card.provenance.data.endswith(work.ground.data.fingerprint)
    if not is_own or (card.architecture, card.classes) != (own.architecture, own.classes):
        raise RunError(f"“{work.desk.run.model_path.name}” is not the Model of this Run.", hint)
    return network, card


def _test_scores(work: Work, network: torch.nn.Module) -> Scores:
    if not work.progress.step:
        return _judged(work, predict_by_head(work, "test", network), "test")
    with work.batches("test") as batches:
        return _scores(work, network, batches, "test")


_MESSAGES: dict[Why, str] = {
    "": "Finished.",
    "patience": "Finished: the last epochs brought nothing better.",
    "time limit": "Finished within the time limit.",
    "asked": "Finished after the epoch, as asked.",
}


def _scores(work: Work, network: torch.nn.Module, batches: Batches, split: Split) -> Scores:
    desk, images = work.desk, work.ground.data.images[split]

    def tell(done: int) -> None:
        desk.emit(Progressed("test", min(len(images), done * desk.world.size), len(images)))

    answers = predict(
        network,
        batches,
        work.normalise,
        desk,
        device=work.ground.device,
        is_bf16=work.plan.is_bf16,
        on_batch=tell if split == "test" else None,
    )
    return _judged(work, answers, split)


def _judged(work: Work, answers: Answers, split: Split) -> Scores:
    """Judge a split; where none of its Images answers any more, a figure would be none. Raises `DataError`."""
    data = work.ground.data
    if data.images[split] and not len(answers.numbers):
        raise DataError(f"Not one Image of the {split} split can be read.", _DRIVE)
    if split == "validation":
        work.keep_answers(answers, work.epoch)
    return judge(answers, data.images[split], data.classes)


def _say_what_begins(work: Work) -> None:
    ground, desk, plan = work.ground, work.desk, work.plan
    grown = ground.start.grown_from
    desk.emit(
        RunStarted(
            name=desk.run.name,
            model=grown.title if grown else f"{ground.start.card.architecture} (random weights)",
            classes=ground.data.classes,
            counts=ground.data.counts,
            epochs=plan.epochs,
            steps=plan.steps,
            batch_size=ground.batch_size,
            device=device_title(ground.device_name),
            precision="bf16" if plan.is_bf16 else "fp32",
            world_size=desk.world.size,
            licence=ground.start.card.licence,
            warnings=ground.data.warnings,
            data=ground.data.words,
        )
    )


def _say_memory_is_short(work: Work) -> None:
    pieces = work.stepper.accumulation
    work.stepper.has_run_short = False
    work.desk.notice(
        f"Memory is short: each batch is now computed in {pieces} pieces. The result stays the same.",
        "A smaller input size or Model would be faster.",
    )


def _save_if_possible(work: Work) -> None:
    """Save once more before the end; on a disk in trouble what was saved before has to do."""
    if work.saves_slowly:
        work.desk.notice("It ends as soon as what was learned is saved.")
    try:
        work.save_now()
    except StorageError as error:
        work.desk.notice(f"{error.message} The state saved before is kept.", error.hint)


def _is_out_of_patience(work: Work) -> bool:
    patience, progress = work.ground.recipe.patience, work.progress
    return bool(patience and progress.best_epoch >= 0 and progress.epochs - progress.best_epoch >= patience)


def _nothing_readable() -> DataError:
    return DataError("Not one Image of a batch can be read.", _DRIVE)


def _why(error: StudioError) -> Why:
    kinds: tuple[tuple[type[StudioError], Why], ...] = (
        (DataError, "data"),
        (DeviceError, "memory"),
        (StorageError, "disk"),
    )
    return next((why for kind, why in kinds if isinstance(error, kind)), "fault")
