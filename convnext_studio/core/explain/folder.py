"""Explain many Images into a folder: overlay, map and record of each, under the Image's own name."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from convnext_studio.core.context import JobContext
from convnext_studio.core.errors import DeviceError, ImageError, UsageError
from convnext_studio.core.events import ModelLoaded
from convnext_studio.core.explain.check import check_explanations
from convnext_studio.core.explain.colours import COLOURS
from convnext_studio.core.explain.maps import DEFAULT_METHOD, Question
from convnext_studio.core.explain.save import picture, write
from convnext_studio.core.explain.viewer import Viewer
from convnext_studio.core.explanations import (
    METHODS,
    Explained,
    ExplainSummary,
    ExplanationCheck,
    ImageExplained,
    record_of,
)
from convnext_studio.core.files import storage_error
from convnext_studio.core.images.preprocess import load_input
from convnext_studio.core.predict.folder_names import folder_name, numbered
from convnext_studio.core.predict.ready import ReadyModel, ready_model
from convnext_studio.core.predict.runners.torch_runner import restore_threads
from convnext_studio.core.requests import CheckExplanations, ExplainFolder
from convnext_studio.core.values import ImageRef

SUFFIXES = (".overlay.png", ".map.npy", ".map.tif", ".json")
CHECKED = 8  # Images that the Model is checked with


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
    viewer, question = Viewer(ready), _question(request)
    viewer.check(question)  # an unknown class or layer shall be said before the first Image is opened
    ctx.emit(ModelLoaded(ready.info))
    started, failed = time.monotonic(), 0
    check = _checked(request, ctx)
    if check is not None:
        ctx.emit(check)
    desk = _Desk(request, ready, viewer, question, folder, check)
    for image, name in zip(request.images, _names(request.images, folder), strict=True):
        ctx.check()
        done = desk.explain(image, name, ctx)
        failed += bool(done.error)
        ctx.emit(done)
    return ExplainSummary(len(request.images) - failed, failed, time.monotonic() - started, str(folder))


def _question(request: ExplainFolder) -> Question:
    layers = (request.layer,) if request.layer else ()
    return Question.asked(request.method, layers, (request.class_name,) if request.class_name else (), request.versus)


def _checked(request: ExplainFolder, ctx: JobContext) -> ExplanationCheck | None:
    """The check of the Model itself, where it is worth its time: a slow method's would take that of many Images."""
    if not request.is_trust_wanted or METHODS[request.method or DEFAULT_METHOD].is_slow:
        return None
    asked = CheckExplanations(
        request.images[:CHECKED],
        request.model,
        request.execution,
        request.fit,
        request.method,
        request.layer,
        request.max_megapixels,
    )
    try:
        return check_explanations(asked, ctx)
    except (UsageError, DeviceError):  # none of them opens, or three networks are too much: maps are made all the same
        return None


@dataclass(frozen=True)
class _Desk:
    """Where one Image after the other is explained."""

    request: ExplainFolder
    ready: ReadyModel
    viewer: Viewer
    question: Question
    folder: Path
    check: ExplanationCheck | None

    def explain(self, image: ImageRef, name: str, ctx: JobContext) -> ImageExplained:
        try:
            prepared = load_input(image.path, image.frame, self.ready.info.preprocessing, self.request.max_megapixels)
            explained = self.viewer.look(image, prepared, self.question, ctx)
            if prepared.note:
                explained = replace(explained, notes=(*explained.notes, prepared.note))
            if self.request.is_trust_wanted:
                explained = self.viewer.judge.trusted(explained, self.question, prepared, ctx.check)
            files = self._write(explained, name)
        except ImageError as error:
            return ImageExplained(image, error=error.message)
        verdict = explained.trust[0].verdict if explained.trust else None
        return ImageExplained(image, files, explained.heatmaps[0].class_name, verdict)

    def _write(self, explained: Explained, name: str) -> tuple[str, ...]:
        request, heatmap, check = self.request, explained.heatmaps[0], self.check
        if check is not None and (check.method, check.layer) != (heatmap.method, heatmap.layer):
            check = None  # it is of maps like the usual one, which gave way
        found = picture(
            explained.image,
            heatmap,
            dict(record_of(explained, self.ready.info, check)),
            (request.colours, request.opacity),
            request.max_megapixels,
        )
        files = tuple(self.folder / f"{name}{suffix}" for suffix in SUFFIXES)
        for file in reversed(files):  # the record first: by it `_is_ours` knows what an interruption leaves
            write(file, found)
        return tuple(str(file) for file in files)


def _names(images: tuple[ImageRef, ...], folder: Path) -> Iterator[str]:
    """A name for each Image, its own without suffix; the second of a name, and one that is taken there, gets a number.

    Beside pictures there often lie the files of other programs, such as labels in a .json of the picture's name.
    """
    taken: set[str] = set()
    for image in images:
        stem = folder_name(PurePath(image.path).stem) + (f".frame{image.frame + 1}" if image.frame else "")
        free = (one for one in numbered(stem) if one.casefold() not in taken)
        name = next(one for one in free if _is_ours(folder / one, image) or not _is_there(folder / one))
        taken.add(name.casefold())
        yield name


def _is_there(name: Path) -> bool:
    return any(os.path.lexists(f"{name}{suffix}") for suffix in SUFFIXES)


def _is_ours(name: Path, image: ImageRef) -> bool:
    """Whether an earlier explanation of the same Image lies there, which may be replaced."""
    try:
        record = json.loads(Path(f"{name}.json").read_bytes())
        return bool(record["method"] in METHODS and (record["path"], record["frame"]) == (image.path, image.frame))
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return False
