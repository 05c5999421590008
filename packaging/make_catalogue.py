"""Write `resources/catalogue/catalogue.json` from what timm says; run it after each update of timm.

    python packaging/make_catalogue.py

Published accuracies are not in timm's package: they are in `resources/catalogue/imagenet_top1.csv`, which names its
source in its first line.
"""

from __future__ import annotations

import csv
import json
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import timm
import torch
from torch.utils.flop_counter import FlopCounterMode

from convnext_studio.core.models.catalogue import FAMILIES, FEATURES_ONLY, CatalogueEntry
from convnext_studio.core.models.labels import label_set_of
from convnext_studio.core.models.licences import allows_commercial_use
from convnext_studio.core.resources import resource

COMPARED = ("resnet50", "swin_tiny_patch4_window7_224", "vit_small_patch16_224")
SIZES = ("zepto", "atto", "femto", "pico", "nano", "tiny", "small", "base", "large", "xlarge", "xxlarge", "huge")
SPELLED = {"xlarge": "XLarge", "xxlarge": "XXLarge"}
HUB_FILE = "model.safetensors"
ACCURACIES = resource("catalogue", "imagenet_top1.csv")

# what a part of a tag says of the pictures, in the order in which it is looked for
DATA_OF_TAG = {
    "laion2b": "LAION-2B image-text pairs (CLIP)",
    "laiona": "LAION-Aesthetic image-text pairs (CLIP)",
    "dinov3": "LVD-1689M without labels (DINOv3)",
    "eupe": "LVD-1689M (EUPE)",
    "fcmae": "ImageNet-1k without labels (FCMAE)",
    "yfcc100m": "YFCC100M and ImageNet-1k (semi-supervised)",
    "ig1b": "one billion Instagram pictures (weakly supervised)",
    "bamboo": "Bamboo",
    "dino": "ImageNet-1k without labels (DINO)",
    "in22k": "ImageNet-22k",
    "in21k": "ImageNet-21k",
    "in12k": "ImageNet-12k",
    "b1k": "ImageNet-1k",
    "b2k": "ImageNet-1k",
    "in1k": "ImageNet-1k",
}


def names() -> list[str]:
    """Bare architectures and all their pretrained tags."""
    architectures = [*timm.list_models("convnext*"), *COMPARED]
    return [name for each in architectures for name in (each, *timm.list_pretrained(f"{each}.*"))]


def make_entry(name: str) -> CatalogueEntry:
    """Everything timm and the published results say of one name."""
    architecture, _, tag = name.partition(".")
    cfg = timm.get_pretrained_cfg(name)
    outputs = cfg.num_classes if tag else 1000
    input_size = cfg.input_size[1]
    parameters, size_bytes, gmacs = measure(architecture, outputs, input_size)
    label_set = label_set_of(outputs) if tag else ""
    classes = outputs if label_set else 0
    top1, top1_size, source = published_accuracy(name, input_size)
    licence = (cfg.license or "") if tag else ""
    entry = CatalogueEntry(
        name=name,
        architecture=architecture,
        tag=tag,
        family=family_of(architecture),
        size=size_of(architecture),
        parameters=parameters,
        gmacs=gmacs,
        input_size=input_size,
        top1=top1,
        top1_size=top1_size,
        top1_source=source,
        training_data=training_data(tag),
        licence=licence,
        commercial_use=allows_commercial_use(licence),
        classes=classes,
        label_set=label_set,
        bytes=size_bytes,
        hub_repo=cfg.hf_hub_id if tag else "",
        hub_file=HUB_FILE if tag else "",
        sha256="",
        description="",
    )
    return CatalogueEntry(**{**asdict(entry), "description": describe(entry)})


def family_of(architecture: str) -> str:
    """The group it is listed in."""
    if architecture in COMPARED:
        return FAMILIES[2]
    return FAMILIES[1] if architecture.startswith("convnextv2") else FAMILIES[0]


def size_of(architecture: str) -> str:
    """Its size in one word."""
    if architecture == "resnet50":
        return "50"
    word = architecture.split("_")[1]
    return SPELLED.get(word, word.capitalize())


def training_data(tag: str) -> str:
    """What the weights were trained on, in the order of training."""
    stages = tag.replace("_in22k_in1k", "_in22k_ft_in1k").replace("_in12k_in1k", "_in12k_ft_in1k").split("_ft_")
    known = [next((data for part, data in DATA_OF_TAG.items() if part in stage), "") for stage in stages if stage]
    return ", then ".join(data for data in known if data)


@cache
def measure(architecture: str, outputs: int, side: int) -> tuple[int, int, float]:
    """Parameters, bytes of the weights, and GMACs; found without computing or allocating anything."""
    with torch.device("meta"):
        network = timm.create_model(architecture, pretrained=False, num_classes=outputs).eval()
        image = torch.zeros(1, 3, side, side)
    counter = FlopCounterMode(display=False)
    with counter, torch.inference_mode():
        network(image)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    size_bytes = sum(tensor.numel() * tensor.element_size() for tensor in network.state_dict().values())
    return parameters, size_bytes, round(counter.get_total_flops() / 2e9, 3)


def published_accuracy(name: str, side: int) -> tuple[float | None, int | None, str]:
    """Published top-1 at the native size, or at the size that was published; and where it was."""
    source, table = read_accuracies()
    of_name = table.get(name, {})
    if not of_name:
        return None, None, ""
    used = side if side in of_name else min(of_name)
    return of_name[used], used, source


@cache
def read_accuracies() -> tuple[str, dict[str, dict[int, float]]]:
    """The source, and top-1 by name and size."""
    first, *rows = ACCURACIES.read_text(encoding="utf-8").splitlines()
    table: dict[str, dict[int, float]] = {}
    for row in csv.DictReader(rows):
        table.setdefault(row["name"], {})[int(row["size"])] = float(row["top1"])
    return first.removeprefix("# ").strip(), table


def describe(entry: CatalogueEntry) -> str:
    """One or two plain sentences."""
    if not entry.has_weights:
        return "The bare architecture, without pretrained weights."
    learned = f"Trained on {entry.training_data}." if entry.training_data else "Its training data is not stated."
    return f"{learned} {FEATURES_ONLY}" if entry.is_features_only else learned


def order(entry: CatalogueEntry) -> tuple[Any, ...]:
    """Family, size, name."""
    size = entry.size.lower()
    return FAMILIES.index(entry.family), SIZES.index(size) if size in SIZES else -1, entry.architecture, entry.name


def make_catalogue() -> list[dict[str, Any]]:
    """All entries as they are written."""
    return [asdict(entry) for entry in sorted(map(make_entry, names()), key=order)]


def main() -> None:
    """Write the file."""
    lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in make_catalogue())
    Path(resource("catalogue", "catalogue.json")).write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
