"""The Library: finding, order, filter and the current Image."""

from __future__ import annotations

import os
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QMimeData, QObject, QPersistentModelIndex, QTimer, QUrl
from pytestqt.qtbot import QtBot

from convnext_studio.core.context import JobContext
from convnext_studio.core.events import EngineStopped, FindSummary, ImagesFound, Succeeded
from convnext_studio.core.requests import FindImages, ReadDates
from convnext_studio.core.values import ImageRef, Prediction
from convnext_studio.gui.jobs import InlineLane, JobHandle, Ticket
from convnext_studio.gui.messages import Message, Messages
from convnext_studio.gui.stores import arrangement
from convnext_studio.gui.stores import library as library_module
from convnext_studio.gui.stores.arrangement import Arrangement, Records
from convnext_studio.gui.stores.drops import absolute, has_paths, paths_of, summarise
from convnext_studio.gui.stores.library import Library
from convnext_studio.gui.stores.rows import Column
from tests.guards import Expected
from tests.gui.replies import finding, image, predict

Lanes = dict[str, InlineLane]


@pytest.fixture
def library(lanes: Lanes) -> Library:
    return Library(lanes, Messages())


def opened(qtbot: QtBot, library: Library, lanes: Lanes, images: list[ImageRef], **summary: object) -> None:
    lanes["scan"].served_by[FindImages] = finding(images, **summary)
    library.open_paths(["/parts"], add=True)
    qtbot.waitUntil(lambda: not library.is_finding)


def names(library: Library) -> list[str]:
    return [library.index(row, 0).data() for row in range(library.rowCount())]


def test_a_folder_comes_with_its_files_first_and_numbers_in_order() -> None:
    paths = ["/a/img10.png", "/a/b/x.png", "/a/Img2.png", "/a b/x.png", "/a/z.png"]
    records = Records()
    for path in paths:
        records.add(ImageRef(path))
    order = [records.images[n].path for n in records.arrange(Arrangement())]
    assert order == ["/a/Img2.png", "/a/img10.png", "/a/z.png", "/a/b/x.png", "/a b/x.png"]


def test_found_images_become_rows_in_natural_order_and_the_first_is_current(
    qtbot: QtBot, library: Library, lanes: Lanes
) -> None:
    opened(qtbot, library, lanes, [image(n) for n in (10, 2, 1)])
    qtbot.waitUntil(lambda: names(library) == ["part_1.png", "part_2.png", "part_10.png"])
    assert library.current_image == image(10)  # it was there first, and is not taken away from under the eyes
    assert library.current_row == 2


def test_an_image_found_twice_is_one_row(qtbot: QtBot, library: Library, lanes: Lanes) -> None:
    opened(qtbot, library, lanes, [image(1), image(1), image(2)])
    opened(qtbot, library, lanes, [image(2), image(3)])
    assert library.total == 3


def test_opening_replaces_and_what_the_older_search_still_finds_is_dropped(
    qtbot: QtBot, library: Library, lanes: Lanes
) -> None:
    lanes["scan"].hold()
    lanes["scan"].served_by[FindImages] = finding([image(1)])
    library.open_paths(["/old"])
    lanes["scan"].served_by[FindImages] = finding([image(2)])
    library.open_paths(["/new"])
    lanes["scan"].release()
    qtbot.waitUntil(lambda: not library.is_finding)
    assert names(library) == ["part_2.png"]


class _Dying(QObject):
    """A Lane whose Engine ends under the first `ends` searches, after it told of two Images."""

    def __init__(self, ends: int) -> None:
        super().__init__()
        self.left, self.tries = ends, 0

    def submit(self, request: FindImages, replaces: str | None = None) -> JobHandle:
        self.tries += 1
        ticket = Ticket(request)
        handle = JobHandle(ticket, replaces, lambda number: None, self)
        ticket.outbox.put(ImagesFound((image(1), image(2))))
        if self.left:
            self.left -= 1
            ticket.outbox.put(EngineStopped("The Engine was killed."))
        else:
            ticket.outbox.put(ImagesFound((image(3),)))
            ticket.outbox.put(Succeeded(FindSummary(3, 0)))
        QTimer.singleShot(0, handle, handle.drain)
        return handle


@pytest.mark.parametrize(("ends", "found", "said"), [(2, 3, 0), (3, 2, 1)])
def test_a_search_goes_on_with_the_next_engine_but_not_for_ever(
    qtbot: QtBot, expect_message: Expected, ends: int, found: int, said: int
) -> None:
    if said:
        expect_message("Not all images were found.")
    lane = _Dying(ends)
    library = Library({"scan": lane}, Messages())  # type: ignore[dict-item]
    library.open_paths(["/parts"])
    qtbot.waitUntil(lambda: not library.is_finding)
    assert (library.total, lane.tries) == (found, 3)


