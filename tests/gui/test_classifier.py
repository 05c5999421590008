"""The Classifier: loading, running, stopping, switching, and living through an Engine that dies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import QObject, QTimer
from pytestqt.qtbot import QtBot

from convnext_studio.core import jobs
from convnext_studio.core.context import JobContext
from convnext_studio.core.errors import MissingWeights, UsageError
from convnext_studio.core.events import EngineStopped, FolderLost, ImagesClassified, ImagesFound
from convnext_studio.core.requests import Classify, FindImages, LoadModel
from convnext_studio.core.values import Execution, ImageRef, ModelInfo, ModelRef, Prediction
from convnext_studio.gui.jobs import InlineLane, JobHandle, Ticket
from convnext_studio.gui.messages import Message, Messages
from convnext_studio.gui.stores.classifier import Classifier
from convnext_studio.gui.stores.library import Library
from convnext_studio.gui.stores.studio import Studio
from tests.guards import Expected
from tests.gui.replies import finding, image, load, model_info, predict, serve

Lanes = dict[str, InlineLane]
IMAGES = [image(n) for n in range(150)]


class FragileLane(QObject):
    """A Lane whose Engine dies on some Images: what was reported before has arrived, the rest has not."""

    def __init__(self, deadly: Callable[[ImageRef], bool]) -> None:
        super().__init__()
        self.requests: list[Classify] = []
        self._deadly = deadly
        self._other = InlineLane({LoadModel: load}, self)

    def submit(self, request: object, *, replaces: str | None = None, deadline_s: float = 0.0) -> JobHandle:
        if not isinstance(request, Classify):
            return self._other.submit(request)
        self.requests.append(request)
        ticket = Ticket(request)
        handle = JobHandle(ticket, replaces, lambda number: None, self)
        step = 1 if request.is_careful else 8
        for start in range(0, len(request.images), step):
            part = request.images[start : start + step]
            if any(self._deadly(ref) for ref in part):
                ticket.outbox.put(EngineStopped("The Engine ended unexpectedly (exit code -11)."))
                break
            ticket.outbox.put(ImagesClassified(tuple(predict(ref, request.model) for ref in part)))
        else:
            ticket.outbox.put(jobs.run_to_end(request, JobContext(), lambda request, ctx: None))
        QTimer.singleShot(0, handle, handle.drain)
        return handle


@pytest.fixture
def library(lanes: Lanes) -> Library:
    serve(lanes, IMAGES)
    return Library(lanes, Messages())


@pytest.fixture
def classifier(lanes: Lanes, library: Library) -> Classifier:
    return Classifier(lanes, library, library._messages)


def pause_after_first_chunk(qtbot: QtBot, library: Library, lanes: Lanes) -> None:
    """Open the Images and hold the batch lane once the first 64 are classified."""

    def hold_once() -> None:
        if library.classified == 64:
            lanes["batch"].hold()
            library.counts_changed.disconnect(hold_once)

    library.counts_changed.connect(hold_once)
    library.open_paths(["/parts"])
    qtbot.waitUntil(lambda: lanes["batch"].is_held and len(lanes["batch"].requests) == 3)


def wait_until_done(qtbot: QtBot, library: Library, classifier: Classifier) -> None:
    qtbot.waitUntil(lambda: classifier.state == "ready" and not library.is_finding, timeout=5000)


def test_images_are_classified_as_soon_as_they_are_found(
    qtbot: QtBot, library: Library, classifier: Classifier, lanes: Lanes
) -> None:
    classifier.load()
    with qtbot.waitSignal(classifier.finished) as ended:
        library.open_paths(["/parts"])
    assert library.classified == 150
    assert (ended.args[0].done, ended.args[0].failed) == (150, 0)
    sizes = [len(request.images) for request in lanes["batch"].requests if isinstance(request, Classify)]
    assert sizes == [64, 86]  # the first answers come soon


def test_images_opened_before_the_model_is_ready_wait_for_it(
    qtbot: QtBot, library: Library, classifier: Classifier
) -> None:
    library.open_paths(["/parts"])
    qtbot.waitUntil(lambda: library.total == 150)
    classifier.load()
    wait_until_done(qtbot, library, classifier)
    assert library.waiting == 0


def test_nothing_is_classified_unasked_when_the_setting_says_so(
    qtbot: QtBot, library: Library, classifier: Classifier
) -> None:
    classifier.is_automatic = False
    classifier.load()
    library.open_paths(["/parts"])
    wait_until_done(qtbot, library, classifier)
    assert library.waiting == 150
    assert classifier.can_classify
    classifier.classify_all()
    wait_until_done(qtbot, library, classifier)
    assert library.waiting == 0


def test_stop_keeps_what_is_done_and_classify_goes_on_with_the_rest(
    qtbot: QtBot, library: Library, classifier: Classifier, lanes: Lanes
) -> None:
    classifier.load()
    pause_after_first_chunk(qtbot, library, lanes)
    classifier.stop()
    assert classifier.state == "ready"
    assert (library.classified, library.waiting) == (64, 86)
    lanes["batch"].release()
    qtbot.waitUntil(lambda: all(handle.is_closed for handle in lanes["batch"]._open))
    assert library.classified == 64
    classifier.classify_all()
    wait_until_done(qtbot, library, classifier)
    assert library.waiting == 0


def test_what_the_same_scan_finds_after_stop_waits_until_something_else_is_opened(
    qtbot: QtBot, library: Library, classifier: Classifier, lanes: Lanes
) -> None:
    classifier.load()
    pause_after_first_chunk(qtbot, library, lanes)
    classifier.stop()
    lanes["batch"].release()
    library._on_found([ImagesFound((image(500),))])
    assert library.total == 151
    assert (classifier.state, library.classified) == ("ready", 64)
    lanes["scan"].served_by[FindImages] = finding([image(900)])
    library.open_paths(["/others"], add=True)
    qtbot.waitUntil(lambda: library.total == 152)
    wait_until_done(qtbot, library, classifier)
    assert library.waiting == 0


def test_a_file_that_changes_after_stop_is_classified_alone(
    qtbot: QtBot, library: Library, classifier: Classifier, lanes: Lanes
) -> None:
    classifier.load()
    pause_after_first_chunk(qtbot, library, lanes)
    classifier.stop()
    lanes["batch"].release()
    with qtbot.waitSignal(classifier.finished):
        classifier.classify_again(IMAGES[3])
    assert lanes["batch"].requests[-1].images == (IMAGES[3],)
    assert (library.classified, library.waiting) == (64, 86)


def test_after_a_switch_every_row_is_by_the_new_model(
    qtbot: QtBot, library: Library, classifier: Classifier, lanes: Lanes
) -> None:
    classifier.load()
    pause_after_first_chunk(qtbot, library, lanes)
    for number in range(50):
        classifier.set_model(ModelRef(f"other-{number}"))
    lanes["batch"].release()
    qtbot.waitUntil(lambda: classifier.identity == model_info(ModelRef("other-49")).identity[:12])
    wait_until_done(qtbot, library, classifier)
    assert {done.model for done in library.predictions()} == {classifier.identity}
    assert library.classified == 150


def test_a_model_without_classes_classifies_nothing(
    qtbot: QtBot, library: Library, classifier: Classifier, lanes: Lanes
) -> None:
    def load_features(request: LoadModel, ctx: JobContext) -> ModelInfo:
        return model_info(request.model, classes=())

    lanes["batch"].served_by[LoadModel] = load_features
    classifier.load()
    library.open_paths(["/parts"])
    wait_until_done(qtbot, library, classifier)
    assert library.waiting == 150
    assert not classifier.can_classify


def test_missing_weights_are_told_and_the_model_before_stays(
    qtbot: QtBot, library: Library, classifier: Classifier, lanes: Lanes, expect_message: Expected
) -> None:
    def refuse(request: LoadModel, ctx: JobContext) -> ModelInfo:
        raise MissingWeights("The weights are not on this machine.", "Download them.")

    classifier.load()
    qtbot.waitUntil(lambda: classifier.state == "ready")
    lanes["batch"].served_by[LoadModel] = refuse
    expect_message("not on this machine")
    classifier.set_model(ModelRef("convnext_base"))
    qtbot.waitUntil(lambda: classifier.state == "ready")
    assert classifier.model_ref == ModelRef()
    library.open_paths(["/parts"])
    qtbot.waitUntil(lambda: library.classified == 150)


def test_a_device_that_cannot_be_had_leaves_the_model_on_the_one_before(
    studio: Studio, lanes: Lanes, expect_message: Expected, qtbot: QtBot
) -> None:
    def refuse_another(request: LoadModel, ctx: JobContext) -> ModelInfo:
        if request.execution.device != "auto" or request.fit is not None:
            raise UsageError("There is no such device here.")
        return load(request, ctx)

    expect_message("There is no such device here")
    serve(lanes, IMAGES[:5])
    lanes["batch"].served_by[LoadModel] = refuse_another
    classifier, library = studio.classifier, studio.library
    classifier.load()
    qtbot.waitUntil(lambda: classifier.state == "ready")
    with qtbot.waitSignal(studio.messages.posted):
        studio.settings.update(device="cuda")
    assert classifier.execution == Execution()
    with qtbot.waitSignal(studio.messages.posted):
        classifier.set_fit("squash")
    assert classifier.fit is None
    loads = len(lanes["batch"].requests)
    studio.settings.update(top=3)
    assert len(lanes["batch"].requests) == loads, "another setting is no reason to try the device again"
    library.open_paths(["/parts"])
    wait_until_done(qtbot, library, classifier)
    assert lanes["batch"].requests[-1].execution == Execution()


def test_one_deadly_image_is_skipped_by_name_and_the_rest_is_classified(
    qtbot: QtBot, lanes: Lanes, library: Library, expect_message: Expected
) -> None:
    deadly = image(100)
    fragile = FragileLane(lambda ref: ref == deadly)
    classifier = Classifier({**lanes, "batch": fragile}, library, library._messages)
    expect_message("part_100.png")
    classifier.load()
    with qtbot.waitSignal(classifier.finished) as ended:
        library.open_paths(["/parts"])
    assert (library.classified, library.errors, library.waiting) == (149, 1, 0)
    assert (ended.args[0].done, ended.args[0].failed) == (150, 1)
    row = library.row_of(deadly)
    assert "crashed on this picture" in (library.prediction_at(row) or predict(deadly)).error


def test_an_engine_that_dies_once_costs_no_image(qtbot: QtBot, lanes: Lanes, library: Library) -> None:
    deaths = iter([True])
    fragile = FragileLane(lambda ref: ref == image(100) and next(deaths, False))
    classifier = Classifier({**lanes, "batch": fragile}, library, library._messages)
    classifier.load()
    with qtbot.waitSignal(classifier.finished):
        library.open_paths(["/parts"])
    assert (library.classified, library.errors) == (150, 0)


def test_an_engine_that_always_dies_stops_the_run_instead_of_blaming_every_image(
    qtbot: QtBot, lanes: Lanes, library: Library, expect_message: Expected
) -> None:
    fragile = FragileLane(lambda ref: True)
    classifier = Classifier({**lanes, "batch": fragile}, library, library._messages)
    expect_message("was skipped")
    expect_message("Classifying has stopped")
    classifier.load()
    library.open_paths(["/parts"])
    qtbot.waitUntil(lambda: bool(fragile.requests) and classifier.state == "ready")
    assert library.errors < 5
    assert len(fragile.requests) < 10


def test_a_failed_request_stops_the_run_with_a_message(
    qtbot: QtBot, library: Library, classifier: Classifier, lanes: Lanes, expect_message: Expected
) -> None:
    def fail(request: Classify, ctx: JobContext) -> None:
        raise MissingWeights("The Model file is gone.", "Choose another one.")

    lanes["batch"].served_by[Classify] = fail
    expect_message("The Model file is gone")
    classifier.load()
    library.open_paths(["/parts"])
    qtbot.waitUntil(lambda: len(lanes["batch"].requests) > 1 and classifier.state == "ready")
    assert library.waiting == 150


def test_opening_other_images_ends_the_run_and_starts_a_new_one(
    qtbot: QtBot, library: Library, classifier: Classifier, lanes: Lanes
) -> None:
    classifier.load()
    pause_after_first_chunk(qtbot, library, lanes)
    lanes["batch"].release()
    lanes["scan"].served_by[FindImages] = finding([image(n) for n in range(500, 510)])
    with qtbot.waitSignal(classifier.finished) as ended:
        library.open_paths(["/other"])
    assert ended.args[0].done == 10
    assert library.classified == 10


def test_another_fit_asks_everything_anew(qtbot: QtBot, library: Library, classifier: Classifier, lanes: Lanes) -> None:
    classifier.load()
    library.open_paths(["/parts"])
    qtbot.waitUntil(lambda: library.classified == 150)
    wait_until_done(qtbot, library, classifier)
    classifier.set_fit("letterbox")
    wait_until_done(qtbot, library, classifier)
    assert lanes["batch"].requests[-1].fit == "letterbox"
    assert isinstance(lanes["batch"].requests[-1], Classify)


def test_images_that_could_not_be_read_are_tried_once_more_when_asked(
    qtbot: QtBot, library: Library, classifier: Classifier, lanes: Lanes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A drive was gone for a while."""
    away = {ref.path for ref in IMAGES[50:]}

    def classify(request: Classify, ctx: JobContext) -> None:
        for ref in request.images:
            answer = predict(ref, request.model)
            if ref.path in away:
                answer = replace(answer, classes=(), probabilities=(), error="The file is not there any more.")
            ctx.emit(ImagesClassified((answer,)))

    lanes["batch"].served_by[Classify] = classify
    classifier.load()
    library.open_paths(["/parts"])
    wait_until_done(qtbot, library, classifier)
    assert library.errors >= 100 and library.waiting == 0
    asked = len(lanes["batch"].requests)
    away.clear()
    assert classifier.can_classify
    classifier.classify_rest()
    wait_until_done(qtbot, library, classifier)
    assert (library.classified + library.errors, library.waiting) == (150, 0)
    assert library.errors < 50
    retried = {ref.path for request in lanes["batch"].requests[asked:] for ref in request.images}
    assert {ref.path for ref in IMAGES[50:]} <= retried and len(retried) < 150  # what is known stays


