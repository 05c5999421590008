"""Weights that are not here, fetched through the picker by the real Engine from a hub on this machine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog

from convnext_studio.gui.app import App
from convnext_studio.gui.panels.get_weights import GetWeights
from convnext_studio.gui.panels.model_picker import ModelButton
from tests.e2e.driver import Until, is_done, is_ready, run_program
from tests.unit.models.stand_in_hub import StandInHub, stand_in_hub

NAME = "convnext_zepto_rms.ra4_e3600_r224_in1k"
MAKE_WEIGHTS = f"""
import sys, timm
from safetensors.torch import save_file
save_file(timm.create_model("{NAME}", pretrained=False).state_dict(), sys.argv[1])
"""


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Weights of the right shapes; another process makes them, so that torch stays out of the window's."""
    path = tmp_path_factory.mktemp("weights") / "model.safetensors"
    subprocess.run([sys.executable, "-c", MAKE_WEIGHTS, str(path)], check=True, capture_output=True)
    return path.read_bytes()


@pytest.fixture
def hub(content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInHub]:
    with stand_in_hub(content) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.address)
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        yield running


def test_a_cut_download_goes_on_where_it_was_and_its_model_then_classifies(
    hub: StandInHub, quick_settings: Path, thousand: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.cut_after = 1_000_000
    folder = thousand / "day 2"
    images = sum(path.is_file() for path in folder.rglob("*"))

    def script(app: App) -> Generator[Until, None, None]:
        models, classifier = app.studio.models, app.studio.classifier
        yield is_ready(app)
        app.actions["choose_model"].trigger()
        button = app.window.findChild(ModelButton)
        assert button is not None
        search = button.picker.browser.search
        QTest.keyClicks(search, NAME)
        yield lambda: button.picker.row is not None and button.picker.row.name == NAME
        QTest.keyClick(search, Qt.Key.Key_Return)
        assert models.asked == NAME
        pane = button.picker.findChild(GetWeights)
        assert pane is not None
        pane.download.button.click()
        yield lambda: "cut after 1.0 of" in pane.download.sentence.text()
        assert pane.download.button.text() == "Go on"
        assert "other" in pane.download.sentence.text() or "goes on" in pane.download.sentence.text()
        pane.download.button.click()
        yield lambda: classifier.info is not None and classifier.info.ref.name == NAME
        assert models.on_disk(NAME) is not None
        assert not button.picker.isVisible()
        app.studio.open_paths((str(folder),))
        yield is_done(app, images)
        assert app.studio.library.classified > 0

    assert run_program(monkeypatch, ["gui"], script).code == 0
    assert ("GET", "bytes=1000000-") in hub.seen


def test_without_a_network_one_sentence_says_so_and_the_other_ways_stay_open(
    quick_settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)

    def script(app: App) -> Generator[Until, None, None]:
        yield is_ready(app)
        app.actions["choose_model"].trigger()
        button = app.window.findChild(ModelButton)
        assert button is not None
        app.studio.models.ask(NAME)
        pane = button.picker.findChild(GetWeights)
        assert pane is not None
        pane.download.button.click()
        yield lambda: "cannot be reached" in pane.download.sentence.text()
        assert pane.download.button.text() == "Try again"
        for way in (pane.file, pane.folder, pane.random):
            assert way.button.isEnabled()

    assert run_program(monkeypatch, ["gui"], script).code == 0


def test_a_local_file_of_a_network_is_loaded_through_the_pane(
    content: bytes, quick_settings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "my <weights>.safetensors"
    path.write_bytes(content)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: (str(path), ""))

    def script(app: App) -> Generator[Until, None, None]:
        classifier = app.studio.classifier
        yield is_ready(app)
        app.actions["choose_model"].trigger()
        button = app.window.findChild(ModelButton)
        assert button is not None
        app.studio.models.ask(NAME)
        pane = button.picker.findChild(GetWeights)
        assert pane is not None
        pane.file.button.click()
        yield lambda: classifier.info is not None and classifier.info.ref.file == str(path)
        assert classifier.info is not None
        assert len(classifier.info.classes) == 1000
        assert path.name in button.accessibleName()

    assert run_program(monkeypatch, ["gui"], script).code == 0
