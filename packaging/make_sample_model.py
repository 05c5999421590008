"""Train the Model that ships with the program, on generated metal surfaces, and write its file and card.

    python packaging/make_sample_model.py

It needs no download and no GPU: about half an hour on two quiet cores. Training parts, held-out parts and the data set
that `convnext-studio sample` writes by default come from different seeds: no part is ever in two of them. The masks of
the generated defects help in training only: two throw-away heads must say where the defect is, which teaches a small
network in minutes what labels alone teach it in hours. The file holds nothing but timm's own network.
"""

from __future__ import annotations

import argparse
import logging
import math
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, cast

import numpy as np
import timm
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from convnext_studio.core.data.sample import CLASSES, Plan, draw, plans
from convnext_studio.core.models.card import Card, Metric, Provenance
from convnext_studio.core.models.model_file import save_model_file
from convnext_studio.core.values import Preprocessing

ARCHITECTURE = "convnext_zepto_rms"  # 1.9 million parameters: the smallest ConvNeXt that timm names
DRAWN_SIZE, SIZE, CROP, CELL = 256, 192, 96, 8  # pixels; a cell is what the masks are reduced to
TRAINING_SEED, HELD_OUT_SEED, WEIGHTS_SEED = 2002, 1001, 7
MEAN, STD = (0.5, 0.5, 0.5), (0.15, 0.15, 0.15)  # of these pictures
BATCH, LEARNING_RATE, WEIGHT_DECAY, EMA_DECAY = 64, 3e-3, 0.05, 0.995
CYCLES = ((1250, 1000), (2450, 2200))  # steps, and how many of them see pieces only
STAGES = [1, 2, 3]  # that must say where the defect is
RESOURCES = Path(__file__).resolve().parent.parent / "resources" / "sample"
Network = Any  # a ConvNeXt of timm, which is not typed
logger = logging.getLogger("make_sample_model")


@dataclass(frozen=True)
class Pictures:
    """Drawn Images in memory, all at SIZE: uint8 pixels, class numbers, where each defect is, parts, severities."""

    pixels: Tensor  # (n, SIZE, SIZE, 3)
    labels: Tensor
    cells: Tensor  # (n, SIZE / CELL, SIZE / CELL) float, 1 = a defect touches the cell
    parts: NDArray[np.int64]
    severities: NDArray[np.float64]


