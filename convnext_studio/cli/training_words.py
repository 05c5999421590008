"""A Run's Events in words, a sentence a line."""

from __future__ import annotations

from convnext_studio.cli.times import left_in_words
from convnext_studio.core.run_events import (
    EpochEnded,
    Paused,
    PhaseStarted,
    Progressed,
    Resumed,
    RunEnded,
    RunEvent,
    RunNoticed,
    RunStarted,
    StepEnded,
    TestEnded,
    WentOn,
)
from convnext_studio.core.runs.history import History

_PHASES = {
    "features": "Computing features with the frozen network",
    "head": "Fitting the head",
    "full": "Training the whole network",
    "test": "Testing the best weights",
}
_MOST_NAMED = 20


def words_of(event: RunEvent, history: History) -> tuple[str, ...]:
    """What is said of an Event, which `history` holds already; nothing of those that come by the hundred."""
    if isinstance(event, RunStarted):
        return _started(event)
    if isinstance(event, Resumed):
        words = f"Going on after step {event.step} (epoch {event.epoch})."
        exact = () if event.is_exact else ("The result may differ slightly from that of a Run without this stop.",)
        return (words, *exact, *event.differences)
    if isinstance(event, PhaseStarted):
        return (event.words or f"{_PHASES[event.phase]}…",)
    if isinstance(event, EpochEnded):
        return (_epoch(event, history),)
    if isinstance(event, TestEnded):
        found = _share(event.balanced_accuracy, event.interval)
        return (f"test split: balanced accuracy {found}, accuracy {event.accuracy:.3f}",)
    if isinstance(event, (RunNoticed, RunEnded)):
        return (f"{event.message} {event.hint}".strip(), *event.images[:_MOST_NAMED])
    if isinstance(event, Paused):
        return (f"{event.message} {event.hint}".strip(),)
    return ("Going on.",) if isinstance(event, WentOn) else ()


def progress_words(event: StepEnded | Progressed, history: History) -> str:
    """How far it is, in one line."""
    if isinstance(event, Progressed):
        return f"{event.done} of {event.total} images"
    started, best, left = history.started, history.best, history.seconds_left
    parts = [
        f"epoch {event.epoch}" + (f" of {started.epochs}" if started else ""),
        f"step {event.step}" + (f" of {started.steps}" if started else ""),
        f"loss {event.loss:.3f}",
    ]
    if best is not None:
        parts.append(f"best balanced accuracy {best.balanced_accuracy:.3f}")
    parts.append(f"{event.images_per_s:.0f} images/s")
    if left is not None:
        parts.append(left_in_words(left))
    return ", ".join(parts)


def _started(event: RunStarted) -> tuple[str, ...]:
    counts = ", ".join(f"{sum(of.values())} {split}" for split, of in event.counts.items())
    processes = f", {event.world_size} processes" if event.world_size > 1 else ""
    return (
        f"{event.model}: {len(event.classes)} classes ({', '.join(event.classes)}); images: {counts}",
        f"{event.device}, {event.precision}, batches of {event.batch_size}{processes}",
        *([f"It grows from weights with the licence {event.licence}."] if event.licence else []),
        *event.data,
        *event.warnings,
    )


def _epoch(event: EpochEnded, history: History) -> str:
    of = f" of {history.started.epochs}" if history.started else ""
    parts = [f"epoch {event.epoch}{of}: loss {event.train_loss:.3f}" if event.epoch else "head alone"]
    if event.is_validated:
        parts += [
            f"validation loss {event.loss:.3f}",
            f"balanced accuracy {_share(event.balanced_accuracy, event.interval)}",
        ]
        if event.is_best:
            parts.append("the best so far")
    else:
        parts.append("no Images for validation")
    if (left := history.seconds_left) is not None:
        parts.append(left_in_words(left))
    return ", ".join(parts)


def _share(value: float, interval: tuple[float, float]) -> str:
    return f"{value:.3f} (95 %: {interval[0]:.3f} to {interval[1]:.3f})"
