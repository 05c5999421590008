"""Whether Heatmaps can be trusted; and where the usual one cannot, which other look at the same can.

No method and layer is right for every network: of networks trained on patches Grad-CAM at the usual stage missed the
patch in one picture of six, and nearly always one of `second_looks` was on it (`tests/bench/RESULTS.md`). Each of them
is another chance for a head that learned nothing, so it must be rarer by chance than the first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from convnext_studio.core.errors import DeviceError
from convnext_studio.core.explain.chance import LEVEL, examine
from convnext_studio.core.explain.gradient import Target
from convnext_studio.core.explain.lens import Lens, memory_in_words
from convnext_studio.core.explain.maps import Question, answer, heatmap, index_of
from convnext_studio.core.explain.split import SplitNetwork
from convnext_studio.core.explain.trust import Run, Scene, Witness, hangs_on, log_odds, measure, scene_of
from convnext_studio.core.explanations import METHODS, Explained, Heatmap, Method, Trust
from convnext_studio.core.images.preprocess import PreparedImage
from convnext_studio.core.values import Preprocessing

SECOND_LEVEL = LEVEL / 3  # two of 200 heads
Check = Callable[[], None]
Tell = Callable[[int, Trust], None]


def _nobody(*_what: object) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Judge:
    """Asks a network, through `lens` and by `run` for the logits of at most `batch` inputs."""

    lens: Lens
    run: Run
    batch: int
    classes: Sequence[str]
    preprocessing: Preprocessing

    def trusted(
        self,
        explained: Explained,
        question: Question,
        prepared: PreparedImage,
        check: Check,
        *,
        tell: Tell = _nobody,
        begin: Check = _nobody,
    ) -> Explained:
        """The same with the trust of each Heatmap; `tell` hears of each that stays, as soon as it is measured.

        Where the choice of method and layer is free, a Heatmap that is not faithful gives way to one that is; `begin`
        is called before each look for one.
        """
        scene = scene_of(prepared, self.preprocessing)
        heatmaps, trust, notes = list(explained.heatmaps), [], list(explained.notes)
        for number, one in enumerate(explained.heatmaps):
            measured = self._judged(one, scene, prepared, check)
            is_open = question.is_free and measured.verdict != "faithful"
            better = self._second_look(one, scene, prepared, check, begin=begin) if is_open else None
            if better is None:
                tell(number, measured)
            else:
                heatmaps[number], measured = better
                (method, layer), (other, place) = self._titles(one), self._titles(heatmaps[number])
                notes.append(
                    f"{method}, {layer} does not show what this answer rests on. "
                    f"{other}, {place} does, and is shown in its place."
                )
            trust.append(measured)
        return replace(explained, heatmaps=tuple(heatmaps), trust=tuple(trust), notes=tuple(notes))

    def _second_look(
        self, one: Heatmap, scene: Scene, prepared: PreparedImage, check: Check, *, begin: Check
    ) -> tuple[Heatmap, Trust] | None:
        """The first faithful Heatmap of the same, if there is one. What loses nothing is not judged: that is slow."""
        for look in second_looks(self.lens.split):
            check()
            begin()
            try:
                with memory_in_words():
                    found = self._made(one, look, prepared, check)
                    if not hangs_on(scene, found, self._witness(found), check):
                        continue
                measured = self._judged(found, scene, prepared, check)
            except DeviceError:  # an early layer asks for more memory than the usual one, whose map is there
                continue
            if measured.verdict == "faithful" and measured.chance <= SECOND_LEVEL:
                return found, measured
        return None

    def _judged(self, one: Heatmap, scene: Scene, prepared: PreparedImage, check: Check) -> Trust:
        check()
        with memory_in_words():
            other = self._made(one, other_way(self.lens.split, one), prepared, check)
            return measure(scene, one, (other, ", ".join(self._titles(other))), self._witness(one), check)

    def _made(self, one: Heatmap, look: tuple[Method, str], prepared: PreparedImage, check: Check) -> Heatmap:
        """The same asked by another method at another layer."""
        method, layer = look
        question = Question(method, (layer,), (one.class_name,), one.versus)
        found = answer(self.lens, self.lens.input(prepared.input[None]), self.classes, question, check)
        return heatmap(found.maps[0], method, self.classes, (prepared, self.preprocessing))

    def _witness(self, one: Heatmap) -> Witness:
        index = index_of(one.class_name, self.classes)
        versus = index_of(one.versus, self.classes) if one.versus else None
        doubt = partial(examine, self.lens, Target(index, versus), self.batch)
        return Witness(self.run, self.batch, log_odds(index, versus), doubt, one.class_name, one.versus)

    def _titles(self, one: Heatmap) -> tuple[str, str]:
        """Of method and layer; nothing here looks at the input itself."""
        split = self.lens.split
        return METHODS[one.method].title, split.steps[split.cut(one.layer) - 1].title


def other_way(network: SplitNetwork, one: Heatmap) -> tuple[Method, str]:
    """Which method and layer to compare a Heatmap with: HiResCAM at the last layer, or Grad-CAM before it."""
    stages = [step.names[0] for _, step in network.offered if step.is_stage]
    if one.layer != network.last_layer:
        return "hirescam", network.last_layer
    return "gradcam", stages[len(stages) // 2] if network.family == "ViT" else stages[-2]


def second_looks(network: SplitNetwork) -> tuple[tuple[Method, str], ...]:
    """Methods and layers that are looked at where the usual ones are not faithful, the best first."""
    stages = [step.names[0] for _, step in network.offered if step.is_stage]
    usual, first = network.default_layer, stages[min(1, len(stages) - 1)]  # behind the stem
    before = stages[max(0, stages.index(usual) - 1)] if usual in stages else first
    looks: tuple[tuple[Method, str], ...] = (
        ("gradcam", before),
        ("gradcam++", usual),
        ("layercam", network.last_layer),
        ("layercam", first),
    )
    return tuple(look for look in dict.fromkeys(looks) if look != ("gradcam", usual))
