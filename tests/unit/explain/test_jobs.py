"""The Jobs: maps first and trust behind them, folders, the check, nearest Images, and what a user can get wrong."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from convnext_studio.core import jobs, requests
from convnext_studio.core.context import Cancelled, JobContext
from convnext_studio.core.data.dataset import LabelledImage, Split
from convnext_studio.core.data.split_file import write_split
from convnext_studio.core.errors import DeviceError, ImageError, ModelError, UsageError
from convnext_studio.core.explain import lens
from convnext_studio.core.explain.judge import Judge
from convnext_studio.core.explain.lens import Lens
from convnext_studio.core.explain.place import image_map
from convnext_studio.core.explanations import (
    Activations,
    Explained,
    ExplainSummary,
    ExplanationCheck,
    HeatmapsMade,
    ImageExplained,
    Method,
    TrustMeasured,
)
from convnext_studio.core.models.model_file import save_model_file
from convnext_studio.core.predict import device, ready
from convnext_studio.core.predict.runners import torch_runner
from convnext_studio.core.values import Execution, ImageRef, ModelRef
from tests.unit.explain.planted import CLASSES, planted_model, planted_picture

CPU = Execution("cpu", "fp32", "torch")


@pytest.fixture(autouse=True)
def few_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Jobs stay with one thread, as the other tests here do."""
    monkeypatch.setattr(device, "usable_cores", lambda: 1)
    monkeypatch.setattr(torch_runner, "usable_cores", lambda: 1)


@pytest.fixture(autouse=True, scope="module")
def no_model_is_kept() -> Iterator[None]:
    """Keep the Models of this module between its tests: measuring how they run best takes longer than all the rest."""
    yield
    ready.forget_models()
    lens.forget_lenses()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ModelRef:
    """A Model for inputs of 64 pixels a side, which answers in a few milliseconds."""
    path = tmp_path_factory.mktemp("model") / "planted.safetensors"
    made = planted_model(64).model
    save_model_file(path, made.network, made.card)
    return ModelRef(str(path))


@pytest.fixture
def images(tmp_path: Path) -> tuple[ImageRef, ...]:
    rng, found = np.random.default_rng(4), []
    for number in range(3):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        path = folder / "part.png"
        Image.fromarray(planted_picture(rng, number, (200, 120))[0]).save(path)
        found.append(ImageRef(str(path)))
    return tuple(found)


def test_maps_are_told_at_once_and_their_trust_follows(model: ModelRef, images: tuple[ImageRef, ...]) -> None:
    said: list[object] = []
    request = requests.Explain(images[0], model, CPU, layers=("stage3", "stage4"), top=2)
    explained = jobs.run(request, JobContext(said.append))

    assert isinstance(explained, Explained)
    assert [(one.layer, one.class_name) for one in explained.heatmaps] == [
        (layer, name) for layer in ("stage3", "stage4") for name in explained.classes[:2]
    ]
    assert explained.classes[0] == "red"
    assert (explained.width, explained.height) == (200, 120)
    made = next(event for event in said if isinstance(event, HeatmapsMade))
    assert made.explained.trust == ()
    assert tuple(event.trust for event in said if isinstance(event, TrustMeasured)) == explained.trust
    assert len(explained.trust) == 4


@pytest.mark.parametrize(
    "method", ["gradcam++", "eigencam", "scorecam", "ablationcam", "integrated-gradients", "occlusion"]
)
def test_every_method_gives_a_map_of_its_own_part_of_the_image(
    method: Method, model: ModelRef, images: tuple[ImageRef, ...]
) -> None:
    request = requests.Explain(images[1], model, CPU, method=method, is_trust_wanted=False)
    explained = jobs.run(request, JobContext())
    assert isinstance(explained, Explained)
    (one,) = explained.heatmaps
    assert one.values.dtype == np.float32
    assert one.values.max() == pytest.approx(1.0)
    assert one.peak > 0
    assert one.region == pytest.approx((0, 0, 200, 120))