def test_a_drive_that_is_gone_pauses_the_run_and_one_press_goes_on(
    qtbot: QtBot, library: Library, classifier: Classifier, lanes: Lanes, expect_message: Expected
) -> None:
    expect_message("cannot be reached any more")
    here = [ImageRef(f"/here/part_{number}.png") for number in range(80)]
    usb = [ImageRef(f"/usb/part_{number}.png") for number in range(200)]
    is_away = True

    def classify(request: Classify, ctx: JobContext) -> None:
        for ref in request.images:
            answer = predict(ref, request.model)
            if ref in usb and is_away:
                ctx.emit(FolderLost("/usb"))
                answer = replace(answer, classes=(), probabilities=(), error="The file is not there any more.")
            ctx.emit(ImagesClassified((answer,)))

    lanes["batch"].served_by[Classify] = classify
    lanes["scan"].served_by[FindImages] = finding([*here, *usb])
    told: list[Message] = []
    library._messages.posted.connect(told.append)
    classifier.load()
    library.open_paths(["/here"])
    wait_until_done(qtbot, library, classifier)
    assert (library.classified, library.errors, library.waiting) == (80, 0, 200)  # none is blamed
    (paused,) = told
    assert paused.fact == "“/usb” cannot be reached any more: classifying is paused."
    assert paused.action_text == "Go on" and paused.action is not None

    is_away = False
    paused.action()
    wait_until_done(qtbot, library, classifier)
    assert (library.classified, library.errors, library.waiting) == (280, 0, 0)
    assert told == [paused]