def draw_pictures(count: int, seed: int) -> Pictures:
    """Draw `count` Images of the parts that `seed` makes."""

    def one(plan: Plan) -> tuple[NDArray[np.uint8], NDArray[np.float32], float]:
        image = draw(plan, size=DRAWN_SIZE, seed=seed)
        picture = Image.fromarray(image.pixels).resize((SIZE, SIZE), Image.Resampling.BICUBIC)
        mask = Image.fromarray(image.mask.astype(np.uint8) * 255)
        cells = mask.resize((SIZE // CELL, SIZE // CELL), Image.Resampling.BOX)
        return np.asarray(picture), (np.asarray(cells) > 0).astype(np.float32), image.severity

    todo, drawn = list(islice(plans(seed), count)), []
    started = time.monotonic()
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for number, picture in enumerate(pool.map(one, todo), start=1):
            drawn.append(picture)
            if number % 1000 == 0:
                logger.info("drew %d of %d in %.0f s", number, count, time.monotonic() - started)
    pixels, cells, severities = zip(*drawn, strict=True)
    return Pictures(
        torch.from_numpy(np.stack(pixels)),
        torch.tensor([CLASSES.index(plan.label) for plan in todo]),
        torch.from_numpy(np.stack(cells)),
        np.array([plan.part for plan in todo]),
        np.array(severities),
    )


class Whereabouts(nn.Module):
    """The throw-away heads: at each place of the later stages, which class is here?"""

    def __init__(self, widths: list[int]) -> None:
        super().__init__()
        self.heads = nn.ModuleList(nn.Conv2d(width, len(CLASSES), 1) for width in widths)

    def forward(self, features: list[Tensor], labels: Tensor, cells: Tensor) -> Tensor:
        """Return the loss; places with a defect weigh as much as all others together, few as they are."""
        losses = []
        for head, feature in zip(self.heads, features, strict=True):
            said = head(feature.float())
            there = functional.adaptive_max_pool2d(cells[:, None], said.shape[-2:])[:, 0]
            loss = functional.cross_entropy(said, labels[:, None, None] * there.long(), reduction="none")
            here, elsewhere = there.sum().clamp_min(1), (1 - there).sum()
            losses.append(((loss * there).sum() / here + (loss * (1 - there)).sum() / elsewhere) / 2)
        return torch.stack(losses).mean()


def sharpen_stem(stem: nn.Conv2d) -> None:
    """Begin with filters that see edges and fine grain: brightness, which they would all see at first, says little."""
    weight = stem.weight
    with torch.no_grad():
        grey = torch.randn(len(weight), 1, *weight.shape[2:]).expand_as(weight)
        filters = grey + 0.15 * torch.randn_like(weight)
        filters = filters - filters.mean((2, 3), keepdim=True)
        filters[:4] += 0.5 * torch.randn(4, weight.shape[1], 1, 1)  # a few for brightness and colour
        weight.copy_(filters / filters.flatten(1).norm(dim=1)[:, None, None, None])
        nn.init.normal_(cast(Tensor, stem.bias), 0, 0.3)


def normalise(pixels: Tensor) -> Tensor:
    """Turn uint8 (n, h, w, 3) into what the network takes, (n, 3, h, w)."""
    values = pixels.permute(0, 3, 1, 2).float().div_(255)
    mean, std = (torch.tensor(numbers)[:, None, None] for numbers in (MEAN, STD))
    return ((values - mean) / std).contiguous(memory_format=torch.channels_last)


def crop(pixels: Tensor, cells: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Cut a CROP x CROP piece that shows some of the defect, or any piece of a good part."""
    room, side = (SIZE - CROP) // CELL, CROP // CELL
    where = torch.nonzero(cells)
    row, column = rng.integers(0, room + side, 2) if not len(where) else where[int(rng.integers(len(where)))].tolist()
    top, left = (int(np.clip(at - rng.integers(side), 0, room)) for at in (row, column))
    piece = pixels[top * CELL : top * CELL + CROP, left * CELL : left * CELL + CROP]
    return piece, cells[top : top + side, left : left + side]


def batches(
    pictures: Pictures, rng: np.random.Generator, steps: int, crop_steps: int
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield input, labels and cells: shuffled, turned, mirrored, brightened; pieces first, whole Images after."""
    order: list[int] = []
    for step in range(steps):
        if len(order) < BATCH:
            order = list(rng.permutation(len(pictures.labels)))
        chosen, order = order[:BATCH], order[BATCH:]
        pieces, cells = pictures.pixels[chosen], pictures.cells[chosen]
        if step < crop_steps:
            cut = [crop(*both, rng) for both in zip(pieces, cells, strict=True)]
            pieces, cells = (torch.stack(parts) for parts in zip(*cut, strict=True))
        turns, mirrored = int(rng.integers(4)), bool(rng.random() < 0.5)
        pixels, cells = torch.rot90(normalise(pieces), turns, (2, 3)), torch.rot90(cells, turns, (1, 2))
        if mirrored:
            pixels, cells = pixels.flip(3), cells.flip(2)
        gain = torch.from_numpy(rng.uniform(0.8, 1.25, (BATCH, 1, 1, 1)).astype(np.float32))
        shift = torch.from_numpy(rng.normal(0, 0.2, (BATCH, 1, 1, 1)).astype(np.float32))
        yield pixels * gain + shift, pictures.labels[chosen], cells


def follow(mean: Tensor, now: Tensor, _steps: Tensor | int) -> Tensor:
    """Move the running mean of a weight a little towards what it is now."""
    return torch.lerp(mean, now, 1 - EMA_DECAY)


def new_network() -> Network:
    """Build the network with seeded weights."""
    torch.manual_seed(WEIGHTS_SEED)
    network = timm.create_model(ARCHITECTURE, num_classes=len(CLASSES), drop_path_rate=0.05, ls_init_value=0.5)
    sharpen_stem(network.get_submodule("stem.0"))
    return network.to(memory_format=torch.channels_last)


def train(network: Network, pictures: Pictures, cycle: int) -> Network:
    """Train for one cycle and return the running mean of the weights, which is steadier than the last of them."""
    steps, crop_steps = CYCLES[cycle]
    torch.manual_seed(WEIGHTS_SEED + cycle)
    heads = Whereabouts([info["num_chs"] for info in network.feature_info[STAGES[0] :]])
    mean = torch.optim.swa_utils.AveragedModel(network, avg_fn=follow, use_buffers=True)
    weights = [*network.parameters(), *heads.parameters()]
    decayed: dict[str, object] = {"params": [weight for weight in weights if weight.ndim > 1]}
    others: dict[str, object] = {"params": [weight for weight in weights if weight.ndim < 2], "weight_decay": 0.0}
    optimizer = torch.optim.AdamW([decayed, others], lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    warmup = max(1, steps // 15)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min((step + 1) / warmup, 0.5 + 0.5 * math.cos(math.pi * min(1.0, step / steps))) + 1e-3,
    )
    rng, started = np.random.default_rng(WEIGHTS_SEED + cycle), time.monotonic()
    network.train()
    for step, (pixels, labels, cells) in enumerate(batches(pictures, rng, steps, crop_steps), start=1):
        with torch.autocast("cpu", torch.bfloat16):
            last, features = network.forward_intermediates(pixels, indices=STAGES, norm=False)
            logits = network.forward_head(last)
        loss = functional.cross_entropy(logits.float(), labels, label_smoothing=0.05)
        whole = loss + 2.0 * heads(features, labels, cells)
        optimizer.zero_grad()
        whole.backward()
        nn.utils.clip_grad_norm_(weights, 2.0)
        optimizer.step()
        schedule.step()
        mean.update_parameters(network)
        if step % 50 == 0:
            right = (logits.argmax(1) == labels).float().mean()
            logger.info(
                "step %d of %d: loss %.3f, right %.2f, %.0f s",
                step,
                steps,
                loss.item(),
                right.item(),
                time.monotonic() - started,
            )
    return mean.module.eval()


def predict(network: nn.Module, pictures: Pictures) -> NDArray[np.int64]:
    """Return the most probable class of each Image, in fp32."""
    with torch.inference_mode():
        found = [network(normalise(pixels)).argmax(1) for pixels in torch.split(pictures.pixels, BATCH)]
    return torch.cat(found).numpy()


def balanced_accuracy(labels: NDArray[np.int64], found: NDArray[np.int64]) -> float:
    """Return the mean share found of each class."""
    return float(np.mean([(found[labels == label] == label).mean() for label in np.unique(labels)]))


def measure(pictures: Pictures, found: NDArray[np.int64]) -> tuple[Metric, ...]:
    """Return accuracy and balanced accuracy with 95 % intervals, by drawing whole parts again and again.

    Parts, not Images: the shots of one part are alike, and to count them singly would make the interval too narrow.
    """
    labels, rng = pictures.labels.numpy(), np.random.default_rng(0)
    rows = [np.flatnonzero(pictures.parts == part) for part in np.unique(pictures.parts)]
    scores = []
    for _ in range(2000):
        drawn = np.concatenate([rows[i] for i in rng.integers(len(rows), size=len(rows))])
        scores.append(((labels[drawn] == found[drawn]).mean(), balanced_accuracy(labels[drawn], found[drawn])))
    low, high = np.percentile(scores, (2.5, 97.5), axis=0)
    split, values = "held-out parts", (float((labels == found).mean()), balanced_accuracy(labels, found))
    return tuple(
        Metric(name, round(values[i], 4), split, len(labels), round(float(low[i]), 4), round(float(high[i]), 4))
        for i, name in enumerate(("accuracy", "balanced accuracy"))
    )


def card_of(metrics: tuple[Metric, ...], pictures: int) -> Card:
    """Say what the Model is, how Images go in and where it came from."""
    return Card(
        architecture=ARCHITECTURE,
        classes=CLASSES,
        preprocessing=Preprocessing(SIZE, SIZE, "squash", "bicubic", MEAN, STD),
        title="Metal surfaces (sample)",
        licence="apache-2.0",
        commercial_use=True,
        training_data=f"{pictures} generated pictures of metal surfaces",
        provenance=Provenance(
            data=f"convnext-studio sample, seed {TRAINING_SEED}; held out: seed {HELD_OUT_SEED}",
            seed=WEIGHTS_SEED,
            command="python packaging/make_sample_model.py",
        ),
        metrics=metrics,
    )


def readme(card: Card, pictures: Pictures, found: NDArray[np.int64]) -> str:
    """Write the card for people."""
    labels = pictures.labels.numpy()
    lines = [
        "# The sample Model",
        "",
        f"`{card.architecture}`, {SIZE} x {SIZE} px, {card.training_data}; {card.licence}.",
        "",
    ]
    lines += ["It answers for generated pictures only: it is here to show the program, not to inspect real parts.", ""]
    lines += [f"Made by `{card.provenance.command}`: {card.provenance.data}; weights seed {card.provenance.seed}.", ""]
    lines += ["Another run gives like figures, not the same bytes: sums depend on threads and processor.", ""]
    lines += ["| held-out parts | value | 95 % interval | Images |", "|---|---|---|---|"]
    lines += [f"| {m.name} | {m.value:.3f} | {m.low:.3f} to {m.high:.3f} | {m.images} |" for m in card.metrics]
    lines += ["", "The intervals draw whole parts, since the shots of one part are alike.", ""]
    lines += ["| class | Images | found |", "|---|---|---|"]
    for number, name in enumerate(CLASSES):
        mine = labels == number
        lines.append(f"| {name} | {mine.sum()} | {(found[mine] == number).mean():.3f} |")
    faint = (pictures.severities > 0) & (pictures.severities < 0.35)
    clear = pictures.severities >= 0.35
    shares = [f"{(found[rows] == labels[rows]).mean():.3f}" for rows in (faint, clear)]
    lines += [
        "",
        f"Of the faint defects (severity below 0.35) {shares[0]} are named rightly, of the others {shares[1]}.",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Draw, train, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=RESOURCES, help="folder to write to (%(default)s)")
    parser.add_argument("--training", type=int, default=5000, help="Images to train on (%(default)s)")
    parser.add_argument("--held-out", type=int, default=1500, help="Images to measure on (%(default)s)")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    pictures, network = draw_pictures(options.training, TRAINING_SEED), new_network()
    for cycle in range(len(CYCLES)):
        network = train(network, pictures, cycle)
    held_out = draw_pictures(options.held_out, HELD_OUT_SEED)
    found = predict(network, held_out)
    card = card_of(measure(held_out, found), options.training)
    options.out.mkdir(parents=True, exist_ok=True)
    save_model_file(options.out / "model.safetensors", network, card)
    text = readme(card, held_out, found)
    (options.out / "README.md").write_text(text, encoding="utf-8")
    logger.info("%s", text)


if __name__ == "__main__":
    main()
