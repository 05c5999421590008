"""The Model button, its popover and the Models page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QFileDialog, QMainWindow
from pytestqt.qtbot import QtBot

from convnext_studio.core.context import JobContext
from convnext_studio.core.errors import ModelError
from convnext_studio.core.events import SpeedMeasured
from convnext_studio.core.models.cards import CardRead
from convnext_studio.core.requests import DownloadWeights, FindWeights, LoadModel, MeasureSpeed, ReadCards
from convnext_studio.core.values import Execution, ModelInfo, ModelRef
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.jobs import InlineLane
from convnext_studio.gui.panels.get_weights import GetWeights
from convnext_studio.gui.panels.model_picker import ModelButton, ModelPicker
from convnext_studio.gui.panels.models_page import ModelsPage
from convnext_studio.gui.stores.model_table import Column
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.theme.fonts import font
from convnext_studio.gui.widgets.cell_table import ROW_HEIGHT
from convnext_studio.gui.widgets.cells import CELL_ROLE
from tests.gui.test_models_store import (
    ATTO,
    BARE,
    FEATURES,
    HERE,
    SAMPLE_FILE,
    TINY,
    V2,
    make_info,
    read_cards,
    stock,
)


def serve_model(request: LoadModel, ctx: JobContext) -> ModelInfo:
    """Stand-in for loading: whatever was asked for is there."""
    return make_info(request.model, title=request.model.name, device_kind=request.execution.device)


@pytest.fixture
def shop(studio: Studio, lanes: dict[str, InlineLane], tmp_path: Path) -> Studio:
    """A studio with a small catalogue, of which convnext_atto is on disk."""
    for lane in lanes.values():
        lane.served_by |= {
            FindWeights: lambda request, ctx: {ATTO.name: HERE},
            ReadCards: read_cards,
            LoadModel: serve_model,
        }
    stock(studio, tmp_path / "memory")
    return studio


@pytest.fixture
def window(qtbot: QtBot) -> Iterator[QMainWindow]:
    window = QMainWindow()
    qtbot.addWidget(window)
    window.setMinimumSize(640, 480)  # an explicit one: the offscreen screen complains when it changes by itself
    window.resize(1280, 800)
    window.show()
    yield window
    window.close()


@pytest.fixture
def button(shop: Studio, actions: Actions, window: QMainWindow) -> ModelButton:
    button = ModelButton(shop, actions, GetWeights)
    button.setParent(window)
    button.move(76, 8)
    button.show()
    return button


@pytest.fixture
def picker(button: ModelButton, shop: Studio, qtbot: QtBot) -> ModelPicker:
    """The open popover, with what is on disk known."""
    button.open_picker()
    qtbot.waitUntil(lambda: shop.models.on_disk(ATTO.name) is not None and shop.models.row("sample") is not None)
    return button.picker


def choose(picker: ModelPicker, name: str) -> None:
    picker.browser.table.choose(picker.model_table.index_of(name))


def test_the_popover_opens_with_the_focus_in_the_search_field_and_esc_gives_it_back(
    button: ModelButton, picker: ModelPicker, window: QMainWindow, qtbot: QtBot
) -> None:
    qtbot.waitUntil(lambda: window.focusWidget() is picker.browser.search)
    assert window.rect().contains(picker.geometry())
    assert picker.y() >= button.geometry().bottom()
    qtbot.keyClick(picker.browser.search, Qt.Key.Key_Escape)
    assert not picker.isVisible()


def test_typing_arrows_and_enter_take_a_model(picker: ModelPicker, shop: Studio, qtbot: QtBot) -> None:
    qtbot.keyClicks(picker.browser.search, "atto")
    assert picker.browser.count.text() == "1 Model"
    assert picker.row == ATTO
    qtbot.keyClick(picker.browser.search, Qt.Key.Key_Return)
    assert shop.classifier.model_ref == ModelRef(ATTO.name)
    assert not picker.isVisible()
    qtbot.waitUntil(lambda: shop.classifier.state == "ready")


def test_the_popover_closes_for_a_second_choice_while_the_first_still_loads(
    button: ModelButton, picker: ModelPicker, shop: Studio, lanes: dict[str, InlineLane], qtbot: QtBot
) -> None:
    lanes["batch"].hold()
    for name in (ATTO.name, "sample"):
        button.open_picker() if not picker.isVisible() else None
        choose(picker, name)
        picker.use.click()
        assert shop.classifier.state == "loading"
        assert not picker.isVisible()
    lanes["batch"].release()
    qtbot.waitUntil(lambda: shop.classifier.state == "ready")
    assert shop.classifier.model_ref == ModelRef("sample")


def test_arrows_in_the_search_field_step_over_headings(picker: ModelPicker, qtbot: QtBot) -> None:
    choose(picker, ATTO.name)
    qtbot.keyClick(picker.browser.search, Qt.Key.Key_Down)
    assert picker.row == BARE
    qtbot.keyClick(picker.browser.search, Qt.Key.Key_Up)
    assert picker.row == ATTO


def test_headings_are_low_and_rows_are_not_however_the_list_changes(picker: ModelPicker) -> None:
    table, model_table = picker.browser.table, picker.model_table
    for text in ("", "v2", "convnext", ""):
        picker.browser.search.setText(text)
        low = [line for line in range(model_table.rowCount()) if table.rowHeight(line) < ROW_HEIGHT]
        assert low == model_table.heading_lines()


def test_chips_and_selects_narrow_the_list_together(picker: ModelPicker) -> None:
    browser, table = picker.browser, picker.model_table
    browser.chips["is_commercial"].click()
    assert not table.index_of(V2.name).isValid()
    browser.chips["is_here"].click()
    assert table.shown == 2
    browser.chips["is_commercial"].click()
    browser.chips["is_here"].click()
    browser.selects["family"].setCurrentText("ConvNeXt V2")
    assert table.shown == 2
    browser.selects["size"].setCurrentText("nano")
    assert table.shown == 1


def test_a_model_whose_weights_are_not_here_offers_the_ways_to_get_them(
    picker: ModelPicker, shop: Studio, qtbot: QtBot
) -> None:
    choose(picker, TINY.name)
    picker.use.click()
    assert shop.models.asked == TINY.name
    pane = picker.findChild(GetWeights)
    assert pane is not None
    assert pane.isVisible()
    assert pane.title.text() == TINY.title
    assert "114 MB" in pane.download.sentence.text()
    qtbot.keyClick(picker, Qt.Key.Key_Escape)
    assert picker.isVisible()
    assert not pane.isVisible()


def test_weights_that_give_features_only_say_so_and_cannot_be_used(picker: ModelPicker, shop: Studio) -> None:
    choose(picker, FEATURES.name)
    assert not picker.use.isEnabled()
    assert "fine-tune" in picker.sentence.text()
    picker.browser.taken.emit(picker.model_table.index_of(FEATURES.name))
    assert picker.isVisible()
    assert shop.models.asked == ""
    choose(picker, ATTO.name)
    assert picker.use.isEnabled()
    assert "Offline" in picker.sentence.text()


def test_measure_in_a_row_shows_stop_and_then_the_speed(
    picker: ModelPicker, shop: Studio, lanes: dict[str, InlineLane], qtbot: QtBot
) -> None:
    measured = SpeedMeasured(24.0, Execution("cpu", "bf16", "openvino"), 8)
    lanes["batch"].served_by[MeasureSpeed] = lambda request, ctx: measured
    lanes["batch"].hold()
    table, index = picker.browser.table, picker.model_table.index_of(TINY.name).siblingAtColumn(Column.SPEED)
    table.scrollTo(index)
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=table.visualRect(index).center())
    assert index.data() == "Stop"
    assert [entry.title for entry in shop.jobs.entries] == ["Measure"]
    lanes["batch"].release()
    qtbot.waitUntil(lambda: index.data() == "24")
    assert index.data(Qt.ItemDataRole.ToolTipRole) == "CPU · bf16 · OpenVINO"
    qtbot.keyClick(picker, Qt.Key.Key_M, Qt.KeyboardModifier.ControlModifier)
    assert shop.models.measuring == ""  # it is known


def test_a_measurement_that_fails_says_so(
    picker: ModelPicker, shop: Studio, lanes: dict[str, InlineLane], qtbot: QtBot, expect_message: object
) -> None:
    def job(request: MeasureSpeed, ctx: JobContext) -> None:
        raise ModelError("Memory is short.", "Close something.")

    expect_message("The speed was not measured")  # type: ignore[operator]
    lanes["batch"].served_by[MeasureSpeed] = job
    shop.models.measure(TINY)
    qtbot.waitUntil(lambda: shop.models.measuring == "")


def test_a_model_file_is_loaded_at_once_and_bare_weights_ask_for_their_network(
    picker: ModelPicker, shop: Studio, lanes: dict[str, InlineLane], qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: ("/got/<b>w.pth", ""))
    choose(picker, TINY.name)
    picker.from_file.click()
    assert picker.sentence.text() == "“<b>w.pth” does not say which network it is for: choose it in the list."
    picker.use.click()
    assert shop.classifier.model_ref == ModelRef(TINY.name, file="/got/<b>w.pth")
    qtbot.waitUntil(lambda: shop.classifier.state == "ready")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: (SAMPLE_FILE, ""))
    picker.from_file.click()
    qtbot.waitUntil(lambda: shop.classifier.model_ref == ModelRef(SAMPLE_FILE))
    qtbot.waitUntil(lambda: shop.classifier.state == "ready")


def test_a_damaged_model_file_is_refused_with_its_reason(
    picker: ModelPicker,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    lanes: dict[str, InlineLane],
    expect_message: object,
) -> None:
    damaged = CardRead("/x.safetensors", error="“x.safetensors” is damaged.", hint="Get it once more.")
    lanes["interactive"].served_by[ReadCards] = lambda request, ctx: (damaged,)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: ("/x.safetensors", ""))
    expect_message("is damaged. Get it once more")  # type: ignore[operator]
    with qtbot.waitSignal(picker._studio.models.file_checked):
        picker.from_file.click()


def test_the_button_names_the_model_in_use(button: ModelButton, shop: Studio, qtbot: QtBot) -> None:
    assert "Choose a Model" in button.text()
    shop.classifier.set_model(ModelRef(ATTO.name))
    assert "Loading" in button.text()
    qtbot.waitUntil(lambda: ATTO.name in button.text())
    shop.classifier.info = make_info(ModelRef(TINY.name, "random"), is_meaningless=True)
    shop.classifier.info_changed.emit()
    assert "random weights" in button.text()


def test_a_download_that_ends_while_the_picker_is_closed_is_told_and_then_in_the_list(
    picker: ModelPicker, button: ModelButton, shop: Studio, lanes: dict[str, InlineLane], qtbot: QtBot
) -> None:
    lanes["downloads"].served_by[DownloadWeights] = lambda request, ctx: HERE
    shop.models.ask(TINY.name)
    button.open_picker()
    assert not picker.isVisible()
    with qtbot.waitSignal(shop.messages.posted) as told:
        shop.models.download(TINY.name)
    assert told.args is not None and TINY.name in told.args[0].fact
    button.open_picker()
    assert shop.models.asked == ""
    choose(picker, TINY.name)
    assert picker.use.isEnabled()


def test_the_action_opens_and_closes_the_picker(button: ModelButton, actions: Actions) -> None:
    actions["choose_model"].trigger()
    assert button.picker.isVisible()
    actions["choose_model"].trigger()
    assert not button.picker.isVisible()


# --- the page


@pytest.fixture
def page(shop: Studio, actions: Actions, window: QMainWindow, qtbot: QtBot) -> ModelsPage:
    page = ModelsPage(shop, actions, GetWeights)
    window.setCentralWidget(page)
    qtbot.waitUntil(lambda: shop.models.on_disk(ATTO.name) is not None)
    return page


def show(page: ModelsPage, name: str) -> dict[str, str]:
    page.browser.table.choose(page.model_table.index_of(name))
    assert page.row is not None
    assert page.title.text() == page.row.title
    return dict(page.facts.facts)


def test_the_page_says_all_that_is_known_of_the_chosen_model(page: ModelsPage) -> None:
    facts = show(page, TINY.name)
    assert facts["Architecture"] == "convnext_tiny"
    assert facts["Input"] == "224 × 224 px"
    assert "timm results-imagenet.csv" in facts["Top-1"]
    assert facts["Licence"] == "Apache-2.0: commercial use allowed"
    assert facts["Weights"] == "not here; 114 MB to download"
    assert page.fetch.isVisible()
    assert not page.show_file.isVisible()


def test_the_page_warns_of_a_licence_and_of_features_only(page: ModelsPage) -> None:
    show(page, FEATURES.name)
    assert "fine-tune" in page.notes.text()
    assert "does not allow commercial use" in page.notes.text()
    assert not page.use.isEnabled()


def test_what_is_on_disk_is_used_at_once_and_can_be_shown(page: ModelsPage, shop: Studio, qtbot: QtBot) -> None:
    facts = show(page, ATTO.name)
    assert "download cache" in facts["Weights"]
    assert page.show_file.isVisible()
    assert not page.fetch.isVisible()
    page.use.click()
    assert shop.classifier.model_ref == ModelRef(ATTO.name)
    qtbot.waitUntil(lambda: shop.classifier.state == "ready")


def test_the_pane_takes_the_page_while_weights_are_asked_for(page: ModelsPage, shop: Studio) -> None:
    show(page, TINY.name)
    page.use.click()
    pane = page.findChild(GetWeights)
    assert pane is not None
    assert pane.isVisible()
    pane.back.click()
    assert not pane.isVisible()
    assert shop.models.asked == ""


def test_a_small_window_leaves_figures_to_the_details(page: ModelsPage, window: QMainWindow, qtbot: QtBot) -> None:
    window.resize(960, 640)
    qtbot.waitUntil(lambda: page.browser.table.isColumnHidden(Column.GMACS))
    assert not page.browser.table.isColumnHidden(Column.LICENCE)
    assert page.browser.table.columnWidth(Column.MODEL) > 240


def test_no_chip_is_cut_in_the_smallest_window(page: ModelsPage, window: QMainWindow, qtbot: QtBot) -> None:
    window.resize(752, 520)
    chips = page.browser.chips.values()
    qtbot.waitUntil(lambda: all(chip.width() >= chip.sizeHint().width() for chip in chips))


def test_a_middling_window_leaves_out_only_what_has_no_room(
    page: ModelsPage, window: QMainWindow, qtbot: QtBot
) -> None:
    window.resize(1216, 800)
    qtbot.waitUntil(lambda: page.width() > 1100)
    table = page.browser.table
    hidden = {column for column in Column if table.isColumnHidden(column)}
    assert hidden == {Column.GMACS, Column.INPUT}  # they stand below other figures
    index = page.model_table.index_of(TINY.name)
    below = [index.siblingAtColumn(column).data(CELL_ROLE).second for column in (Column.PARAMETERS, Column.TOP1)]
    assert below == [f"{TINY.gmacs:.1f} GMACs", f"{TINY.input_px} px"]
    across = Qt.Orientation.Horizontal
    heads = [page.model_table.headerData(column, across) for column in (Column.PARAMETERS, Column.TOP1)]
    assert heads == ["Parameters\nGMACs", "Top-1 %\nInput px"]
    assert table.columnWidth(Column.MODEL) > 300


def test_a_wide_window_gives_every_figure_a_column(page: ModelsPage, window: QMainWindow, qtbot: QtBot) -> None:
    window.resize(1376, 900)
    table = page.browser.table
    qtbot.waitUntil(lambda: not table.isColumnHidden(Column.GMACS))
    assert not any(table.isColumnHidden(column) for column in Column)
    index = page.model_table.index_of(TINY.name)
    assert not index.siblingAtColumn(Column.PARAMETERS).data(CELL_ROLE).second


def test_a_title_has_room_for_the_arrow_of_its_order(page: ModelsPage, window: QMainWindow, qtbot: QtBot) -> None:
    window.resize(1376, 900)
    for column in set(Column) - {Column.MODEL}:
        page.model_table.sort(column)
        title = str(page.model_table.headerData(column, Qt.Orientation.Horizontal))
        assert QFontMetrics(font("cap")).horizontalAdvance(title) + 22 <= page.browser.table.columnWidth(column), title


def test_a_list_without_a_match_says_what_to_do(page: ModelsPage, qtbot: QtBot) -> None:
    page.browser.search.setText("nothing like it")
    assert page.row is None
    assert "empty the search field" in page.second.text()
    assert not page.use.isVisible()
