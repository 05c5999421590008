"""Stand-ins for Jobs of the Engine: what a Store or Panel would hear, without files, decoders or a network."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from convnext_studio.core import jobs
from convnext_studio.core.context import JobContext
from convnext_studio.core.events import (
    ClassifySummary,
    End,
    EngineStopped,
    FindSummary,
    ImagesClassified,
    ImagesFound,
    ModelInput,
    ModelLoaded,
    OpenedImage,
    PlaceSeen,
    ThumbnailMade,
)
from convnext_studio.core.explanations import (
    METHODS,
    Explained,
    ExplanationCheck,
    Heatmap,
    HeatmapsMade,
    LayerInfo,
    NetworkDescription,
    NetworkPart,
    Trust,
    TrustMeasured,
)
from convnext_studio.core.images import look
from convnext_studio.core.requests import (
    CheckExplanations,
    Classify,
    DescribeNetwork,
    Explain,
    FindImages,
    LoadModel,
    LookAtPlaces,
    MakeThumbnails,
    OpenImage,
    ShowModelInput,
)
from convnext_studio.core.values import ImageRef, ModelInfo, ModelRef, Prediction, Preprocessing
from convnext_studio.gui.jobs import InlineLane

CLASSES = ("good", "scratch", "pit", "stain", "crack", "dent")
SAMPLE = ModelRef()
PREPROCESSING = Preprocessing(64, 64, "squash", "bicubic", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def image(number: int) -> ImageRef:
    return ImageRef(f"/parts/part_{number}.png")


def model_info(ref: ModelRef = SAMPLE, **changes: object) -> ModelInfo:
    fields: dict[str, object] = {
        "ref": ref,
        "title": ref.name,
        "architecture": "convnext_atto",
        "identity": hashlib.sha256(ref.name.encode()).hexdigest(),
        "classes": CLASSES,
        "preprocessing": PREPROCESSING,
        "parameters": 3_700_000,
        "licence": "Apache-2.0",
        "commercial_use": True,
        "training_data": "sample",
        "device": "CPU",
        "device_kind": "cpu",
        "engine": "torch",
        "precision": "bf16",
        "layout": "channels_last",
        "images_per_s": 120.0,
    }
    return ModelInfo(**(fields | changes))  # type: ignore[arg-type]


def predict(ref: ImageRef, model: ModelRef = SAMPLE) -> Prediction:
    """A Prediction that follows from the name; names with "broken" in them fail."""
    identity = model_info(model).identity[:12]
    if "broken" in ref.path:
        return Prediction(ref, error="This is not an image: the file is empty.", model=identity)
    number = sum(ref.path.encode()) % len(CLASSES)
    top = 0.5 + 0.45 * (sum(ref.path.encode()) % 97) / 97
    names = CLASSES[number:] + CLASSES[:number]
    rest = (1 - top) / 2
    return Prediction(ref, names[:3], (top, rest, rest / 2), top - rest, 7.25, model=identity)


def finding(images: list[ImageRef], **summary: object) -> Callable[[FindImages, JobContext], object]:
    def find(request: FindImages, ctx: JobContext) -> FindSummary:
        for start in range(0, len(images), 256):
            ctx.emit(ImagesFound(tuple(images[start : start + 256])))
        return FindSummary(len(images), **{"ignored": 0, **summary})  # type: ignore[arg-type]

    return find


def load(request: LoadModel, ctx: JobContext) -> ModelInfo:
    return model_info(request.model, preprocessing=replace(PREPROCESSING, fit=request.fit or PREPROCESSING.fit))


def classify(request: Classify, ctx: JobContext) -> ClassifySummary:
    ctx.emit(ModelLoaded(model_info(request.model)))
    step = 1 if request.is_careful else 8
    for start in range(0, len(request.images), step):
        part = request.images[start : start + step]
        ctx.emit(ImagesClassified(tuple(predict(ref, request.model) for ref in part)))
    return ClassifySummary(len(request.images), 0, 1.0)


def picture(width: int, height: int) -> np.ndarray:
    """x in red, y in green, so that a pixel tells where it is."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0] = np.arange(width) % 256
    pixels[..., 1] = (np.arange(height) % 256)[:, None]
    pixels[..., 2] = 90
    return pixels


def open_image(request: OpenImage, ctx: JobContext) -> OpenedImage:
    return OpenedImage(request.image, picture(200, 100), 200, 100, 1, "PNG", (), 1234, 1.0)