def test_sorting_by_class_keeps_the_current_image_and_the_views_places(
    qtbot: QtBot, library: Library, lanes: Lanes
) -> None:
    images = [image(n) for n in range(1, 30)]
    opened(qtbot, library, lanes, images)
    library.set_predictions([predict(ref) for ref in images])
    library.set_current_row(7)
    kept = QPersistentModelIndex(library.index(7, 0))
    library.arrange(sort="class")
    classes = [library.index(row, Column.CLASS).data() for row in range(29)]
    assert classes == sorted(classes)
    assert library.current_image == images[7]
    assert kept.row() == library.current_row


def test_rows_without_a_prediction_stay_at_the_end_both_ways(qtbot: QtBot, library: Library, lanes: Lanes) -> None:
    opened(qtbot, library, lanes, [image(n) for n in range(1, 6)])
    library.set_predictions([predict(image(3)), predict(image(5))])
    for is_descending in (False, True):
        library.arrange(sort="probability", is_descending=is_descending)
        assert {library.image_at(0), library.image_at(1)} == {image(3), image(5)}


def test_filters_find_text_class_errors_and_doubtful_ones(qtbot: QtBot, library: Library, lanes: Lanes) -> None:
    bad = ImageRef("/parts/broken_1.png")
    opened(qtbot, library, lanes, [image(1), image(2), image(12), bad])
    library.set_predictions([predict(image(1)), predict(image(2)), predict(bad)])
    library.arrange(text="PART_1")
    assert names(library) == ["part_1.png", "part_12.png"]
    library.arrange(text="", only="errors")
    assert names(library) == ["broken_1.png"]
    library.arrange(only="waiting")
    assert names(library) == ["part_12.png"]
    library.arrange(only="all", class_name=predict(image(2)).classes[0])
    assert "part_2.png" in names(library)
    top = predict(image(1)).probabilities[0]
    library.arrange(class_name="", only="below", below=top)
    assert "part_1.png" not in names(library)
    assert library.current_image == image(1)  # hidden from the list, still on the canvas
    assert library.current_row == -1


def test_errors_are_sorted_and_filtered_as_they_are_shown_and_each_is_put_into_words_once(
    qtbot: QtBot, library: Library, lanes: Lanes, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def say(text: str) -> str:
        asked.append(text)
        return {"Absent.": "Weg.", "Broken.": "Defekt."}[text]

    monkeypatch.setattr(arrangement, "spoken", say)
    images = [image(n) for n in range(1, 31)]
    opened(qtbot, library, lanes, images)
    errors = ("", "Absent.", "Broken.")
    library.set_predictions(
        [Prediction(ref, error=error) if (error := errors[n % 3]) else predict(ref) for n, ref in enumerate(images)]
    )
    library.arrange(text="defekt")
    assert [library.image_at(row) for row in range(library.shown)] == images[2::3]
    assert sorted(asked) == ["Absent.", "Broken."]
    asked.clear()
    library.arrange(text="", sort="error")
    assert [library.image_at(row) for row in range(20)] == images[2::3] + images[1::3]
    assert sorted(asked) == ["Absent.", "Broken."]


def test_totals_add_up_while_predictions_come_go_and_change(qtbot: QtBot, library: Library, lanes: Lanes) -> None:
    bad = ImageRef("/parts/broken.png")
    opened(qtbot, library, lanes, [image(1), image(2), bad])
    library.set_predictions([predict(image(1)), predict(bad), predict(image(99))])
    library.set_predictions([predict(image(1))])
    assert (library.classified, library.errors, library.waiting) == (1, 1, 1)
    assert sum(library.class_counts.values()) == 1
    library.drop_predictions()
    assert (library.classified, library.errors, library.waiting) == (0, 0, 3)


def test_a_step_over_the_end_starts_again_and_says_so(qtbot: QtBot, library: Library, lanes: Lanes) -> None:
    opened(qtbot, library, lanes, [image(1), image(2)])
    library.set_current_row(1)
    with qtbot.waitSignal(library.wrapped) as said:
        library.step(1)
    assert library.current_row == 0
    assert said.args == ["Back at the first image"]
    library.step(-1)
    assert library.current_row == 1


def test_folders_that_cannot_be_read_are_one_message(
    qtbot: QtBot, library: Library, lanes: Lanes, expect_message: Expected
) -> None:
    expect_message("2 place")
    posted: list[Message] = []
    library._messages.posted.connect(posted.append)
    opened(qtbot, library, lanes, [image(1)], problems=("“a” is locked.", "“b” is locked."), ignored=4)
    assert [message.kind for message in posted] == ["warning"]
    assert library.left_out == 4


def test_a_search_that_finds_nothing_says_so(qtbot: QtBot, library: Library, lanes: Lanes) -> None:
    posted: list[Message] = []
    library._messages.posted.connect(posted.append)
    opened(qtbot, library, lanes, [])
    assert "No images" in posted[0].fact


def test_sorting_and_filtering_50000_rows_is_quick(qtbot: QtBot, library: Library) -> None:
    for n in range(50_000):
        library._records.add(image(n))
    library.set_predictions([predict(image(n)) for n in range(50_000)])
    for changes in ({"sort": "class"}, {"sort": "probability"}, {"text": "77"}, {"text": "", "sort": "name"}):
        began = time.perf_counter()
        library.arrange(**changes)
        assert time.perf_counter() - began < 2.0  # the figure is the benchmark's; this only catches a blunder


def test_a_row_speaks_for_itself(qtbot: QtBot, library: Library, lanes: Lanes) -> None:
    opened(qtbot, library, lanes, [image(1), image(2)])
    library.set_predictions([Prediction(image(2), ("scratch",), (0.918,))])
    assert library.sentence(1) == "image 2 of 2, scratch 92\u00a0%"
    assert library.sentence(0) == "image 1 of 2, not classified"


def test_a_dragged_row_is_the_file_itself(qtbot: QtBot, library: Library, lanes: Lanes) -> None:
    opened(qtbot, library, lanes, [image(1)])
    mime = library.mimeData([library.index(0, 0), library.index(0, 1)])
    assert mime.urls() == [QUrl.fromLocalFile("/parts/part_1.png")]


def test_dropped_urls_are_read_from_the_raw_list() -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(p) for p in ("/a b/ü%20🙂.png", "/a b/ü%20🙂.png", "/c#?.png")])
    assert has_paths(mime)
    assert paths_of(mime) == ("/a b/ü%20🙂.png", "/c#?.png")


