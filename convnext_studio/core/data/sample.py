"""The sample data set: generated metal surfaces with defects and masks, the same for the same seed everywhere."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from convnext_studio.core.context import JobContext
from convnext_studio.core.data.defects import DEFECTS, add_harmless
from convnext_studio.core.data.metal import draw_shot, make_surface, photograph
from convnext_studio.core.errors import UsageError
from convnext_studio.core.events import SampleWritten
from convnext_studio.core.files import replacing, storage_error
from convnext_studio.core.requests import MakeSample

CLASSES = ("good", *DEFECTS)
MARKER = "sample.json"
MANIFEST = "manifest.csv"
_VERSION = 1
_SPARE = 0.25  # how much wider a part is than what one shot shows
_FAINTEST_COVER = 0.35  # a pixel belongs to the mask from here on
_MILDEST = 0.12  # below this nobody could see the defect, and a label that nobody can check is a wrong one
_LARGEST = 2048

_README = """# Generated metal surfaces

{count} pictures of {size} x {size} pixels, made by `convnext-studio sample` with seed {seed}.
Nothing here was photographed.

* `images/CLASS/PART_SHOT.png`: classes {classes}
* `masks/CLASS/PART_SHOT.png`: white where the defect is; absent for good parts
* `manifest.csv`: path, mask, label, part, severity (near 0 an inspector would argue, near 1 nobody would),
  finish, and the defect's box in pixels

