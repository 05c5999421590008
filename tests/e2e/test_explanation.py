"""A picture is explained through the Engine: map, trust and files in the pixels of the picture as it is seen."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convnext_studio.core.values import ModelRef
from convnext_studio.gui.app import App
from tests.e2e.driver import Until, answer_dialog, drop, is_ready, run_program

TURNED = 6  # EXIF: stored lying, seen standing


def test_a_turned_picture_is_explained_and_saved_as_it_is_seen(
    tmp_path: Path, quick_settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, saved = tmp_path / "parts", tmp_path / "out.map.npy"
    folder.mkdir()
    shades = np.random.default_rng(0).integers(90, 160, (60, 180, 3), np.uint8)
    exif = Image.Exif()
    exif[0x0112] = TURNED
    Image.fromarray(shades).save(folder / "part.jpg", exif=exif)
    written = tmp_path / "all"

    def script(app: App) -> Generator[Until, None, None]:
        explainer = app.studio.explainer
        yield is_ready(app)
        drop(app, folder)
        yield lambda: explainer.trust is not None
        explained = explainer.explained
        assert explained is not None
        assert (explained.width, explained.height) == (60, 180)
        app.actions["save_heatmap"].trigger()
        answer_dialog(app, saved)
        yield saved.exists
        app.actions["explain_all"].trigger()
        written.mkdir()
        answer_dialog(app, written)
        yield lambda: any(written.rglob("*.json")) and not app.studio.jobs.entries

    assert run_program(monkeypatch, ["gui"], script, model=ModelRef("sample")).code == 0
    values = np.load(saved)
    assert values.shape == (180, 60)
    assert values.dtype == np.float32
    (record,) = written.rglob("*.json")
    assert json.loads(record.read_text("utf-8"))["height"] == 180
