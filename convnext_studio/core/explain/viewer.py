"""A ready Model as somebody who explains: looks at a prepared Image; its judge says whether to trust what it saw."""

from __future__ import annotations

import time
from functools import partial

from convnext_studio.core.context import JobContext
from convnext_studio.core.explain.judge import Judge
from convnext_studio.core.explain.lens import lens_for, memory_in_words
from convnext_studio.core.explain.maps import Question, answer, chooser, cuts_of, heatmap
from convnext_studio.core.explain.split import SplitNetwork
from convnext_studio.core.explanations import METHODS, Explained, HeatmapProgress, Method
from convnext_studio.core.images.preprocess import PreparedImage, region
from convnext_studio.core.predict.answers import ranked, softmax
from convnext_studio.core.predict.ready import ReadyModel
from convnext_studio.core.values import ImageRef

SHOWN = 5  # most probable classes that an explanation names
SAME_AT_POOL: tuple[Method, ...] = ("gradcam", "hirescam")  # where a mean over all places follows the layer
_LARGEST_BATCH = {"cuda": 16}  # elsewhere the next Image would wait too long for the batch of the one before
_SMALL_BATCH = 4


class Viewer:
    """Looks through a Model. Raises `ModelError` for one that has no classes or no layer with places."""

    def __init__(self, ready: ReadyModel) -> None:
        self._ready = ready
        self._lens = lens_for(ready)
        batch = min(ready.plan.batch, _LARGEST_BATCH.get(ready.plan.device, _SMALL_BATCH))
        self.judge = Judge(self._lens, ready.runner.run, batch, ready.info.classes, ready.info.preprocessing)

    def check(self, question: Question) -> None:
        """Raise `UsageError` for an unknown class or layer."""
        chooser(self._ready.info.classes, question)
        cuts_of(self._lens.split, question)

    def look(self, image: ImageRef, prepared: PreparedImage, question: Question, ctx: JobContext) -> Explained:
        """The Heatmaps that `question` asks for, without their trust; a slow method tells how far it is."""
        started = time.perf_counter()
        info = self._ready.info
        with memory_in_words():
            batch = self._lens.input(prepared.input[None])
            found = answer(self._lens, batch, info.classes, question, ctx.check, tell=partial(_tell, ctx))
        probabilities = softmax(found.logits.float().cpu().numpy())
        order, _ = ranked(probabilities, SHOWN)
        place = (prepared, info.preprocessing)
        return Explained(
            image=image,
            width=prepared.width,
            height=prepared.height,
            seen=region(info.preprocessing, prepared.width, prepared.height),
            classes=tuple(info.classes[index] for index in order),
            probabilities=tuple(float(probabilities[index]) for index in order),
            heatmaps=tuple(heatmap(raw, question.method, info.classes, place) for raw in found.maps),
            notes=_notes(self._lens.split, question),
            milliseconds=1000 * (time.perf_counter() - started),
            model=info.identity[:12],
        )


def _tell(ctx: JobContext, share: float) -> None:
    ctx.emit(HeatmapProgress(share))


def _notes(network: SplitNetwork, question: Question) -> tuple[str, ...]:
    layers = {network.name(network.cut(layer)) for layer in question.layers or (network.default_layer,)}
    if question.method in SAME_AT_POOL and network.is_pooled_at_once and network.last_layer in layers:
        return ("At the last stage a mean over all places follows, so Grad-CAM and HiResCAM give the same map there.",)
    before_norm = {f"stage{number}" for number in (1, 2, 3)}
    if question.method == "hirescam" and network.family == "ConvNeXt" and layers & before_norm:
        return ("Behind this stage each cell is normalised, so what HiResCAM adds up cancels: choose another layer.",)
    if not METHODS[question.method].is_of_class:
        return ("This method shows what stands out to the network; it is the same for every class.",)
    return ()
