"""timm's `inference.py` with its defaults, as a function: what most people run. fp32, NCHW, its own loader."""

from __future__ import annotations

import time
from pathlib import Path

import timm
import torch
from safetensors.torch import load_file
from timm.data import create_dataset, create_loader, resolve_data_config

BATCH = 256  # of inference.py
WORKERS = 2  # of inference.py
TOP = 1


def images_per_second(folder: Path, architecture: str, weights: Path) -> float:
    """Classify every Image below `folder`, the building of loader and network not counted."""
    network = timm.create_model(architecture, pretrained=False)
    network.load_state_dict(load_file(weights))
    network.eval()
    data = resolve_data_config({}, model=network)
    dataset = create_dataset("", root=str(folder), split="validation", class_map="")
    loader = create_loader(
        dataset,
        batch_size=BATCH,
        use_prefetcher=False,
        num_workers=WORKERS,
        device=torch.device("cpu"),
        **{key: data[key] for key in ("input_size", "interpolation", "mean", "std", "crop_pct")},
    )
    started, count = time.perf_counter(), 0
    with torch.no_grad():
        for batch, _ in loader:
            network(batch).softmax(-1).topk(TOP, dim=-1)
            count += len(batch)
    return count / (time.perf_counter() - started)