def test_text_that_is_no_path_is_refused(tmp_path: object) -> None:
    mime = QMimeData()
    mime.setText("hello")
    assert not has_paths(mime)
    mime.setText(str(tmp_path))
    assert has_paths(mime)
    assert summarise(paths_of(mime)).folders == 1


def test_a_drop_of_100000_names_is_read_in_a_moment() -> None:
    mime = QMimeData()
    mime.setData("text/uri-list", b"\r\n".join(b"file:///parts/image%%20%d.png" % n for n in range(100_000)))
    began = time.perf_counter()
    assert len(paths_of(mime)) == 100_000
    assert time.perf_counter() - began < 2.0  # the figure is the benchmark's


def test_images_that_come_after_the_first_predictions_have_rows_of_their_own(
    qtbot: QtBot, library: Library, lanes: Lanes
) -> None:
    opened(qtbot, library, lanes, [image(1), image(2)])
    assert library.row_of(image(2)) == 1
    opened(qtbot, library, lanes, [image(3), image(4)])
    assert [library.row_of(image(n)) for n in (1, 2, 3, 4)] == [0, 1, 2, 3]
    library.arrange(only="errors")
    opened(qtbot, library, lanes, [image(5)])
    library.arrange(only="all")
    opened(qtbot, library, lanes, [image(6)])
    assert [library.row_of(image(n)) for n in (4, 5, 6)] == [3, 4, 5]


def test_dates_are_read_by_the_engine_a_few_at_a_time(
    qtbot: QtBot, library: Library, lanes: Lanes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library_module, "DATED_AT_ONCE", 2)
    asked: list[tuple[str, ...]] = []

    def read_dates(request: ReadDates, _ctx: JobContext) -> tuple[float, ...]:
        asked.append(request.paths)
        return tuple(100.0 - int(path[-5]) for path in request.paths)

    lanes["scan"].served_by[ReadDates] = read_dates
    opened(qtbot, library, lanes, [image(n) for n in range(1, 6)])
    library.arrange(sort="date")
    qtbot.waitUntil(lambda: [library.image_at(row) for row in range(5)] == [image(n) for n in (5, 4, 3, 2, 1)])
    assert [len(paths) for paths in asked] == [2, 2, 1]
    opened(qtbot, library, lanes, [image(6)])
    qtbot.waitUntil(lambda: library.image_at(0) == image(6))


def test_dates_of_images_that_were_closed_meanwhile_are_passed_over(
    qtbot: QtBot, library: Library, lanes: Lanes
) -> None:
    lanes["scan"].served_by[ReadDates] = lambda request, _ctx: (7.0,) * len(request.paths)
    opened(qtbot, library, lanes, [image(1), image(2)])
    lanes["scan"].hold()
    library.arrange(sort="date")
    library.clear()
    lanes["scan"].release()
    opened(qtbot, library, lanes, [image(3)])
    qtbot.waitUntil(lambda: library._records._dates == [7.0])


@given(st.text("/.ab ", max_size=9))
def test_paths_are_made_absolute_as_python_does(path: str) -> None:
    assert absolute(path) == os.path.abspath(path)  # noqa: PTH100 - what it is to be like
