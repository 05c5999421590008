"""What the network is: drawn from the real modules, block by block, and on the current Image."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QScrollArea, QWidget
from pytestqt.qtbot import QtBot

from convnext_studio.core import jobs
from convnext_studio.core.context import JobContext
from convnext_studio.core.errors import UsageError
from convnext_studio.core.explanations import Activations, NetworkDescription
from convnext_studio.core.requests import DescribeNetwork, Explain, ShowActivations
from convnext_studio.core.values import ModelRef
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.jobs import InlineLane
from convnext_studio.gui.main_window import MainWindow
from convnext_studio.gui.panels.architecture_panel import ArchitecturePanel
from convnext_studio.gui.panels.models_page import ModelsPage
from convnext_studio.gui.stores.network_parts import find_part, typical_block
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.block_diagram import BlockDiagram
from convnext_studio.gui.widgets.network_diagram import NetworkDiagram
from tests.gui.replies import image, model_info, serve
from tests.gui.test_long_words import long_words, wait_for_room

__all__ = ["long_words"]  # a fixture, used by its name

Lanes = dict[str, InlineLane]
NAMES = ("convnext_atto", "convnextv2_atto", "resnet50", "swin_tiny_patch4_window7_224", "vit_small_patch16_224")
WIDTHS = (920, 1340)  # of the diagram in a window 1024 and 1440 wide


@cache
def described(name: str) -> NetworkDescription:
    found = jobs.run(DescribeNetwork(ModelRef(name)), JobContext())
    assert isinstance(found, NetworkDescription)
    return found


def describe(request: DescribeNetwork, ctx: JobContext) -> NetworkDescription:
    """The Model in use is a convnext_atto."""
    return described("convnext_atto" if request.model.name == "sample" else request.model.name)


def show_activations(request: ShowActivations, ctx: JobContext) -> Activations:
    maps = np.random.default_rng(0).normal(size=(request.count, 6, 8)).astype(np.float32)
    identity = model_info(request.model).identity[:12]
    channels = tuple(range(request.count))
    return Activations(request.image, request.layer, maps, channels, 40, (0.0, 0.0, 200.0, 100.0), identity)


@pytest.fixture
def shown(qtbot: QtBot, studio: Studio, actions: Actions, lanes: Lanes) -> ArchitecturePanel:
    """The Model in use, seen while an Image is open."""
    serve(lanes, [image(number) for number in range(4)])
    lanes["network"].served_by |= {DescribeNetwork: describe, ShowActivations: show_activations}
    studio.classifier.load()
    studio.library.open_paths(["/parts"])
    qtbot.waitUntil(lambda: studio.library.waiting == 0 and studio.viewer.opened is not None)
    panel = ArchitecturePanel(studio, actions)
    qtbot.addWidget(panel)
    panel.set_way_back("go_models")
    panel.resize(1000, 700)
    panel.show()
    studio.architecture.show_current()
    qtbot.waitUntil(lambda: studio.architecture.activations is not None)
    return panel


def asked(lanes: Lanes, kind: type) -> list[object]:
    return [request for request in lanes["network"].requests if isinstance(request, kind)]


# --- the drawing


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", NAMES)
def test_every_block_has_a_tile_of_its_own_that_says_what_it_is(
    qtbot: QtBot, theme: Theme, name: str, width: int
) -> None:
    network, diagram = described(name), NetworkDiagram(theme)
    qtbot.addWidget(diagram)
    diagram.show_network(network)
    diagram.resize(width, diagram.heightForWidth(width))
    diagram.show()
    blocks = [part for stage in network.network.parts for part in stage.parts if part.kind == "block"]
    drawn = [button.part for button in diagram.buttons]
    assert [part for part in drawn if part.kind == "block"] == blocks
    assert [part for part in drawn if part in network.network.parts] == list(network.network.parts)
    for number, button in enumerate(diagram.buttons):
        assert diagram.rect().contains(button.geometry())
        assert button.accessibleName()
        assert button.part.sentence in button.accessibleDescription()
        assert min(button.width(), button.height()) >= 24
        assert not any(button.geometry().intersects(other.geometry()) for other in diagram.buttons[:number])
    assert not diagram.grab().isNull()


@pytest.mark.parametrize("name", NAMES)
def test_a_block_is_unfolded_into_its_parts_in_their_order(qtbot: QtBot, theme: Theme, name: str) -> None:
    found = typical_block(described(name))
    assert found is not None
    assert found.entering == found.part.features
    diagram = BlockDiagram(theme)
    qtbot.addWidget(diagram)
    diagram.resize(300, 100)
    diagram.show_part(found.part, found.entering)
    diagram.show()
    assert [button.part for button in diagram.buttons] == list(found.part.parts)
    tops = [button.y() for button in diagram.buttons]
    assert tops == sorted(tops)
    assert not diagram.grab().isNull()


def test_the_blocks_of_a_stage_that_are_alike_are_drawn_once_with_their_number(qtbot: QtBot, theme: Theme) -> None:
    stage = described("convnext_atto").network.parts[3]
    diagram = BlockDiagram(theme)
    qtbot.addWidget(diagram)
    diagram.show_part(stage, 80)
    assert [button.text() for button in diagram.buttons] == ["Downsampling", "Block 1 × 6"]


def test_a_part_is_found_with_what_goes_into_it() -> None:
    network = described("resnet50")
    first = find_part(network, "layer2.0")
    second = find_part(network, "layer2.1")
    assert first is not None
    assert second is not None
    assert (first.entering, first.part.features) == (256, 512)
    assert (second.entering, second.title) == (512, "Stage 2, block 2")
    assert find_part(network, "nothing") is None


# --- the page


def test_arrow_keys_go_from_block_to_block_and_each_is_unfolded(shown: ArchitecturePanel, studio: Studio) -> None:
    before = next(button for button in shown.diagram.buttons if button.isChecked())
    before.setFocus()
    QTest.keyClick(before, Qt.Key.Key_Right)
    after = next(button for button in shown.diagram.buttons if button.isChecked())
    assert after is not before
    assert studio.architecture.chosen == after.part.name
    assert [button.part for button in shown.block.buttons] == list(after.part.parts)


def test_a_press_on_a_part_says_what_it_does(shown: ArchitecturePanel) -> None:
    tile = next(button for button in shown.block.buttons if button.part.kind == "depthwise")
    tile.click()
    assert shown.part.title.text() == "Depthwise convolution 7 × 7"
    assert shown.part.sentence.text() == tile.part.sentence


def test_the_chosen_block_shows_its_maps_and_its_grad_cam(
    qtbot: QtBot, shown: ArchitecturePanel, studio: Studio, lanes: Lanes
) -> None:
    studio.architecture.choose("stages.1.blocks.0")
    qtbot.waitUntil(lambda: studio.architecture.activations is not None)
    explain, activations = asked(lanes, Explain)[-1], asked(lanes, ShowActivations)[-1]
    assert isinstance(explain, Explain)
    assert isinstance(activations, ShowActivations)
    assert explain.layers == (activations.layer,) == ("stage2.block1",)
    assert not explain.is_trust_wanted
    assert len(shown.evidence.maps.pictures) == activations.count
    assert "Grad-CAM for" in shown.evidence.caption.text()
    shown.evidence.maps.pressed.emit(2)
    assert shown.evidence.caption.text().startswith("Feature map 2:")
    shown.evidence.maps.pressed.emit(2)
    assert "Grad-CAM for" in shown.evidence.caption.text()


def test_the_newest_block_wins(qtbot: QtBot, shown: ArchitecturePanel, studio: Studio, lanes: Lanes) -> None:
    lanes["network"].hold()
    seen = []
    studio.architecture.evidence_changed.connect(
        lambda: seen.append(studio.architecture.activations and studio.architecture.activations.layer)
    )
    for number in range(3):
        studio.architecture.choose(f"stages.2.blocks.{number}")
    lanes["network"].release()
    qtbot.waitUntil(lambda: studio.architecture.activations is not None)
    assert set(filter(None, seen)) == {"stage3.block3"}


def test_another_image_is_looked_at_only_while_the_page_is_seen(
    qtbot: QtBot, shown: ArchitecturePanel, studio: Studio, lanes: Lanes
) -> None:
    shown.hide()
    before = len(asked(lanes, ShowActivations))
    studio.library.set_current_row(2)
    assert len(asked(lanes, ShowActivations)) == before
    shown.show()
    qtbot.waitUntil(lambda: studio.architecture.activations is not None)
    assert studio.architecture.activations.image == studio.library.image_at(2)  # type: ignore[union-attr]


def test_what_is_missing_is_said(qtbot: QtBot, shown: ArchitecturePanel, studio: Studio) -> None:
    studio.architecture.choose(studio.architecture.network.network.parts[-1].name)  # type: ignore[union-attr]
    assert "has no places" in shown.evidence.state.text()
    studio.architecture.choose("stages.2")
    studio.library.clear()
    assert "No image is open" in shown.evidence.state.text()
    studio.architecture.show_model(ModelRef("resnet50"), "resnet50")
    qtbot.waitUntil(lambda: studio.architecture.network is not None)
    assert "Models page" in shown.evidence.state.text()
    assert shown.use.isHidden()


def test_a_network_that_cannot_be_described_is_said_in_words(
    qtbot: QtBot, shown: ArchitecturePanel, studio: Studio, lanes: Lanes
) -> None:
    def refuse(request: DescribeNetwork, ctx: JobContext) -> object:
        raise UsageError("There is no Model named “x”.", "Choose another.")

    lanes["network"].served_by[DescribeNetwork] = refuse
    studio.architecture.show_model(ModelRef("x"), "x")
    qtbot.waitUntil(lambda: bool(studio.architecture.error))
    assert shown.stack.currentWidget() is shown.empty


def test_the_blocks_of_other_families_stand_beside_the_own_one(
    qtbot: QtBot, shown: ArchitecturePanel, studio: Studio
) -> None:
    shown.views.set_index(1)
    qtbot.waitUntil(lambda: len(studio.architecture.compared) == 3)
    titles = [card.title.text() for card in shown.cards if not card.isHidden()]
    assert titles == ["ConvNeXt (this Model)", "ResNet", "Swin"]


def test_the_page_opens_from_the_models_and_leads_back(
    qtbot: QtBot, studio: Studio, actions: Actions, lanes: Lanes
) -> None:
    serve(lanes, [])
    lanes["network"].served_by[DescribeNetwork] = describe
    window = MainWindow(studio, actions)
    qtbot.addWidget(window)
    window.show()
    actions["go_models"].trigger()
    page = window.models_page
    assert isinstance(page, ModelsPage)
    page.browser.table.choose(page.model_table.index_of("resnet50"))
    page.inside.click()
    panel = window.architecture.panel
    assert panel is not None
    assert window.pages.currentWidget() is panel
    qtbot.waitUntil(lambda: studio.architecture.network is not None)
    assert panel.title.text() == "resnet50"
    panel.back.click()
    assert window.pages.currentWidget() is page
    actions["go_inspect"].trigger()
    actions["show_network"].trigger()
    panel.back.click()
    assert window.pages.currentWidget() is window.welcome


# --- in the window


@pytest.fixture
def opened(qtbot: QtBot, studio: Studio, theme: Theme, lanes: Lanes) -> MainWindow:
    """The page in the window, on the current Image."""
    serve(lanes, [image(number) for number in range(4)])
    lanes["network"].served_by |= {DescribeNetwork: describe, ShowActivations: show_activations}
    window = MainWindow(studio, Actions(theme))
    qtbot.addWidget(window)
    window.show()
    qtbot.waitExposed(window)
    studio.classifier.load()
    studio.open_paths(("/parts",))
    qtbot.waitUntil(lambda: studio.library.waiting == 0 and studio.viewer.opened is not None)
    studio.architecture.show_current()
    qtbot.waitUntil(lambda: studio.architecture.activations is not None)
    return window


@pytest.mark.parametrize("size", [(1440, 900), (1024, 640)])
@pytest.mark.parametrize("view", [0, 1])
def test_no_word_is_cut_when_words_are_longer(
    long_words: None,
    opened: MainWindow,
    studio: Studio,
    qtbot: QtBot,
    size: tuple[int, int],
    view: int,
) -> None:
    panel = opened.architecture.panel
    assert panel is not None
    opened.resize(*size)
    panel.views.set_index(view)
    qtbot.waitUntil(lambda: view == 0 or len(studio.architecture.compared) == 3)
    wait_for_room(panel, qtbot)
    (area,) = [area for area in panel.findChildren(QScrollArea) if area.isVisible()]
    inner = area.widget()
    assert inner is not None
    assert inner.minimumSizeHint().width() <= area.viewport().width()
    assert (opened.width(), opened.height()) == size


def test_no_block_is_cut_off_when_the_window_gets_narrower(opened: MainWindow, qtbot: QtBot) -> None:
    diagram = opened.findChildren(NetworkDiagram)[0]
    opened.resize(1440, 900)
    qtbot.waitUntil(lambda: diagram.width() > WIDTHS[0])
    wide = diagram.height()
    opened.resize(1024, 640)
    qtbot.waitUntil(lambda: diagram.height() > wide)
    assert all(diagram.rect().contains(button.geometry()) for button in diagram.buttons)


def test_tab_goes_through_the_page_and_comes_back(opened: MainWindow, qtbot: QtBot) -> None:
    opened.activateWindow()
    panel = opened.architecture.panel
    assert panel is not None
    panel.back.setFocus()
    seen: list[QWidget | None] = []
    while opened.focusWidget() not in seen:
        seen.append(opened.focusWidget())
        QTest.keyClick(opened.focusWidget(), Qt.Key.Key_Tab)
        assert len(seen) < 100
    assert opened.focusWidget() is seen[0]
    inside = [widget for widget in seen if widget is not None and panel.isAncestorOf(widget)]
    assert {panel.back, panel.evidence.maps} <= set(inside)
    chosen = [button for button in panel.diagram.buttons if button.isChecked()]
    assert set(chosen) <= set(inside)
    assert any(widget in panel.block.buttons for widget in inside)
