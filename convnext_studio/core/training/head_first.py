"""The head first: a new classifier on the frozen network's features, fitted in seconds, before all else learns.

Multinomial logistic regression, every class weighing the same; how strongly it is held back is chosen by
cross-validation over groups of training Images, so that neither the validation split nor near-duplicates flatter it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from convnext_studio.core.data.dataset import LabelledImage, Split
from convnext_studio.core.evaluation import metrics
from convnext_studio.core.run_events import PhaseStarted, Progressed
from convnext_studio.core.training.features import Features, features_of
from convnext_studio.core.training.network import head_of, set_head
from convnext_studio.core.training.validation import Answers, judge
from convnext_studio.core.training.work import Work

_PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
_FOLDS = 3
_ITERATIONS = 60
Check = Callable[[], None]


def _nothing() -> None:
    """Look for nothing."""


def fit_new_head(work: Work) -> None:
    """Fit the network's head, keep it as epoch 0, and let the average begin with it.

    Where nothing else is trained this is all there is. Even what random weights make of Images tells classes apart: a
    head for it takes seconds, and what training makes of it in its first minutes is often worse.
    """
    recipe, desk, data = work.ground.recipe, work.desk, work.ground.data
    if not recipe.is_head_first:
        return
    total = sum(len(data.images[split]) for split in ("train", "validation"))
    desk.emit(PhaseStarted("features"))
    features = features_of(work, ("train", "validation"), lambda done: desk.emit(Progressed("features", done, total)))
    train, validation = features["train"], features["validation"]
    desk.emit(PhaseStarted("head"))
    weight, bias = desk.world.shared(
        lambda: _fitted_on(train, data.images["train"], data.classes, recipe.seed, desk.ctx.check)
    )
    set_head(work.network, weight, bias)
    work.reset_average()
    answers = _answers(validation, weight, bias)
    work.keep_answers(answers, epoch=0)
    scores = judge(answers, data.images["validation"], data.classes)
    train_loss = functional.cross_entropy(
        train.values @ weight.T + bias, _labels(train, data.images["train"], data.classes)
    )
    is_best = work.keep_if_better(scores)
    desk.emit(work.epoch_ended(scores, float(train_loss), is_best=is_best, seconds_left=None))


def predict_by_head(work: Work, split: Split, network: nn.Module) -> Answers:
    """What `network` says of a split where nothing but its head was trained: its features may be known already."""
    total = len(work.ground.data.images[split])
    features = features_of(work, (split,), lambda done: work.desk.emit(Progressed("test", done, total)))
    return _answers(features[split], *head_of(network))


def fit_head(
    values: Tensor, labels: Tensor, classes: int, groups: NDArray[Any], *, seed: int = 0, check: Check = _nothing
) -> tuple[Tensor, Tensor]:
    """Fit a head to features (n, width) and class numbers (n,); returns (classes, width) and (classes,), float32.

    Images of one group are held out together when the penalty is chosen. `check` is called all the while; what it
    raises ends the fit.
    """
    mean, spread = values.double().mean(0), values.double().std(0, correction=0) + 1e-6
    scaled = (values.double() - mean) / spread
    with _one_thread():
        folds = _folds(groups, seed)
        penalty = _best_penalty(scaled, labels, classes, folds, check)
        weight, bias = _regression(scaled, labels, classes, penalty, check)
    weight = weight / spread
    return weight.float(), (bias - weight @ mean).float()


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Thousands of small products: several threads would wait for each other longer than they compute."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _fitted_on(
    features: Features, images: tuple[LabelledImage, ...], classes: tuple[str, ...], seed: int, check: Check
) -> tuple[Tensor, Tensor]:
    groups = np.array([images[number].group or f"image {number}" for number in features.numbers])
    return fit_head(features.values, _labels(features, images, classes), len(classes), groups, seed=seed, check=check)


def _answers(features: Features, weight: Tensor, bias: Tensor) -> Answers:
    if not len(features.numbers):
        return Answers(features.numbers, np.empty((0, len(bias))))
    logits = features.values.double() @ weight.double().T + bias.double()
    return Answers(features.numbers, torch.softmax(logits, 1).numpy())


def _labels(features: Features, images: tuple[LabelledImage, ...], classes: tuple[str, ...]) -> Tensor:
    return torch.tensor([classes.index(images[number].label) for number in features.numbers])


def _folds(groups: NDArray[Any], seed: int) -> NDArray[np.int64]:
    """The fold of each Image; those of one group are in one."""
    names, places = np.unique(groups, return_inverse=True)
    return np.random.default_rng(seed).permutation(len(names))[places] % _FOLDS


def _best_penalty(values: Tensor, labels: Tensor, classes: int, folds: NDArray[np.int64], check: Check) -> float:
    """The largest penalty among those whose held-out loss is the least, every class weighing the same."""
    losses = np.zeros(len(_PENALTIES))
    for fold in range(_FOLDS):
        kept, held = torch.from_numpy(folds != fold), torch.from_numpy(folds == fold)
        there = sorted(set(labels[held].tolist()))
        if not there or len(set(labels[kept].tolist())) < 2:
            continue
        for place, penalty in enumerate(_PENALTIES):
            weight, bias = _regression(values[kept], labels[kept], classes, penalty, check)
            answers = torch.softmax(values[held] @ weight.T + bias, 1).numpy()
            each = metrics.losses(answers, labels[held].numpy())
            losses[place] += float(np.mean([each[labels[held].numpy() == one].mean() for one in there]))
    return _PENALTIES[len(_PENALTIES) - 1 - int(np.argmin(losses[::-1]))]


def _regression(values: Tensor, labels: Tensor, classes: int, penalty: float, check: Check) -> tuple[Tensor, Tensor]:
    """Minimise the balanced cross-entropy plus `penalty` / 2 times the squared weights, in double precision."""
    counts = torch.bincount(labels, minlength=classes).clamp_min(1)
    shares = (1.0 / (counts[labels] * (torch.bincount(labels, minlength=classes) > 0).sum())).double()
    weight = torch.zeros(classes, values.shape[1], dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(classes, dtype=torch.float64, requires_grad=True)
    search = torch.optim.LBFGS([weight, bias], max_iter=_ITERATIONS, line_search_fn="strong_wolfe")

    def closure() -> float:
        check()
        search.zero_grad()
        each = functional.cross_entropy(values @ weight.T + bias, labels, reduction="none")
        loss = (each * shares).sum() + penalty / 2 * weight.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())

    search.step(closure)  # type: ignore[no-untyped-call]
    return weight.detach(), bias.detach()
