"""Stand-ins for the Jobs of an evaluation, and Evaluations as they would come back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from convnext_studio.core.context import JobContext
from convnext_studio.core.errors import DataError
from convnext_studio.core.evaluation.compare import Comparison, compare
from convnext_studio.core.evaluation.count import About, Answers, evaluation_of
from convnext_studio.core.evaluation.report import Evaluation, KeptEvaluation
from convnext_studio.core.events import ImagesClassified, ImagesFound, ModelLoading
from convnext_studio.core.requests import (
    CompareEvaluations,
    Evaluate,
    FindEvaluations,
    OpenEvaluation,
    SaveEvaluation,
)
from convnext_studio.core.values import ImageRef, ModelRef, Prediction
from convnext_studio.gui.jobs import InlineLane

CLASSES = ("crack", "dent", "good", "scratch")
RUN = "/runs/20260131-120000-line 3"
OWN = ModelRef(f"{RUN}/model.safetensors")


def evaluation(
    images: int = 60, *, split: str = "test", model: str = "line 3", classes: tuple[str, ...] = CLASSES, seed: int = 0
) -> Evaluation:
    """So many Images, most of them right, the last class never missed."""
    chance = np.random.default_rng(seed)
    n = len(classes)
    labels = np.arange(images) % n
    table = chance.random((images, n)) + 1.2 * np.eye(n)[labels]
    table[labels == n - 1] = np.eye(n)[n - 1]
    answers = Answers(
        classes,
        [f"/parts/{classes[label]}/{number:05}.png" for number, label in enumerate(labels)],
        labels,
        [f"part {number // 3}" for number in range(images)],
        table / table.sum(axis=1, keepdims=True),
    )
    about = About(split, model, f"{seed:02}" * 32, RUN)
    kept = f"/state/{split}-{seed}.json"
    return replace(evaluation_of(answers, about), at="2026-01-31T14:40:00+00:00", ref=OWN, kept_at=kept)


def line_of(found: Evaluation) -> KeptEvaluation:
    return KeptEvaluation(
        found.kept_at, found.model, found.data, found.split, found.at, len(found.images), found.balanced_accuracy
    )


@dataclass
class Archive:
    """Answers for every Job about Evaluations; a test changes what it holds, and sees what was asked."""

    result: Evaluation = field(default_factory=evaluation)
    kept: dict[str, Evaluation] = field(default_factory=dict)  # by split
    others: tuple[Evaluation, ...] = ()
    refusal: DataError | None = None
    asked: list[object] = field(default_factory=list)

    def serve(self, lanes: dict[str, InlineLane]) -> None:
        for lane in lanes.values():
            lane.served_by.update(
                {
                    Evaluate: self._evaluate,
                    OpenEvaluation: self._open,
                    FindEvaluations: lambda _request, _ctx: tuple(line_of(one) for one in self.others),
                    CompareEvaluations: self._compare,
                    SaveEvaluation: self._save,
                }
            )

    def requests(self, kind: type) -> list[object]:
        return [request for request in self.asked if isinstance(request, kind)]

    def _evaluate(self, request: Evaluate, ctx: JobContext) -> Evaluation:
        self.asked.append(request)
        ctx.emit(ModelLoading("reading the weights"))
        if self.refusal is not None:
            raise self.refusal
        refs = tuple(ImageRef(image.path) for image in self.result.images)
        ctx.emit(ImagesFound(refs))
        ctx.emit(ImagesClassified(tuple(Prediction(ref) for ref in refs[: len(refs) // 2])))
        return self.result

    def _open(self, request: OpenEvaluation, ctx: JobContext) -> Evaluation | None:
        self.asked.append(request)
        if request.path:
            return next(one for one in self.others if one.kept_at == request.path)
        assert request.wanted is not None
        return self.kept.get(request.wanted.split)

    def _compare(self, request: CompareEvaluations, ctx: JobContext) -> Comparison:
        self.asked.append(request)
        return compare(self.result, next(one for one in self.others if one.kept_at == request.second))

    def _save(self, request: SaveEvaluation, ctx: JobContext) -> str:
        self.asked.append(request)
        return request.path
