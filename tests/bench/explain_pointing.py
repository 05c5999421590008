"""Where maps point: on generated defects whose masks are known, per class, method and layer, with the sample Model.

* pointing: share of Images whose hottest point lies in the mask (in a mask widened by 4 pixels, for thin scratches);
* energy: share of the heat that lies in that mask, over the mask's share of the Image (1 = chance).

Only defects of severity 0.35 and more that the Model names rightly count. The defaults follow from this table.
"""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from convnext_studio.core.data.sample import SampleImage, draw, plans
from convnext_studio.core.explain.lens import Lens
from convnext_studio.core.explain.maps import Question, answer, heatmap
from convnext_studio.core.explain.place import image_map
from convnext_studio.core.explanations import Method
from convnext_studio.core.images.preprocess import PreparedImage, prepare
from convnext_studio.core.models import network
from convnext_studio.core.values import ModelRef
from tests.bench.table import Row, show

IMAGES = int(os.environ.get("BENCH_POINTING_IMAGES", "150"))
METHODS: tuple[Method, ...] = ("gradcam", "hirescam", "layercam", "gradcam++", "eigencam")
LAYERS = ("stage1", "stage2", "stage3", "stage4")
SEED, SIZE = 1001, 256  # the parts that the sample Model was held from
_WIDER = 9  # filter size that widens a mask by 4 pixels


def rows(folder: Path) -> list[Row]:
    """Explain the rightly named defects with each method and layer."""
    del folder
    model = network.load(ModelRef("sample"))
    lens = Lens(model.network, model.preprocessing)
    found: dict[tuple[str, str, str], list[tuple[bool, float]]] = {}
    for drawn in (draw(plan, size=SIZE, seed=SEED) for plan in islice(plans(SEED), IMAGES)):
        if drawn.plan.label == "good" or drawn.severity < 0.35 or not drawn.mask.any():
            continue
        prepared = PreparedImage(prepare(drawn.pixels, model.preprocessing), "", SIZE, SIZE)
        for method in METHODS:
            question = Question(method, LAYERS)
            made = answer(lens, lens.input(prepared.input[None]), model.classes, question, lambda: None)
            if model.classes[int(made.logits.argmax())] != drawn.plan.label:
                break
            for raw in made.maps:
                values = image_map(heatmap(raw, method, model.classes, (prepared, model.preprocessing)), SIZE, SIZE)
                found.setdefault((drawn.plan.label, method, raw.layer), []).append(_hit(values, drawn))
    return _table(found)


def _hit(values: np.ndarray, drawn: SampleImage) -> tuple[bool, float]:
    mask = Image.fromarray(drawn.mask.astype(np.uint8) * 255).filter(ImageFilter.MaxFilter(_WIDER))
    wide = np.asarray(mask) > 0
    total = float(values.sum())
    hit = bool(wide.ravel()[int(values.argmax())]) and total > 0
    return hit, (float(values[wide].sum()) / total / float(wide.mean())) if total else 0.0


def _table(found: dict[tuple[str, str, str], list[tuple[bool, float]]]) -> list[Row]:
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
                pointing, energy = np.mean(np.array(some, float), axis=0)
                table.append(Row(f"{method} {layer}, {label} ({len(some)}): pointing", float(pointing), "share"))
                table.append(Row(f"{method} {layer}, {label} ({len(some)}): energy / chance", float(energy), "x"))
    return table


if __name__ == "__main__":
    show(rows)
