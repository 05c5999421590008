"""From many Images to Predictions, and making a Model ready for that."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

import numpy as np
import torch

from convnext_studio.core.context import JobContext
from convnext_studio.core.errors import DeviceError, ImageError, ModelError
from convnext_studio.core.events import ClassifySummary, FolderLost, ImagesClassified, ModelLoaded, Noticed
from convnext_studio.core.images.preprocess import load_input
from convnext_studio.core.images.source import first_lost
from convnext_studio.core.predict.answers import ranked, softmax
from convnext_studio.core.predict.crew import Crew, Decoded
from convnext_studio.core.predict.faults import Faults
from convnext_studio.core.predict.ready import ReadyModel, ready_model
from convnext_studio.core.predict.runners.base import Batch, Logits
from convnext_studio.core.predict.runners.torch_runner import restore_threads
from convnext_studio.core.requests import Classify, LoadModel
from convnext_studio.core.values import ModelInfo, Prediction

DECODE_LIMIT_S = 10.0
_TRIES_AT_ONE = 4  # short memory may pass: others have to finish first

_log = logging.getLogger(__name__)


def load_model(request: LoadModel, ctx: JobContext) -> ModelInfo:
    """Load and calibrate a Model and keep it, so that the next Job finds it ready."""
    is_anew = request.is_measured_anew
    return ready_model(request.model, request.execution, request.fit, ctx, is_measured_anew=is_anew).info


def classify(request: Classify, ctx: JobContext) -> ClassifySummary:
    """Predict every Image; the order of the Predictions is not that of the Images.

    Emits `FolderLost`, once for each folder, before it answers for an Image of it. Raises `ModelError` for a Model
    without classes and `DeviceError` when not even one Image fits into the memory.
    """
    ready = ready_model(request.model, request.execution, request.fit, ctx)
    if not ready.info.classes:
        raise ModelError(
            f"“{ready.info.title}” has no classes: it turns pictures into features only.",
            "Choose a Model with classes, or fine-tune this one on your own pictures.",
        )
    ctx.emit(ModelLoaded(ready.info))
    steps = _Steps(request, ready, ctx)
    crew = Crew(
        len(request.images), steps, workers=1 if request.is_careful else ready.plan.workers, limit_s=DECODE_LIMIT_S
    )
    started, failed = time.monotonic(), 0
    try:
        for predictions in crew.answers(ctx):
            failed += sum(1 for prediction in predictions if prediction.error)
            ctx.emit(ImagesClassified(tuple(predictions)))
    finally:
        restore_threads()
    return ClassifySummary(len(request.images) - failed, failed, time.monotonic() - started)


class _Steps:
    """The two halves of a Prediction, as the crew's threads call them."""

    def __init__(self, request: Classify, ready: ReadyModel, ctx: JobContext) -> None:
        self._request = request
        self._ready = ready
        self._ctx = ctx
        self._faults = Faults.ordered()
        self._batch = 1 if request.is_careful else ready.plan.batch
        self._shrinking = threading.Lock()
        self._alone = threading.Lock()
        self._telling = threading.Lock()
        self._lost: set[Path] = set()

    def most_at_once(self) -> int:
        """The batch as calibrated, or smaller once memory was short."""
        return self._batch

    def decode(self, number: int) -> Decoded | Prediction:
        """Decode and prepare one Image."""
        image = self._request.images[number]
        started = time.perf_counter()
        try:
            self._faults.arrive("decode")
            found = load_input(image.path, image.frame, self._ready.info.preprocessing, self._request.max_megapixels)
        except ImageError as error:
            self._tell_if_lost(Path(image.path).parent)
            return self._failed(number, error.message)
        except (MemoryError, torch.OutOfMemoryError):
            return self._failed(number, "There is too little memory to open this picture.")
        except Exception:  # a fault of ours; the other Images must not pay for it
            _log.exception("Decoding %r failed", image.path)
            return self._failed(number, "The picture could not be opened because of a fault in the program.")
        return Decoded(number, found.input, found.note, time.perf_counter() - started)

    def give_up(self, number: int) -> Prediction:
        """Answer for an Image whose decoder does not come back."""
        return self._failed(number, f"The picture could not be decoded within {DECODE_LIMIT_S:.0f} seconds.")

    def answer(self, decoded: list[Decoded]) -> list[Prediction]:
        """Run the network on some Images and rank their classes."""
        started = time.perf_counter()
        logits = self._forward(np.stack([one.pixels for one in decoded]))
        share = (time.perf_counter() - started) / len(decoded)
        finite = [bool(np.isfinite(row).all()) for row in logits]
        return [
            self._ranked(one, row, share)
            if is_finite
            else self._failed(one.number, "The Model gave no finite answer for this picture.")
            for one, row, is_finite in zip(decoded, logits, finite, strict=True)
        ]

    def _ranked(self, one: Decoded, row: Logits, share_s: float) -> Prediction:
        info = self._ready.info
        probabilities = softmax(row)
        order, margin = ranked(probabilities, self._request.top)
        return Prediction(
            image=self._request.images[one.number],
            classes=tuple(info.classes[index] for index in order),
            probabilities=tuple(float(probabilities[index]) for index in order),
            margin=margin,
            milliseconds=1000 * (one.seconds + share_s),
            note=one.note,
            model=info.identity[:12],
        )

    def _tell_if_lost(self, folder: Path) -> None:
        lost = first_lost(folder)
        with self._telling:  # to the end: whoever finds it told may answer at once
            if lost is not None and lost not in self._lost:
                self._ctx.emit(FolderLost(str(lost)))
                self._lost.add(lost)

    def _failed(self, number: int, reason: str) -> Prediction:
        return Prediction(self._request.images[number], error=reason, model=self._ready.info.identity[:12])

    def _forward(self, batch: Batch) -> Logits:
        """Logits of `batch`, in halves where memory is too short for all of it."""
        logits = self._try(batch)
        if logits is not None:
            return logits
        if len(batch) == 1:
            return self._forward_alone(batch)
        self._shrink(len(batch))
        middle = (len(batch) + 1) // 2
        return np.concatenate([self._forward(batch[:middle]), self._forward(batch[middle:])])

    def _try(self, batch: Batch) -> Logits | None:
        """Logits of `batch`; None if memory was too short, with the exception gone, for it keeps tensors alive."""
        try:
            self._faults.arrive("forward")
            return self._ready.runner.run(batch)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        return None

    def _forward_alone(self, batch: Batch) -> Logits:
        with self._alone:
            for _ in range(_TRIES_AT_ONE):
                self._ctx.check()
                logits = self._try(batch)
                if logits is not None:
                    return logits
        raise DeviceError(
            "Memory is too short for even one picture at a time.",
            "Choose a smaller Model, another device, or close other programs.",
        )

    def _shrink(self, failed_size: int) -> None:
        with self._shrinking:
            smaller = (failed_size + 1) // 2
            if smaller >= self._batch:
                return
            self._batch = smaller
        self._ctx.emit(Noticed(f"Memory is short: batch halved to {smaller}."))


def is_out_of_memory(error: Exception) -> bool:
    """torch has a class for this on some devices; allocators elsewhere only say so in words."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    text = str(error).lower()
    return any(words in text for words in ("out of memory", "can't allocate memory", "bad_alloc", "bad allocation"))