Several pictures show one part: split by `part`, or a test tells how well a part is remembered, not how well a defect
is found. Good parts carry dust, fibres, machining marks and reflections; some defects are faint on purpose.
"""


@dataclass(frozen=True)
class Plan:
    """What one Image is going to show."""

    part: int
    shot: int
    label: str

    @property
    def stem(self) -> str:
        """Class folder and file name without suffix."""
        return f"{self.label}/part{self.part:05d}_{self.shot}"


@dataclass(frozen=True)
class SampleImage:
    """One generated Image: uint8 RGB (size, size, 3), bool mask (size, size), and what is known of it."""

    plan: Plan
    pixels: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    severity: float
    finish: str

    @property
    def box(self) -> tuple[int, int, int, int] | None:
        """Left, top, right, bottom of the mask in pixels, right and bottom exclusive; None without a defect."""
        ys, xs = np.nonzero(self.mask)
        if not len(ys):
            return None
        return int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1


def plans(seed: int) -> Iterator[Plan]:
    """Yield what to show, without end: parts of every class in turn, two to four shots of each."""
    rng = np.random.default_rng([seed, 0])
    part = 0
    while True:
        deck = [*rng.permutation(CLASSES), *rng.permutation([*CLASSES, "good", "good", "good"])]
        for label in deck:
            for shot in range(int(rng.integers(2, 5))):
                yield Plan(part, shot, str(label))
            part += 1


def draw(plan: Plan, *, size: int, seed: int) -> SampleImage:
    """Draw one Image: the part as its number says, seen as its shot says. Depends on nothing else."""
    of_part = np.random.default_rng([seed, 1, plan.part])
    of_shot = np.random.default_rng([seed, 2, plan.part, plan.shot])
    unit, spare = size / 256, round(size * _SPARE)
    surface = make_surface(of_part, size + spare, unit)
    add_harmless(of_part, surface)
    azimuth = float(of_part.uniform(0, 2 * np.pi))
    shot = draw_shot(of_shot, spare, azimuth)
    severity, cover = 0.0, np.zeros((surface.side, surface.side), np.float32)
    if plan.label != "good":
        severity = float(_MILDEST + (1 - _MILDEST) * of_part.beta(1.3, 1.5))
        x, y = of_part.uniform(spare + 0.06 * size, 0.94 * size, 2)  # inside the window of every shot
        at = (float(x), float(y))
        cover = DEFECTS[plan.label](of_part, surface, at, severity)
    mask = cover[shot.top : shot.top + size, shot.left : shot.left + size] > _FAINTEST_COVER
    return SampleImage(plan, photograph(of_shot, surface, shot, size), mask, severity, surface.finish)


def make_sample(request: MakeSample, ctx: JobContext) -> str:
    """Write the data set and return the folder of its Images, `request.folder`/images.

    A data set that is there whole is left as it is; one that was stopped half-way is finished. Raises `UsageError`
    when the folder holds anything else, `StorageError` when it cannot be written.
    """
    _check(request)
    folder = Path(request.folder).absolute()
    todo = list(islice(plans(request.seed), request.count))
    if _is_whole(folder, todo):
        ctx.emit(SampleWritten(request.count, request.count))
        return str(folder / "images")
    try:
        _lay_out(folder, request)
        rows = _write_images(folder, request, todo, ctx)
    except OSError as error:
        raise storage_error(error, folder) from error
    _write_manifest(folder / MANIFEST, rows)
    return str(folder / "images")


def _check(request: MakeSample) -> None:
    if not 1 <= request.count <= 100_000:
        raise UsageError(f"{request.count} sample images cannot be made.", "Ask for 1 to 100000.")
    if not 64 <= request.size <= _LARGEST:
        raise UsageError(f"Sample images of {request.size} pixels cannot be made.", f"Ask for 64 to {_LARGEST}.")
    if request.seed < 0:
        raise UsageError(f"The seed {request.seed} is negative.", "Use 0 or a positive number.")
    folder = Path(request.folder)
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"“{folder}” is a file, not a folder.", "Name a new or an empty folder.")
    if folder.is_dir() and any(folder.iterdir()) and _settings(folder) != _marker(request):
        raise UsageError(*_refusal(folder))


def _refusal(folder: Path) -> tuple[str, str]:
    if _settings(folder) is None:
        return f"“{folder}” already holds other files.", "Name a new or an empty folder for the sample data set."
    return (
        f"“{folder}” already holds a sample data set with another count, size or seed.",
        "Name a new folder, or delete that one first.",
    )


def _marker(request: MakeSample) -> dict[str, object]:
    return {"made_by": "convnext-studio sample", "version": _VERSION} | {
        key: value for key, value in asdict(request).items() if key != "folder"
    }


def _settings(folder: Path) -> dict[str, object] | None:
    """Return what the data set in `folder` was asked for; None when none of ours is there."""
    try:
        found = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    is_ours = isinstance(found, dict) and found.get("made_by") == "convnext-studio sample"
    return found if is_ours else None


def _is_whole(folder: Path, todo: list[Plan]) -> bool:
    return (folder / MANIFEST).is_file() and all((folder / "images" / f"{plan.stem}.png").is_file() for plan in todo)


def _lay_out(folder: Path, request: MakeSample) -> None:
    """Make the folders, and the marker first: a stopped data set must be known as ours when it is asked for again."""
    folder.mkdir(parents=True, exist_ok=True)
    _write_text(folder / MARKER, json.dumps(_marker(request), indent=1) + "\n")
    names = ", ".join(CLASSES)
    _write_text(
        folder / "README.md", _README.format(count=request.count, size=request.size, seed=request.seed, classes=names)
    )
    for label in CLASSES:
        (folder / "images" / label).mkdir(parents=True, exist_ok=True)
        if label != "good":
            (folder / "masks" / label).mkdir(parents=True, exist_ok=True)


def _write_images(folder: Path, request: MakeSample, todo: list[Plan], ctx: JobContext) -> list[dict[str, object]]:
    """Draw and write in threads (numpy and Pillow let go of the interpreter); rows come back in the plan's order."""

    def one(plan: Plan) -> dict[str, object]:
        ctx.check()
        return _write_one(folder, draw(plan, size=request.size, seed=request.seed))

    with ThreadPoolExecutor(min(4, os.cpu_count() or 1), "sample") as pool:
        futures = [pool.submit(one, plan) for plan in todo]
        try:
            for done, future in enumerate(as_completed(futures), start=1):
                future.result()
                ctx.emit(SampleWritten(done, len(todo)))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return [future.result() for future in futures]


def _write_one(folder: Path, image: SampleImage) -> dict[str, object]:
    """Write one Image and its mask; return its row of the manifest."""
    name = f"{image.plan.stem}.png"
    _write_png(folder / "images" / name, image.pixels)
    box = image.box
    if image.plan.label != "good":
        _write_png(folder / "masks" / name, image.mask.astype(np.uint8) * 255)
    left, top, right, bottom = box or ("", "", "", "")
    return {
        "path": f"images/{name}",
        "mask": f"masks/{name}" if image.plan.label != "good" else "",
        "label": image.plan.label,
        "part": f"part{image.plan.part:05d}",
        "severity": f"{image.severity:.3f}",
        "finish": image.finish,
        "left": left,
        "top": top,
        "right": right,
        "bottom": bottom,
    }


def _write_png(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Write whole or not at all, but without a flush to the disk per file: what is lost can be drawn again."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=3)
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(buffer.getbuffer())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _write_text(path: Path, text: str) -> None:
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")


def _write_manifest(path: Path, rows: list[dict[str, object]]) -> None:
    with replacing(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
