"""Explain many Images into a folder: overlay, map and record of each, under the Image's own name."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from convnext_studio.core.context import JobContext
from convnext_studio.core.errors import ImageError, UsageError
from convnext_studio.core.events import ModelLoaded
from convnext_studio.core.explain.colours import COLOURS
from convnext_studio.core.explain.maps import DEFAULT_METHOD, Question
from convnext_studio.core.explain.save import picture, trust_record, write
from convnext_studio.core.explain.viewer import Viewer
from convnext_studio.core.explanations import Explained, ExplainSummary, ImageExplained, Trust
from convnext_studio.core.files import storage_error
from convnext_studio.core.images.preprocess import PreparedImage, load_input
from convnext_studio.core.predict.folder_names import folder_name, numbered
from convnext_studio.core.predict.ready import ReadyModel, ready_model
from convnext_studio.core.predict.runners.torch_runner import restore_threads
from convnext_studio.core.requests import ExplainFolder
from convnext_studio.core.values import ImageRef

SUFFIXES = (".overlay.png", ".map.npy", ".map.tif", ".json")


def explain_folder(request: ExplainFolder, ctx: JobContext) -> ExplainSummary:
    """Serve `ExplainFolder`; one bad Image is one `ImageExplained` with its reason.

    Raises what makes every Image fail: `ModelError`, `UsageError`, `DeviceError`, `StorageError`.
    """
    restore_threads()
    if request.colours not in COLOURS:
        raise UsageError(f"There are no colours named “{request.colours}”.", f"Choose one of: {', '.join(COLOURS)}.")
    folder = Path(request.folder).absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error, folder) from error
    ready = ready_model(request.model, request.execution, request.fit, ctx)
    desk = _Desk(request, ready, Viewer(ready), folder)
    desk.viewer.check(desk.question)  # an unknown class or layer shall be said before the first Image is opened
    ctx.emit(ModelLoaded(ready.info))
    started, failed = time.monotonic(), 0
    for image, name in zip(request.images, _names(request.images), strict=True):
        ctx.check()
        done = desk.explain(image, name, ctx)
        failed += bool(done.error)
        ctx.emit(done)
    return ExplainSummary(len(request.images) - failed, failed, time.monotonic() - started, str(folder))


@dataclass(frozen=True)
class _Desk:
    """Where one Image after the other is explained."""

    request: ExplainFolder
    ready: ReadyModel
    viewer: Viewer
    folder: Path

    @property
    def question(self) -> Question:
        """What is asked of each Image."""
        request = self.request
        return Question(
            request.method or DEFAULT_METHOD,
            (request.layer,) if request.layer else (),
            (request.class_name,) if request.class_name else (),
        )

    def explain(self, image: ImageRef, name: str, ctx: JobContext) -> ImageExplained:
        try:
            prepared = load_input(image.path, image.frame, self.ready.info.preprocessing, self.request.max_megapixels)
            explained = self.viewer.look(image, prepared, self.question, ctx)
            trust = self._trust(explained, prepared, ctx)
            files = self._write(explained, trust, prepared, name)
        except ImageError as error:
            return ImageExplained(image, error=error.message)
        verdict = trust.verdict if trust else None
        return ImageExplained(image, files, explained.heatmaps[0].class_name, verdict)

    def _trust(self, explained: Explained, prepared: PreparedImage, ctx: JobContext) -> Trust | None:
        if not self.request.is_trust_wanted:
            return None
        return next(self.viewer.trust(explained, prepared, ctx.check))

    def _write(self, explained: Explained, trust: Trust | None, prepared: PreparedImage, name: str) -> tuple[str, ...]:
        request, info = self.request, self.ready.info
        record = {
            "model": {"title": info.title, "architecture": info.architecture, "identity": info.identity},
            "predictions": [
                {"class": one, "probability": probability}
                for one, probability in zip(explained.classes, explained.probabilities, strict=True)
            ],
            "trust": trust_record(trust) if trust else None,
            "notes": [*explained.notes, *([prepared.note] if prepared.note else [])],
            "colours": request.colours,
            "opacity": request.opacity,
        }
        found = picture(
            explained.image,
            explained.heatmaps[0],
            record,
            (request.colours, request.opacity),
            request.max_megapixels,
        )
        files = tuple(self.folder / f"{name}{suffix}" for suffix in SUFFIXES)
        for file in files:
            write(file, found)
        return tuple(str(file) for file in files)


def _names(images: tuple[ImageRef, ...]) -> Iterator[str]:
    """A name for each Image, its own without suffix; the second of a name gets a number."""
    taken: set[str] = set()
    for image in images:
        stem = folder_name(PurePath(image.path).stem) + (f".frame{image.frame + 1}" if image.frame else "")
        name = next(one for one in numbered(stem) if one.casefold() not in taken)
        taken.add(name.casefold())
        yield name
