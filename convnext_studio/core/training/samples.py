"""A few validation Images, always the same, and what a network in training says of them: class, and where it looks.

Nothing of the training changes by it: the network is only read, and chance is not asked.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from convnext_studio.core.data.dataset import LabelledImage
from convnext_studio.core.errors import ImageError, ModelError
from convnext_studio.core.explain.cams import grad_cam, scaled
from convnext_studio.core.explain.gradient import Target, sensitivity
from convnext_studio.core.explain.maps import region_of
from convnext_studio.core.explain.split import SplitNetwork, split
from convnext_studio.core.images.preprocess import PreparedImage, load_input, region
from convnext_studio.core.predict.classify import is_out_of_memory
from convnext_studio.core.run_events import Sample, SamplesShown
from convnext_studio.core.training.work import Work

MOST = 12
_EACH = 3  # Images of a class
_LEAST = 6
_SHARE = 0.004  # of the time that the Run is worked on, after the first look
_OF_TRAINING = 0.036  # Images looked at for one that is trained on: half as dear each
_UNNOTICED_S = 0.003  # what costs less is always shown
_CELLS = 16  # along a side; the maps of large inputs are averaged down to these


@dataclass(frozen=True)
class _Predicted(Target):
    """Whatever class is the most probable one of each Image."""

    def score(self, logits: Tensor) -> Tensor:
        return logits.amax(dim=1)


class Samples:
    """Shows the samples of a Run, in its first process, as often as that costs next to nothing."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._images: list[tuple[LabelledImage, PreparedImage]] = []
        self._pixels: Tensor | None = None
        self._began = time.monotonic()
        self._spent_s = self._cost_s = 0.0
        self._is_possible = work.desk.world.is_first and bool(work.ground.recipe.epochs)

    def show(self, network: nn.Module) -> None:
        """Tell what `network`, validated just now, says of them."""
        began = time.monotonic()
        is_dear = self._cost_s > _UNNOTICED_S and self._spent_s > _SHARE * (began - self._began)
        if not self._is_possible or is_dear:
            return
        is_first = self._pixels is None
        try:
            samples = self._look(network, split(network))
        except ModelError:  # a network without places that we know of
            samples = ()
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            samples = ()  # training itself goes on in smaller pieces
        self._is_possible = bool(samples)
        if samples:
            progress = self._work.progress
            self._work.desk.emit(SamplesShown(progress.epochs, progress.step, samples))
        self._cost_s = time.monotonic() - began
        self._spent_s += 0.0 if is_first else self._cost_s

    def _look(self, network: nn.Module, parts: SplitNetwork) -> tuple[Sample, ...]:
        work, ground = self._work, self._work.ground
        if self._pixels is None:
            self._read()
        if self._pixels is None:
            return ()
        cut = parts.cut(parts.default_layer)
        was_training = network.training
        network.eval()
        try:
            with torch.autocast(ground.device.type, torch.bfloat16, enabled=work.plan.is_bf16):
                inputs = work.normalise(self._pixels.to(ground.device))
                found = sensitivity(parts, inputs, (cut,), lambda _logits: (_Predicted(0),))
        finally:
            network.train(was_training)
        maps = grad_cam(found.features[0], found.gradients[0][0])
        rows, columns = (min(_CELLS, cells) for cells in maps.shape[1:])
        maps = scaled(functional.adaptive_avg_pool2d(maps[:, None], (rows, columns))[:, 0])[0]
        cells = (maps * 255).round().to(torch.uint8).cpu().numpy()
        best = torch.softmax(found.logits.double(), 1).max(dim=1)
        geometry, shape = parts.steps[cut - 1].geometry, found.features[0].shape[2:]
        samples = []
        for number, (image, prepared) in enumerate(self._images):
            covered = region_of((geometry, geometry), shape, prepared, ground.preprocessing)
            seen = region(ground.preprocessing, prepared.width, prepared.height)
            name, share = ground.data.classes[int(best.indices[number])], round(float(best.values[number]), 4)
            size = (prepared.width, prepared.height)
            samples.append(
                (image.path, image.label, name, share, size, _short(covered), _short(seen), _as_text(cells[number]))
            )
        return tuple(samples)

    def _read(self) -> None:
        """Decode them, once; one that cannot be read is left out, which the validation has told."""
        work = self._work
        images, classes = work.ground.data.images["validation"], work.ground.data.classes
        for image in chosen(images, classes, count_for(len(work.ground.data.images["train"]), len(classes))):
            work.desk.reading.check()
            try:
                prepared = load_input(image.path, 0, work.ground.preprocessing, work.ground.recipe.max_megapixels)
                self._images.append((image, prepared))
            except ImageError:
                continue
        if self._images:
            pixels = np.stack([prepared.input for _, prepared in self._images])
            self._pixels = torch.from_numpy(pixels).permute(0, 3, 1, 2)


def count_for(training_images: int, classes: int) -> int:
    """How many Images: looking at one costs about half of training on one, and an epoch may cost little more."""
    return max(min(classes, _LEAST), min(MOST, _EACH * classes, round(_OF_TRAINING * training_images)))


def chosen(images: Sequence[LabelledImage], classes: Sequence[str], count: int) -> list[LabelledImage]:
    """`count` Images, class by class in turn and from all over each class, so that groups differ; the same ones always.

    They are handed back class by class.
    """
    of_class: dict[str, list[LabelledImage]] = defaultdict(list)
    for image in images:
        of_class[image.label].append(image)
    rows = [_spread(of_class[name]) for name in classes]
    turns = [(turn, row[turn]) for turn in range(_EACH) for row in rows if turn < len(row)]
    picked = {id(image) for _, image in turns[:count]}
    return [image for row in rows for image in row if id(image) in picked]


def _spread(images: list[LabelledImage]) -> list[LabelledImage]:
    places = sorted({round((part + 0.5) * len(images) / _EACH - 0.5) for part in range(_EACH)}) if images else []
    return [images[place] for place in places if 0 <= place < len(images)]


def _short(place: Sequence[float]) -> tuple[float, float, float, float]:
    left, top, right, bottom = (round(edge, 1) for edge in place)
    return left, top, right, bottom


def _as_text(cells: NDArray[np.uint8]) -> tuple[str, ...]:
    return tuple(bytes(row).hex() for row in cells)
