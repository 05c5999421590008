"""Many Images to Predictions, and what may go wrong on the way."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from convnext_studio.core import jobs
from convnext_studio.core.context import Cancelled, JobContext
from convnext_studio.core.errors import DeviceError, ModelError
from convnext_studio.core.events import ClassifySummary, FolderLost, ImagesClassified, ModelLoaded, Noticed
from convnext_studio.core.predict import classify as classify_module
from convnext_studio.core.predict import ready
from convnext_studio.core.predict.faults import VARIABLE
from convnext_studio.core.requests import Classify, LoadModel
from convnext_studio.core.values import Execution, ImageRef, ModelInfo, ModelRef, Prediction

TORCH = Execution("cpu", "fp32", "torch")
Listener = Callable[[object], None]


def _classify(request: Classify) -> tuple[dict[ImageRef, Prediction], list[object], ClassifySummary]:
    seen: list[object] = []
    summary = jobs.run(request, JobContext(seen.append))
    assert isinstance(summary, ClassifySummary)
    found = [one for event in seen if isinstance(event, ImagesClassified) for one in event.predictions]
    assert len(found) == len({one.image for one in found})
    return {one.image: one for one in found}, seen, summary


def test_every_image_gets_its_ranked_classes(photos: tuple[ImageRef, ...], model: ModelRef) -> None:
    found, seen, summary = _classify(Classify(photos, model, TORCH, top=2))
    assert set(found) == set(photos)
    assert (summary.classified, summary.failed) == (len(photos), 0)
    (info,) = [event.info for event in seen if isinstance(event, ModelLoaded)]
    for one in found.values():
        assert len(one.classes) == len(one.probabilities) == 2
        assert one.margin == pytest.approx(one.probabilities[0] - one.probabilities[1])
        assert one.milliseconds > 0
        assert one.model == info.identity[:12]
    assert len({one.classes[0] for one in found.values()}) > 1


def test_careful_gives_the_same_answers_one_image_at_a_time(photos: tuple[ImageRef, ...], model: ModelRef) -> None:
    quick, _, _ = _classify(Classify(photos, model, TORCH))
    careful, seen, _ = _classify(Classify(photos, model, TORCH, is_careful=True))
    assert all(len(event.predictions) == 1 for event in seen if isinstance(event, ImagesClassified))
    for image, one in careful.items():
        assert one.classes == quick[image].classes
        assert one.probabilities == pytest.approx(quick[image].probabilities, abs=1e-5)


def test_unreadable_images_say_why_and_the_others_are_classified(
    photos: tuple[ImageRef, ...], model: ModelRef, tmp_path: Path
) -> None:
    text = tmp_path / "text.png"
    text.write_text("not a picture")
    images = (*photos[:3], ImageRef(str(text)), ImageRef(str(tmp_path / "gone.png")))
    found, seen, summary = _classify(Classify(images, model, TORCH))
    assert (summary.classified, summary.failed) == (3, 2)
    assert found[images[3]].error and not found[images[3]].classes
    assert found[images[4]].error
    assert not any(isinstance(event, FolderLost) for event in seen)  # other files are there


@pytest.mark.parametrize("way", ["removed", "unmounted"])
def test_a_folder_that_is_lost_is_told_once_before_its_images(
    photos: tuple[ImageRef, ...], model: ModelRef, tmp_path: Path, way: str
) -> None:
    drive = tmp_path / "drive"
    parts = drive / "parts" / "deep"
    parts.mkdir(parents=True)
    images = tuple(ImageRef(str(parts / f"{number}.png")) for number in range(5))
    if way == "removed":
        shutil.rmtree(drive)
    _, seen, summary = _classify(Classify((*photos[:3], *images), model, TORCH))
    assert (summary.classified, summary.failed) == (3, 5)
    (lost,) = [event for event in seen if isinstance(event, FolderLost)]
    assert lost.folder == str(drive if way == "removed" else parts)  # of a mount point nothing is left but itself
    failed = next(
        number
        for number, event in enumerate(seen)
        if isinstance(event, ImagesClassified) and any(one.error for one in event.predictions)
    )
    assert seen.index(lost) < failed


def test_no_image_of_a_lost_folder_is_answered_for_while_another_thread_still_tells(
    photos: tuple[ImageRef, ...], model: ModelRef, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = ready.ready_model(model, TORCH, None, JobContext())
    (key,) = ready._kept
    ready._kept[key] = replace(made, plan=replace(made.plan, workers=2))
    seen: list[object] = []

    def emit(event: object) -> None:
        if isinstance(event, FolderLost):
            time.sleep(0.3)  # the other thread takes the next Image meanwhile
        seen.append(event)

    images = tuple(ImageRef(str(tmp_path / "drive" / f"{number}.png")) for number in range(12))
    jobs.run(Classify(images, model, TORCH), JobContext(emit))
    kinds = [type(event) for event in seen]
    assert kinds.index(FolderLost) < kinds.index(ImagesClassified)


def test_short_memory_halves_the_batch_says_so_and_changes_no_answer(
    photos: tuple[ImageRef, ...], model: ModelRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    right, _, _ = _classify(Classify(photos, model, TORCH))
    monkeypatch.setenv(VARIABLE, "forward:oom:3")
    found, seen, summary = _classify(Classify(photos, model, TORCH))
    assert summary.classified == len(photos)
    for image, one in found.items():
        assert one.classes == right[image].classes
        assert one.probabilities == pytest.approx(right[image].probabilities, abs=1e-5)
    for event in seen:
        if isinstance(event, Noticed):
            assert "halved" in event.message


def test_a_batch_that_does_not_fit_is_tried_in_halves(
    photos: tuple[ImageRef, ...], model: ModelRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = ready.ready_model(model, TORCH, None, JobContext())

    class Small:
        def run(self, batch: np.ndarray) -> np.ndarray:
            if len(batch) > 1:
                raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
            return made.runner.run(batch)

    (key,) = ready._kept
    plan = made.plan.__class__(**{**_fields(made.plan), "batch": 8})
    ready._kept[key] = made.__class__(**{**_fields(made), "runner": Small(), "plan": plan})
    found, seen, _ = _classify(Classify(photos, model, TORCH))
    assert set(found) == set(photos) and not any(one.error for one in found.values())
    assert any(isinstance(event, Noticed) for event in seen)


def _fields(value: object) -> dict[str, object]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}  # type: ignore[attr-defined]


def test_too_little_memory_for_one_image_ends_with_advice(
    photos: tuple[ImageRef, ...], model: ModelRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "forward:oom:100000")
    with pytest.raises(DeviceError, match="smaller Model"):
        _classify(Classify(photos, model, TORCH))


def test_an_answer_that_is_not_finite_is_an_error_and_no_class(photos: tuple[ImageRef, ...], model: ModelRef) -> None:
    made = ready.ready_model(model, TORCH, None, JobContext())

    class Nonsense:
        def run(self, batch: np.ndarray) -> np.ndarray:
            return np.full((len(batch), 3), np.nan, np.float32)

    (key,) = ready._kept
    ready._kept[key] = made.__class__(**{**_fields(made), "runner": Nonsense()})
    found, _, summary = _classify(Classify(photos[:4], model, TORCH))
    assert summary.failed == 4
    assert all("finite" in one.error and not one.classes for one in found.values())


def test_a_stop_is_followed_within_a_second_and_what_is_done_stays(
    photos: tuple[ImageRef, ...], model: ModelRef
) -> None:
    ctx_events: list[object] = []
    ctx = JobContext(ctx_events.append)
    many = tuple(ImageRef(one.path, frame) for frame in range(50) for one in photos)
    ready.ready_model(model, TORCH, None, JobContext())

    def emit(event: object) -> None:
        ctx_events.append(event)
        if isinstance(event, ImagesClassified):
            ctx.cancel.set()

    started = time.monotonic()
    with pytest.raises(Cancelled):
        jobs.run(Classify(many, model, TORCH), JobContext(emit, ctx.cancel))
    assert time.monotonic() - started < 1.5
    assert any(isinstance(event, ImagesClassified) for event in ctx_events)


def test_a_decoder_that_hangs_costs_its_image_only(
    photos: tuple[ImageRef, ...], model: ModelRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_go = threading.Event()
    load = classify_module.load_input

    def hanging(path: str, *rest: object) -> object:
        if path == photos[2].path:
            let_go.wait(30)
        return load(path, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(classify_module, "load_input", hanging)
    monkeypatch.setattr(classify_module, "DECODE_LIMIT_S", 0.2)
    found, _, summary = _classify(Classify(photos, model, TORCH))
    let_go.set()
    assert summary.failed == 1
    assert "within" in found[photos[2]].error


def test_a_model_without_classes_points_to_fine_tuning(photos: tuple[ImageRef, ...], features_file: Path) -> None:
    with pytest.raises(ModelError, match="fine-tune"):
        _classify(Classify(photos, ModelRef(str(features_file)), TORCH))


def test_a_model_is_loaded_once_and_told_apart_by_fit(model: ModelRef) -> None:
    first = ready.ready_model(model, TORCH, None, JobContext())
    other = ready.ready_model(model, TORCH, "letterbox", JobContext())
    assert other.runner is first.runner
    assert (first.info.preprocessing.fit, other.info.preprocessing.fit) == ("squash", "letterbox")
    info = jobs.run(LoadModel(model, TORCH), JobContext())
    assert isinstance(info, ModelInfo)
    assert info == first.info
    assert (info.device_kind, info.engine, info.precision) == ("cpu", "torch", "fp32")
    assert info.images_per_s is not None and info.images_per_s > 0


def test_a_model_whose_file_is_gone_stays_in_use(
    photos: tuple[ImageRef, ...], model_file: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(model_file.read_bytes())
    ref = ModelRef(str(copy))
    first = ready.ready_model(ref, TORCH, None, JobContext())
    copy.unlink()
    assert ready.ready_model(ref, TORCH, None, JobContext()) is first


def test_only_the_last_two_models_are_kept(model: ModelRef) -> None:
    for precision in ("fp32", "auto"):
        ready.ready_model(model, Execution("cpu", precision, "torch"), None, JobContext())  # type: ignore[arg-type]
    ready.ready_model(ModelRef("test_convnext", "random"), TORCH, None, JobContext())
    assert len(ready._kept) == ready.KEPT
