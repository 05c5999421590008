"""The Explanation: what is asked for and when, how it lies over the Image, what the panel says of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QImage, QPainter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from convnext_studio.core.context import JobContext
from convnext_studio.core.errors import UsageError
from convnext_studio.core.explanations import Explained, ExplainSummary, Heatmap, HeatmapProgress, ImageExplained
from convnext_studio.core.requests import CheckExplanations, DescribeNetwork, Explain, ExplainFolder, SaveHeatmap
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.jobs import InlineLane
from convnext_studio.gui.panels.canvas_panel import CanvasPanel
from convnext_studio.gui.panels.explanation_panel import ExplanationPanel
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.contour import contour
from convnext_studio.gui.widgets.heat_layer import HeatLayer, HeatLook
from convnext_studio.gui.widgets.image_canvas import ImageCanvas
from tests.gui.replies import end_engine, explain, image, picture, serve, trust

Lanes = dict[str, InlineLane]
IMAGES = [image(number) for number in range(6)]


@pytest.fixture
def opened(qtbot: QtBot, studio: Studio, lanes: Lanes) -> Studio:
    """Images open and classified, the first one on the canvas; nobody watches yet."""
    serve(lanes, IMAGES)
    studio.classifier.load()
    studio.library.open_paths(["/parts"])
    qtbot.waitUntil(lambda: studio.library.waiting == 0 and studio.viewer.opened is not None)
    return studio


@pytest.fixture
def explained(qtbot: QtBot, opened: Studio) -> Studio:
    """The first Image is explained."""
    opened.explainer.watch()
    qtbot.waitUntil(lambda: opened.explainer.trust is not None)
    return opened


@pytest.fixture
def page(qtbot: QtBot, explained: Studio, actions: Actions) -> Iterator[QWidget]:
    """Canvas and panel side by side, as on the Inspect page."""
    page = QWidget()
    page.canvas = CanvasPanel(explained, actions)  # type: ignore[attr-defined]
    page.panel = ExplanationPanel(explained, actions)  # type: ignore[attr-defined]
    for part in (page.canvas, page.panel):  # type: ignore[attr-defined]
        part.setParent(page)
    page.canvas.setGeometry(0, 0, 700, 500)  # type: ignore[attr-defined]
    page.panel.setGeometry(700, 0, 320, 500)  # type: ignore[attr-defined]
    page.resize(1020, 500)
    page.addActions(actions.all())
    qtbot.addWidget(page)
    page.show()
    qtbot.waitExposed(page)
    yield page
    page.canvas.canvas.set_words("", "")  # type: ignore[attr-defined]
    page.canvas.plain_canvas.set_words("", "")  # type: ignore[attr-defined]


def asked(lanes: Lanes) -> list[Explain]:
    return [request for request in lanes["explain"].requests if isinstance(request, Explain)]


# --- what is asked for


def test_nothing_is_explained_before_somebody_watches(opened: Studio, lanes: Lanes) -> None:
    assert asked(lanes) == []
    assert opened.explainer.heatmap is None


def test_the_panel_says_that_the_model_loads(qtbot: QtBot, studio: Studio, lanes: Lanes, actions: Actions) -> None:
    serve(lanes, IMAGES)
    panel = ExplanationPanel(studio, actions)
    qtbot.addWidget(panel)
    assert panel.state.text() == "There is no Model with classes to explain."
    lanes["batch"].hold()
    studio.classifier.load()
    assert panel.state.text() == "The Model is loading."
    lanes["batch"].release()
    qtbot.waitUntil(lambda: panel.state.text() not in ("", "The Model is loading."))


def test_the_heatmap_comes_before_its_trust(qtbot: QtBot, opened: Studio) -> None:
    seen: list[tuple[bool, bool]] = []
    explainer = opened.explainer
    explainer.changed.connect(lambda: seen.append((explainer.heatmap is not None, explainer.trust is not None)))
    explainer.watch()
    qtbot.waitUntil(lambda: explainer.trust is not None)
    assert (True, False) in seen
    assert seen[-1] == (True, True)


def test_the_map_of_the_next_image_is_there_before_it_is_asked_for(
    qtbot: QtBot, explained: Studio, lanes: Lanes
) -> None:
    qtbot.waitUntil(lambda: [one.is_trust_wanted for one in asked(lanes)] == [True, False])
    assert asked(lanes)[1].image == explained.library.image_at(1)
    turn = QTimer(singleShot=True, interval=0)  # behind that of the Lane, which hands the map over
    with qtbot.waitSignal(turn.timeout):
        turn.start()
    lanes["explain"].hold()
    explained.library.set_current_row(1)
    explainer = explained.explainer
    assert explainer.explained is not None
    assert explainer.explained.image == explained.library.image_at(1)
    assert (explainer.is_busy, explainer.trust) == (False, None)
    lanes["explain"].release()
    qtbot.waitUntil(lambda: explainer.trust is not None)


def test_the_newest_image_wins_and_late_replies_are_dropped(qtbot: QtBot, explained: Studio, lanes: Lanes) -> None:
    lanes["explain"].hold()
    shown = []
    explained.explainer.changed.connect(
        lambda: shown.append(explained.explainer.explained.image if explained.explainer.explained else None)
    )
    for row in (2, 4, 3):
        explained.library.set_current_row(row)
    lanes["explain"].release()
    qtbot.waitUntil(lambda: explained.explainer.trust is not None)
    assert {one for one in shown if one is not None} == {explained.library.image_at(3)}


def test_an_image_seen_before_is_not_explained_again(qtbot: QtBot, explained: Studio, lanes: Lanes) -> None:
    explained.library.set_current_row(1)
    qtbot.waitUntil(lambda: explained.explainer.trust is not None)
    before = len(asked(lanes))
    explained.library.set_current_row(0)
    assert explained.explainer.trust is not None
    assert len(asked(lanes)) == before


def test_a_file_that_changed_is_explained_again(qtbot: QtBot, explained: Studio, lanes: Lanes) -> None:
    before = len(asked(lanes))
    explained.viewer.reread.emit(explained.library.image_at(0))
    qtbot.waitUntil(lambda: len(asked(lanes)) == before + 1 and explained.explainer.trust is not None)


def test_switched_off_it_asks_for_nothing_and_shows_nothing(explained: Studio, lanes: Lanes) -> None:
    explained.explainer.set_look(is_shown=False)
    before = len(asked(lanes))
    explained.library.set_current_row(2)
    assert len(asked(lanes)) == before
    assert explained.explainer.heatmap is None


def test_a_slow_method_shows_how_far_it_is_and_can_be_stopped(qtbot: QtBot, explained: Studio, lanes: Lanes) -> None:
    explainer, jobs, seen = explained.explainer, explained.jobs, []
    jobs.changed.connect(lambda: [entry.changed.connect(lambda e=entry: seen.append(e.done)) for entry in jobs.entries])
    reply = lanes["explain"].served_by[Explain]

    def slowly(request: Explain, ctx: JobContext) -> object:
        ctx.emit(HeatmapProgress(0.25))
        return reply(request, ctx)

    lanes["explain"].served_by[Explain] = slowly
    explainer.set_wish(method="occlusion")
    assert [entry.title for entry in jobs.entries] == ["Occlusion"]
    qtbot.waitUntil(lambda: explainer.trust is not None)
    assert seen[0] == 25
    qtbot.waitUntil(lambda: not jobs.entries)

    lanes["explain"].hold()
    explainer.set_wish(method="scorecam")
    jobs.entries[0].stop()
    lanes["explain"].release()
    qtbot.waitUntil(lambda: explainer.error.startswith("Stopped"))
    assert (explainer.is_busy, explainer.heatmap) == (False, None)
    explainer.set_wish(method="scorecam")
    qtbot.waitUntil(lambda: explainer.trust is not None)
    assert explainer.error == ""


def test_opacity_colours_and_line_compute_nothing(explained: Studio, lanes: Lanes) -> None:
    before = len(lanes["explain"].requests)
    explained.explainer.set_look(opacity=0.2, colours="cividis", line=0.8)
    assert len(lanes["explain"].requests) == before


def test_how_it_is_painted_is_remembered(qtbot: QtBot, explained: Studio, lanes: Lanes) -> None:
    from convnext_studio.gui.stores.explainer import Explainer

    explained.explainer.set_look(opacity=0.25, colours="viridis")
    qtbot.waitUntil(lambda: "viridis" in explained.memory.texts("heatmap"))
    parts = (explained.library, explained.classifier, explained.viewer)
    assert Explainer(lanes, parts, explained.memory, explained.jobs).look == HeatLook(True, 0.25, "viridis", 0.5)


def test_what_cannot_be_explained_says_why(qtbot: QtBot, explained: Studio, lanes: Lanes) -> None:
    def refuse(request: Explain, ctx: JobContext) -> Explained:
        raise UsageError("This Model has no such layer.", "Choose another one.")

    lanes["explain"].served_by[Explain] = refuse
    explained.explainer.set_wish(layer="stage2")
    qtbot.waitUntil(lambda: explained.explainer.error != "")
    assert explained.explainer.error == "This Model has no such layer. Choose another one."
    assert not explained.explainer.is_busy


def test_a_class_that_another_model_does_not_have_is_not_asked_of_it(
    qtbot: QtBot, explained: Studio, lanes: Lanes
) -> None:
    explained.explainer.set_wish(class_name="pit", layer="stage3")
    info = explained.classifier.info
    assert info is not None
    explained.classifier.info = dataclasses.replace(info, identity="f" * 64, classes=("good", "bad"))
    explained.classifier.info_changed.emit()
    assert explained.explainer.wish.class_name == ""
    assert explained.explainer.wish.layer == ""


# --- how it lies over the Image


def heat_of(values: np.ndarray, region: tuple[float, float, float, float]) -> Heatmap:
    return Heatmap("pit", "", "gradcam", "stage4", values.astype(np.float32), region, region, 1.0)


@pytest.mark.parametrize("zoom", [0.37, 1.0, 2.5, 8.0])
@pytest.mark.parametrize("region", [(0.0, 0.0, 300.0, 100.0), (100.0, 0.0, 200.0, 100.0), (0.0, -100.0, 300.0, 200.0)])
def test_the_hottest_cell_is_painted_where_it_is_at_each_zoom(
    zoom: float, region: tuple[float, float, float, float]
) -> None:
    """Squashed, cropped and letterboxed: the middle of the heat is within a pixel of the middle of the cell."""
    values = np.zeros((7, 7))
    values[3, 4] = 1.0
    layer = HeatLayer()
    layer.set_heatmap(heat_of(values, region), 300, 100)
    layer.set_look(HeatLook(opacity=1.0, line=0.0))
    canvas = QImage(int(300 * zoom) + 20, int(100 * zoom) + 20, QImage.Format.Format_RGB32)
    canvas.fill(Qt.GlobalColor.black)
    painter = QPainter(canvas)
    layer.paint(painter, QPointF(10, 10), zoom)
    painter.end()
    raw = np.frombuffer(canvas.constBits(), np.uint8).reshape(canvas.height(), canvas.width(), 4)
    red = raw[..., 2].astype(np.float64)
    ys, xs = np.mgrid[: canvas.height(), : canvas.width()] + 0.5
    left, top, right, bottom = region
    wanted = (10 + zoom * (left + 4.5 / 7 * (right - left)), 10 + zoom * (top + 3.5 / 7 * (bottom - top)))
    found = ((xs * red).sum() / red.sum(), (ys * red).sum() / red.sum())
    assert found == pytest.approx(wanted, abs=1.0)


def test_cold_places_show_the_image_untouched(qtbot: QtBot, theme: Theme) -> None:
    canvas = ImageCanvas(theme, "Image")
    qtbot.addWidget(canvas)
    canvas.resize(400, 300)
    canvas.set_picture(picture(200, 100), 200, 100)
    before = canvas.grab().toImage()
    canvas.heat.set_heatmap(heat_of(np.repeat([[0.0, 0.0, 1.0, 1.0]], 2, axis=0), (0, 0, 200, 100)), 200, 100)
    after = canvas.grab().toImage()
    cold, hot = (canvas.widget_point(QPointF(x, 50)).toPoint() for x in (10, 190))
    assert after.pixel(cold) == before.pixel(cold)
    assert after.pixel(hot) != before.pixel(hot)
    canvas.set_divider(0.99)  # only what is right of it is heated
    assert canvas.grab().toImage().pixel(hot) == before.pixel(hot)
    canvas.set_words("", "")


def test_a_contour_is_a_closed_line_round_what_is_above_the_level() -> None:
    ys, xs = np.mgrid[:40, :40]
    values = np.exp(-((xs - 22.0) ** 2 + (ys - 15.0) ** 2) / 50).astype(np.float32)
    (line,) = contour(values, 0.5)
    assert line[0] == line[-1]
    radii = [np.hypot(x - 22, y - 15) for x, y in line]
    assert radii == pytest.approx([np.sqrt(50 * np.log(2))] * len(radii), abs=0.1)


def test_a_contour_that_leaves_the_map_is_open() -> None:
    values = np.tile(np.linspace(0, 1, 11, dtype=np.float32), (5, 1))
    (line,) = contour(values, 0.25)
    assert [x for x, _ in line] == pytest.approx([2.5] * 5)
    assert sorted(y for _, y in line) == [0, 1, 2, 3, 4]


# --- canvas and panel


def test_corner_ticks_show_what_the_model_saw(page: QWidget, explained: Studio) -> None:
    canvas = page.canvas  # type: ignore[attr-defined]
    assert canvas.heat.region == (0.0, 0.0, 200.0, 100.0)
    explained.explainer.set_look(is_shown=False)
    assert canvas.heat.region is None


def test_the_heatmap_is_hidden_while_the_key_is_held(page: QWidget) -> None:
    canvas = page.canvas.canvas  # type: ignore[attr-defined]
    canvas.setFocus()
    assert canvas.heat.is_seen
    QTest.keyPress(canvas, Qt.Key.Key_H)
    assert not canvas.heat.is_seen
    QTest.keyRelease(canvas, Qt.Key.Key_H)
    assert canvas.heat.is_seen


def test_the_value_under_the_pointer_is_told(qtbot: QtBot, page: QWidget) -> None:
    panel = page.canvas  # type: ignore[attr-defined]
    words: list[str] = []
    panel.readout_changed.connect(words.append)
    at = panel.canvas.widget_point(QPointF(180, 50)).toPoint()
    QTest.mouseMove(panel.canvas, at - QPoint(1, 1))
    QTest.mouseMove(panel.canvas, at)
    assert words[-1].endswith("heat 1.00")


def test_side_by_side_zooms_both(page: QWidget, actions: Actions) -> None:
    panel = page.canvas  # type: ignore[attr-defined]
    actions["side_by_side"].trigger()
    assert panel.plain_canvas.isVisible()
    panel.canvas.zoom_to(3.0)
    panel.canvas.pan(QPointF(20, -10))
    assert panel.plain_canvas.zoom == 3.0
    panel.plain_canvas.zoom_by(1)
    assert panel.canvas.zoom == panel.plain_canvas.zoom
    middles = [
        each.image_point(QPointF(each.width(), each.height()) / 2) for each in (panel.canvas, panel.plain_canvas)
    ]
    assert (middles[0] - middles[1]).manhattanLength() < 1e-6
    actions["swipe"].trigger()
    assert not panel.plain_canvas.isVisible()


def test_the_divider_moves_by_mouse_and_by_key(page: QWidget, actions: Actions) -> None:
    canvas = page.canvas.canvas  # type: ignore[attr-defined]
    actions["swipe"].trigger()
    middle = QPoint(canvas.width() // 2, 40)
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=middle)
    QTest.mouseMove(canvas, QPoint(canvas.width() // 4, 40))
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=QPoint(canvas.width() // 4, 40))
    assert canvas.divider == pytest.approx(0.25, abs=0.01)
    QTest.keyClick(canvas, Qt.Key.Key_Period)
    assert canvas.divider == pytest.approx(0.27, abs=0.01)
    actions["swipe"].trigger()
    assert canvas.divider is None


def test_the_share_of_the_heat_in_a_box_is_told(page: QWidget, actions: Actions) -> None:
    panel = page.canvas  # type: ignore[attr-defined]
    actions["heat_box"].trigger()
    assert panel.canvas.box.box == (50, 25, 150, 75)
    corners = [panel.canvas.widget_point(QPointF(*point)).toPoint() for point in ((100, 0), (200, 100))]
    QTest.mousePress(panel.canvas, Qt.MouseButton.LeftButton, pos=corners[0])
    QTest.mouseMove(panel.canvas, corners[1])
    QTest.mouseRelease(panel.canvas, Qt.MouseButton.LeftButton, pos=corners[1])
    assert panel._box_words.text().startswith("Box: 9")  # nearly all of it lies in the right half
    for _ in range(60):
        QTest.keyClick(panel.canvas, Qt.Key.Key_Left)
    assert panel.canvas.box.box[0] == 0
    assert not panel._box_words.text().startswith("Box: 9")
    actions["heat_box"].trigger()
    assert panel._box_words.text() == ""


def test_the_filmstrip_shows_all_stages_and_a_click_takes_one(
    qtbot: QtBot, page: QWidget, explained: Studio, actions: Actions
) -> None:
    strip = page.canvas.strip  # type: ignore[attr-defined]
    actions["show_stages"].trigger()
    qtbot.waitUntil(lambda: len(explained.explainer.stages) == 4)
    assert [frame.text() for frame in strip.frames] == ["Stage 1", "Stage 2", "Stage 3", "Stage 4"]
    qtbot.mouseClick(strip.frames[1], Qt.MouseButton.LeftButton)
    assert explained.explainer.wish.layer == "stage2"
    qtbot.waitUntil(lambda: explained.explainer.trust is not None)
    assert page.panel.stage.currentText() == "Stage 2, 16 × 16"  # type: ignore[attr-defined]


def test_the_panel_names_method_stage_class_and_trust(page: QWidget, explained: Studio) -> None:
    panel = page.panel  # type: ignore[attr-defined]
    top = explained.explainer.explained
    assert top is not None
    assert panel.method.currentText() == "Auto (Grad-CAM)"
    assert panel.stage.currentText() == "Stage 4, 4 × 4"
    assert panel.class_name.currentText() == f"{top.classes[0]} (top)"
    assert panel.trust.chip.accessibleName() == "Faithful"
    assert "hiding random areas: 0.88" in panel.trust.sentence.text()
    assert "Deletion: beats 100 % of the areas elsewhere" in panel.trust.chip.toolTip().replace("\u202f", " ").replace(
        "\u00a0", " "
    )
    assert "same map" in panel.notes.text()


def test_a_faithful_map_of_another_method_takes_the_place_of_the_usual_one_and_is_named(
    qtbot: QtBot, page: QWidget, explained: Studio, lanes: Lanes
) -> None:
    note = (
        "Grad-CAM, Stage 4 does not show what this answer rests on. LayerCAM, Stage 2 does, and is shown in its place."
    )

    def answer(request: Explain, ctx: JobContext) -> Explained:
        usual = explain(dataclasses.replace(request, is_trust_wanted=False), ctx)  # tells of it on the way
        better = dataclasses.replace(usual.heatmaps[0], method="layercam", layer="stage2")
        return dataclasses.replace(usual, heatmaps=(better,), trust=(trust(),), notes=(note,))

    lanes["explain"].served_by[Explain] = answer
    panel, explainer = page.panel, explained.explainer  # type: ignore[attr-defined]
    explained.library.step(1)
    qtbot.waitUntil(lambda: explainer.trust is not None)
    assert panel.method.currentText() == "Auto (LayerCAM)"
    assert panel.stage.currentText() == "Stage 2, 16 × 16"
    assert panel.notes.text() == note
    assert explainer.wish.is_free  # so the next Image begins with the usual map again


def test_the_stages_are_of_the_method_that_took_the_place_of_the_usual_one(
    qtbot: QtBot, page: QWidget, explained: Studio, lanes: Lanes
) -> None:
    def answer(request: Explain, ctx: JobContext) -> Explained:
        usual = explain(dataclasses.replace(request, is_trust_wanted=False), ctx)
        if request.method is not None or request.layers or not request.is_trust_wanted:
            return usual
        better = dataclasses.replace(usual.heatmaps[0], method="layercam", layer="stage2")
        return dataclasses.replace(usual, heatmaps=(better,), trust=(trust(),))

    lanes["explain"].served_by[Explain] = answer
    explainer = explained.explainer
    explainer.set_shows_stages(True)
    qtbot.waitUntil(lambda: len(explainer.stages) == 4)
    explained.library.step(1)
    qtbot.waitUntil(lambda: explainer.trust is not None)
    qtbot.waitUntil(lambda: {one.method for one in explainer.stages} == {"layercam"})
    page.canvas.strip.chosen.emit("stage3")  # type: ignore[attr-defined]
    assert (explainer.wish.method, explainer.wish.layer) == ("layercam", "stage3")


def test_a_chosen_stage_keeps_the_method_that_is_shown_and_automatic_takes_both_back(
    qtbot: QtBot, page: QWidget, explained: Studio, lanes: Lanes
) -> None:
    panel, explainer = page.panel, explained.explainer  # type: ignore[attr-defined]
    panel.stage.setCurrentIndex(panel.stage.findData("stage2"))
    panel.stage.activated.emit(panel.stage.currentIndex())
    assert (explainer.wish.method, explainer.wish.layer) == ("gradcam", "stage2")
    qtbot.waitUntil(lambda: explainer.trust is not None)
    assert panel.method.currentText() == "Grad-CAM"
    assert panel.method.itemText(0) == "Automatic"  # which map it would show is not known now
    panel.method.setCurrentIndex(0)
    panel.method.activated.emit(0)
    assert explainer.wish.is_free
    qtbot.waitUntil(lambda: explainer.trust is not None)
    assert panel.method.currentText() == "Auto (Grad-CAM)"
    assert panel.stage.currentText() == "Stage 4, 4 × 4"


def test_another_method_class_and_opponent_are_asked_for(
    qtbot: QtBot, page: QWidget, explained: Studio, lanes: Lanes
) -> None:
    panel = page.panel  # type: ignore[attr-defined]
    panel.method.setCurrentIndex(panel.method.findData("layercam"))
    panel.method.activated.emit(panel.method.currentIndex())
    names = panel.class_name._rows
    panel.class_name.activated.emit(names.index("pit"))
    panel.versus.activated.emit(names.index("dent"))
    qtbot.waitUntil(lambda: explained.explainer.trust is not None)
    last = asked(lanes)[-1]
    assert (last.method, last.classes, last.versus) == ("layercam", ("pit",), "dent")


def test_why_opens_the_figures_and_offers_the_check(qtbot: QtBot, page: QWidget, explained: Studio) -> None:
    box = page.panel.trust  # type: ignore[attr-defined]
    box.why.click()
    assert box._popover.isVisible()
    box.check_wanted.emit()
    qtbot.waitUntil(lambda: explained.explainer.check is not None)
    assert "forgets what it learned" in box._check_words
    QTest.keyClick(box._popover, Qt.Key.Key_Escape)
    assert box._popover is None
    box.show_trust(dataclasses.replace(trust(), verdict="not faithful"), is_measuring=False)
    assert box.chip.accessibleName() == "Not faithful"


def test_a_check_holds_for_the_maps_that_it_was_made_of(
    qtbot: QtBot, page: QWidget, explained: Studio, lanes: Lanes
) -> None:
    explainer, box = explained.explainer, page.panel.trust  # type: ignore[attr-defined]
    explainer.check_model()
    qtbot.waitUntil(lambda: not explainer.is_checking)
    assert explainer.check is not None
    assert not box._can_check
    explainer.set_wish(method="occlusion")
    qtbot.waitUntil(lambda: explainer.trust is not None)
    assert explainer.check is None
    assert box._can_check
    explainer.check_model()
    qtbot.waitUntil(lambda: not explainer.is_checking)
    last = lanes["explain"].requests[-1]
    assert isinstance(last, CheckExplanations)
    assert (last.method, last.layer) == ("occlusion", "")  # it looks at the input, which is no layer
    explainer.set_wish(method=None)
    assert explainer.check is not None
    assert explainer.check.method == "gradcam"


def test_whether_a_map_can_be_trusted_is_seen_in_a_small_window(page: QWidget) -> None:
    panel = page.panel  # type: ignore[attr-defined]
    assert panel.trust.y() < panel._controls.y()


def test_a_heatmap_is_saved_with_its_trust(qtbot: QtBot, page: QWidget, explained: Studio, lanes: Lanes) -> None:
    lanes["files"].served_by[SaveHeatmap] = lambda request, _ctx: request.paths
    with qtbot.waitSignal(explained.messages.posted) as posted:
        page.panel._on_save_chosen("/parts/out.overlay.png")  # type: ignore[attr-defined]
    request = lanes["files"].requests[-1]
    assert isinstance(request, SaveHeatmap)
    record = dict(request.record)
    assert isinstance(figures := record["trust"], dict)
    assert (figures["verdict"], figures["deletion"]) == ("faithful", 1.0)
    assert isinstance(model := record["model"], dict)
    assert model["architecture"] == "convnext_atto"
    assert record["check"] is None
    assert posted.args[0].fact == "Saved out.overlay.png."


def test_all_shown_images_are_explained_as_a_job(
    qtbot: QtBot, page: QWidget, explained: Studio, lanes: Lanes, actions: Actions, expect_message: object
) -> None:
    expect_message("1 image could not be explained")  # type: ignore[operator]

    def explain_folder(request: ExplainFolder, ctx: JobContext) -> ExplainSummary:
        for ref in request.images:
            ctx.emit(ImageExplained(ref, error="It is gone." if ref == IMAGES[1] else ""))
        return ExplainSummary(len(request.images) - 1, 1, 1.0, request.folder)

    lanes["explain all"].served_by[ExplainFolder] = explain_folder
    said: list[str] = []
    explained.messages.posted.connect(lambda message: said.append(message.fact))
    page.panel._on_folder_chosen("/parts/out")  # type: ignore[attr-defined]
    assert not actions["explain_all"].isEnabled()
    assert [entry.title for entry in explained.jobs.entries] == ["Explain"]
    qtbot.waitUntil(lambda: not explained.jobs.entries)
    assert said == ["1 image could not be explained.", "Explained 5 images."]
    assert actions["explain_all"].isEnabled()


# --- another Job ends the Engine


def test_a_heatmap_and_a_network_whose_engine_another_job_ended_are_asked_for_again(
    qtbot: QtBot, opened: Studio, lanes: Lanes, monkeypatch: pytest.MonkeyPatch
) -> None:
    end_engine(monkeypatch, Explain, DescribeNetwork)
    opened.explainer.watch()
    qtbot.waitUntil(lambda: opened.explainer.trust is not None and opened.explainer.network is not None)
    assert opened.explainer.error == ""


def test_an_engine_that_ends_again_and_again_is_told_and_a_new_wish_tries_once_more(
    qtbot: QtBot, opened: Studio, lanes: Lanes, monkeypatch: pytest.MonkeyPatch
) -> None:
    end_engine(monkeypatch, Explain, times=2)
    explainer = opened.explainer
    explainer.watch()
    qtbot.waitUntil(lambda: explainer.error != "")
    assert not explainer.is_busy
    assert len(asked(lanes)) == 2
    explainer.set_wish(method=explainer.wish.method)
    qtbot.waitUntil(lambda: explainer.trust is not None)
