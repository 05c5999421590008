"""Models made ready to predict, the last few of them kept: Jobs on several Lanes share them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from convnext_studio.core.context import JobContext
from convnext_studio.core.models import network
from convnext_studio.core.models.network import LoadedModel
from convnext_studio.core.predict.calibrate import settle_plan
from convnext_studio.core.predict.device import device_title
from convnext_studio.core.predict.runners.base import Plan, Runner
from convnext_studio.core.values import Execution, Fit, ModelInfo, ModelRef

KEPT = 2
_PATIENCE_S = 0.1


@dataclass(frozen=True)
class ReadyModel:
    """A Model, the Runner that answers for it, and what may be told of both."""

    model: LoadedModel
    runner: Runner
    plan: Plan
    info: ModelInfo


_Key = tuple[ModelRef, Execution, tuple[tuple[int, int], ...]]
_kept: OrderedDict[_Key, ReadyModel] = OrderedDict()
_making = threading.Lock()


def _nothing(model: LoadedModel) -> None:
    """Find nothing wrong with it."""


def ready_model(
    ref: ModelRef,
    execution: Execution,
    fit: Fit | None,
    ctx: JobContext,
    *,
    is_measured_anew: bool = False,
    on_loaded: Callable[[LoadedModel], object] = _nothing,
) -> ReadyModel:
    """Return the Model `ref` ready to run, from memory if it was used lately. Raises what loading raises.

    `is_measured_anew` measures how it runs best even if that is known. `on_loaded` may raise why the Model will not do
    before that takes its time. A Lane that waits for another one's Model can still be stopped.
    """
    key = (ref, execution, _stamps(ref))
    while not _making.acquire(timeout=_PATIENCE_S):
        ctx.check()
    try:
        if not key[2]:  # no file, or one that is gone: a Model in use goes on without it
            key = next((kept for kept in reversed(_kept) if kept[:2] == key[:2]), key)
        ready = _kept.get(key)
        if ready is None or is_measured_anew:
            ready = _make(ref, execution, ctx, on_loaded, is_measured_anew=is_measured_anew)
        _kept[key] = ready
        _kept.move_to_end(key)
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
    finally:
        _making.release()
    return ready if fit is None else _fitted(ready, fit)


def forget_models() -> None:
    """Give the memory of all kept Models back."""
    with _making:
        _kept.clear()


def _make(
    ref: ModelRef,
    execution: Execution,
    ctx: JobContext,
    on_loaded: Callable[[LoadedModel], object],
    *,
    is_measured_anew: bool,
) -> ReadyModel:
    model = network.load(ref, emit=ctx.emit)
    on_loaded(model)
    ctx.check()
    settled = settle_plan(model, execution, ctx, is_measured_anew=is_measured_anew)
    plan = settled.plan
    info = ModelInfo(
        ref=ref,
        title=model.title,
        architecture=model.architecture,
        identity=model.identity,
        classes=model.classes,
        preprocessing=model.preprocessing,
        parameters=model.parameters,
        licence=model.licence,
        commercial_use=model.commercial_use,
        training_data=model.training_data,
        device=device_title(plan.device),
        device_kind=plan.device,
        engine=plan.engine,
        precision=plan.precision,
        layout=plan.layout,
        images_per_s=settled.images_per_s,
        is_meaningless=model.is_meaningless,
        warnings=model.warnings,
    )
    return ReadyModel(model, settled.runner, plan, info)


def _fitted(ready: ReadyModel, fit: Fit) -> ReadyModel:
    """The same Model with another way to make Images fit; the network does not notice."""
    return replace(ready, info=replace(ready.info, preprocessing=replace(ready.info.preprocessing, fit=fit)))


def _stamps(ref: ModelRef) -> tuple[tuple[int, int], ...]:
    """Size and time of the files that `ref` names, so that a changed file is read again."""
    stamps = []
    for name in (ref.name, ref.file):
        path = Path(name)
        if name and path.is_file():
            stat = path.stat()
            stamps.append((stat.st_size, stat.st_mtime_ns))
    return tuple(stamps)