def look_at_places(request: LookAtPlaces, ctx: JobContext) -> tuple[PlaceSeen, ...]:
    """The made-up Images lie there unchanged; of other places the truth."""
    return tuple(
        PlaceSeen(path, "file", 1.0)
        if path.startswith("/parts/")
        else look.look_at_places(LookAtPlaces((path,)), ctx)[0]
        for path in request.paths
    )


def make_thumbnails(request: MakeThumbnails, ctx: JobContext) -> int:
    for ref in request.images:
        if "broken" in ref.path:
            ctx.emit(ThumbnailMade(ref, None, error="This is not an image: the file is empty."))
        else:
            ctx.emit(ThumbnailMade(ref, picture(request.side, request.side * 3 // 4), 200, 150))
    return len(request.images)


def show_model_input(request: ShowModelInput, ctx: JobContext) -> ModelInput:
    pre = request.preprocessing
    return ModelInput(request.image, picture(pre.width, pre.height), (0.0, 0.0, 200.0, 100.0))


LAYERS = tuple(
    LayerInfo(f"stage{number}", f"Stage {number}", 64 // 2**number, 64 // 2**number, 8 * number, True)
    for number in (1, 2, 3, 4)
)


def describe_network(request: DescribeNetwork, ctx: JobContext) -> NetworkDescription:
    network = NetworkPart("", "Network", "network", "Turns an Image into scores.", 1000, 0.1, (6,))
    return NetworkDescription(
        "convnext_atto", "ConvNeXt", network, 64, 64, LAYERS, "stage4", tuple(METHODS), ("gradcam", "hirescam")
    )


def trust(verdict: str = "faithful") -> Trust:
    words = "Hiding the hot area drops “scratch” from 0.91 to 0.12; hiding random areas: 0.88."
    figures = (0.91, 0.1, 0.12, 0.88, 0.9, 0.2, 0.1, 1.0, 0.92, 0.71)
    return Trust(verdict, words, *figures, "LayerCAM, Stage 3")  # type: ignore[arg-type]


def explain(request: Explain, ctx: JobContext) -> Explained:
    """A map that is hot in its right half, over a 200 x 100 Image."""
    done = predict(request.image, request.model)
    values = np.repeat(np.array([[0.0, 0.0, 1.0, 1.0]], np.float32), 4, axis=0)
    whole = (0.0, 0.0, 200.0, 100.0)
    named = request.classes or done.classes[:1]
    heatmaps = tuple(
        Heatmap(name, request.versus, request.method or "gradcam", layer, values, whole, whole, 0.4)
        for layer in request.layers or ("stage4",)
        for name in named
    )
    notes = ("Grad-CAM and HiResCAM give the same map there.",)
    made = Explained(
        request.image, 200, 100, whole, done.classes, done.probabilities, heatmaps, (), notes, 5.0, done.model
    )
    ctx.emit(HeatmapsMade(made))
    if not request.is_trust_wanted:
        return made
    ctx.emit(TrustMeasured(0, trust()))
    return replace(made, trust=(trust(),))


def check_explanations(request: CheckExplanations, ctx: JobContext) -> ExplanationCheck:
    words = "The maps change when the Model forgets what it learned."
    done = predict(request.images[0], request.model)
    method = request.method or "gradcam"
    return ExplanationCheck(method, request.layer, len(request.images), 0.1, 0.05, True, words, done.model)


def serve(lanes: dict[str, InlineLane], images: list[ImageRef]) -> None:
    """Let every Lane answer as if these images lay in any folder."""
    for lane in lanes.values():
        lane.served_by.update(
            {
                FindImages: finding(images),
                LoadModel: load,
                CheckExplanations: check_explanations,
                Classify: classify,
                DescribeNetwork: describe_network,
                Explain: explain,
                LookAtPlaces: look_at_places,
                OpenImage: open_image,
                MakeThumbnails: make_thumbnails,
                ShowModelInput: show_model_input,
            }
        )


def end_engine(monkeypatch: pytest.MonkeyPatch, *kinds: type, times: int = 1) -> None:
    """Have another Job end the Engine while a Request of these kinds is served, so many times."""
    left = dict.fromkeys(kinds, times)
    serve_on = jobs.run_to_end

    def run(request: object, ctx: JobContext, job: jobs.Job | None = None) -> End:
        if left.get(type(request), 0) == 0:
            return serve_on(request, ctx, job)
        left[type(request)] -= 1
        return EngineStopped("Another Job did not stop, so the Engine was ended.", is_suspect=False)

    monkeypatch.setattr(jobs, "run_to_end", run)
