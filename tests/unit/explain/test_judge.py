"""Where nobody chose method and layer, a map that is not faithful gives way to one that is; any other stays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from convnext_studio.core.explain import judge as module
from convnext_studio.core.explain.judge import SECOND_LEVEL, Judge, second_looks
from convnext_studio.core.explain.lens import Lens
from convnext_studio.core.explain.maps import Question, answer, heatmap
from convnext_studio.core.explain.split import split
from convnext_studio.core.explanations import Explained, Heatmap, Method, Trust, TrustVerdict
from convnext_studio.core.images.preprocess import PreparedImage
from convnext_studio.core.models.architecture import build
from convnext_studio.core.values import ImageRef
from tests.unit.explain.planted import CLASSES, PREPROCESSING, Planted, planted_picture

Look = tuple[Method, str]
FAITHFUL = Trust("faithful", "It does.", 0.9, 0.1, 0.1, 0.9, 0.9, 0.1, 0.1, 1.0, 1.0, 0.5, "other", 0.005)
USUAL: Look = ("gradcam", "stage3")


def of(one: Heatmap) -> Look:
    return one.method, one.layer


class Court:
    """A Judge whose verdicts are fixed beforehand: what is not `faithful` is `else_`."""

    def __init__(
        self, network: nn.Module, monkeypatch: pytest.MonkeyPatch, faithful: dict[Look, float], else_: TrustVerdict
    ) -> None:
        lens = Lens(network, PREPROCESSING)
        pixels = planted_picture(np.random.default_rng(2), 1)[0]
        self.prepared = PreparedImage(pixels, "", PREPROCESSING.width, PREPROCESSING.height)
        self.judged: list[Look] = []
        self.told: list[tuple[int, Trust]] = []
        self.begun: list[str] = []

        def measure(_scene: object, one: Heatmap, *_rest: object) -> Trust:
            self.judged.append(of(one))
            if of(one) in faithful:
                return replace(FAITHFUL, chance=faithful[of(one)])
            return replace(FAITHFUL, verdict=else_)

        monkeypatch.setattr(module, "measure", measure)
        monkeypatch.setattr(module, "hangs_on", lambda *_rest: True)
        self._judge = Judge(lens, lambda batch: lens.forward(lens.input(batch)).numpy(), 4, CLASSES, PREPROCESSING)
        question = Question(classes=("green",))
        with torch.no_grad():
            batch = lens.input(pixels[None])
        raw = answer(lens, batch, CLASSES, question, lambda: None).maps[0]
        made = heatmap(raw, "gradcam", CLASSES, (self.prepared, PREPROCESSING))
        self.explained = Explained(ImageRef("a.png"), 160, 160, made.seen, (), (), (made,), notes=("A note.",))

    def end(self, *, is_free: bool = True) -> Explained:
        question = Question(classes=("green",), is_free=is_free)

        def tell(number: int, trust: Trust) -> None:
            self.told.append((number, trust))

        return self._judge.trusted(
            self.explained, question, self.prepared, lambda: None, tell=tell, begin=lambda: self.begun.append("")
        )


@pytest.mark.parametrize("verdict", ["not faithful", "weak"])
def test_a_faithful_second_look_takes_the_place_of_the_usual_map_and_says_so(
    planted: Planted, monkeypatch: pytest.MonkeyPatch, verdict: TrustVerdict
) -> None:
    court = Court(planted.model.network, monkeypatch, {("layercam", "stage4"): SECOND_LEVEL}, verdict)
    ended = court.end()
    assert [of(one) for one in ended.heatmaps] == [("layercam", "stage4")]
    assert [one.verdict for one in ended.trust] == ["faithful"]
    assert ended.heatmaps[0].class_name == "green"
    assert ended.notes == (
        "A note.",
        "Grad-CAM, Stage 3 does not show what this answer rests on. LayerCAM, Stage 4 does, and is shown in its place.",
    )
    assert court.told == []  # what gives way is told to nobody
    assert court.judged == [USUAL, *second_looks(split(planted.model.network))[:3]]


def test_a_faithful_map_stays_and_is_told_at_once(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    court = Court(planted.model.network, monkeypatch, {USUAL: 0.03, ("gradcam", "stage2"): 0.005}, "weak")
    ended = court.end()
    assert ended.heatmaps == court.explained.heatmaps and ended.notes == ("A note.",)
    assert court.judged == [USUAL]
    assert court.told == [(0, ended.trust[0])]


def test_a_chosen_method_stays_whatever_its_verdict(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    court = Court(planted.model.network, monkeypatch, {("gradcam", "stage2"): 0.005}, "not faithful")
    ended = court.end(is_free=False)
    assert ended.heatmaps == court.explained.heatmaps
    assert [one.verdict for one in ended.trust] == ["not faithful"]
    assert court.judged == [USUAL]


def test_a_second_look_must_be_rarer_by_chance_than_the_first(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = second_looks(split(planted.model.network))
    court = Court(planted.model.network, monkeypatch, dict.fromkeys(looks, 0.02), "not faithful")
    ended = court.end()
    assert ended.heatmaps == court.explained.heatmaps and ended.trust[0].verdict == "not faithful"
    assert court.judged == [USUAL, *looks]
    assert court.told == [(0, ended.trust[0])]


def test_each_second_look_is_told_for_whoever_waits_that_long_without_a_word_takes_the_engine_to_hang(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    court = Court(planted.model.network, monkeypatch, {}, "not faithful")
    court.end()
    assert len(court.begun) == len(court.judged) - 1 == 4


def test_a_second_look_that_memory_is_too_short_for_takes_nothing_away(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    court = Court(planted.model.network, monkeypatch, {("layercam", "stage4"): 0.005}, "not faithful")
    known = module.answer

    def answer(lens: Lens, batch: torch.Tensor, classes: object, question: Question, check: object) -> object:
        if question.layers == ("stage2",):
            raise torch.OutOfMemoryError("CUDA out of memory")
        return known(lens, batch, classes, question, check)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "answer", answer)
    ended = court.end()
    assert of(ended.heatmaps[0]) == ("layercam", "stage4")
    assert ("gradcam", "stage2") not in court.judged


def test_what_loses_nothing_is_not_judged(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    court = Court(planted.model.network, monkeypatch, {}, "not faithful")
    monkeypatch.setattr(module, "hangs_on", lambda *_rest: False)
    court.end()
    assert court.judged == [USUAL]


@pytest.mark.parametrize(
    "architecture",
    ["test_convnext", "convnext_atto", "convnextv2_atto", "resnet18", "swin_tiny_patch4_window7_224", "test_vit"],
)
def test_every_network_has_second_looks_at_layers_of_its_own(architecture: str) -> None:
    parts = split(build(architecture, 3))
    looks = second_looks(parts)
    assert 3 <= len(looks) <= 4 and len(set(looks)) == len(looks)
    assert ("gradcam", parts.default_layer) not in looks
    assert all(parts.name(parts.cut(layer)) == layer for _, layer in looks)
