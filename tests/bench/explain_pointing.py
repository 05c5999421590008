"""Where maps point: on defects whose masks or boxes are known, per data set, class, method and layer.

* pointing: share of Images whose hottest point lies in the mask (in a mask widened by 4 pixels, for thin scratches);
* energy: share of the heat that lies in that mask, over the mask's share of the Image (1 = chance).

The generated defects are named by the sample Model. Each of the real sets, where it is there, is learned first from the
sample Model, for `BENCH_POINTING_SECONDS`, and its test split is explained. Only defects that the Model names rightly
count, of the generated ones those of severity 0.35 and more. The defaults follow from this table.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from convnext_studio.core.data.sample import draw, plans
from convnext_studio.core.data.split_file import read_split
from convnext_studio.core.explain.lens import Lens
from convnext_studio.core.explain.maps import Question, answer, heatmap
from convnext_studio.core.explain.place import image_map
from convnext_studio.core.explanations import Method
from convnext_studio.core.images.open import open_pixels
from convnext_studio.core.images.preprocess import PreparedImage, prepare
from convnext_studio.core.models import network
from convnext_studio.core.models.network import LoadedModel
from convnext_studio.core.recipe import from_preset
from convnext_studio.core.runs.run import Run
from convnext_studio.core.values import ModelRef
from tests.bench.table import Row, show
from tests.bench.training_sets import train_ours, training_sets

IMAGES = int(os.environ.get("BENCH_POINTING_IMAGES", "150"))
SECONDS = float(os.environ.get("BENCH_POINTING_SECONDS", "60"))
SETS = os.environ.get("BENCH_POINTING_SETS", "generated,deeppcb,pv,bsd").split(",")
METHODS: tuple[Method, ...] = ("gradcam", "hirescam", "layercam", "gradcam++", "eigencam")
LAYERS = ("stage1", "stage2", "stage3", "stage4")
SEED, SIZE = 1001, 256  # the parts that the sample Model was held from
_WIDER = 9  # filter size that widens a mask by 4 pixels
_CRACKS = (2, 3)  # what masks of pv call the two kinds of crack

Mask = NDArray[np.bool_]
Hits = dict[tuple[str, str, str], list[tuple[bool, float]]]  # by class, method and layer


@dataclass(frozen=True)
class Defect:
    """An Image, its class, and where that is seen."""

    label: str
    pixels: NDArray[np.uint8]
    mask: Mask


def rows(folder: Path) -> list[Row]:
    """Explain the rightly named defects of each set with each method and layer."""
    table = []
    if "generated" in SETS:
        table += _table("generated", _hits(network.load(ModelRef("sample")), _generated()))
    for one in training_sets(folder):
        if one.name not in SETS or one.name not in _MASKS:
            continue
        fields = {**one.fields, "model": "sample", "input_size": 192, "max_minutes": SECONDS / 60, "device": "cpu"}
        trained = train_ours(from_preset("balanced", **fields), folder / one.name, "run")
        run = Run(Path(trained.run))
        table += _table(one.name, _hits(network.load(ModelRef(str(run.model_path))), _real(run, _MASKS[one.name])))
    return table


def _generated() -> Iterator[Defect]:
    for drawn in (draw(plan, size=SIZE, seed=SEED) for plan in islice(plans(SEED), IMAGES)):
        if drawn.plan.label != "good" and drawn.severity >= 0.35 and drawn.mask.any():
            yield Defect(drawn.plan.label, drawn.pixels, drawn.mask)


def _real(run: Run, mask_of: Callable[[Path, tuple[int, int]], Mask | None]) -> Iterator[Defect]:
    test = [image for image in read_split(run.split_path) if image.split == "test"]
    order = np.random.default_rng(0).permutation(len(test))
    found = 0
    for image in (test[number] for number in order):
        pixels = open_pixels(image.path, 0).pixels
        mask = mask_of(Path(image.path), pixels.shape[:2])
        if mask is None or not mask.any():
            continue
        yield Defect(image.label, pixels, mask)
        found += 1
        if found == IMAGES:
            return


def _box(path: Path, shape: tuple[int, int]) -> Mask | None:
    """The only defect of a crop."""
    with (path.parents[2] / "crops.csv").open(encoding="utf-8", newline="") as file:
        row = next((row for row in csv.DictReader(file) if row["file"] == f"{path.parent.name}/{path.name}"), None)
    if row is None or row["class"] == "good" or row["other_defects_in_crop"] != "0":
        return None
    mask = np.zeros(shape, bool)
    left, top, right, bottom = (int(row[side]) for side in ("x1", "y1", "x2", "y2"))
    mask[top : bottom + 1, left : right + 1] = True
    return mask


def _cracks(path: Path, shape: tuple[int, int]) -> Mask | None:
    del shape
    if path.parent.name == "no_crack":
        return None
    return np.isin(_drawn(path), (*_CRACKS, 1) if path.parent.name == "dark_and_crack" else _CRACKS)


def _pits(path: Path, shape: tuple[int, int]) -> Mask | None:
    del shape
    return _drawn(path) > 0 if path.parent.name == "pitting" else None


def _drawn(path: Path) -> NDArray[np.uint8]:
    with Image.open(path.parents[2] / "masks" / path.parent.name / f"{path.stem}.png") as mask:
        return np.asarray(mask)


_MASKS: dict[str, Callable[[Path, tuple[int, int]], Mask | None]] = {"deeppcb": _box, "pv": _cracks, "bsd": _pits}


def _hits(model: LoadedModel, defects: Iterator[Defect]) -> Hits:
    lens, found = Lens(model.network, model.preprocessing), Hits()
    for one in defects:
        height, width = one.pixels.shape[:2]
        prepared = PreparedImage(prepare(one.pixels, model.preprocessing), "", width, height)
        for method in METHODS:
            question = Question(method, LAYERS)
            made = answer(lens, lens.input(prepared.input[None]), model.classes, question, lambda: None)
            if model.classes[int(made.logits.argmax())] != one.label:
                break
            for raw in made.maps:
                values = image_map(heatmap(raw, method, model.classes, (prepared, model.preprocessing)), width, height)
                found.setdefault((one.label, method, raw.layer), []).append(_hit(values, one.mask))
    return found


def _hit(values: NDArray[np.float32], mask: Mask) -> tuple[bool, float]:
    wider = Image.fromarray(mask.astype(np.uint8) * 255).filter(ImageFilter.MaxFilter(_WIDER))
    wide = np.asarray(wider) > 0
    total = float(values.sum())
    hit = bool(wide.ravel()[int(values.argmax())]) and total > 0
    return hit, (float(values[wide].sum()) / total / float(wide.mean())) if total else 0.0


def _table(name: str, found: Hits) -> list[Row]:
    table = []
    labels = sorted({label for label, _, _ in found})
    for method in METHODS:
        for layer in LAYERS:
            for label in (*labels, "all"):
                some = [
                    hit
                    for key, hits in found.items()
                    for hit in hits
                    if key[1:] == (method, layer) and label in (key[0], "all")
                ]
                if some:
                    pointing, energy = np.mean(np.array(some, float), axis=0)
                    where = f"{name}, {method} {layer}, {label} ({len(some)})"
                    table.append(Row(where, float(pointing), "share", f"energy {energy:.2f} x"))
    return table


if __name__ == "__main__":
    show(rows)
