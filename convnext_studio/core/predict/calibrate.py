"""Which engine, precision, layout, batch and share of cores is the fastest here, for one Model: measured, not guessed.

Every candidate is first asked the same questions as torch in fp32; one that answers differently is refused. What was
found is remembered for this Model, this device and these versions.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, replace

import numpy as np

from convnext_studio.core.context import JobContext, aside
from convnext_studio.core.errors import DeviceError, UsageError
from convnext_studio.core.events import ModelLoading, SpeedMeasured
from convnext_studio.core.models import network
from convnext_studio.core.models.catalogue import find_entry
from convnext_studio.core.models.network import LoadedModel
from convnext_studio.core.predict.answers import agree
from convnext_studio.core.predict.blank import blank_model, filled, is_hollow
from convnext_studio.core.predict.device import check_engine, engines_on, precisions_on, settle_device, usable_cores
from convnext_studio.core.predict.heavy import measure_one_answer
from convnext_studio.core.predict.memory import recall, remember
from convnext_studio.core.predict.runners.base import Batch, Layout, Logits, Plan, Runner
from convnext_studio.core.predict.runners.build import build_runner
from convnext_studio.core.predict.runners.torch_runner import restore_threads
from convnext_studio.core.requests import MeasureSpeed
from convnext_studio.core.values import DeviceName, EngineName, Execution, Precision

_SLICE_S = 0.3  # one measurement
_BUDGET_S = 8.0  # after this, no further candidate is begun
_PROBE = 4  # Images that candidates must agree on
_HEAVY = 8e12  # parameters x input pixels; beyond it one Image takes a good part of a second on a core
_HUGE = 1.5e13  # likewise; beyond it, to make candidates and let them answer a few times takes longer than anyone waits
_MARGIN_S = 1.0  # of the time that a measurement on demand may take: it ends before
_SLOW_S = 0.4  # an Image that takes longer than this on one core gets all cores
_MUCH_SLOWER = 0.85
_CLOSE = 2.0  # another program may halve a speed while it is measured; more than that is taken at its word
_WORTH_IT = 1.05  # a larger batch must be this much faster: smaller ones answer and stop sooner
_CPU_BATCHES = (1, 8, 16)
_GPU_BATCHES = (16, 64, 256)
_FIRST_BATCH = {"cpu": 4, "mps": 8, "cuda": 64}

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settled:
    """A Plan, its Runner, and what it reached: images/s of the network alone."""

    plan: Plan
    runner: Runner
    images_per_s: float


def settle_plan(
    model: LoadedModel, execution: Execution, ctx: JobContext, *, is_measured_anew: bool = False
) -> Settled:
    """Return the best way to run `model` within what `execution` allows: as remembered, or measured now.

    Raises `DeviceError` and `UsageError` when it allows nothing that works here.
    """
    remembered = None if is_measured_anew else recall(model.identity, execution)
    if remembered is not None:
        plan, images_per_s = remembered
        return Settled(plan, aside(lambda: build_runner(model, plan), ctx.check), images_per_s)
    ctx.emit(ModelLoading("Measuring this machine"))
    settled = calibrate(model, execution, ctx)
    remember(model.identity, execution, settled.plan, settled.images_per_s)
    return settled


def measure_speed(request: MeasureSpeed, ctx: JobContext) -> SpeedMeasured:
    """Measure a Model; one of the catalogue with blank weights, for speed does not depend on them."""
    must_end_at = time.monotonic() + request.seconds
    ref = request.model
    is_blank = ref.weights == "random" or find_entry(ref.name) is not None
    model = aside(lambda: blank_model(ref.name), ctx.check) if is_blank else network.load(ref, emit=ctx.emit)
    ctx.check()
    plan = _plan_for_one_answer(model, request.execution)
    if plan is not None:
        return _measure_one_answer(model, plan, ctx, must_end_at - _MARGIN_S)
    if is_blank:
        model = aside(lambda: filled(model), ctx.check)
    budget_s = min(request.seconds / 2, must_end_at - time.monotonic())
    settled = calibrate(model, request.execution, ctx, budget_s=budget_s, is_blank=is_blank)
    best = settled.plan
    return SpeedMeasured(settled.images_per_s, Execution(best.device, best.precision, best.engine), best.batch)


def _plan_for_one_answer(model: LoadedModel, execution: Execution) -> Plan | None:
    """How to run a blank network that is too large to compare candidates; None where it is not, or torch is not wanted.

    torch's is what can be made soonest; it was no slower than others with networks as large as these.
    """
    if not is_hollow(model) or model.parameters * model.preprocessing.height * model.preprocessing.width < _HUGE:
        return None
    plans = (plan for plan in candidates(execution) if plan.engine == "torch" and plan.device == "cpu")
    return next(map(_on_all_cores, plans), None)


def _measure_one_answer(model: LoadedModel, plan: Plan, ctx: JobContext, end_at: float) -> SpeedMeasured:
    try:
        found = measure_one_answer(model, plan, ctx, end_at)
    finally:
        restore_threads()
    return SpeedMeasured(found.images_per_s, Execution("cpu", plan.precision, "torch"), plan.batch, found.share)


def calibrate(
    model: LoadedModel, execution: Execution, ctx: JobContext, *, budget_s: float = _BUDGET_S, is_blank: bool = False
) -> Settled:
    """Measure the candidates and return the fastest that answers rightly; a blank Model has no right answers."""
    give_up_at = time.monotonic() + budget_s
    plans = candidates(execution)
    if is_blank and model.parameters * model.preprocessing.height * model.preprocessing.width > _HEAVY:
        plans = [_on_all_cores(plan) for plan in plans]  # where `_with_all_cores` would arrive, after making it twice
    probe = _probe(model)
    try:
        reference = None if is_blank else build_runner(model, _reference(plans[0].device)).run(probe)
        best: Settled | None = None
        cost_s = 0.0
        for plan in plans:
            ctx.check()
            # A candidate costs what the one before it did, or more: what is known by then is worth the figure.
            if best is not None and time.monotonic() + (cost_s if is_blank else 0) > give_up_at:
                break
            began = time.monotonic()
            found = _judge(model, plan, probe, reference, ctx)
            if found is not None:
                best = found if best is None else _faster(best, found, probe)
            cost_s = time.monotonic() - began
        if best is None:
            raise _nothing_works(execution)
        best = _with_all_cores(model, best, probe)
        return _with_best_batch(best, model, ctx, give_up_at)
    finally:
        restore_threads()


def candidates(execution: Execution) -> list[Plan]:
    """Every Plan that `execution` allows on this machine, those first that are likely to be fast.

    An engine or precision that was asked for by name is the only one tried.
    """
    device = settle_device(execution.device)
    check_engine(execution.engine, device)
    engines = _engines(execution.engine, device)
    plans = [
        _plan(device, engine, precision, layout)
        for engine in engines
        for precision in _precisions(execution.precision, engine, device)
        for layout in _layouts(engine, is_alone=len(engines) == 1)
    ]
    if not plans:
        raise UsageError(f"{execution.engine} computes in fp32 only here.", "Choose the precision “fp32” or “auto”.")
    return plans


def _engines(wanted: EngineName, device: DeviceName) -> tuple[EngineName, ...]:
    if wanted != "auto":
        return (wanted,)
    # ONNX Runtime has to be asked for: its export takes long, and OpenVINO does what it does.
    return tuple(engine for engine in ("openvino", "torch") if engine in engines_on(device))


def _precisions(wanted: Precision, engine: EngineName, device: DeviceName) -> tuple[Precision, ...]:
    possible: tuple[Precision, ...] = ("fp32",) if engine == "onnxruntime" else precisions_on(device)
    if wanted == "auto":
        return tuple(reversed(possible))
    # bf16 by name is obeyed where it is emulated as well.
    return (wanted,) if wanted in possible or engine == "torch" else ()


def _layouts(engine: EngineName, *, is_alone: bool) -> tuple[Layout, ...]:
    if engine != "torch":
        return ("",)
    return ("channels_last", "contiguous") if is_alone else ("channels_last",)


def _plan(device: DeviceName, engine: EngineName, precision: Precision, layout: Layout) -> Plan:
    cores = usable_cores()
    streams = cores if device == "cpu" else 1
    workers = cores if device == "cpu" else cores + 1  # one more: while some wait for the device, the rest decode
    return Plan(device, engine, precision, layout, _FIRST_BATCH[device], workers, streams)


def _reference(device: DeviceName) -> Plan:
    return Plan(device, "torch", "fp32", "contiguous", _PROBE, 1, 1)


def _probe(model: LoadedModel) -> Batch:
    """Made-up pictures: patches of colour, large and small, and noise."""
    random = np.random.default_rng(0)
    height, width = model.preprocessing.height, model.preprocessing.width
    pictures = []
    for patch in (1, 4, 16, 64)[:_PROBE]:
        coarse = random.integers(0, 256, (-(-height // patch), -(-width // patch), 3), dtype=np.uint8)
        pictures.append(coarse.repeat(patch, axis=0).repeat(patch, axis=1)[:height, :width])
    return np.stack(pictures)


def _judge(model: LoadedModel, plan: Plan, probe: Batch, reference: Logits | None, ctx: JobContext) -> Settled | None:
    """Measure one candidate; None if it cannot run this Model or answers differently."""
    try:
        runner = aside(lambda: build_runner(model, plan), ctx.check)
        if reference is not None and not agree(runner.run(probe), reference):
            _log.info("%s refused for %s: its answers differ from fp32", plan.title, model.title)
            return None
        return Settled(plan, runner, images_per_second(runner, plan, _batch_of(probe, plan.batch), _SLICE_S))
    except (RuntimeError, MemoryError) as error:  # engines have no finer ones
        _log.info("%s refused for %s: %s", plan.title, model.title, error)
        return None


def _faster(one: Settled, other: Settled, probe: Batch) -> Settled:
    """Return the faster; where it is close, each is measured again in turn, so that no busy moment decides."""
    pair = [one, other]
    slow, fast = sorted(found.images_per_s for found in pair)
    if fast < _CLOSE * slow:
        for index, found in enumerate(pair):
            again = images_per_second(found.runner, found.plan, _batch_of(probe, found.plan.batch), _SLICE_S)
            pair[index] = replace(found, images_per_s=max(found.images_per_s, again))
    return max(pair, key=lambda found: found.images_per_s)


def _with_all_cores(model: LoadedModel, best: Settled, probe: Batch) -> Settled:
    """For a large network, prefer all cores on one Image to an Image on each core, if that costs little."""
    plan = best.plan
    if plan.device != "cpu" or plan.streams == 1 or plan.streams / best.images_per_s < _SLOW_S:
        return best
    shared = _on_all_cores(plan)
    try:
        runner = build_runner(model, shared)
        speed = images_per_second(runner, shared, probe[:1], _SLICE_S)
    except (RuntimeError, MemoryError) as error:
        _log.info("All cores on one Image refused for %s: %s", model.title, error)
        return best
    return Settled(shared, runner, speed) if speed > _MUCH_SLOWER * best.images_per_s else best


def _on_all_cores(plan: Plan) -> Plan:
    """One Image at a time, computed by all cores; two workers, for one decodes while the other computes."""
    return plan if plan.device != "cpu" else replace(plan, streams=1, batch=1, workers=2)


def _with_best_batch(best: Settled, model: LoadedModel, ctx: JobContext, give_up_at: float) -> Settled:
    if best.plan.streams / best.images_per_s > _SLICE_S / 2:
        return replace(best, plan=replace(best.plan, batch=1))  # batching gains nothing where one Image takes so long
    probe = _probe(model)
    for batch in _CPU_BATCHES if best.plan.device == "cpu" else _GPU_BATCHES:
        ctx.check()
        if time.monotonic() > give_up_at:
            break
        plan = replace(best.plan, batch=batch)
        try:
            speed = images_per_second(best.runner, plan, _batch_of(probe, batch), _SLICE_S)
        except (RuntimeError, MemoryError) as error:
            _log.info("Batch %d refused for %s: %s", batch, model.title, error)
            break
        needed = best.images_per_s * (_WORTH_IT if batch > best.plan.batch else 1 / _WORTH_IT)
        if speed > needed:
            best = replace(best, plan=plan, images_per_s=speed)
    return best


def images_per_second(runner: Runner, plan: Plan, batch: Batch, seconds: float) -> float:
    """Images/s of the network alone, with as many threads calling as are served side by side."""
    runner.run(batch)  # engines prepare themselves for a new batch size
    done: list[int] = []
    errors: list[BaseException] = []
    stop_at = time.perf_counter() + seconds

    def call() -> None:
        try:
            count = 0
            while count == 0 or time.perf_counter() < stop_at:
                runner.run(batch)
                count += len(batch)
            done.append(count)
        except BaseException as error:  # raised again below, in the thread that asked
            errors.append(error)

    callers = 1 if plan.device == "cpu" and plan.streams == 1 else plan.workers
    threads = [threading.Thread(target=call, name="calibrate") for _ in range(callers)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return sum(done) / (time.perf_counter() - started)


def _batch_of(probe: Batch, size: int) -> Batch:
    return np.ascontiguousarray(np.resize(probe, (size, *probe.shape[1:])))


def _nothing_works(execution: Execution) -> DeviceError:
    if execution.precision == "bf16":
        return DeviceError(
            "In bf16 this Model does not give the answers that it gives in fp32, or cannot run.",
            "Choose the precision “fp32” or “auto”.",
        )
    return DeviceError("This Model cannot run on this device.", "Choose another device or a smaller Model.")
