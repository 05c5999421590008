"""How often the trust badge is right on pictures where one patch decides: networks and pictures of fresh seeds.

For each seed three networks: a small one with only its head fitted, the same trained whole, and a convnext_atto trained
whole at its own input size. Four judgements of each picture: the network its own map, the one that is shown where
nobody chose method and layer; the same with fresh heads, and with the learned head's weights shuffled, their own maps;
and the network the maps of the fresh heads. A map of a random head may still point at the patch, because the features
do: the trained network then rightly finds that much depends on it, so maps beside the patch are counted apart.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from convnext_studio.core.explain.chance import examine
from convnext_studio.core.explain.gradient import Target
from convnext_studio.core.explain.judge import Judge, other_way
from convnext_studio.core.explain.lens import Lens
from convnext_studio.core.explain.maps import Question, answer, heatmap
from convnext_studio.core.explain.place import image_map
from convnext_studio.core.explain.trust import Witness, log_odds, measure, scene_of
from convnext_studio.core.explanations import Explained, Heatmap, TrustVerdict
from convnext_studio.core.images.preprocess import PreparedImage
from convnext_studio.core.models.architecture import build
from convnext_studio.core.values import ImageRef, Preprocessing
from tests.bench.table import Row, show
from tests.unit.explain.planted import CLASSES, COLOURS, PREPROCESSING, planted_model, planted_picture

SEEDS = tuple(int(seed) for seed in os.environ.get("BENCH_TRUST_SEEDS", "21,22,23").split(","))
IMAGES = int(os.environ.get("BENCH_TRUST_IMAGES", "40"))
KINDS = tuple(filter(None, os.environ.get("BENCH_TRUST_KINDS", "").split(",")))  # none = all
HEADS = 8  # random ones for each network; each explains a share of the pictures
STEPS, BATCH = (300, 600, 1200), 16  # the next number where the pictures are not learned yet
RATES = {"test_convnext": 3e-3, "convnext_atto": 1e-3}
LEARNED = 0.05  # mean loss on fresh pictures: the patch decides
FRESH = 48
VERDICTS: tuple[TrustVerdict, ...] = ("faithful", "weak", "not faithful")
Judgement = tuple[TrustVerdict, bool]  # and whether the map points at the patch


def rows(folder: Path) -> list[Row]:
    """Judge with each network of each seed."""
    del folder
    torch.set_num_threads(1)
    table: list[Row] = []
    for kind, make in (
        ("head fitted", lambda seed: (planted_model(seed=seed).model.network, PREPROCESSING)),
        ("trained whole", partial(trained, "test_convnext", PREPROCESSING)),
        (
            "convnext_atto trained whole",
            partial(trained, "convnext_atto", replace(PREPROCESSING, width=224, height=224)),
        ),
    ):
        if KINDS and kind not in KINDS:
            continue
        of_seeds = [_of_seed(*make(seed), seed) for seed in SEEDS]
        for name in of_seeds[0]:
            table += _summed(f"{kind}: {name}", [found[name] for found in of_seeds])
    return table


def _summed(name: str, of_seeds: list[list[Judgement]]) -> list[Row]:
    every = [one for found in of_seeds for one in found]
    table = [
        Row(f"{name}: {verdict}", sum(one == verdict for one, _ in every) / len(every), "share") for verdict in VERDICTS
    ]
    worst = [sum(one == VERDICTS[0] for one, _ in found) / len(found) for found in of_seeds]
    on, beside = ([verdict for verdict, is_hit in every if is_hit is where] for where in (True, False))
    return [
        *table,
        Row(f"{name}: faithful, least and most of a seed", min(worst), f"to {max(worst):.2f}"),
        Row(f"{name}: on the patch", len(on), f"of {len(every)} maps"),
        Row(f"{name}: on the patch and faithful", on.count("faithful"), "maps"),
        Row(f"{name}: beside the patch", len(beside), f"of {len(every)} maps"),
        Row(f"{name}: beside the patch and faithful", beside.count("faithful"), "maps"),
    ]


def trained(architecture: str, preprocessing: Preprocessing, seed: int) -> tuple[nn.Module, Preprocessing]:
    """A ConvNeXt with all its weights trained from random ones, until it has learned what decides."""
    for steps in STEPS:
        network = _after(steps, architecture, preprocessing, seed)
        if _loss(network, preprocessing, np.random.default_rng(7000 + seed)) < LEARNED:
            return network, preprocessing
    raise RuntimeError(f"The network of seed {seed} did not learn.")


def _loss(network: nn.Module, preprocessing: Preprocessing, rng: np.random.Generator) -> float:
    """Mean cross-entropy on fresh pictures."""
    labels = np.arange(FRESH) % len(CLASSES)
    pictures = np.stack([planted_picture(rng, int(label), _size(preprocessing))[0] for label in labels])
    with torch.no_grad():
        logits = network(Lens(network, preprocessing).input(pictures))
    return float(functional.cross_entropy(logits, torch.from_numpy(labels)))


def _after(steps: int, architecture: str, preprocessing: Preprocessing, seed: int) -> nn.Module:
    torch.manual_seed(seed)
    network, rng = build(architecture, len(CLASSES)).train(), np.random.default_rng(seed)
    if architecture == "convnext_atto":
        for name, weight in network.named_parameters():
            if name.endswith(".gamma"):
                nn.init.constant_(weight, 0.5)  # as a Run from random weights begins: timm's 1e-6 would take hours
    lens = Lens(network, preprocessing)
    optimizer = torch.optim.AdamW(network.parameters(), RATES[architecture])
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = RATES[architecture] * min(1, (step + 1) / 10) * (1 - step / steps)
        labels = rng.integers(0, len(CLASSES), BATCH)
        shares = [float(rng.uniform(0.25, 0.45)) for _ in labels]
        drawn = [
            planted_picture(rng, int(one), _size(preprocessing), share)[0]
            for one, share in zip(labels, shares, strict=True)
        ]
        loss = functional.cross_entropy(network(lens.input(np.stack(drawn))), torch.from_numpy(labels))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network.eval()


def _size(preprocessing: Preprocessing) -> tuple[int, int]:
    return preprocessing.width, preprocessing.height


def _of_seed(network: nn.Module, preprocessing: Preprocessing, seed: int) -> dict[str, list[Judgement]]:
    torch.manual_seed(100 + seed)
    whole = Lens(network, preprocessing)
    fresh, shuffled = (
        [Lens(_forgetful(network, forget), preprocessing) for _ in range(HEADS)] for forget in (_renew, _shuffle)
    )
    rng = np.random.default_rng(1000 + seed)
    size = _size(preprocessing)
    drawn = [(planted_picture(rng, number % len(COLOURS), size), number % HEADS) for number in range(IMAGES)]
    return {
        "its own": [_own(whole, preprocessing, *picture) for picture, _ in drawn],
        "fresh heads, their own": [_own(fresh[one], preprocessing, *picture) for picture, one in drawn],
        "shuffled heads, their own": [_own(shuffled[one], preprocessing, *picture) for picture, one in drawn],
        "those of fresh heads": [_judged(fresh[one], whole, preprocessing, *picture) for picture, one in drawn],
    }


def _forgetful(network: nn.Module, forget: Callable[[torch.Tensor], object]) -> nn.Module:
    own = copy.deepcopy(network)
    with torch.no_grad():
        for name in ("head.fc.weight", "head.fc.bias"):
            forget(own.get_parameter(name))
    return own


def _renew(weight: torch.Tensor) -> torch.Tensor:
    return nn.init.trunc_normal_(weight, std=0.02) if weight.dim() > 1 else weight.zero_()


def _shuffle(weight: torch.Tensor) -> torch.Tensor:
    return weight.copy_(weight.flatten()[torch.randperm(weight.numel())].view_as(weight))


def _own(lens: Lens, preprocessing: Preprocessing, pixels: np.ndarray, box: tuple[int, int, int, int]) -> Judgement:
    """The verdict on the map that is shown of a network where nobody chose method and layer."""
    width, height = _size(preprocessing)
    prepared = PreparedImage(pixels, "", width, height)
    question = Question(classes=(_named(lens, pixels),), is_free=True)
    usual = _look(lens, preprocessing, prepared, question)
    explained = Explained(ImageRef(""), width, height, usual.seen, (), (), (usual,))
    judge = Judge(lens, partial(_run, lens), 32, CLASSES, preprocessing)
    shown = judge.trusted(explained, question, prepared, lambda: None)
    return shown.trust[0].verdict, _is_hit(shown.heatmaps[0], preprocessing, box)


def _judged(
    seer: Lens, judge: Lens, preprocessing: Preprocessing, pixels: np.ndarray, box: tuple[int, int, int, int]
) -> Judgement:
    """The verdict of `judge` on the map of `seer` for the class that `judge` names."""
    prepared = PreparedImage(pixels, "", *_size(preprocessing))
    name = _named(judge, pixels)
    index = CLASSES.index(name)
    one = _look(seer, preprocessing, prepared, Question(classes=(name,)))
    method, layer = other_way(seer.split, one)
    other = _look(seer, preprocessing, prepared, Question(method, (layer,), (name,)))
    doubt = partial(examine, judge, Target(index), 16)
    witness = Witness(partial(_run, judge), 32, log_odds(index, None), doubt, name)
    trust = measure(scene_of(prepared, preprocessing), one, (other, layer), witness, lambda: None)
    return trust.verdict, _is_hit(one, preprocessing, box)


def _run(lens: Lens, batch: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return lens.forward(lens.input(batch)).numpy()


def _named(lens: Lens, pixels: np.ndarray) -> str:
    return CLASSES[int(_run(lens, pixels[None])[0].argmax())]


def _is_hit(one: Heatmap, preprocessing: Preprocessing, box: tuple[int, int, int, int]) -> bool:
    width, height = _size(preprocessing)
    y, x = np.unravel_index(int(image_map(one, width, height).argmax()), (height, width))
    return bool(box[0] <= x < box[2] and box[1] <= y < box[3])


def _look(lens: Lens, preprocessing: Preprocessing, prepared: PreparedImage, question: Question) -> Heatmap:
    found = answer(lens, lens.input(prepared.input[None]), CLASSES, question, lambda: None)
    return heatmap(found.maps[0], question.method, CLASSES, (prepared, preprocessing))


if __name__ == "__main__":
    show(rows)