def lose(
    drives: tuple[str, ...], refs: list[ImageRef], library: Library, classifier: Classifier, lanes: Lanes
) -> list[Message]:
    """Open Images of drives that are gone as soon as they were listed; returns what will be told."""

    def classify(request: Classify, ctx: JobContext) -> None:
        for drive in drives:
            ctx.emit(FolderLost(drive))
        reason = "The file is not there any more."
        ctx.emit(ImagesClassified(tuple(Prediction(ref, error=reason) for ref in request.images)))

    lanes["batch"].served_by[Classify] = classify
    lanes["scan"].served_by[FindImages] = finding(refs)
    told: list[Message] = []
    library._messages.posted.connect(told.append)
    classifier.load()
    library.open_paths(list(drives))
    return told


def test_going_on_without_the_drive_lists_its_images_with_the_reason(
    qtbot: QtBot, library: Library, classifier: Classifier, lanes: Lanes, expect_message: Expected
) -> None:
    expect_message("cannot be reached any more")
    usb = [ImageRef(f"/usb/part_{number}.png") for number in range(100)]

    told = lose(("/usb",), usb, library, classifier, lanes)
    wait_until_done(qtbot, library, classifier)
    assert (library.errors, library.waiting) == (0, 100)
    classifier.classify_rest()
    wait_until_done(qtbot, library, classifier)
    assert (library.errors, library.waiting) == (100, 0)
    assert len(told) == 1


def test_images_of_two_drives_that_go_at_once_all_wait(
    qtbot: QtBot, library: Library, classifier: Classifier, lanes: Lanes, expect_message: Expected
) -> None:
    expect_message("cannot be reached any more")
    refs = [ImageRef(f"/{drive}/part_{number}.png") for number in range(30) for drive in ("usb", "card")]

    told = lose(("/usb", "/card"), refs, library, classifier, lanes)
    wait_until_done(qtbot, library, classifier)
    assert (library.errors, library.waiting) == (0, 60)
    assert [message.fact.split("”")[0] for message in told] == ["“/usb"]
    classifier.classify_rest()
    wait_until_done(qtbot, library, classifier)
    assert (library.errors, library.waiting, len(told)) == (60, 0, 1)  # nothing came back, so nothing new is said
