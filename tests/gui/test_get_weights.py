"""The ways to weights that are not here: download, a file, a folder, random ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from convnext_studio.core.context import JobContext
from convnext_studio.core.errors import DownloadError
from convnext_studio.core.events import DownloadProgressed, WeightsOnDisk
from convnext_studio.core.requests import DownloadWeights, FindWeights, LoadModel, ReadCards
from convnext_studio.core.values import ModelRef
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.jobs import InlineLane
from convnext_studio.gui.panels.get_weights import GetWeights
from convnext_studio.gui.stores.studio import Studio
from tests.gui.test_model_picker import serve_model
from tests.gui.test_models_store import BARE, HERE, TINY, V2, read_cards, stock


@pytest.fixture
def found() -> dict[str, WeightsOnDisk]:
    """What is on disk; a test adds to it."""
    return {}


@pytest.fixture
def pane(
    studio: Studio,
    actions: Actions,
    lanes: dict[str, InlineLane],
    found: dict[str, WeightsOnDisk],
    tmp_path: Path,
    qtbot: QtBot,
) -> Iterator[GetWeights]:
    """The pane, on the screen and asked for convnext_tiny."""
    for lane in lanes.values():
        lane.served_by |= {
            FindWeights: lambda request, ctx: dict(found),
            ReadCards: read_cards,
            LoadModel: serve_model,
            DownloadWeights: lambda request, ctx: replace(HERE, path="/cache/tiny.safetensors"),
        }
    stock(studio, tmp_path / "memory")
    pane = GetWeights(studio, actions)
    qtbot.addWidget(pane)
    pane.setMinimumSize(400, 300)
    studio.models.ask(TINY.name)
    pane.resize(900, 600)
    pane.show()
    yield pane
    qtbot.waitUntil(lambda: studio.classifier.state != "loading")
    pane.close()


def served(lanes: dict[str, InlineLane], job: Callable[[object, JobContext], object]) -> None:
    lanes["downloads"].served_by[DownloadWeights] = job


def test_it_says_what_is_wanted_how_large_it_is_and_its_licence(pane: GetWeights) -> None:
    assert pane.title.text() == TINY.title
    assert pane.facts.text() == "28.6 M parameters · 224 px · Apache-2.0"
    assert pane.download.sentence.text().startswith("114 MB from the Hugging Face hub")
    assert pane.download.button.text() == "Download"
    pane._studio.models.ask(V2.name)
    assert "CC-BY-NC-4.0: not for commercial use" in pane.facts.text()


def test_a_download_shows_bytes_and_stop_and_then_loads_the_model(
    pane: GetWeights, studio: Studio, lanes: dict[str, InlineLane], qtbot: QtBot
) -> None:
    said: list[tuple[str, str]] = []
    studio.models.row_changed.connect(
        lambda name: said.append((pane.download.sentence.text(), pane.download.button.text()))
    )

    def job(request: DownloadWeights, ctx: JobContext) -> WeightsOnDisk:
        ctx.emit(DownloadProgressed(42_000_000, 114_000_000))
        return HERE

    served(lanes, job)
    pane.download.button.click()
    assert pane.download.button.text() == "Stop"
    qtbot.waitUntil(lambda: studio.classifier.model_ref == ModelRef(TINY.name))
    assert ("42 of 114 MB", "Stop") in said
    assert studio.models.asked == ""


def test_a_stopped_download_can_go_on_from_where_it_was(
    pane: GetWeights, studio: Studio, lanes: dict[str, InlineLane], qtbot: QtBot
) -> None:
    def cut(request: DownloadWeights, ctx: JobContext) -> WeightsOnDisk:
        ctx.emit(DownloadProgressed(42_000_000, 114_000_000))
        raise DownloadError("The connection was cut.", "Go on, or choose a file.")

    served(lanes, cut)
    pane.download.button.click()
    qtbot.waitUntil(lambda: "connection was cut" in pane.download.sentence.text())
    assert pane.download.button.text() == "Go on"
    assert pane.line.isVisible()
    served(lanes, lambda request, ctx: HERE)
    lanes["downloads"].hold()
    pane.download.button.click()
    pane.download.button.click()
    lanes["downloads"].release()
    qtbot.waitUntil(lambda: pane.download.sentence.text().startswith("Stopped at 42 of 114 MB"))
    pane.download.button.click()
    qtbot.waitUntil(lambda: studio.classifier.model_ref == ModelRef(TINY.name))


def test_a_download_that_fails_keeps_the_other_ways_open(
    pane: GetWeights, lanes: dict[str, InlineLane], qtbot: QtBot
) -> None:
    def offline(request: DownloadWeights, ctx: JobContext) -> WeightsOnDisk:
        raise DownloadError("This machine is offline.", "Choose a file or a folder instead.")

    served(lanes, offline)
    pane.download.button.click()
    qtbot.waitUntil(lambda: pane.download.button.text() == "Try again")
    assert pane.download.sentence.text() == "This machine is offline. Choose a file or a folder instead."
    assert pane.download.sentence.property("tone") == "ng"
    assert pane.file.button.isEnabled()
    assert pane.folder.button.isEnabled()
    assert pane.random.button.isEnabled()


def test_an_unexpected_end_offers_its_details(
    pane: GetWeights, lanes: dict[str, InlineLane], qtbot: QtBot, expect_log: Callable[[str], None]
) -> None:
    def broken(request: DownloadWeights, ctx: JobContext) -> WeightsOnDisk:
        raise RuntimeError("kaput")

    expect_log("DownloadWeights failed")
    served(lanes, broken)
    pane.download.button.click()
    qtbot.waitUntil(pane.copy.isVisible)
    pane.copy.click()
    assert "kaput" in QApplication.clipboard().text()


def test_a_file_of_the_users_is_loaded_for_this_network(
    pane: GetWeights, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: ("/mine/tiny.pth", ""))
    pane.file.button.click()
    assert studio.classifier.model_ref == ModelRef(TINY.name, file="/mine/tiny.pth")


def test_a_folder_that_holds_the_weights_loads_the_model(
    pane: GetWeights,
    studio: Studio,
    found: dict[str, WeightsOnDisk],
    tmp_path: Path,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *args: str(tmp_path))
    pane.folder.button.click()
    qtbot.waitUntil(lambda: "does not hold these weights" in pane.folder.sentence.text())
    assert studio.settings.value.weights_folder == str(tmp_path)
    found[TINY.name] = replace(HERE, place="administrator's folder")
    studio.models.refresh()
    qtbot.waitUntil(lambda: studio.classifier.model_ref == ModelRef(TINY.name, folder=str(tmp_path)))


def test_random_weights_are_said_to_mean_nothing(pane: GetWeights, studio: Studio) -> None:
    assert "The answers mean nothing" in pane.random.sentence.text()
    pane.random.button.click()
    assert studio.classifier.model_ref == ModelRef(TINY.name, "random")


def test_a_name_without_published_weights_offers_no_download(pane: GetWeights, studio: Studio) -> None:
    studio.models.ask(BARE.name)
    assert not pane.download.isVisible()
    assert not pane.folder.isVisible()
    assert "no trained weights are published" in pane.facts.text()