@pytest.mark.parametrize("method", ["scorecam", "ablationcam", "integrated-gradients", "occlusion"])
def test_a_slow_method_can_be_stopped_on_its_way(method: Method, model: ModelRef, images: tuple[ImageRef, ...]) -> None:
    class Soon(threading.Event):
        asked = 0

        def is_set(self) -> bool:
            self.asked += 1
            return self.asked > 2  # when the Image is opened, before the first batch, and then

    with pytest.raises(Cancelled):
        jobs.run(requests.Explain(images[1], model, CPU, method=method), JobContext(cancel=Soon()))


def test_a_class_against_another_is_explained(model: ModelRef, images: tuple[ImageRef, ...]) -> None:
    explained = jobs.run(requests.Explain(images[0], model, CPU, classes=("red",), versus="green"), JobContext())
    assert isinstance(explained, Explained)
    assert explained.heatmaps[0].versus == "green"
    assert "against “green”" in explained.trust[0].sentence


def test_what_does_not_exist_is_refused_in_a_sentence(
    model: ModelRef, images: tuple[ImageRef, ...], tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="no class “purple”") as refused:
        jobs.run(requests.Explain(images[0], model, CPU, classes=("purple",)), JobContext())
    assert refused.value.hint.startswith("It knows “")  # names in quotation marks are left alone by who translates
    with pytest.raises(UsageError, match="no layer “stage9”"):
        jobs.run(requests.Explain(images[0], model, CPU, layers=("stage9",)), JobContext())
    with pytest.raises(ImageError, match="not there any more"):
        jobs.run(requests.Explain(ImageRef(str(tmp_path / "gone.png")), model, CPU), JobContext())
    known = ready.ready_model(model, CPU, None, JobContext())
    with pytest.raises(ModelError, match="no classes"):
        lens.lens_for(replace(known, info=replace(known.info, classes=())))


def test_notes_say_when_methods_coincide_or_cancel_out(model: ModelRef, images: tuple[ImageRef, ...]) -> None:
    notes = []
    for method, layer in (("gradcam", "stage4"), ("hirescam", "stage3"), ("eigencam", "stage3"), ("gradcam", "stage3")):
        request = requests.Explain(images[0], model, CPU, method=method, layers=(layer,), is_trust_wanted=False)  # type: ignore[arg-type]
        explained = jobs.run(request, JobContext())
        assert isinstance(explained, Explained)
        notes.append(" ".join(explained.notes))
    assert "same map" in notes[0]
    assert "choose another layer" in notes[1]
    assert "same for every class" in notes[2]
    assert notes[3] == ""


