"""The canvas: zoom, pan, pixels, and the store that opens what it shows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from convnext_studio.core.context import JobContext
from convnext_studio.core.errors import ImageError
from convnext_studio.core.events import OpenedImage
from convnext_studio.core.requests import OpenImage
from convnext_studio.core.values import ImageRef
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.convert import image_from_array
from convnext_studio.gui.jobs import InlineLane
from convnext_studio.gui.panels.canvas_panel import CanvasPanel
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.image_canvas import ImageCanvas
from convnext_studio.gui.widgets.pyramid import Pyramid
from tests.gui.replies import picture, serve

Lanes = dict[str, InlineLane]


@pytest.fixture
def canvas(qtbot: QtBot, theme: Theme) -> Iterator[ImageCanvas]:
    made = ImageCanvas(theme, "Image")
    made.resize(400, 300)
    qtbot.addWidget(made)
    made.show()
    made.set_picture(picture(800, 400), 800, 400)
    yield made
    made.set_words("", "")


def wheel(canvas: ImageCanvas, at: QPointF, steps: int) -> None:
    event = QWheelEvent(
        at,
        canvas.mapToGlobal(at),
        QPoint(),
        QPoint(0, 120 * steps),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(canvas, event)


def test_pixels_reach_the_screen_unchanged_and_owned() -> None:
    pixels = picture(7, 5)
    made = image_from_array(pixels[:, 1:6])
    pixels[:] = 0
    color = made.pixelColor(4, 3)
    assert (color.red(), color.green(), color.blue()) == (5, 3, 90)


def test_an_image_starts_whole(canvas: ImageCanvas) -> None:
    assert canvas.is_fitted
    assert canvas.zoom == pytest.approx((400 - 48) / 800)


@pytest.mark.parametrize("steps", [1, 3, -1, 7])
def test_the_point_under_the_pointer_stays_when_the_wheel_turns(canvas: ImageCanvas, steps: int) -> None:
    at = QPointF(123, 140)
    before = canvas.image_point(at)
    wheel(canvas, at, steps)
    moved = (canvas.image_point(at) - before) * canvas.zoom
    assert abs(moved.x()) <= 1
    assert abs(moved.y()) <= 1


def test_zoom_has_limits(canvas: ImageCanvas) -> None:
    canvas.zoom_by(100)
    assert canvas.zoom == 64
    canvas.zoom_by(-200)
    assert 0 < canvas.zoom < 0.2


def test_at_one_to_one_each_image_pixel_is_a_screen_pixel(canvas: ImageCanvas) -> None:
    canvas.show_pixels()
    grabbed = canvas.grab().toImage()
    origin = canvas.image_point(QPointF(0, 0))
    color = grabbed.pixelColor(200, 150)
    assert (color.red(), color.green()) == ((200 + round(origin.x())) % 256, (150 + round(origin.y())) % 256)


def test_at_400_percent_a_pixel_is_a_square_of_its_own(canvas: ImageCanvas) -> None:
    canvas.zoom_to(4.0)
    row = [canvas.grab().toImage().pixelColor(x, 150).red() for x in range(100, 180)]
    assert len(set(row)) <= 22  # no shades between neighbours


def test_a_drag_cannot_lose_the_image(canvas: ImageCanvas) -> None:
    for by in (QPointF(9999, 9999), QPointF(-99999, -9999)):
        canvas.pan(by)
        top_left = canvas.image_point(QPointF(0, 0))
        bottom_right = canvas.image_point(QPointF(400, 300))
        seen = QRectF(top_left, bottom_right) & QRectF(0, 0, 800, 400)
        assert seen.width() * canvas.zoom >= 39
        assert seen.height() * canvas.zoom >= 39


def test_a_double_click_changes_between_whole_and_one_to_one(canvas: ImageCanvas) -> None:
    QTest.mouseDClick(canvas, Qt.MouseButton.LeftButton, pos=QPoint(100, 150))
    assert canvas.zoom == 1.0
    QTest.mouseDClick(canvas, Qt.MouseButton.LeftButton, pos=QPoint(100, 150))
    assert canvas.is_fitted


def test_the_pixel_under_the_pointer_is_told(qtbot: QtBot, canvas: ImageCanvas) -> None:
    canvas.show_pixels()
    seen: list[object] = []
    canvas.pointed.connect(seen.append)
    QTest.mouseMove(canvas, QPoint(200, 150))
    QTest.mouseMove(canvas, QPoint(201, 150))
    x, y, color = seen[-1]  # type: ignore[misc]
    assert color == (x % 256, y % 256, 90)


@pytest.mark.parametrize(("key", "step"), [("Right", 1), ("D", 1), ("Space", 1), ("Left", -1), ("A", -1)])
def test_keys_step_to_the_next_image(qtbot: QtBot, canvas: ImageCanvas, key: str, step: int) -> None:
    with qtbot.waitSignal(canvas.stepped) as stepped:
        QTest.keyClick(canvas, getattr(Qt.Key, f"Key_{key}"))
    assert stepped.args == [step]


def test_the_zoom_is_kept_for_an_image_of_the_same_size_when_asked(canvas: ImageCanvas) -> None:
    canvas.zoom_to(3.0)
    canvas.set_picture(picture(800, 400), 800, 400, keeps_view=True)
    assert canvas.zoom == 3.0
    canvas.set_picture(picture(800, 400), 800, 400)
    assert canvas.is_fitted


def test_a_large_picture_is_halved_until_it_is_small_and_looks_the_same(qtbot: QtBot) -> None:
    pixels = np.full((3000, 4001, 3), 77, np.uint8)
    pyramid = Pyramid(pixels)
    qtbot.waitUntil(lambda: not pyramid._timer.isActive())
    assert [level.shape[1] for level in pyramid._levels] == [4001, 2000, 1000, 500]
    target = QImage(400, 300, QImage.Format.Format_RGB32)
    painter = QPainter(target)
    pyramid.paint(painter, QRectF(0, 0, 400, 300), QRectF(0, 0, 400, 300), 0.1, is_smooth=True)
    painter.end()
    assert {target.pixelColor(x, y).red() for x in range(0, 400, 13) for y in range(0, 300, 13)} == {77}


# --- the store behind it


@pytest.fixture
def parts(studio: Studio, lanes: Lanes, tmp_path: Path) -> list[ImageRef]:
    refs = [ImageRef(str(tmp_path / f"part_{n}.png")) for n in range(30)]
    for ref in refs:
        Path(ref.path).write_bytes(b"x")
        os.utime(ref.path, (1.0, 1.0))
    serve(lanes, refs)
    return refs


def test_with_an_arrow_key_held_the_last_picture_shown_is_the_current_one(
    qtbot: QtBot, studio: Studio, lanes: Lanes, parts: list[ImageRef]
) -> None:
    studio.library.open_paths(["/parts"])
    qtbot.waitUntil(lambda: studio.viewer.opened is not None and studio.viewer.opened.image == parts[0])
    lanes["interactive"].hold()
    for _ in range(20):
        studio.library.step(1)
    lanes["interactive"].release()
    qtbot.waitUntil(lambda: studio.viewer.opened is not None and studio.viewer.opened.image == parts[20])
    opened = [request.image for request in lanes["interactive"].requests if isinstance(request, OpenImage)]
    assert opened[-1] == parts[21]  # fetched ahead


def test_the_next_image_is_there_already(qtbot: QtBot, studio: Studio, lanes: Lanes, parts: list[ImageRef]) -> None:
    studio.library.open_paths(["/parts"])
    qtbot.waitUntil(lambda: parts[1] in studio.viewer._kept)
    studio.library.step(1)
    assert studio.viewer.opened is not None
    assert studio.viewer.opened.image == parts[1]


def test_a_file_that_changes_on_disk_is_read_and_classified_again(
    qtbot: QtBot, studio: Studio, lanes: Lanes, parts: list[ImageRef]
) -> None:
    studio.classifier.load()
    studio.library.open_paths(["/parts"])
    qtbot.waitUntil(lambda: studio.library.waiting == 0 and studio.viewer.opened is not None)
    before = len(lanes["batch"].requests)
    with qtbot.waitSignal(studio.viewer.reread, timeout=3000):
        Path(parts[0].path).write_bytes(b"other")
    qtbot.waitUntil(lambda: studio.library.waiting == 0 and len(lanes["batch"].requests) > before)


def test_a_broken_image_says_why_on_the_canvas(
    qtbot: QtBot, studio: Studio, lanes: Lanes, actions: Actions, parts: list[ImageRef]
) -> None:
    def refuse(request: OpenImage, ctx: JobContext) -> OpenedImage:
        raise ImageError("“x.png” is cut off.", "Copy it again.")

    lanes["interactive"].served_by[OpenImage] = refuse
    panel = CanvasPanel(studio, actions)
    qtbot.addWidget(panel)
    studio.library.open_paths(["/parts"])
    qtbot.waitUntil(lambda: studio.viewer.error != "")
    assert panel.canvas._words[1] == "“x.png” is cut off. Copy it again."
    assert not actions["zoom_in"].isEnabled()


def test_the_panel_shows_what_the_network_sees_and_where_it_came_from(
    qtbot: QtBot, studio: Studio, lanes: Lanes, actions: Actions, parts: list[ImageRef]
) -> None:
    panel = CanvasPanel(studio, actions)
    qtbot.addWidget(panel)
    studio.classifier.load()
    studio.library.open_paths(["/parts"])
    qtbot.waitUntil(lambda: studio.library.waiting == 0 and studio.viewer.opened is not None)
    actions["show_input"].trigger()
    qtbot.waitUntil(lambda: studio.viewer.model_input is not None)
    assert panel.input_canvas.has_picture
    assert panel.canvas._region == QRectF(0, 0, 200, 100)
    panel.fits.set_index(1)
    qtbot.waitUntil(
        lambda: studio.classifier.info is not None and studio.classifier.info.preprocessing.fit == "letterbox"
    )
    qtbot.waitUntil(lambda: studio.library.waiting == 0)
    actions["show_input"].trigger()
    assert panel.canvas._region is None


def test_the_canvas_speaks_for_a_screen_reader(
    qtbot: QtBot, studio: Studio, lanes: Lanes, actions: Actions, parts: list[ImageRef]
) -> None:
    panel = CanvasPanel(studio, actions)
    qtbot.addWidget(panel)
    studio.classifier.load()
    studio.library.open_paths(["/parts"])
    qtbot.waitUntil(lambda: studio.library.waiting == 0 and not studio.library.is_finding)
    studio.library.set_current_row(2)
    assert panel.canvas.accessibleDescription().startswith("image 3 of 30, ")
