"""A Model file in its Run: its training Images are indexed and found again, and its blocks seen on the open Image."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convnext_studio.core.data.dataset import LabelledImage
from convnext_studio.core.data.split_file import write_split
from convnext_studio.core.resources import resource
from convnext_studio.core.values import ModelRef
from convnext_studio.gui.app import App
from tests.e2e.driver import Until, drop, is_ready, run_program


def picture(path: Path, seed: int) -> str:
    shades = np.random.default_rng(seed).integers(60 + 30 * seed, 90 + 40 * seed, (96, 96, 3), np.uint8)
    Image.fromarray(shades).save(path)
    return str(path)


def test_a_model_shows_its_blocks_and_its_nearest_training_images(
    tmp_path: Path, quick_settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, parts, known = (tmp_path / name for name in ("run", "parts", "known"))
    for folder in (run, parts, known):
        folder.mkdir()
    shutil.copy(resource("sample", "model.safetensors"), run / "model.safetensors")
    paths = [picture(known / f"{seed}.png", seed) for seed in range(3)]
    write_split(run / "split.csv", [LabelledImage(path, "good", "", "train") for path in paths])
    picture(parts / "part.png", 1)

    def script(app: App) -> Generator[Until, None, None]:
        nearest, architecture = app.studio.nearest, app.studio.architecture
        yield is_ready(app)
        drop(app, parts)
        yield lambda: nearest.state == "no index"
        app.actions["index_training"].trigger()
        yield lambda: nearest.state == "found"
        assert nearest.found[0].path == paths[1]
        assert nearest.found[0].similarity > 0.999
        app.actions["show_network"].trigger()
        yield lambda: architecture.activations is not None and architecture.explained is not None
        architecture.choose("stem")
        yield lambda: architecture.activations is not None and architecture.activations.layer == "stem"
        assert len(architecture.activations.channels) == 12

    model = ModelRef(str(run / "model.safetensors"))
    assert run_program(monkeypatch, ["gui"], script, model=model).code == 0