def test_too_little_memory_is_said_in_words_and_nothing_is_lost(
    model: ModelRef, images: tuple[ImageRef, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def out_of_memory(lens: Lens, batch: Tensor) -> Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    request = requests.Explain(images[0], model, CPU, method="occlusion", is_trust_wanted=False)
    with monkeypatch.context() as patch:
        patch.setattr(Lens, "forward", out_of_memory)
        with pytest.raises(DeviceError, match="Memory is too short"):
            jobs.run(request, JobContext())
    assert isinstance(jobs.run(request, JobContext()), Explained)


def test_a_heatmap_is_saved_as_what_each_suffix_stands_for(
    model: ModelRef, images: tuple[ImageRef, ...], tmp_path: Path
) -> None:
    explained = jobs.run(requests.Explain(images[0], model, CPU, is_trust_wanted=False), JobContext())
    assert isinstance(explained, Explained)
    (one,) = explained.heatmaps
    paths = tuple(str(tmp_path / f"map{suffix}") for suffix in (".png", ".npy", ".tiff", ".json"))
    request = requests.SaveHeatmap(images[0], one, paths, (("model", "Planted"),))
    assert jobs.run(request, JobContext()) == paths

    expected = np.clip(image_map(one, 200, 120), 0, 1)
    assert np.array_equal(np.load(paths[1]), expected)
    with Image.open(paths[2]) as tiff, Image.open(paths[0]) as overlay:
        assert np.array_equal(np.asarray(tiff), expected)
        assert (overlay.mode, overlay.size) == ("RGB", (200, 120))
    record = json.loads(Path(paths[3]).read_text(encoding="utf-8"))
    assert (record["layer"], record["method"], record["model"]) == ("stage3", "gradcam", "Planted")
    with pytest.raises(UsageError, match="no suffix that is known"):
        jobs.run(replace(request, paths=(str(tmp_path / "map.gif"),)), JobContext())
    assert not (tmp_path / "map.gif").exists()


def test_a_folder_that_is_stopped_keeps_what_is_done_and_nothing_half_written(
    model: ModelRef, images: tuple[ImageRef, ...], tmp_path: Path
) -> None:
    cancel, out = threading.Event(), tmp_path / "why"

    def on_event(event: object) -> None:
        if isinstance(event, ImageExplained):
            cancel.set()

    with pytest.raises(Cancelled):
        jobs.run(requests.ExplainFolder(images, str(out), model, CPU), JobContext(on_event, cancel))
    assert sorted(path.name for path in out.iterdir()) == [
        "part.json",
        "part.map.npy",
        "part.map.tif",
        "part.overlay.png",
    ]


def test_a_folder_gets_overlay_map_and_record_of_each_image_and_a_bad_one_its_reason(
    model: ModelRef, images: tuple[ImageRef, ...], tmp_path: Path
) -> None:
    out, said = tmp_path / "why", list[object]()
    (tmp_path / "bad.png").write_bytes(b"no picture")
    request = requests.ExplainFolder(
        (*images, ImageRef(str(tmp_path / "bad.png"))), str(out), model, CPU, method="gradcam"
    )
    summary = jobs.run(request, JobContext(said.append))

    assert isinstance(summary, ExplainSummary)
    assert (summary.explained, summary.failed) == (3, 1)
    assert [event.error == "" for event in said if isinstance(event, ImageExplained)] == [True, True, True, False]
    for number, name in enumerate(("part", "part (2)", "part (3)")):
        values = np.load(out / f"{name}.map.npy")
        assert (values.dtype, values.shape) == (np.float32, (120, 200))
        assert 0 <= values.min() <= values.max() <= 1
        with Image.open(out / f"{name}.overlay.png") as overlay:
            assert overlay.size == (200, 120)
        with Image.open(out / f"{name}.map.tif") as tiff:
            assert tiff.mode == "F"
            assert np.array_equal(np.asarray(tiff), values)
        record = json.loads((out / f"{name}.json").read_text(encoding="utf-8"))
        assert record["class"] == CLASSES[number]
        assert record["trust"]["verdict"] in ("faithful", "weak", "not faithful")
        assert record["check"]["images"] == 3
        assert record["model"]["title"] == "Planted"
    (check,) = [event for event in said if isinstance(event, ExplanationCheck)]
    assert "random weights" in check.sentence


def test_the_record_of_a_map_that_took_the_place_of_the_usual_one_has_no_check_of_the_usual_one(
    model: ModelRef, images: tuple[ImageRef, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trusted(_self: Judge, explained: Explained, *_rest: object, **_options: object) -> Explained:
        better = replace(explained.heatmaps[0], method="layercam")
        return replace(explained, heatmaps=(better,)) if explained.image == images[0] else explained

    monkeypatch.setattr(Judge, "trusted", trusted)
    jobs.run(requests.ExplainFolder(images[:2], str(tmp_path / "why"), model, CPU), JobContext())
    records = [json.loads((tmp_path / "why" / f"{name}.json").read_bytes()) for name in ("part", "part (2)")]
    assert [record["method"] for record in records] == ["layercam", "gradcam"]
    assert records[0]["check"] is None and records[1]["check"]["method"] == "gradcam"


def test_a_folder_keeps_the_files_of_others_and_what_was_explained_of_other_images(
    model: ModelRef, images: tuple[ImageRef, ...], tmp_path: Path
) -> None:
    def explain(image: ImageRef) -> None:
        summary = jobs.run(requests.ExplainFolder((image,), str(out), model, CPU, is_trust_wanted=False), JobContext())
        assert isinstance(summary, ExplainSummary) and summary.explained == 1

    out = tmp_path / "out"
    out.mkdir()
    labels, depth = '{"shapes": [], "imagePath": "part.png"}', b"depth"
    (out / "part.json").write_text(labels)
    (out / "part (2).map.tif").write_bytes(depth)
    explain(images[0])
    explain(images[1])
    explain(images[0])
    assert (out / "part.json").read_text() == labels and (out / "part (2).map.tif").read_bytes() == depth
    records = [json.loads((out / f"part ({number}).json").read_text()) for number in (3, 4)]
    assert [record["path"] for record in records] == [images[0].path, images[1].path]
    assert not (out / "part.overlay.png").exists() and not (out / "part (5).json").exists()


def test_a_folder_can_be_explained_against_a_class_and_without_trust(
    model: ModelRef, images: tuple[ImageRef, ...], tmp_path: Path
) -> None:
    request = requests.ExplainFolder(
        images[:1], str(tmp_path / "why"), model, CPU, versus=CLASSES[0], is_trust_wanted=False
    )
    jobs.run(request, JobContext())
    record = json.loads((tmp_path / "why" / "part.json").read_text(encoding="utf-8"))
    assert record["versus"] == CLASSES[0] != record["class"]
    assert (record["trust"], record["check"]) == (None, None)


def test_maps_change_when_the_model_forgets_and_the_check_is_kept(
    model: ModelRef, images: tuple[ImageRef, ...]
) -> None:
    check = jobs.run(requests.CheckExplanations(images, model, CPU), JobContext())
    assert isinstance(check, ExplanationCheck)
    assert check.images == 3
    assert check.similarity_random_network < 1
    assert jobs.run(requests.CheckExplanations(images[:1], model, CPU), JobContext()) is check


def test_the_nearest_training_image_is_one_of_the_same_kind(
    model: ModelRef, images: tuple[ImageRef, ...], tmp_path: Path
) -> None:
    assert jobs.run(requests.FindNearest(images[0], model, CPU), JobContext()) == ()
    path = jobs.run(requests.IndexFeatures(images, CLASSES[:3], model, CPU), JobContext())
    assert path == model.name.replace(".safetensors", ".features.safetensors")
    other = tmp_path / "other.png"
    with Image.open(images[2].path) as picture:
        picture.point(lambda value: min(255, value + 3)).save(other)
    found = jobs.run(requests.FindNearest(ImageRef(str(other)), model, CPU, count=2), JobContext())
    assert isinstance(found, tuple)
    assert len(found) == 2
    assert found[0].label == "blue"
    assert found[0].similarity >= found[1].similarity


def test_the_strongest_feature_maps_of_a_layer_are_shown(model: ModelRef, images: tuple[ImageRef, ...]) -> None:
    found = jobs.run(requests.ShowActivations(images[0], model, "stage2.block1", CPU, count=4), JobContext())
    assert isinstance(found, Activations)
    assert found.maps.shape[0] == 4
    strengths = np.abs(found.maps).mean(axis=(1, 2))
    assert (np.diff(strengths) <= 0).all()


def test_a_model_file_in_its_run_is_indexed_with_what_the_run_was_trained_on(
    model: ModelRef, images: tuple[ImageRef, ...]
) -> None:
    with pytest.raises(UsageError, match="no list"):
        jobs.run(requests.IndexFeatures((), (), model, CPU), JobContext())
    splits: tuple[Split, ...] = ("train", "test", "train")
    kinds = zip(images, CLASSES[:3], splits, strict=True)
    write_split(
        Path(model.name).with_name("split.csv"),
        [LabelledImage(one.path, label, "", split) for one, label, split in kinds],
    )
    jobs.run(requests.IndexFeatures((), (), model, CPU), JobContext())
    found = jobs.run(requests.FindNearest(images[1], model, CPU), JobContext())
    assert isinstance(found, tuple)
    assert {one.label for one in found} == {CLASSES[0], CLASSES[2]}
